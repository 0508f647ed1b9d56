"""ShuffleNetV1 (Zhang et al., 2017): pointwise layers in groups, depthwise ones, and shuffles.

The first pointwise layer of stage 2 has no groups, for its input has few channels. The first block
of a stage halves the image, and puts the pooled input behind its own outputs: it computes fewer.
"""

from __future__ import annotations

from refconv.networks.network import Builder, Network, scaled, variant

STAGE_2 = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}
"""Output channels of stage 2 by groups; each stage that follows has twice as many."""

BLOCKS = (4, 8, 4)


def shufflenet_v1(groups: int = 3, scale: float = 1.0, *, first: int = 24) -> Network:
    """ShuffleNetV1 with so many groups, and `scale` times the channels of its stages.

    first: output channels of the first layer, which some scale and some do not.

    >>> shufflenet_v1().macs, shufflenet_v1(8).macs
    (137460672, 138365952)
    >>> shufflenet_v1(3, 2, first=48).macs
    524045184

    Errors: `ValueError` for a number of groups that the paper has no channels for, a scale that is
    not finite and above 0, or that leaves a layer channels that its groups do not divide.
    """
    if groups not in STAGE_2:
        raise ValueError(f"groups is {groups}, but must be one of {', '.join(map(str, STAGE_2))}")
    net = Builder(3, 224)
    net.conv("conv1", first, 3, stride=2)
    net.pool(3, 2, padding=1)
    F = scaled(STAGE_2[groups], scale, "scale")
    for stage, blocks in enumerate(BLOCKS, 2):
        for block in range(1, blocks + 1):
            prefix, C = f"s{stage}_{block}", net.channels
            is_first = stage == 2 and block == 1
            net.conv(f"{prefix}.gpw1", F // 4, 1, groups=1 if is_first else groups)
            net.depthwise(f"{prefix}.dw", stride=2 if block == 1 else 1)
            net.conv(f"{prefix}.gpw2", F - C if block == 1 else F, 1, groups=groups)
            net.channels = F
        F *= 2
    net.linear("fc", 1000)
    return Network(variant(f"shufflenet_v1_g{groups}", scale), tuple(net.layers))
