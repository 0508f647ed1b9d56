"""The weight gradient for many output channels per group: register tiles over pairs of channels.

grad_weight[f, cg, kh, kw] is a sum over all outputs (n, oh, ow): of two matrices, one with a column
of grad_y for each f, one with a column of x for each tap. A tile is a block of f, as vectors, times
some input channels of one tap, or kernel columns where there are few channels. grad_y is
transposed, a piece at a time, so that the f of one output are neighbours; x is read in place, or
from a copy of some rows where there are pads.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from refconv.geometry import Geometry
from refconv.jit.cached import compiled, inner
from refconv.jit.cpu import VECTOR_BYTES
from refconv.jit.crew import claim, finish, share
from refconv.jit.cuts import ROWS
from refconv.jit.spread import spread_rows
from refconv.jit.squares import square_of, transposed_tile
from refconv.jit.tile import (
    add_outer_product,
    add_put_aside,
    put_aside,
    stand_alone,
    store_tile,
    tile_of,
    zeros_like,
)
from refconv.jit.vector import address, aligned_address, element, keep, lanes_of, load, store

Array = np.ndarray[Any, Any]

VECTORS = 2
"""Of a tile's row: one fewer than the convolution's, for 64 channels are then two even blocks."""

HALF_ROWS = ROWS // 2

PIECE = 512
"""Outputs of a piece, about: its part of grad_y stays in a near cache. Also the longest chain of
additions, whose rounding errors grow with it."""

ASIDE_BYTES = 1 << 20
"""The sums of one task take no more than this, in the second-level cache; or those of one group of
tiles, if they are more."""


TASKS_PER_THREAD = 2
"""Each task transposes grad_y for itself: more of them are more even, and more to transpose."""


class Cut(NamedTuple):
    """How the work is cut: `parts` shares of the `groups` of tiles, for each block of channels.

    A tile has rows for input channels, and a group holds all taps of those; or `by_column`, for
    kernel columns, and a group holds those of one kernel row. Either way the weights of a group
    follow one another in memory.
    """

    by_column: bool
    groups: int
    parts: int
    tasks: int


def cut_for(g: Geometry, itemsize: int, threads: int) -> Cut:
    """The cut of this weight gradient."""
    lanes = VECTOR_BYTES // itemsize
    by_column = _waste(g.KW) < _waste(g.Cg)  # what fills the rows of a tile better
    if by_column:
        groups, tiles = g.Cg * g.KH, -(-g.KW // ROWS)
    else:
        groups, tiles = -(-g.Cg // ROWS), g.KH * g.KW
    blocks = g.G * -(-g.Fg // (VECTORS * lanes))
    parts = -(-groups * tiles * ROWS * VECTORS * VECTOR_BYTES // ASIDE_BYTES)
    if threads > 1:
        parts = max(parts, -(-TASKS_PER_THREAD * threads // blocks))
    parts = min(parts, groups)
    return Cut(by_column, groups, parts, blocks * parts)


def _waste(size: int) -> float:
    """Rows computed, over rows wanted."""
    whole, rest = divmod(size, ROWS)
    last = 0 if not rest else HALF_ROWS if rest <= HALF_ROWS else ROWS
    return (whole * ROWS + last) / size


def weight_grad(
    grad_y: Array, x: Array, grad_weight: Array, g: Geometry, pad_value: Any, threads: int
) -> None:
    """Fill `grad_weight`; all arrays are contiguous, and not empty."""
    cut = cut_for(g, grad_y.itemsize, threads)
    sizes = (
        g.G, g.H, g.W, *g.stride, *g.dilation, g.pt, g.pl,
        int(g.padded), int(cut.by_column), cut.groups, cut.parts,
    )  # fmt: skip
    arguments = (grad_y, x, grad_weight, sizes, float(pad_value))
    share(sum_outer_products, arguments, cut.tasks, threads)


@compiled(nogil=True)
def sum_outer_products(board, signal, me, grad_y, x, grad_weight, sizes, padding):
    """Fill the gradient, task by task: a block of output channels, and a part of the groups."""
    G, H, W, sh, sw, dh, dw, pt, pl, padded, by_column, groups, parts = sizes
    N, F, OH, OW = grad_y.shape
    _, Cg, KH, KW = grad_weight.shape
    Fg, lanes = F // G, lanes_of(grad_y)
    width = VECTORS * lanes
    blocks = (Fg + width - 1) // width
    tiles = (KW + ROWS - 1) // ROWS if by_column else KH * KW
    share_of = (groups + parts - 1) // parts * tiles
    tile_size = ROWS * width
    piece_rows, piece_columns = max(1, PIECE // OW), min(OW, PIECE)
    # A transposed square may begin with the last output of a piece.
    held_block = np.empty((piece_rows * piece_columns + lanes) * width + lanes, grad_y.dtype)
    held_sums = np.empty(share_of * tile_size + lanes, grad_y.dtype)
    held_aside = np.empty(lanes * lanes, grad_y.dtype)
    block, sums = aligned_address(held_block), aligned_address(held_sums)
    outputs, cells, gradients = address(grad_y), address(x), address(grad_weight)
    # Where there are pads, the rows that a piece reads of a tile's channels are copied with them.
    rows, pitch = H, W
    if padded:
        rows = (min(piece_rows, OH) - 1) * sh + (KH - 1) * dh + 1
        pitch = (piece_columns - 1) * sw + (KW - 1) * dw + 1
    held_band = np.empty(ROWS * rows * pitch + lanes if padded else 0, grad_y.dtype)
    band, layout, fill = address(held_band), (rows, 1, pitch), grad_y.dtype.type(padding)
    source = band if padded else cells
    plane = rows * pitch
    kernel = (by_column, Cg, KH, KW, plane, dw)
    done = 0
    task = claim(board, signal, me)
    while task >= 0:
        part, b, g = task % parts, task // parts % blocks, task // parts // blocks
        f = g * Fg + b * width
        count = min(width, (g + 1) * Fg - f)
        first, last = part * share_of, min(groups * tiles, (part + 1) * share_of)
        held_sums[:] = 0
        for n in range(N):
            for top in range(0, OH, piece_rows):
                bottom = min(OH, top + piece_rows)
                for left in range(0, OW, piece_columns):
                    columns = min(OW - left, piece_columns)
                    length = (bottom - top) * columns
                    start = ((n * F + f) * OH + top) * OW + left
                    transpose_piece(outputs, start, OH * OW, count, length, block)
                    piece = (bottom - top, columns, sh * pitch, sw)
                    if sh * pitch == columns * sw:
                        piece = (1, length, 0, sw)
                    copied = -1
                    for unit in range(first, last):
                        channel, kh, kw, height, step = place_of(unit, kernel)
                        image = ((n * G + g) * Cg + channel) * H * W
                        at = kh * dh * pitch + kw * dw
                        if padded and channel != copied:
                            corner = (top * sh - pt, left * sw - pl)
                            channels = 1 if by_column else height
                            spread_rows(band, layout, cells, (image, H, W), channels, corner, fill)
                            copied = channel
                        elif not padded:
                            at += image + top * sh * pitch + left * sw
                        aside = element(sums, (unit - first) * tile_size)
                        add_to_tile(aside, source, at, step, height, block, piece, count)
        if first < last:
            store_weights(sums, first, last, kernel, count, address(held_aside), gradients, f)
        done += 1
        task = claim(board, signal, me)
    finish(board, signal, me, done)
    keep(held_block)
    keep(held_sums)
    keep(held_band)
    keep(held_aside)


@numba.njit(inline="always")
def place_of(unit, kernel):
    """The tile's first channel, kernel row and column, its rows, and how far apart these read."""
    by_column, Cg, KH, KW, plane, dw = kernel
    if by_column:
        tiles = (KW + ROWS - 1) // ROWS
        kw = unit % tiles * ROWS
        return unit // (tiles * KH), unit // tiles % KH, kw, min(ROWS, KW - kw), dw
    # Taps innermost: the rows of x that they read are the same, nearly.
    channel = unit // (KH * KW) * ROWS
    return channel, unit // KW % KH, unit % KW, min(ROWS, Cg - channel), plane


@numba.njit(inline="always")
def add_to_tile(aside, cells, at, step, height, block, piece, count):
    """Add a piece to one tile, of the shape that so many rows and output channels need."""
    if count <= lanes_of(cells):
        if height <= HALF_ROWS:
            add_short_half_tile(aside, cells, at, step, height - 1, block, piece)
        else:
            add_short_tile(aside, cells, at, step, height - 1, block, piece)
    elif height <= HALF_ROWS:
        add_half_tile(aside, cells, at, step, height - 1, block, piece)
    else:
        add_tile(aside, cells, at, step, height - 1, block, piece)


@inner
def transpose_piece(outputs, start, P, count, length, block):
    """Write a piece's outputs to `block`, one after the other, each with all its channels.

    Lanes beyond the last channel hold that one again: they are computed, and not stored.
    """
    lanes = lanes_of(outputs)
    width = lanes if count <= lanes else VECTORS * lanes
    for i in range(0, count, lanes):
        last = min(lanes, count - i) - 1
        for p in range(0, length, lanes):
            square = square_of(outputs, start + i * P + p, P, last, length - p)
            whole = (lanes, lanes, 0)
            store_tile(transposed_tile(square), block, p * width + i, width, lanes, whole)


@inner
def store_weights(sums, first, last, kernel, count, aside, gradients, f):
    """Write the sums of the tiles first .. last to the weights of `count` channels from f on."""
    by_column, Cg, KH, KW, _, _ = kernel
    lanes = lanes_of(gradients)
    width = lanes if count <= lanes else VECTORS * lanes
    tile_size, K, T = ROWS * VECTORS * lanes, Cg * KH * KW, KH * KW
    tiles = (KW + ROWS - 1) // ROWS
    if by_column:
        start, end = first // tiles * KW, last // tiles * KW
    else:
        start, end = first // T * ROWS * T, min(K, last // T * ROWS * T)
    for k in range(start, end, lanes):
        taps = min(lanes, end - k)
        for i in range(0, count, lanes):
            for t in range(taps):
                j = k + t
                if by_column:
                    unit, r = j // KW * tiles + j % KW // ROWS, j % KW % ROWS
                else:
                    unit, r = j // T // ROWS * T + j % T, j // T % ROWS
                at = (unit - first) * tile_size + r * width + i
                store(aside, t * lanes, load(sums, at))
            square = square_of(aside, 0, lanes, taps - 1, lanes)
            rows, columns = min(lanes, count - i), (taps, taps, 0)
            store_tile(transposed_tile(square), gradients, (f + i) * K + k, K, rows, columns)


def _tile_adder(TILE_ROWS, TILE_VECTORS):
    """The function that adds a piece to tiles of this shape."""

    @inner
    def add_tile(aside, cells, at, step, last, block, piece):
        """Add to the tile that is put aside its sums over a piece: rows `step` apart in x."""
        stand_alone()
        rows, columns, row_step, column_step = piece
        tile = tile_of(TILE_ROWS, TILE_VECTORS, aside, 0, 0)
        tile = zeros_like(tile)
        place = 0
        for row in range(rows):
            here = at + row * row_step
            for column in range(columns):
                k = here + column * column_step
                tile = add_outer_product(tile, cells, k, step, last, block, place)
                place += TILE_VECTORS * lanes_of(cells)
        put_aside(add_put_aside(tile, aside), aside)

    return add_tile


add_tile = _tile_adder(ROWS, VECTORS)
add_half_tile = _tile_adder(HALF_ROWS, VECTORS)
add_short_tile = _tile_adder(ROWS, 1)
add_short_half_tile = _tile_adder(HALF_ROWS, 1)
