"""The wiring of channels: lines from input to output channels, and the F x C block of kernels."""

from __future__ import annotations

from refconv.compare import Structure, structures
from refconv.geometry import Geometry
from refconv.walk.lesson import DEFAULT_LAYER, layer_of
from refconv.walk.pictures.svg import (
    BLUE,
    FAINT,
    GREEN,
    INPUT,
    OUTPUT,
    PAPER,
    QUIET,
    WEIGHT,
    WEIGHT_INK,
    Picture,
)
from refconv.walk.wiring import wiring

PANEL = 182
SPACE = 22
"""Pixels from a channel to the next."""

CELL = 13


def draw() -> str:
    """Standard, in two groups, depthwise, and separable as two stages."""
    layer = layer_of(DEFAULT_LAYER)
    found = {s.name: s for s in structures(layer, [2, layer.C])}
    panels = {
        "standard": found["standard"],
        "group, G = 2": found["2 groups"],
        f"depthwise, G = {layer.C}": found[f"{layer.C} groups"],
        "depthwise separable": found["separable"],
    }
    picture = Picture(
        760, 450,
        "Which output channel sees which input channel",
        f"A layer of {layer.C} to {layer.F} channels as standard, group, depthwise and depthwise "
        "separable convolution: lines from input to output channels, and below a table with a row "
        "for each output and a column for each input channel: full, blocks on the diagonal, a "
        "diagonal, a diagonal and then full.",
    )  # fmt: skip
    for place, (name, structure) in enumerate(panels.items()):
        _panel(picture, 24 + place * PANEL, name, structure, found["standard"])
    return picture.svg()


def _panel(
    picture: Picture, left: float, name: str, structure: Structure, standard: Structure
) -> None:
    picture.text(left, 30, name, bold=True)
    stages = structure.stages
    step = 130 / len(stages)
    bottom = 64 + (standard.stages[0].F - 1) * SPACE
    middle = (64 + bottom) / 2
    for place, g in enumerate(stages):
        _lines(picture, left + 12 + place * step, step, middle, g)
    for place, channels in enumerate([stages[0].C, *(g.F for g in stages)]):
        fill = INPUT if place == 0 else OUTPUT
        stroke = BLUE if place == 0 else GREEN
        for c in range(channels):
            y = middle + (c - (channels - 1) / 2) * SPACE
            picture.circle(left + 12 + place * step, y, 9, fill, stroke)
            picture.text(left + 12 + place * step, y + 4, c, size=11, anchor="middle")
    picture.text(left + 12, bottom + 30, "in", size=12, anchor="middle", fill=QUIET)
    picture.text(left + 142, bottom + 30, "out", size=12, anchor="middle", fill=QUIET)

    x, top = left + 10, bottom + 46
    for g in stages:
        connected = wiring(g)
        for f in range(g.F):
            for c in range(g.C):
                fill, edge = (WEIGHT, WEIGHT_INK) if connected[f, c] else (PAPER, FAINT)
                picture.rect(x + c * CELL, top + f * CELL, CELL, CELL, fill, edge, thick=0.8)
        picture.text(x, top + g.F * CELL + 14, f"{g.F} x {g.C}", size=11, fill=QUIET)
        x += g.C * CELL + 18
    picture.text(left, 408, " + ".join(_kernels(g) for g in stages) + " kernels", size=12)
    ratio = structure.counts.ratio_to(standard.counts)
    picture.text(left, 426, f"{structure.counts.macs:,} MACs, ratio {ratio}", size=12)


def _lines(picture: Picture, left: float, step: float, middle: float, g: Geometry) -> None:
    """A line from each input channel to each output channel that reads it."""
    connected = wiring(g)
    for f in range(g.F):
        for c in range(g.C):
            if connected[f, c]:
                start = middle + (c - (g.C - 1) / 2) * SPACE
                end = middle + (f - (g.F - 1) / 2) * SPACE
                picture.line([(left, start), (left + step, end)], QUIET)


def _kernels(g: Geometry) -> str:
    """How many kernels, and of what size."""
    return f"{wiring(g).sum()} ({g.KH}x{g.KW})"
