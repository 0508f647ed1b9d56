"""MobileNetV1 (Howard et al., 2017), the two it is compared with, and MobileNetV2.

Table 1 of the paper prints stride 2 for the last depthwise layer; its own sizes, and every total,
need stride 1.
"""

from __future__ import annotations

from refconv.networks.network import Builder, Network, scaled, variant

BODY = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2),
    (512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1),
)  # fmt: skip
"""Output channels and stride of each block."""

SHALLOW_BODY = tuple(block for block in BODY if block != (512, 1))
"""Without the five blocks of 512 channels at 14x14."""


def mobilenet_v1(
    width: float = 1.0,
    resolution: int = 224,
    *,
    classes: int = 1000,
    body: tuple[tuple[int, int], ...] = BODY,
    least_channels: int = 8,
    name: str = "mobilenet_v1",
) -> Network:
    """MobileNetV1 with `width` times the channels, for images of `resolution` pixels a side.

    least_channels: the floor below which no width multiplier goes.

    >>> mobilenet_v1().macs, mobilenet_v1().trainable
    (568740352, 4231976)
    >>> mobilenet_v1(0.75, 160).name, mobilenet_v1(0.75, 160).macs
    ('mobilenet_v1_0.75x_160', 166396800)

    Errors: `ValueError` for a width that is not finite and above 0, a resolution below 1.
    """
    net = Builder(3, resolution)
    net.conv("conv0", _scaled(32, width, least_channels), 3, stride=2)
    for number, (F, stride) in enumerate(body, 1):
        net.depthwise(f"dw{number}", stride=stride)
        net.conv(f"pw{number}", _scaled(F, width, least_channels), 1)
    net.linear("fc", classes)
    return Network(variant(name, width, resolution), tuple(net.layers))


def mobilenet_v1_shallow(width: float = 1.0, resolution: int = 224) -> Network:
    """The shallow variant of table 5: fewer layers instead of narrower ones.

    >>> mobilenet_v1_shallow().macs
    307323392

    Errors: as those of `mobilenet_v1`.
    """
    return mobilenet_v1(width, resolution, body=SHALLOW_BODY, name="mobilenet_v1_shallow")


def mobilenet_v1_fullconv(width: float = 1.0, resolution: int = 224) -> Network:
    """The full convolution of table 4: each separable block is one standard 3x3 layer.

    >>> mobilenet_v1_fullconv().macs
    4867293184

    Errors: as those of `mobilenet_v1`.
    """
    net = Builder(3, resolution)
    net.conv("conv0", _scaled(32, width, 8), 3, stride=2)
    for number, (F, stride) in enumerate(BODY, 1):
        net.conv(f"conv{number}", _scaled(F, width, 8), 3, stride=stride)
    net.linear("fc", 1000)
    return Network(variant("mobilenet_v1_fullconv", width, resolution), tuple(net.layers))


def _scaled(channels: int, width: float, least: int) -> int:
    return max(least, scaled(channels, width, "width"))


INVERTED = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
    (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)  # fmt: skip
"""Expansion, output channels, repeats and first stride of MobileNetV2's blocks."""


def mobilenet_v2(resolution: int = 224) -> Network:
    """MobileNetV2 (Sandler et al., 2018): separable blocks between few channels, widened inside.

    >>> mobilenet_v2().macs, mobilenet_v2().trainable
    (300774272, 3504872)

    Errors: `ValueError` for a resolution below 1.
    """
    net = Builder(3, resolution)
    net.conv("conv0", 32, 3, stride=2)
    for number, (expansion, F, repeats, first_stride) in enumerate(INVERTED, 1):
        for repeat in range(1, repeats + 1):
            prefix = f"block{number}_{repeat}"
            if expansion > 1:
                net.conv(f"{prefix}.expand", net.channels * expansion, 1)
            net.depthwise(f"{prefix}.dw", stride=first_stride if repeat == 1 else 1)
            net.conv(f"{prefix}.project", F, 1)
    net.conv("conv_last", 1280, 1)
    net.linear("fc", 1000)
    return Network(variant("mobilenet_v2", resolution=resolution), tuple(net.layers))
