"""MobileNetV1 (Howard et al., 2017): depthwise separable layers, and the two it is compared with.

Table 1 of the paper prints stride 2 for the last depthwise layer; its own sizes, and every total,
need stride 1.
"""

from __future__ import annotations

from refconv.networks.network import Builder, Network

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
    """
    net = Builder(3, resolution)
    net.conv("conv0", _scaled(32, width, least_channels), 3, stride=2)
    for number, (F, stride) in enumerate(body, 1):
        net.depthwise(f"dw{number}", stride=stride)
        net.conv(f"pw{number}", _scaled(F, width, least_channels), 1)
    net.linear("fc", classes)
    return Network(name, tuple(net.layers))


def mobilenet_v1_shallow(width: float = 1.0, resolution: int = 224) -> Network:
    """The shallow variant of table 5: fewer layers instead of narrower ones."""
    return mobilenet_v1(width, resolution, body=SHALLOW_BODY, name="mobilenet_v1_shallow")


def mobilenet_v1_fullconv(width: float = 1.0, resolution: int = 224) -> Network:
    """The full convolution of table 4: each separable block is one standard 3x3 layer."""
    net = Builder(3, resolution)
    net.conv("conv0", _scaled(32, width, 8), 3, stride=2)
    for number, (F, stride) in enumerate(BODY, 1):
        net.conv(f"conv{number}", _scaled(F, width, 8), 3, stride=stride)
    net.linear("fc", 1000)
    return Network("mobilenet_v1_fullconv", tuple(net.layers))


def _scaled(channels: int, width: float, least: int) -> int:
    return max(least, int(channels * width))
