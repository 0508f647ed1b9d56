"""A group convolution: split the channels, convolve each group, put the results side by side."""

from __future__ import annotations

from refconv.compare import structures
from refconv.geometry import Geometry
from refconv.walk.pictures.svg import GROUPS, QUIET, Picture

LAYER = Geometry.from_descriptor("g3ic6ih4iw5oc9kh2kw3")
"""That of note 3."""

PLANE = 5
"""Pixels of a cell of an image or a kernel."""


def draw() -> str:
    """Six channels in three groups."""
    g = LAYER
    standard, grouped = structures(g, [g.G])[:2]
    picture = Picture(
        760, 470,
        f"Group convolution with {g.G} groups",
        f"{g.C} input channels in {g.G} groups of {g.Cg}; each group has {g.Fg} kernels of {g.Cg} "
        f"channels, and gives {g.Fg} of the {g.F} output channels.",
    )  # fmt: skip
    left, middle, right = 40, 250, 560
    picture.text(left, 32, f"input, C = {g.C}", bold=True)
    picture.text(middle, 32, f"weight, F x C/G = {g.F} x {g.Cg} kernels", bold=True)
    picture.text(right, 32, f"output, F = {g.F}", bold=True)
    for group in range(g.G):
        top, colour = 52 + group * 122, GROUPS[group]
        picture.text(left, top + 12, f"group {group}", size=12, fill=QUIET)
        for cg in range(g.Cg):
            picture.plane(left + 60, top + 24 * cg + 14, g.H, g.W, PLANE, [colour])
            picture.text(left + 92, top + 24 * cg + 29, f"c = {group * g.Cg + cg}", size=12)
        picture.arrow(left + 136, top + 50, middle - 16)
        for fg in range(g.Fg):
            y = top + 14 + 32 * fg
            for cg in range(g.Cg):
                picture.plane(middle + cg * 26, y, g.KH, g.KW, PLANE, [colour])
            f = group * g.Fg + fg
            picture.text(middle + 64, y + 11, f"kernel f = {f}: {g.Cg} x {g.KH} x {g.KW}", size=12)
            picture.plane(right, y - 3, g.OH, g.OW, PLANE, [colour])
            picture.text(right + 26, y + 11, f"f = {f}", size=12)
        picture.arrow(middle + 216, top + 50, right - 16)
    picture.line([(right + 76, 60), (right + 86, 60), (right + 86, 398), (right + 76, 398)], QUIET)
    picture.text(right + 96, 226, "side by side,", size=12, fill=QUIET)
    picture.text(right + 96, 242, "not added", size=12, fill=QUIET)
    ratio = grouped.counts.ratio_to(standard.counts)
    picture.text(
        left, 432,
        f"MACs: {grouped.formula} = {grouped.counts.macs:,}, which is {ratio} of the standard "
        f"layer's {standard.counts.macs:,}.", size=13,
    )  # fmt: skip
    picture.text(
        left, 452,
        f"Parameters: {grouped.counts.parameters}, of {standard.counts.parameters}: "
        "the same ratio, from the weight's shape.", size=13,
    )  # fmt: skip
    return picture.svg()
