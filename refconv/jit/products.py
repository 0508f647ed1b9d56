"""The compiled matrix product: register tiles over bands of the image, taps read in place.

A row of the im2col matrix is what one kernel cell reads for all outputs. In a band (`bands.py`) it
is a run of neighbours, so a register tile reads it there: the matrix never exists, and a cell of
the image is copied once, or once for each kernel column, not once for each kernel cell. Outputs
are counted through the rows of the band, from its first one.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from refconv.jit.bands import fill_band
from refconv.jit.cached import compiled, inner
from refconv.jit.crew import claim, finish
from refconv.jit.cuts import ROWS, VECTORS
from refconv.jit.sizes import sizes_of
from refconv.jit.tile import (
    add_outer_product,
    add_put_aside,
    add_tiles,
    load_tile,
    put_aside,
    stand_alone,
    store_tile,
    tile_of,
    zeros_like,
)
from refconv.jit.vector import address, aligned_address, keep, lanes_of

Array = np.ndarray[Any, Any]

HALF_ROWS = ROWS // 2
FEWER_VECTORS = VECTORS - 1

CHAIN = 128
"""Taps that are summed up one after the other. Rounding errors grow with the length of a chain: so
there are several, whose sums are then summed up. It takes 1 to 4% of the time."""


def pack_weight(weight: Array, groups: int) -> Array:
    """The weight as tiles read it, from front to back: [g, f // ROWS, k, f % ROWS]."""
    Fg, K = len(weight) // groups, weight[0].size
    tiles = -(-Fg // ROWS)
    rows = np.zeros((groups, tiles * ROWS, K), weight.dtype)
    rows[:, :Fg] = weight.reshape(groups, Fg, K)
    packed = rows.reshape(groups, tiles, ROWS, K).swapaxes(2, 3).copy()
    packed.flags.writeable = False
    return packed


@compiled(nogil=True)
def convolve_products(board, signal, me, x, weight, bias, y, sizes, fill, row_step):
    """Fill outputs, task by task.

    `row_step` is the distance of two output channels in `weight`; None where it is packed.
    """
    shape, steps, kernel, options, cut = sizes_of(sizes)
    N, _, H, W, G = shape
    image_step, channel_step, x_row_step = steps
    F, Cg, KH, KW, OH, OW = kernel
    sh, sw, dh, dw, pt, pl = options
    lines, length, strips, parts, channels, kernel_rows, kernel_columns, rows, pitch, _, _, _ = cut
    Fg, K = F // G, Cg * KH * KW
    span = strips * VECTORS * lanes_of(x)
    stretches = (length + span - 1) // span
    tiles = (Fg + ROWS - 1) // ROWS
    share = (tiles + parts - 1) // parts * ROWS
    padding = x.dtype.type(fill)
    held_band, held_offsets, layout = blank_band(cut, options, padding, x)
    held_aside = np.empty(ROWS * VECTORS * lanes_of(x), x.dtype)
    band, offsets, aside = aligned_address(held_band), address(held_offsets), address(held_aside)
    cells, weights, biases, outputs = address(x), address(weight), address(bias), address(y)
    done = 0
    task = claim(board, signal, me)
    while task >= 0:
        # Parts outermost: a thread then meets the same weights again, and has them in its cache.
        start = task % stretches * span
        count = min(span, length - start)
        line = task // stretches % lines
        g = task // (stretches * lines) % G
        n = task // (stretches * lines * G) % N
        part = task // (stretches * lines * G * N)
        f_from, f_to = g * Fg + part * share, g * Fg + min(Fg, (part + 1) * share)
        # The band begins with output row `top`, column `left`; `first` is the first output in it.
        if length > OW:
            top, left, first = start // pitch, 0, start % pitch
        else:
            top, left, first = line, start, 0
        target = (outputs, (n * F * OH + top) * OW + left, OH * OW, OW, f_from, f_to)
        for cg in range(0, Cg, channels):
            depth = min(channels, Cg - cg)
            at = n * image_step + (g * Cg + cg) * channel_step
            image = (at, H, W, channel_step, x_row_step)
            for kh in range(0, KH, kernel_rows):
                for kw in range(0, KW, kernel_columns):
                    corner = (top * sh + kh * dh - pt, left * sw + kw * dw - pl)
                    fill_band(band, layout, cells, image, depth, rows, corner, options, padding)
                    taps = depth * min(kernel_rows, KH - kh) * min(kernel_columns, KW - kw)
                    k = (cg * KH + kh) * KW + kw
                    w = g * (tiles * ROWS - Fg) * K + k * ROWS if row_step is None else k
                    factors = (weights, w, taps, K, biases, k == 0)
                    outputs_of_band = (first, first + count, pitch)
                    multiply(band, offsets, aside, outputs_of_band, factors, row_step, target)
        done += 1
        task = claim(board, signal, me)
    finish(board, signal, me, done)
    keep(held_band)
    keep(held_offsets)
    keep(held_aside)


@numba.njit(inline="always")
def blank_band(cut, options, padding, x):
    """An array for a band, where each tap of its first output is in it, and its layout."""
    sh, sw, dh, dw, _, _ = options
    channels, kernel_rows, kernel_columns, rows, pitch, rows_apart, columns_apart = cut[4:11]
    row_slots, row_slot_step = min(sh, (kernel_rows - 1) * dh + 1), 1
    if rows_apart:
        row_slots, row_slot_step = kernel_rows, dh
    slots, slot_step = min(sw, (kernel_columns - 1) * dw + 1), 1
    if columns_apart:
        slots, slot_step = kernel_columns, dw
    plane = rows * pitch
    offsets = np.empty(channels * kernel_rows * kernel_columns, np.int64)
    k = 0
    for c in range(channels):
        for kh in range(kernel_rows):
            row_slot, row = (kh, 0) if rows_apart else (kh * dh % sh, kh * dh // sh)
            for kw in range(kernel_columns):
                slot, column = (kw, 0) if columns_apart else (kw * dw % sw, kw * dw // sw)
                at = ((c * row_slots + row_slot) * slots + slot) * plane
                offsets[k] = at + row * pitch + column
                k += 1
    # A tile reads whole vectors, for outputs that are not stored; and the array is to be aligned.
    # The last row ends with the pads that it would share with another.
    shared = 0 if columns_apart else (kernel_columns - 1) * dw // sw
    size = channels * row_slots * slots * plane + shared + (VECTORS + 2) * lanes_of(x)
    layout = (sh, row_slots, row_slot_step, slots, slot_step, plane, pitch)
    return np.full(size, padding, x.dtype), offsets, layout


@numba.njit(inline="always")
def multiply(band, offsets, aside, outputs_of_band, factors, row_step, target):
    """Add a block of the weight times the band to the outputs of channels f_from .. f_to."""
    start, end, pitch = outputs_of_band
    outputs, image, P, OW, f_from, f_to = target
    lanes = lanes_of(band)
    whole = end - (end - start) % (VECTORS * lanes)
    output = (outputs, image, P, OW, pitch, end)
    matrix = (band, offsets, aside)
    for f in range(f_from, f_to, ROWS):
        rows = min(ROWS, f_to - f)
        if rows <= HALF_ROWS:
            multiply_half_tiles(f, rows, start, end, matrix, factors, row_step, output)
        else:
            multiply_tiles(f, rows, start, whole, matrix, factors, row_step, output)
            if end - whole > FEWER_VECTORS * lanes:
                multiply_tiles(f, rows, whole, end, matrix, factors, row_step, output)
            elif end - whole > lanes:
                multiply_narrow_tiles(f, rows, whole, end, matrix, factors, row_step, output)
            elif end > whole:
                multiply_vector_tiles(f, rows, whole, end, matrix, factors, row_step, output)


def _tile_multiplier(TILE_ROWS, TILE_VECTORS):
    """The function that computes tiles of this shape."""

    @inner
    def multiply_tiles(f, rows, start, stop, matrix, factors, row_step, output):
        """The product for `rows` output channels from f on, and the outputs start .. stop.

        A tile stays in registers, but for every CHAIN taps. The first block of taps starts it from
        the bias, others are added to what the outputs are so far.
        """
        stand_alone()
        band, offsets, aside = matrix
        weights, w, depth, K, biases, fresh = factors
        outputs, image, P, OW, pitch, end = output
        for place in range(start, stop, TILE_VECTORS * lanes_of(band)):
            at, count = image + f * P + place, end - place
            gap_at, gap = count, 0
            if pitch > OW:
                # The band's rows are longer than y's: a tile meets the end of one at most.
                row, column = place // pitch, place % pitch
                gap_at, gap = OW - column, pitch - OW
                at -= row * gap
                if gap_at < 0:
                    at, gap_at, gap = at + gap_at, 0, gap + gap_at
            columns = (count, gap_at, gap)
            tile = tile_of(TILE_ROWS, TILE_VECTORS, biases, f, rows - 1)
            if not fresh:
                tile = zeros_like(tile)
            if depth > CHAIN:
                put_aside(zeros_like(tile), aside)
            for link in range(0, depth, CHAIN):
                end_of_link = min(depth, link + CHAIN)
                if row_step is None:
                    for d in range(link, end_of_link):
                        k = w + f * K + d * ROWS
                        tap = place + offsets[d]
                        tile = add_outer_product(tile, weights, k, 1, TILE_ROWS - 1, band, tap)
                else:
                    for d in range(link, end_of_link):
                        k = w + f * K + d
                        tap = place + offsets[d]
                        tile = add_outer_product(tile, weights, k, row_step, rows - 1, band, tap)
                if depth > CHAIN:
                    tile = add_put_aside(tile, aside)
                    if end_of_link < depth:
                        put_aside(tile, aside)
                        tile = zeros_like(tile)
            if not fresh:
                tile = add_tiles(tile, load_tile(tile, outputs, at, P, rows, columns))
            store_tile(tile, outputs, at, P, rows, columns)

    return multiply_tiles


multiply_tiles = _tile_multiplier(ROWS, VECTORS)
multiply_narrow_tiles = _tile_multiplier(ROWS, FEWER_VECTORS)
multiply_vector_tiles = _tile_multiplier(ROWS, 1) if FEWER_VECTORS > 1 else multiply_narrow_tiles
multiply_half_tiles = _tile_multiplier(HALF_ROWS, VECTORS)
