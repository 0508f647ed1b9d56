"""Verdicts of the oracle: the error of each output beside the bound that is proven for it."""

from __future__ import annotations

from math import log10
from typing import Any

import numpy as np

from refconv.conv import conv2d
from refconv.geometry import Geometry
from refconv.oracle.cases.case import Case
from refconv.oracle.cases.draw import integers
from refconv.oracle.faults.rounding import rounded
from refconv.oracle.judge import judge
from refconv.oracle.judging.comparison import Terms, allowed
from refconv.oracle.reference.certified import reference_of
from refconv.walk.pictures.svg import (
    BLUE,
    FAINT,
    FRAME_INK,
    GREEN,
    INK,
    ORANGE,
    OUTPUT,
    OUTPUT_INK,
    QUIET,
    Picture,
)

Array = np.ndarray[Any, Any]

LAYER = Geometry.of((1, 8, 5, 7), (4, 8, 3, 3), padding=((1, 0), (1, 1)))
LEFT, RIGHT = 226, 716
LEAST, MOST = -4, 6
"""Powers of ten of the bound, at the ends of the axis."""


def case() -> Case:
    """Numbers of 12 bits: float64 adds their products exactly, and float32 has to round."""
    x, weight = (
        (integers(5, stream, shape, -4095, 4095) / 4096).astype(np.float32)
        for stream, shape in enumerate((LAYER.x_shape, LAYER.weight_shape))
    )
    return Case(x, weight, padding=LAYER.padding)


def programs(asked: Case) -> dict[str, Array]:
    """The outputs of three programs: the definition in float32, and two with a fault."""
    (pt, pb), sides = LAYER.padding
    x, weight = asked.x, asked.weight
    return {
        "the definition, in float32": conv2d(x, weight, padding=LAYER.padding, method="loops"),
        "weights of 8 bits": conv2d(
            x, rounded(weight, "bfloat16"), padding=LAYER.padding, method="loops"
        ),
        "pads at the wrong ends": conv2d(x, weight, padding=((pb, pt), sides), method="loops"),
    }


def draw() -> str:
    """A strip for each program, a dot for each output."""
    asked = case()
    reference = reference_of(asked)
    bound = allowed(asked, reference, Terms.of(asked))
    picture = Picture(
        760, 420,
        "The oracle's verdict: errors beside a proven bound",
        "The errors of three programs, a dot for each output, in units of the bound that is proven "
        "for it, on a logarithmic axis. The right one is inside; two with faults are outside.",
    )  # fmt: skip
    picture.text(24, 32, "The error of each output, over the bound proven for it", bold=True)
    top, bottom = 56, 352
    picture.rect(LEFT, top, _x(1) - LEFT, bottom - top, OUTPUT)
    picture.text(LEFT + 8, top + 18, "within the bound", size=12, fill=OUTPUT_INK)
    picture.text(_x(1) + 8, top + 18, "outside: wrong", size=12, fill=FRAME_INK)
    for power in range(LEAST, MOST + 1, 2):
        x = _x(10.0**power)
        picture.line([(x, top), (x, bottom)], INK if power == 0 else FAINT, dashed=power == 0)
        picture.text(x, bottom + 18, _tick(power), size=12, anchor="middle")
    picture.text((LEFT + RIGHT) / 2, bottom + 40, "error / bound, logarithmic", size=13,
                 anchor="middle")  # fmt: skip
    for place, ((name, actual), colour) in enumerate(
        zip(programs(asked).items(), (GREEN, BLUE, ORANGE), strict=True)
    ):
        verdict = judge(asked, actual)
        y = top + 36 + place * 90
        picture.text(24, y + 24, name, size=13, bold=True)
        picture.text(24, y + 43, verdict.status, size=13, fill=QUIET)
        if verdict.diagnosis:
            picture.text(24, y + 60, verdict.diagnosis, size=12, fill=QUIET)
        ratios = (np.abs(actual - reference.y) / bound).ravel()
        for number, ratio in enumerate(ratios):
            # Spread over a few lines, so that dots do not hide each other.
            picture.circle(_x(max(ratio, 10.0**LEAST)), y + 14 + number * 7 % 11 * 4, 2.5, colour)
    return picture.svg()


def _tick(power: int) -> str:
    """The number at a place of the axis; errors that are less, or 0, are drawn at its left end.

    >>> [_tick(power) for power in (-4, -2, 0, 6)]
    ['0 to 0.0001', '0.01', '1', '1,000,000']
    """
    words = f"{10**power:,}" if power >= 0 else f"{10.0**power:.{-power}f}"
    return f"0 to {words}" if power == LEAST else words


def _x(ratio: float) -> float:
    return LEFT + (RIGHT - LEFT) * (log10(ratio) - LEAST) / (MOST - LEAST)
