"""The rows of the im2col matrix as runs of one padded copy: why the fast kernel makes no matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from refconv.geometry import Geometry
from refconv.im2col import im2col
from refconv.pad import pad
from refconv.walk.pictures.svg import (
    BLUE,
    INPUT,
    ORANGE,
    OUTPUT,
    OUTPUT_INK,
    PADDING,
    PAPER,
    QUIET,
    Picture,
)

Array = np.ndarray[Any, Any]

LAYER = Geometry.of((1, 1, 2, 5), (1, 1, 1, 3), padding=(0, 1))
"""That of note 7: two rows of five, and a kernel of one row."""

IMAGE = np.arange(1, 11).reshape(LAYER.x_shape)

SIDE = 34


def band_of(x: Array) -> tuple[Array, Array, list[int]]:
    """The padded image as a line, each kernel column's run of it, and the gap's places in a run.

    >>> band, runs, gap = band_of(IMAGE)
    >>> np.array_equal(np.delete(runs, gap, axis=1), im2col(IMAGE, LAYER)[0, 0])
    True
    """
    g = LAYER
    band = pad(x, g, 0, x.dtype)[0, 0].ravel()
    pitch = g.W + g.pl + g.pr
    length = (g.OH - 1) * pitch + g.OW  # the outputs, and the gap between two rows
    runs = np.array([band[kw : kw + length] for kw in range(g.KW)])
    return band, runs, [at for at in range(length) if at % pitch >= g.OW]


def draw() -> str:
    """The padded image row by row, and below it what each kernel column reads."""
    g = LAYER
    band, runs, gap = band_of(IMAGE)
    matrix = im2col(IMAGE, g)[0, 0]
    picture = Picture(
        760, 400,
        "Runs in a band instead of the im2col matrix",
        f"A padded image of {g.H} rows as it lies in memory; each of the {g.KW} kernel columns "
        "reads a run of neighbours that begins one cell later; two cells of each run are a gap "
        "between rows, and are no output.",
    )  # fmt: skip
    left = 150
    padded = f"{g.H} x {g.W + g.pl + g.pr}"
    picture.text(24, 32, f"The padded image, {padded}, row by row in memory: a band", bold=True)
    picture.text(24, 72, "band", fill=BLUE, bold=True)
    for at, number in enumerate(band):
        picture.cell(left + at * SIDE, 50, SIDE, number, INPUT if number else PADDING)
        picture.text(left + (at + 0.5) * SIDE, 98, at, size=11, anchor="middle", fill=QUIET)
    picture.text(24, 98, "address", size=11, fill=QUIET)
    for kw in range(g.KW):
        y = 116 + kw * 44
        picture.text(24, y + 22, f"tap kw = {kw}", fill=OUTPUT_INK, bold=True)
        for at, number in enumerate(runs[kw]):
            fill = PAPER if at in gap else OUTPUT
            picture.cell(left + (kw + at) * SIDE, y, SIDE, number, fill)
            if at in gap:
                x0, y0 = left + (kw + at) * SIDE, y
                picture.line([(x0, y0), (x0 + SIDE, y0 + SIDE)], ORANGE, thick=1.5)
    picture.text(24, 272, "A crossed cell is in the gap between two rows: computed, not stored.",
                 size=13, fill=QUIET)  # fmt: skip
    picture.text(24, 306, f"im2col matrix, {g.K} x {g.OH * g.OW}", bold=True)
    picture.table(220, 290, 26, matrix.tolist(), OUTPUT)
    for line, words in enumerate([
        "The same rows,",
        "without the gap.",
        f"{matrix.size} cells copied;",
        f"the band has {band.size}.",
    ]):  # fmt: skip
        picture.text(510, 306 + 20 * line, words, size=13)
    return picture.svg()
