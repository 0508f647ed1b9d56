"""What a separable layer keeps of the standard layer's operations: 1/F + 1/(KH*KW)."""

from __future__ import annotations

from math import log2

from refconv.compare import structures
from refconv.geometry import Geometry
from refconv.walk.pictures.svg import BLUE, FAINT, GREEN, INK, ORANGE, QUIET, Picture

KERNELS = {1: ORANGE, 3: BLUE, 5: GREEN}
CHANNELS = tuple(2**power for power in range(11))
"""Output channels F."""

LEFT, RIGHT, TOP, BOTTOM = 70, 560, 60, 350
MOST = 1.5
"""The ratio at the upper edge; where F is 1, kernel 1 x 1 is at 2, and is not drawn."""


def ratio(F: int, kernel: int) -> float:
    """Counted: of a layer of 4 -> F channels, 7 x 9, whose output is as large.

    >>> ratio(8, 3) == 1 / 8 + 1 / 9
    True
    """
    layer = Geometry.of((1, 4, 7, 9), (F, 4, kernel, kernel), padding=kernel // 2)
    found = {s.name: s.counts for s in structures(layer, [])}
    return float(found["separable"].ratio_to(found["standard"]))


def draw() -> str:
    """The ratio by output channels, for three kernels."""
    picture = Picture(
        760, 420,
        "What a depthwise separable layer keeps of the operations",
        "The ratio 1/F + 1/(KH*KW) against the output channels F, for kernels of 1 x 1, 3 x 3 and "
        "5 x 5. It falls to 1/(KH*KW). Above 1 the separable layer costs more.",
    )  # fmt: skip
    picture.text(LEFT - 44, 32, "MACs, separable over standard: 1/F + 1/(KH*KW)", bold=True)
    for tick in (0, 0.25, 0.5, 0.75, 1, 1.25, 1.5):
        y = _y(tick)
        picture.line([(LEFT, y), (RIGHT, y)], INK if tick == 1 else FAINT, dashed=tick == 1)
        picture.text(LEFT - 8, y + 5, f"{tick:g}", size=12, anchor="end")
    for F in CHANNELS:
        picture.text(_x(F), BOTTOM + 18, F, size=12, anchor="middle")
    picture.text((LEFT + RIGHT) / 2, BOTTOM + 40, "output channels F", anchor="middle", size=13)
    picture.text(RIGHT + 10, _y(1) + 24, "above the dashed line it", size=12, fill=QUIET)
    picture.text(RIGHT + 10, _y(1) + 40, "costs more than standard", size=12, fill=QUIET)
    for kernel, colour in KERNELS.items():
        points = [(_x(F), _y(ratio(F, kernel))) for F in CHANNELS if ratio(F, kernel) <= MOST]
        picture.line(points, colour, thick=2.5)
        for x, y in points:
            picture.circle(x, y, 3.5, colour)
        limit = "1" if kernel == 1 else f"1/{kernel**2} = {1 / kernel**2:.3g}"
        y = _y(ratio(CHANNELS[-1], kernel)) + (-6 if kernel == 1 else 4)  # clear of the dashed line
        words = f"{kernel} x {kernel}: to {limit}"
        picture.text(RIGHT + 10, y, words, fill=colour, bold=True, size=13)
    return picture.svg()


def _x(F: int) -> float:
    return LEFT + 20 + (RIGHT - LEFT - 40) * log2(F) / log2(CHANNELS[-1])


def _y(value: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * value / MOST
