"""Depthwise separable convolution: two stages, and the array between them."""

from __future__ import annotations

from refconv.compare import structures
from refconv.geometry import Geometry
from refconv.walk.pictures.svg import FAINT, GROUPS, INK, PAPER, QUIET, Picture

LAYER = Geometry.from_descriptor("ic3ih6iw7oc5kh3ph1")
CELL = 8
"""Pixels of a cell."""


def draw() -> str:
    """Three channels to five: each has its own colour until they are mixed."""
    g = LAYER
    by_name = {s.name: s for s in structures(g, [])}
    depthwise, pointwise = by_name["separable"].stages
    picture = Picture(
        760, 490,
        "Depthwise separable convolution in two stages",
        f"{g.C} input channels; a depthwise stage with a kernel for each, which keeps them apart; "
        f"the array between; a pointwise stage, which mixes them into {g.F} output channels.",
    )  # fmt: skip
    tops = [100 + 72 * c for c in range(g.C)]
    middle = tops[1] + g.H * CELL / 2
    for left, words, detail in (
        (28, "input x", f"{g.C} x {g.H} x {g.W}"),
        (150, "depthwise weight", f"{depthwise.F} x 1 x {g.KH} x {g.KW}"),
        (320, "array between", f"{depthwise.F} x {depthwise.OH} x {depthwise.OW}"),
        (454, "pointwise weight", f"{pointwise.F} x {pointwise.C} x 1 x 1"),
        (634, "output y", f"{pointwise.F} x {pointwise.OH} x {pointwise.OW}"),
    ):
        picture.text(left, 28, words, bold=True)
        picture.text(left, 45, detail, size=12, fill=QUIET)
    for c, top in enumerate(tops):
        colours = [GROUPS[c]]
        picture.plane(28, top, g.H, g.W, CELL, colours)
        picture.arrow(98, top + 24, 146)
        picture.plane(168, top + 12, g.KH, g.KW, CELL, colours)
        picture.text(204, top + 29, f"for c = {c}", size=12)
        picture.arrow(264, top + 24, 312)
        picture.plane(320, top, depthwise.OH, depthwise.OW, CELL, colours)
    picture.arrow(386, middle, 440)
    weights = pointwise.F * 22
    for f in range(pointwise.F):
        for c in range(pointwise.C):
            y = middle - weights / 2 + f * 22
            picture.rect(460 + c * 22, y, 22, 22, GROUPS[c], PAPER)
        picture.text(532, middle - weights / 2 + f * 22 + 15, f"f = {f}", size=12)
    picture.arrow(580, middle, 624)
    for f in range(pointwise.F):
        y = middle + (f - pointwise.F / 2) * 52 + 2
        picture.plane(634, y, pointwise.OH, pointwise.OW, CELL, GROUPS[: g.C])
    picture.text(28, 356, "looks at neighbours, keeps channels apart", size=13, fill=QUIET)
    picture.text(410, 356, "mixes channels, pixel by pixel", size=13, fill=QUIET)
    picture.line([(28, 372), (732, 372)], FAINT)
    rows = [
        (name, by_name[name].formula, by_name[name].counts.macs)
        for name in ("standard", "depthwise", "pointwise", "separable")
    ]
    for line, (name, formula, macs) in enumerate(rows):
        y = 398 + 22 * line
        is_sum = name == "separable"
        picture.text(28, y, name, bold=is_sum)
        picture.text(140, y, formula, mono=True, size=13)
        picture.text(520, y, f"{macs:,} MACs", anchor="end", bold=is_sum)
    separable = by_name["separable"]
    ratio = separable.counts.ratio_to(by_name["standard"].counts)
    picture.text(540, 398 + 66, f"{separable.promise} = {ratio}", bold=True, fill=INK)
    picture.text(540, 398 + 44, "of the standard MACs:", size=12, fill=QUIET)
    return picture.svg()
