"""The kernels of `steps.py`: hot loops of `refconv/jit/`, with as little as possible around them.

Arrays with a name that ends in _ are NumPy's; without it, they are addresses.
"""

from __future__ import annotations

from collections.abc import Callable

from numba import njit

from refconv.jit.kernel_tiles import add_cell, add_kernel, kernel_of
from refconv.jit.runs import copy_neighbours
from refconv.jit.tile import add_outer_product, stand_alone, store_tile, tile_of
from refconv.jit.vector import address, lanes_of, load, store_first


@njit
def reordered_loops(xp, weight, y):
    """The seven loops, but the outputs of a row innermost: LLVM may compute several at a time."""
    N, F, OH, OW = y.shape
    _, C, KH, KW = weight.shape
    for n in range(N):
        for f in range(F):
            for oh in range(OH):
                for c in range(C):
                    for kh in range(KH):
                        for kw in range(KW):
                            for ow in range(OW):
                                cell = xp[n, c, oh + kh, ow + kw]
                                y[n, f, oh, ow] += cell * weight[f, c, kh, kw]


@njit
def make_columns(xp, shape, kernel, OW, matrix, p, count, step):
    """Copy columns p .. p + count of the im2col matrix to `matrix`, whose rows are `step` apart."""
    C, H, W = shape
    KH, KW = kernel
    row = 0
    for c in range(C):
        for kh in range(KH):
            for kw in range(KW):
                done = 0
                while done < count:  # a row of outputs, or what is wanted of it
                    oh, ow = (p + done) // OW, (p + done) % OW
                    run = min(OW - ow, count - done)
                    source, target = (c * H + oh + kh) * W + ow + kw, row + done
                    for i in range(0, run, lanes_of(xp)):
                        store_first(matrix, target + i, load(xp, source + i), run - i)
                    done += run
                row += step


def multiplier(rows: int, vectors: int, rows_outermost: bool = False) -> Callable[..., None]:
    """The product weight @ matrix, in tiles of so many rows and vectors; `rows` must divide F.

    The matrix is that of im2col; `columns` of it are made at a time, or all are `made` already.
    """

    @njit
    def multiply_tile(weight, matrix, start, step, bias, y, f, p, K, P):
        stand_alone()
        tile = tile_of(rows, vectors, bias, f, rows - 1)
        for k in range(K):
            at = start + k * step
            tile = add_outer_product(tile, weight, f * K + k, K, rows - 1, matrix, at)
        store_tile(tile, y, f * P + p, P, rows, (P - p, P - p, 0))

    @njit
    def multiply(weight_, xp_, shape, kernel, bias_, y_, matrix_, columns, made):
        weight, xp, bias = address(weight_), address(xp_), address(bias_)
        y, matrix = address(y_), address(matrix_)
        _, F, OH, OW = y_.shape
        P, K, width = OH * OW, weight_.size // F, vectors * lanes_of(xp)
        for q in range(0, P, columns):
            end = min(P, q + columns)
            if not made:
                make_columns(xp, shape, kernel, OW, matrix, q, end - q, columns)
            if rows_outermost:
                for f in range(0, F, rows):
                    for p in range(q, end, width):
                        multiply_tile(weight, matrix, p - q, columns, bias, y, f, p, K, P)
            else:
                for p in range(q, end, width):
                    for f in range(0, F, rows):
                        multiply_tile(weight, matrix, p - q, columns, bias, y, f, p, K, P)

    return multiply


def sweeper(rows: int, rows_once: bool) -> Callable[..., None]:
    """A depthwise layer, 3x3, in tiles of `rows` rows of outputs, a vector wide.

    `channels` of the image are padded at a time. With `rows_once`, a row of the image that several
    rows of outputs read is loaded once for all.
    """

    @njit
    def sweep(weight, band, start, pitch, bias, y, c, OH, OW):
        stand_alone()
        cells = kernel_of(9, weight, 9 * c)
        for oh in range(0, OH, rows):
            for ow in range(0, OW, lanes_of(band)):
                corner = start + oh * pitch + ow
                tile = tile_of(rows, 1, bias, c, 0)
                if rows_once:
                    tile = add_kernel(tile, 1, cells, band, corner, pitch, (0, 1, 2))
                else:
                    for k in range(9):
                        at = corner + k // 3 * pitch + k % 3
                        tile = add_cell(tile, weight, 9 * c + k, band, at, pitch)
                at, columns = (c * OH + oh) * OW + ow, (OW - ow, OW - ow, 0)
                store_tile(tile, y, at, OW, OH - oh, columns)

    @njit
    def convolve(x_, weight_, bias_, y_, pt, pl, band_, channels):
        weight, bias, y = address(weight_), address(bias_), address(y_)
        x, band = address(x_), address(band_)
        _, C, H, W = x_.shape
        _, _, OH, OW = y_.shape
        pitch, plane = OW + 2, (OH + 2) * (OW + 2)
        for first in range(0, C, channels):
            for c in range(channels):
                image = (x, (first + c) * H * W, W, W, x_.dtype.type(0))
                copy_neighbours(image, -pl, pitch, (band, c * plane + pt * pitch, pitch, H))
            for c in range(channels):
                sweep(weight, band, c * plane, pitch, bias, y, first + c, OH, OW)

    return convolve
