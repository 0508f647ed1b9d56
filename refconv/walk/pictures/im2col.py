"""The im2col matrix: one image with its columns, and the blocks of groups, to scale."""

from __future__ import annotations

import numpy as np

from refconv.compare import structures
from refconv.counts import count
from refconv.geometry import Geometry
from refconv.im2col import im2col
from refconv.walk.pictures.svg import (
    BLUE,
    FRAME_INK,
    GROUPS,
    INPUT,
    OUTPUT,
    OUTPUT_INK,
    QUIET,
    WEIGHT,
    WEIGHT_INK,
    Picture,
)

SIDE = 26
SHOWN = 6
"""The column, and so the output, that is lit."""

LAYER = Geometry.from_descriptor("ic4ih5iw7oc8kh2kw3")
SCALE = 5
"""Pixels for an element of a matrix."""


def draw() -> str:
    """The image and the weight of note 2, and the product that is their convolution."""
    x = np.arange(18).reshape(1, 1, 3, 6)
    weight = np.array([[1, 0, 0, 0, 0, 1], [1, 2, 3, 4, 5, 6]])  # (F, K)
    g = Geometry.of(x.shape, (2, 1, 2, 3))
    matrix = im2col(x, g)[0, 0]
    product = weight @ matrix
    oh, ow = divmod(SHOWN, g.OW)
    picture = Picture(
        760, 420,
        "The im2col matrix",
        f"An image of {g.H} x {g.W}; its im2col matrix of {g.K} rows, one for each tap, and "
        f"{g.OH * g.OW} columns, one for each output; the weight as {g.F} rows; their product.",
    )  # fmt: skip
    left, matrix_left, output_left, top = 30, 254, 524, 214
    picture.text(left, 34, f"image, {g.H} x {g.W}", bold=True, fill=BLUE)
    picture.table(left, 46, SIDE, x[0, 0].tolist(), INPUT)
    picture.frame(left + ow * SIDE, 46 + oh * SIDE, g.KW * SIDE, g.KH * SIDE)
    for line, words in enumerate([
        f"Output (oh, ow) = ({oh}, {ow}) reads the framed window.",
        f"Its cells are column oh*OW + ow = {SHOWN} of the matrix.",
        f"The image has {x.size} cells, the matrix {matrix.size}:",
        "a cell is copied once for each window that reads it.",
    ]):  # fmt: skip
        picture.text(output_left - 290, 62 + 22 * line, words)

    picture.text(left, top - 44, f"weight, F x K = {g.F} x {g.K}", bold=True, fill=WEIGHT_INK)
    picture.table(left, top, SIDE, weight.tolist(), WEIGHT)
    picture.text(214, top + 32, "@", size=20, anchor="middle", fill=QUIET)
    picture.text(
        matrix_left, top - 44, f"matrix, K x OH*OW = {g.K} x {g.OH * g.OW}", bold=True, fill=BLUE
    )
    picture.table(matrix_left, top, SIDE, matrix.tolist(), INPUT)
    picture.frame(matrix_left + SHOWN * SIDE, top, SIDE, g.K * SIDE)
    picture.text(493, top + 32, "=", size=20, anchor="middle", fill=QUIET)
    picture.text(
        output_left, top - 44, f"output, F x OH*OW = {g.F} x {g.OH * g.OW}", bold=True,
        fill=OUTPUT_INK,
    )  # fmt: skip
    picture.table(output_left, top, SIDE, product.tolist(), OUTPUT)
    picture.frame(output_left + SHOWN * SIDE, top, SIDE, g.F * SIDE)
    for column in range(g.OH * g.OW):
        for start in (matrix_left, output_left):
            picture.text(
                start + (column + 0.5) * SIDE, top - 8, "{},{}".format(*divmod(column, g.OW)),
                size=11, anchor="middle", fill=QUIET,
            )  # fmt: skip
    picture.text(matrix_left - 6, top - 8, "oh,ow", size=11, anchor="end", fill=QUIET)
    for row in range(g.K):
        picture.text(
            matrix_left - 6, top + row * SIDE + 17, "{},{}".format(*divmod(row, g.KW)),
            size=11, anchor="end", fill=QUIET,
        )  # fmt: skip
    picture.text(
        matrix_left, top + g.K * SIDE + 20, "a row for each tap (kh, kw)", size=12, fill=QUIET
    )
    terms = " + ".join(f"{w}*{cell}" for w, cell in zip(weight[1], matrix[:, SHOWN], strict=True))
    picture.text(output_left, top + 84, f"kernel 1 on column {SHOWN}:", size=12)
    half = terms.split(" + ")
    picture.text(output_left, top + 104, " + ".join(half[:3]), mono=True, size=12)
    picture.text(output_left, top + 122, "+ " + " + ".join(half[3:]), mono=True, size=12)
    picture.text(
        output_left,
        top + 140,
        f"= {product[1, SHOWN]}",
        mono=True,
        size=12,
        bold=True,
        fill=FRAME_INK,
    )
    return picture.svg()


def draw_groups() -> str:
    """The matrices of one layer: standard, in groups, depthwise, and of a pointwise layer."""
    g = LAYER
    by_name = {s.name: s for s in structures(g, [2, 4])}
    standard, two, four = (by_name[name].stages[0] for name in ("standard", "2 groups", "4 groups"))
    pointwise = Geometry.of(g.x_shape, (g.F, g.C, 1, 1))
    picture = Picture(
        760, 510,
        "im2col with groups: a block for each group",
        f"The weight and the im2col matrix of a layer of {g.C} to {g.F} channels, to scale, with "
        "1, 2 and 4 groups, and pointwise. Groups cut both into blocks; the matrix stays as "
        "large, and each of its elements is used less often.",
    )  # fmt: skip
    for place, (name, layer) in enumerate({
        "standard: one block": standard,
        "2 groups: 2 blocks": two,
        "4 groups = depthwise: 4 skinny blocks": four,
        "pointwise: no copy, the matrix is x": pointwise,
    }.items()):  # fmt: skip
        _blocks(picture, 30 + place % 2 * 370, 34 + place // 2 * 238, name, layer)
    picture.text(
        30, 494,
        f"weight (amber edge) @ matrix (filled), to scale; {g.C} -> {g.F} channels, "
        f"{g.H} x {g.W}, kernel {g.KH} x {g.KW}; a colour for each group",
        size=12, fill=QUIET,
    )  # fmt: skip
    return picture.svg()


def _blocks(picture: Picture, left: float, top: float, name: str, g: Geometry) -> None:
    """Each group's rows of the weight beside its block of the matrix."""
    x = np.arange(g.C * g.H * g.W).reshape(g.x_shape)
    blocks = im2col(x, g)
    copied = not np.shares_memory(blocks, x)
    counts = count(g)
    picture.text(left, top, name, bold=True)
    columns = g.OH * g.OW
    middle = left + LAYER.K * SCALE + 12
    for group in range(g.G):
        y = top + 16 + group * (g.K * SCALE + 4)
        picture.rect(
            middle - 12 - g.K * SCALE, y, g.K * SCALE, g.Fg * SCALE, WEIGHT, WEIGHT_INK, thick=1.5
        )
        picture.text(middle, y + 14, "@", size=13, anchor="middle", fill=QUIET)
        picture.rect(
            middle + 12, y, columns * SCALE, g.K * SCALE,
            GROUPS[group] if copied else INPUT, "none" if copied else GROUPS[group],
            thick=1.5, dashed=not copied,
        )  # fmt: skip
    below = top + 16 + LAYER.K * SCALE + 16
    copies = f"{counts.im2col_size} elements" if copied else "nothing copied"
    picture.text(
        left, below + 16, f"{g.G} x ({g.Fg} x {g.K}) @ ({g.K} x {columns}); {copies}", size=13
    )
    picture.text(
        left, below + 34,
        f"{counts.macs} MACs: each element used {counts.macs // counts.im2col_size} times",
        size=13,
    )  # fmt: skip
