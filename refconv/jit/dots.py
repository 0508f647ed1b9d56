"""The weight gradient for few output channels per group: each weight is a dot product of two rows.

For depthwise layers above all: where a vector of output channels would be mostly empty, vectors run
over the outputs instead, along a row of grad_y and of x, and their lanes are summed up at the end.
A tile is of some taps times some output channels, so that what is loaded is used several times.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refconv.geometry import Geometry
from refconv.jit.cached import compiled, inner
from refconv.jit.cpu import REGISTERS, VECTOR_BYTES
from refconv.jit.crew import claim, finish, share
from refconv.jit.dot_tiles import add_dots, add_first_dots, store_sums, zero_tile
from refconv.jit.spread import spread_rows
from refconv.jit.tile import add_put_aside, put_aside, stand_alone
from refconv.jit.vector import address, element, keep, lanes_of

Array = np.ndarray[Any, Any]

TAPS, CHANNELS = (6, 4) if REGISTERS == 32 else (3, 3)
"""Of a tile: accumulators, a row of grad_y for each channel, and a row of x must fit."""

SINGLE_TAPS = 9
"""Of a tile for one output channel."""

PART = 18
"""Taps of a part: whole tiles of both kinds."""

CHAIN = 256
"""Vectors of a row that are summed up one after the other, about: rounding errors grow with it."""

FEW_CHANNELS = 8
"""Of a group: fewer outputs than this are for this kernel."""


BAND_BYTES = 1 << 15
"""The rows of x that are read together are to stay in the first-level cache, if they can."""

ASIDE_BYTES = 1 << 20
"""The sums of one task take about no more than this, in the second-level cache."""


def suits(g: Geometry) -> bool:
    """Whether this kernel is the one for the weight gradient."""
    return g.Fg < FEW_CHANNELS


def weight_grad(
    grad_y: Array, x: Array, grad_weight: Array, g: Geometry, pad_value: Any, threads: int
) -> None:
    """Fill `grad_weight`; all arrays are contiguous, and not empty."""
    parts = -(-g.K * g.Fg * VECTOR_BYTES // ASIDE_BYTES)
    if 2 * threads > g.G:
        parts = max(parts, -(-2 * threads // g.G))
    parts = min(parts, -(-g.K // PART))
    row = g.Cg * g.sw * pitch_of(g) * grad_y.itemsize
    height = max(1, min(g.OH, (BAND_BYTES // row - (g.KH - 1) * g.dh - 1) // g.sh + 1))
    sizes = (g.G, g.H, g.W, *g.stride, *g.dilation, g.pt, g.pl, pitch_of(g), height, parts)
    arguments = (grad_y, x, grad_weight, sizes, float(pad_value))
    share(sum_dot_products, arguments, g.G * parts, threads)


def pitch_of(g: Geometry) -> int:
    """How far apart the rows of a phase are: as many columns as its kernel columns read."""
    return g.OW + (g.KW - 1) * g.dw // g.sw


@compiled(nogil=True)
def sum_dot_products(board, signal, me, grad_y, x, grad_weight, sizes, padding):
    """Fill the gradient, task by task: one group, and a part of its taps."""
    G, H, W, sh, sw, dh, dw, pt, pl, pitch, height, parts = sizes
    N, F, OH, OW = grad_y.shape
    _, Cg, KH, KW = grad_weight.shape
    Fg, K, P, lanes = F // G, Cg * KH * KW, OH * OW, lanes_of(grad_y)
    several = Fg - Fg % CHANNELS  # channels of tiles that have room for several
    rows = (height - 1) * sh + (KH - 1) * dh + 1
    row = sw * pitch
    held_offsets = np.empty(K, np.int64)
    for k in range(K):
        cg, kh, kw = k // (KH * KW), k // KW % KH, k % KW
        column = kw * dw % sw * pitch + kw * dw // sw
        held_offsets[k] = (cg * rows + kh * dh) * row + column
    span = (-(-K // PART) + parts - 1) // parts * PART
    held_band = np.empty(Cg * rows * row + lanes, grad_y.dtype)
    held_sums = np.empty(span * Fg * lanes, grad_y.dtype)
    band, offsets, sums = address(held_band), address(held_offsets), address(held_sums)
    outputs, cells, gradients = address(grad_y), address(x), address(grad_weight)
    layout, fill = (rows, sw, pitch), grad_y.dtype.type(padding)
    done = 0
    task = claim(board, signal, me)
    while task >= 0:
        g, part = task // parts, task % parts
        first, last = part * span, min(K, (part + 1) * span)
        held_sums[:] = 0
        for n in range(N):
            image = ((n * G + g) * Cg * H * W, H, W)
            for top in range(0, OH, height):
                corner = (top * sh - pt, -pl)
                spread_rows(band, layout, cells, image, Cg, corner, fill)
                for left in range(0, OW, CHAIN * lanes):
                    columns = min(OW - left, CHAIN * lanes)
                    run = (min(height, OH - top), columns, OW, P, sh * row)
                    read = element(band, left)
                    y = ((n * F + g * Fg) * OH + top) * OW + left
                    for fg in range(0, several, CHANNELS):
                        for k in range(first, last, TAPS):
                            tile = element(sums, (fg * span + (k - first) * CHANNELS) * lanes)
                            add_several(tile, outputs, y + fg * P, read, offsets, k, last, run)
                    for fg in range(several, Fg):
                        for k in range(first, last, SINGLE_TAPS):
                            tile = element(sums, (fg * span + k - first) * lanes)
                            add_single(tile, outputs, y + fg * P, read, offsets, k, last, run)
        weight = g * Fg * K
        for fg in range(0, several, CHANNELS):
            for k in range(first, last, TAPS):
                tile = element(sums, (fg * span + (k - first) * CHANNELS) * lanes)
                store_several(tile, gradients, weight + fg * K + k, K, last - k)
        for fg in range(several, Fg):
            for k in range(first, last, SINGLE_TAPS):
                tile = element(sums, (fg * span + k - first) * lanes)
                store_single(tile, gradients, weight + fg * K + k, K, last - k)
        done += 1
        task = claim(board, signal, me)
    finish(board, signal, me, done)
    keep(held_band)
    keep(held_offsets)
    keep(held_sums)


def _adder(TILE_TAPS, TILE_CHANNELS):
    """The function that adds some rows to a tile of so many taps and output channels."""
    SUMS = TILE_TAPS * TILE_CHANNELS

    @inner
    def add_tile(sums, outputs, y, band, offsets, k, end, run):
        """Add to the tile that is put aside in `sums` its products over the rows of `run`.

        Its taps are those from k on, before `end`, as many as a tile has.
        """
        stand_alone()
        rows, columns, OW, P, row_step = run
        lanes = lanes_of(outputs)
        whole, last = columns - columns % lanes, min(TILE_TAPS, end - k) - 1
        tile = zero_tile(SUMS, outputs)
        for row in range(rows):
            for ow in range(0, whole, lanes):
                place = (y + row * OW + ow, P, row * row_step + ow)
                tile = add_dots(tile, TILE_CHANNELS, outputs, band, place, offsets, k, last)
            if whole < columns:
                place = (y + row * OW + whole, P, row * row_step + whole)
                tile = add_first_dots(
                    tile, TILE_CHANNELS, outputs, band, place, offsets, k, last, columns - whole
                )
        put_aside(add_put_aside(tile, sums), sums)

    return add_tile


def _storer(TILE_TAPS, TILE_CHANNELS):
    """The function that stores such a tile."""
    SUMS = TILE_TAPS * TILE_CHANNELS

    @inner
    def store_dots(sums, gradients, index, K, taps):
        """Write the sums of the lanes of the tile put aside to gradients[index:], K a channel."""
        tile = add_put_aside(zero_tile(SUMS, gradients), sums)
        store_sums(tile, TILE_CHANNELS, gradients, index, K, min(TILE_TAPS, taps) - 1)

    return store_dots


add_single, store_single = _adder(SINGLE_TAPS, 1), _storer(SINGLE_TAPS, 1)
add_several, store_several = _adder(TAPS, CHANNELS), _storer(TAPS, CHANNELS)
