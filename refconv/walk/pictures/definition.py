"""One output of a convolution: its window in each channel, the weights, the sum written out."""

from __future__ import annotations

from refconv.compare import structures
from refconv.geometry import Geometry
from refconv.walk.lesson import worked
from refconv.walk.pictures.svg import (
    BLUE,
    FRAME_INK,
    INPUT,
    OUTPUT,
    OUTPUT_INK,
    QUIET,
    WEIGHT,
    WEIGHT_INK,
    Picture,
)

LAYER = Geometry.from_descriptor("ic2ih4iw6oc1kh2kw3")
OH, OW = 1, 2
"""The output that is shown."""

SIDE = 28


def draw() -> str:
    """A kernel of two channels over an image of two channels."""
    g = LAYER
    (stage,) = worked(structures(g, [])[0]).stages
    x, weight, y = stage.x[0], stage.weight[0], stage.y[0, 0]
    picture = Picture(
        760, 466,
        "One output of a convolution",
        f"An input of {g.C} channels, {g.H} x {g.W}; a weight of {g.C} channels, {g.KH} x {g.KW}; "
        f"the output, {g.OH} x {g.OW}. The sum of one output is written out, tap by tap.",
    )  # fmt: skip
    left, middle, right = 30, 320, 540
    picture.text(left, 34, f"input x, {g.C} channels of {g.H} x {g.W}", bold=True, fill=BLUE)
    picture.text(middle, 34, f"weight, {g.C} x {g.KH} x {g.KW}", bold=True, fill=WEIGHT_INK)
    picture.text(right, 34, f"output y, {g.OH} x {g.OW}", bold=True, fill=OUTPUT_INK)
    for c in range(g.C):
        top = 56 + c * 148
        picture.table(left, top, SIDE, x[c].tolist(), INPUT)
        picture.frame(left + OW * SIDE, top + OH * SIDE, g.KW * SIDE, g.KH * SIDE)
        picture.text(left, top + g.H * SIDE + 17, f"c = {c}", size=12, fill=QUIET)
        picture.text(262, top + 64, "times", fill=QUIET, anchor="middle")
        picture.table(middle, top + SIDE, SIDE, weight[c].tolist(), WEIGHT)
        picture.frame(middle, top + SIDE, g.KW * SIDE, g.KH * SIDE)
        picture.text(middle, top + 3 * SIDE + 17, f"c = {c}", size=12, fill=QUIET)
    picture.text(470, 194, "added up", fill=QUIET, anchor="middle")
    picture.arrow(440, 204, 500)
    top = 160
    picture.table(right, top, SIDE, y.tolist(), OUTPUT)
    picture.frame(right + OW * SIDE, top + OH * SIDE, SIDE, SIDE)
    picture.text(right, top + g.OH * SIDE + 17, f"oh = {OH}, ow = {OW}", size=12, fill=QUIET)

    rows = x[:, OH : OH + g.KH, OW : OW + g.KW]  # (C, KH, KW)
    for c in range(g.C):
        products = " + ".join(
            f"{a}*{_signed(b)}" for a, b in zip(rows[c].flat, weight[c].flat, strict=True)
        )
        subtotal = int((rows[c] * weight[c]).sum())
        picture.text(left, 376 + 20 * c, f"c = {c}:  {products} = {subtotal}", mono=True, size=13)
    parts = " + ".join(_signed(int((rows[c] * weight[c]).sum())) for c in range(g.C))
    picture.text(
        left, 376 + 20 * g.C, f"y[0, 0, {OH}, {OW}] = {parts} = {y[OH, OW]}",
        mono=True, size=13, bold=True, fill=FRAME_INK,
    )  # fmt: skip
    picture.text(
        left, 386 + 20 * (g.C + 1),
        "y[n, f, oh, ow] = sum over c, kh, kw of  x[n, c, oh + kh, ow + kw] * weight[f, c, kh, kw]",
        mono=True, size=12, fill=QUIET,
    )  # fmt: skip
    return picture.svg()


def _signed(number: int) -> str:
    """A factor or a term as it stands in a sum.

    >>> _signed(3), _signed(-3)
    ('3', '(-3)')
    """
    return f"({number})" if number < 0 else f"{number}"
