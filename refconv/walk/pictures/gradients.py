"""The input gradient at stride 2: which kernel cells meet which cells of x, and the two phases."""

from __future__ import annotations

from typing import Any

import numpy as np

from refconv.conv import conv2d
from refconv.geometry import Geometry
from refconv.gradients import conv2d_input_grad
from refconv.gradients.phases import Phase, phases
from refconv.walk.pictures.svg import (
    BLUE,
    FAINT,
    FRAME_INK,
    INPUT,
    OUTPUT,
    PADDING,
    PAPER,
    QUIET,
    WEIGHT,
    Picture,
)

Array = np.ndarray[Any, Any]

LAYER = Geometry.of((1, 1, 1, 7), (1, 1, 1, 3), stride=(1, 2))
"""That of note 11: seven columns, a kernel of three, a stride of two."""

KERNEL = np.array([1, 2, 3]).reshape(LAYER.weight_shape)
GRAD_Y = np.array([1, 10, 100]).reshape(LAYER.y_shape)

INKS = (BLUE, FRAME_INK)
"""Of the words about each phase."""

SIDE = 44


def products() -> list[list[str]]:
    """For each kernel cell and each cell of x, the product that they meet in, or "".

    >>> products()[2]
    ['', '', '1*3', '', '10*3', '', '100*3']
    """
    g = LAYER
    table = [[""] * g.W for _ in range(g.KW)]
    for kw in range(g.KW):
        for ow in range(g.OW):
            table[kw][ow * g.sw + kw] = f"{GRAD_Y.flat[ow]}*{KERNEL.flat[kw]}"
    return table


def operands(phase: Phase) -> tuple[Array, Array, Array]:
    """The row of grad_y with the phase's pads, the phase's kernel cells, and their convolution.

    >>> [[array.tolist() for array in operands(phase)] for phase in phases(LAYER)]
    [[[0, 1, 10, 100, 0], [3, 1], [1, 13, 130, 300]], [[1, 10, 100], [2], [2, 20, 200]]]
    """
    columns = phase.columns
    row = GRAD_Y[..., columns.start : columns.end]
    row = np.pad(row, ((0, 0), (0, 0), (0, 0), (columns.before, columns.after)))
    cells = KERNEL[..., list(columns.cells)]
    return row.ravel(), cells.ravel(), conv2d(row, cells, method="im2col").ravel()


def draw() -> str:
    """Products above, summed column by column; below, each phase as a convolution of its own."""
    g = LAYER
    gradient = conv2d_input_grad(GRAD_Y, KERNEL, g.x_shape, stride=g.stride, method="im2col")
    picture = Picture(
        760, 470,
        f"The input gradient at stride {g.sw}, in {g.sw} phases",
        f"A table of {g.KW} kernel cells and {g.W} cells of x: even cells of x meet the even "
        "kernel cells only, odd ones the odd one. So the gradient is two convolutions of stride 1 "
        "whose outputs take turns.",
    )  # fmt: skip
    left, top = 170, 84
    picture.text(24, 32, f"Stride {g.sw}: which kernel cell meets which cell of x", bold=True)
    picture.text(24, 52, "in the table: grad_y * weight", size=12, fill=QUIET)
    picture.text(24, 76, "column of x", size=12, fill=QUIET)
    for w in range(g.W):
        ink = INKS[w % g.sw]
        picture.text(left + (w + 0.5) * SIDE, 76, w, size=12, anchor="middle", fill=ink, bold=True)
    for kw, row in enumerate(products()):
        y = top + kw * SIDE
        ink = INKS[kw % g.sw]
        picture.text(24, y + 27, f"kw = {kw}", fill=ink, bold=True)
        picture.cell(left - SIDE - 14, y, SIDE, KERNEL.flat[kw], WEIGHT)
        for w, product in enumerate(row):
            picture.rect(left + w * SIDE, y, SIDE, SIDE, PAPER, FAINT)
            if product:
                picture.text(
                    left + (w + 0.5) * SIDE, y + 27, product, size=12, anchor="middle", fill=ink
                )
    y = top + g.KW * SIDE + 10
    picture.text(24, y + 27, "sum: grad_x", bold=True)
    picture.table(left, y, SIDE, [gradient.ravel().tolist()], INPUT)
    right = left + g.W * SIDE + 20
    for number, phase in enumerate(phases(g)):
        met = " and ".join(str(cell) for cell in sorted(phase.columns.cells))
        kind = "even" if number == 0 else "odd"
        picture.text(right, 116 + 48 * number, f"phase {number}", fill=INKS[number], bold=True)
        picture.text(right, 134 + 48 * number, f"{kind} columns meet kw = {met}", size=13)
    picture.line([(24, 294), (736, 294)], FAINT)
    picture.text(
        24, 318, "The same as convolutions of stride 1, with the kernel cells reversed", bold=True
    )
    for x, words in (96, "grad_y, and its pads"), (340, "kernel cells"), (470, "grad_x"):
        picture.text(x, 342, words, size=12, fill=QUIET)
    for number, phase in enumerate(phases(g)):
        padded, cells, sums = operands(phase)
        y = 350 + 56 * number
        x = 96
        picture.text(24, y + 27, f"phase {number}", fill=INKS[number], bold=True)
        inside = range(phase.columns.before, len(padded) - phase.columns.after)
        for at, value in enumerate(padded):
            fill = OUTPUT if at in inside else PADDING
            picture.cell(x + at * SIDE, y, SIDE, value, fill)
        x = 340
        picture.text(x - 12, y + 27, "*", anchor="middle", bold=True)
        picture.table(x, y, SIDE, [cells.tolist()], WEIGHT)
        x = 470
        picture.text(x - 18, y + 27, "=", anchor="middle", bold=True)
        picture.table(x, y, SIDE, [sums.tolist()], INPUT)
        columns = ", ".join(str(w) for w in range(number, g.W, g.sw))
        picture.text(x + 4 * SIDE + 10, y + 27, f"x {columns}", size=12, fill=INKS[number])
    return picture.svg()
