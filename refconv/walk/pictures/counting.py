"""Taps on padding cells, and taps inside the image, counted by ones that are convolved."""

from __future__ import annotations

import numpy as np

from refconv.conv import conv2d
from refconv.counts import count
from refconv.geometry import Geometry
from refconv.walk.pictures.svg import (
    BLUE,
    FRAME_INK,
    INPUT,
    OUTPUT,
    OUTPUT_INK,
    PADDING,
    PAPER,
    QUIET,
    Picture,
)

LAYER = Geometry.of((1, 2, 3, 6), (7, 2, 2, 3), padding=((1, 1), (0, 1)))
"""That of note 5."""

OH, OW = 0, 4
"""The output at a corner, whose window is framed."""

SIDE = 32


def draw() -> str:
    """A padded image of ones; and for each output, how many of its taps are inside."""
    g = LAYER
    counts = count(g)
    image, kernel = np.ones(g.x_shape, int), np.ones(g.weight_shape, int)
    inside = conv2d(image, kernel, padding=g.padding, method="im2col")[0, 0]  # (OH, OW)
    padded = np.pad(image[0, 0], g.padding)
    picture = Picture(
        760, 400,
        "Multiply-accumulates with and without padding cells",
        f"An image of {g.H} x {g.W} with pads around it, and for each of {g.OH} x {g.OW} outputs "
        "the number of its taps that are inside the image: fewer at the border.",
    )  # fmt: skip
    left, right, top = 30, 330, 66
    picture.text(left, 32, f"image of ones, {g.C} x {g.H} x {g.W}, padded", bold=True, fill=BLUE)
    picture.text(left, 50, "a grey 0 is a padding cell", size=12, fill=QUIET)
    picture.table(left, top, SIDE, padded.tolist(), lambda r, c: INPUT if padded[r, c] else PADDING)
    picture.frame(left + (OW * g.sw) * SIDE, top + (OH * g.sh) * SIDE, g.KW * SIDE, g.KH * SIDE)
    picture.text(
        right, 32, f"for each output, its taps inside, of {g.K}", bold=True, fill=OUTPUT_INK
    )
    picture.text(
        right, 50, f"the result of convolving it with a kernel of ones, {g.C} x {g.KH} x {g.KW}",
        size=12, fill=QUIET,
    )  # fmt: skip
    picture.table(
        right, top, SIDE, inside.tolist(),
        lambda r, c: OUTPUT if inside[r, c] == g.K else PAPER,
    )  # fmt: skip
    picture.frame(right + OW * SIDE, top + OH * SIDE, SIDE, SIDE)
    picture.text(
        right + 180, top + 21, f"framed: {inside[OH, OW]} of {g.K},", fill=FRAME_INK, bold=True
    )
    in_channel = int(padded[OH : OH + g.KH, OW : OW + g.KW].sum())
    picture.text(
        right + 180, top + 41, f"{in_channel} in each of {g.C} channels", fill=FRAME_INK, size=13
    )
    picture.text(right, top + 4 * SIDE + 18, "green: all taps inside", size=12, fill=QUIET)
    y = 274
    bar = 540
    for words, macs, fill in (
        ("all MACs", counts.macs, PADDING),
        ("effective MACs", counts.effective_macs, OUTPUT),
    ):
        picture.text(left, y + 17, words, size=13)
        picture.rect(left + 110, y, bar * macs / counts.macs, 24, fill, QUIET)
        picture.text(left + 120, y + 17, f"{macs:,}", bold=True, size=13)
        y += 34
    picture.text(
        left, y + 14,
        f"all: N*F*OH*OW * K = {g.N}*{g.F}*{g.OH}*{g.OW} * {g.K} = {counts.macs:,}", size=13,
    )  # fmt: skip
    picture.text(
        left, y + 34,
        f"effective: F = {g.F} times the sum of the table, {inside.sum()}, = "
        f"{g.F * int(inside.sum()):,}: {counts.macs - counts.effective_macs} taps are on padding.",
        size=13,
    )  # fmt: skip
    return picture.svg()
