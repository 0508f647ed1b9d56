"""ResNet-50 (He et al., 2015) and ResNeXt-50 32x4d (Xie et al., 2017).

A block is 1x1, 3x3, 1x1. Version 1 strides in the first 1x1, as the paper has it; version 1.5 in
the 3x3, as most implementations and the paper of ResNeXt do: 3.8 and 4.1 GMACs.
"""

from __future__ import annotations

from refconv.networks.network import Builder, Network, variant

STAGES = ((3, 256), (4, 512), (6, 1024), (3, 2048))
"""Blocks and output channels of each stage."""


def resnet50(*, stride_in_3x3: bool = True, resolution: int = 224) -> Network:
    """ResNet-50: version 1.5, or version 1 where the stride is not in the 3x3.

    >>> resnet50().macs, resnet50(stride_in_3x3=False).macs
    (4089184256, 3857973248)

    Errors: `ValueError` for a resolution below 1.
    """
    name = "resnet50_v1.5" if stride_in_3x3 else "resnet50_v1"
    return _bottlenecks(name, resolution, narrowing=4, groups=1, stride_in_3x3=stride_in_3x3)


def resnext50_32x4d(resolution: int = 224) -> Network:
    """ResNeXt-50: the 3x3 has 32 groups, and twice the channels of ResNet's.

    >>> resnext50_32x4d().macs, resnext50_32x4d().trainable
    (4230479872, 25028904)

    Errors: `ValueError` for a resolution below 1.
    """
    return _bottlenecks("resnext50_32x4d", resolution, narrowing=2, groups=32, stride_in_3x3=True)


def _bottlenecks(
    name: str, resolution: int, *, narrowing: int, groups: int, stride_in_3x3: bool
) -> Network:
    net = Builder(3, resolution)
    net.conv("conv1", 64, 7, stride=2)
    net.pool(3, 2, padding=1)
    for stage, (blocks, F) in enumerate(STAGES, 2):
        for block in range(1, blocks + 1):
            stride = 2 if block == 1 and stage > 2 else 1
            first, second = (1, stride) if stride_in_3x3 else (stride, 1)
            C, size = net.channels, net.size
            prefix = f"conv{stage}_{block}"
            net.conv(f"{prefix}.a", F // narrowing, 1, stride=first)
            net.conv(f"{prefix}.b", F // narrowing, 3, stride=second, groups=groups)
            net.conv(f"{prefix}.c", F, 1)
            if block == 1:  # beside the block: the image as it came
                net.channels, net.size = C, size
                net.conv(f"{prefix}.proj", F, 1, stride=stride)
    net.linear("fc", 1000)
    return Network(variant(name, resolution=resolution), tuple(net.layers))
