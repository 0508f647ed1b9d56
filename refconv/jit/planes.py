"""The compiled convolution for few outputs per group: taps read straight from a padded band.

For depthwise layers above all: in a tile of output channels, all rows but one would be waste. So a
tile is of output rows. A band of the image is copied once, padded, and split by stride phase,
so that what a kernel cell reads for neighbouring outputs lies side by side at every stride.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from refconv.geometry import Geometry
from refconv.jit.bands import fill_band
from refconv.jit.cached import compiled, inner
from refconv.jit.cpu import VECTOR_BYTES
from refconv.jit.crew import claim, finish
from refconv.jit.kernel_tiles import add_cell, add_kernel, kernel_of
from refconv.jit.sizes import sizes_of
from refconv.jit.tile import prefetch_tile, stand_alone, store_tile, tile_of
from refconv.jit.vector import address, keep, lanes_of

ROWS = 7
"""Output rows computed together: enough independent sums to hide the latency of multiply-adds."""

LEAST_BAND_ROWS = 2 * ROWS
"""Output rows of a band, at least: the rows that two bands need are copied twice."""

NEAR_BYTES = 16 << 10
"""A higher band is no larger than this: it is to stay in the first-level cache."""

TASK_OUTPUTS = 4_000
"""Outputs of a task, at least: a smaller one costs more to claim than it saves in waiting."""

FEW_CHANNELS = 8
"""Of a group: fewer outputs than this, and at most as many inputs, are for this kernel where it has
a sweep of its own for them; elsewhere, one output is. Measured on one core, GFLOP/s of planes and
of products: 3x3, 6 -> 6 channels, 91 and 86; 8 -> 8, 97 and 114; 7x7, 1 -> 1, 47 and 31; 1 -> 2,
50 and 59."""

OFFSET_BYTES = 8
MOST_BYTES = 3 << 20
"""Of a band and its offsets: a longer stride or dilation, or a wider image, is for products."""


def suits(g: Geometry, itemsize: int) -> bool:
    """Whether this kernel is the one for the convolution."""
    is_3x3, is_5x5 = g.KH == g.KW == 3, g.KH == g.KW == 5
    own_sweep = g.dh == 1 and ((is_3x3 and g.sh <= 2) or (is_5x5 and g.sh == g.Cg == 1))
    if g.Fg >= (FEW_CHANNELS if own_sweep else 2) or g.Cg > FEW_CHANNELS:
        return False
    return band_bytes(g, itemsize, LEAST_BAND_ROWS) <= MOST_BYTES


def band_bytes(g: Geometry, itemsize: int, height: int) -> int:
    """About how large the band for so many output rows is, with the offsets of its taps."""
    rows = (height - 1) * g.sh + (g.KH - 1) * g.dh + 1
    columns = (g.OW + VECTOR_BYTES // itemsize) * g.sw + (g.KW - 1) * g.dw
    return g.Cg * (rows * columns * itemsize + g.KH * g.KW * OFFSET_BYTES)


class Bands(NamedTuple):
    """How the work is cut: bands of `height` output rows, `run` of them a task."""

    height: int
    run: int
    tasks: int


def bands(g: Geometry, itemsize: int, wanted_tasks: int) -> Bands:
    """The cut of this convolution into about `wanted_tasks` tasks, or more."""
    most = LEAST_BAND_ROWS
    while most < g.OH and band_bytes(g, itemsize, most + ROWS) <= NEAR_BYTES:
        most += ROWS
    bands_of_image = -(-g.OH // most)
    height = -(-g.OH // (bands_of_image * ROWS)) * ROWS
    total = g.N * g.G * -(-g.OH // height)
    run = max(1, min(total // wanted_tasks, TASK_OUTPUTS // (g.Fg * height * g.OW)))
    return Bands(height, run, -(-total // run))


@compiled(nogil=True)
def convolve_planes(board, signal, me, x, weight, bias, y, sizes, fill):
    """Fill outputs, task by task.

    A task is `run` bands, one after the other; a band is `height` output rows, a multiple of ROWS,
    of one group of one image.
    """
    shape, (image_step, channel_step, row_step), kernel, options, cut = sizes_of(sizes)
    height, run = cut[0], cut[1]
    N, _, H, W, G = shape
    F, Cg, KH, KW, OH, OW = kernel
    sh, _, dh, _, pt, pl = options
    held_band, held_offsets, layout = blank_band(height, kernel, options, x)
    _, _, _, _, _, plane, pitch = layout
    rows = plane // pitch
    band, offsets = address(held_band), address(held_offsets)
    cells, weights, biases, outputs = address(x), address(weight), address(bias), address(y)
    bands_of_image = (OH + height - 1) // height
    total = N * G * bands_of_image
    padding = x.dtype.type(fill)
    done = 0
    task = claim(board, signal, me)
    while task >= 0:
        for number in range(task * run, min(total, (task + 1) * run)):
            top = number % bands_of_image * height
            bottom = min(OH, top + height)
            g = number // bands_of_image % G
            n = number // (bands_of_image * G)
            f, Fg = g * (F // G), F // G
            at = n * image_step + g * Cg * channel_step
            image, corner = (at, H, W, channel_step, row_step), (top * sh - pt, -pl)
            fill_band(band, layout, cells, image, Cg, rows, corner, options, padding)
            target = (outputs, (n * F + f) * OH * OW, f, Fg, top, bottom)
            common = (band, offsets, pitch, weights, biases, target, kernel)
            if KH == KW == 3 and sh == dh == 1 and Cg == 1:
                sweep_3x3(*common)
            elif KH == KW == 3 and sh == dh == 1:
                sweep_3x3_of_channels(*common)
            elif KH == KW == 3 and sh == 2 and dh == 1 and Cg == 1:
                sweep_3x3_by_2(*common)
            elif KH == KW == 3 and sh == 2 and dh == 1:
                sweep_3x3_by_2_of_channels(*common)
            elif KH == KW == 5 and sh == dh == 1 and Cg == 1:
                sweep_5x5(*common)
            else:
                sweep(band, offsets, pitch, sh, weights, biases, target, kernel)
        done += 1
        task = claim(board, signal, me)
    finish(board, signal, me, done)
    keep(held_band)
    keep(held_offsets)


@numba.njit(inline="always")
def blank_band(height, kernel, options, x):
    """An array for a band, where each tap is in it, and its layout.

    It is (Cg, phases, rows, pitch): column iw of the padded image is [.., iw % sw, .., iw // sw].
    """
    _, Cg, KH, KW, _, OW = kernel
    sh, sw, dh, dw, _, _ = options
    lanes = lanes_of(x)
    phases = min(sw, (KW - 1) * dw + 1)
    pitch = (OW + (KW - 1) * dw // sw + lanes - 1) // lanes * lanes
    plane = ((height - 1) * sh + (KH - 1) * dh + 1) * pitch
    offsets = np.empty(Cg * KH * KW, np.int64)
    for cg in range(Cg):
        for kh in range(KH):
            for kw in range(KW):
                at = (cg * phases + kw * dw % sw) * plane + kh * dh * pitch + kw * dw // sw
                offsets[(cg * KH + kh) * KW + kw] = at
    # The last vector of the last row may be read beyond its end, for outputs that are not stored.
    band = np.zeros(Cg * phases * plane + pitch + lanes, x.dtype)
    return band, offsets, (1, 1, 1, phases, 1, plane, pitch)


@inner
def sweep(band, offsets, pitch, sh, weights, biases, target, kernel):
    """Compute a band's outputs, tile by tile: ROWS rows high and a vector wide."""
    stand_alone()
    outputs, first, f_from, Fg, top, bottom = target
    _, Cg, KH, KW, OH, OW = kernel
    lanes = lanes_of(band)
    K = Cg * KH * KW
    for fg in range(Fg):
        f = f_from + fg
        for oh in range(top, bottom, ROWS):
            for ow in range(0, OW, lanes):
                output = first + (fg * OH + oh) * OW + ow
                corner = (oh - top) * sh * pitch + ow
                tile = tile_of(ROWS, 1, biases, f, 0)
                prefetch_tile(tile, outputs, output, OW)
                for k in range(K):
                    at = corner + offsets[k]
                    tile = add_cell(tile, weights, f * K + k, band, at, sh * pitch)
                store_tile(tile, outputs, output, OW, bottom - oh, (OW - ow, OW - ow, 0))


def _sweeper(KH, KW, STEP, ONE_CHANNEL):
    """`sweep` for a kernel of this size, at stride STEP down and dilation 1.

    The compiler then unrolls everything: what several rows of a tile read is loaded once, and the
    first channel's kernel stays in registers from tile to tile. Note 7 says what it gains.
    """
    CELLS = KH * KW

    @inner
    def sweep_kernel(band, offsets, pitch, weights, biases, target, kernel):
        stand_alone()
        outputs, first, f_from, Fg, top, bottom = target
        _, Cg, _, _, OH, OW = kernel
        columns = columns_of(offsets)
        for fg in range(Fg):
            f = f_from + fg
            cells = kernel_of(CELLS, weights, f * Cg * CELLS)
            for oh in range(top, bottom, ROWS):
                for ow in range(0, OW, lanes_of(band)):
                    output = first + (fg * OH + oh) * OW + ow
                    corner = (oh - top) * STEP * pitch + ow
                    tile = tile_of(ROWS, 1, biases, f, 0)
                    prefetch_tile(tile, outputs, output, OW)
                    tile = add_kernel(tile, STEP, cells, band, corner, pitch, columns)
                    for cg in range(1, 1 if ONE_CHANNEL else Cg):
                        more = kernel_of(CELLS, weights, (f * Cg + cg) * CELLS)
                        at = corner + offsets[cg * CELLS]
                        tile = add_kernel(tile, STEP, more, band, at, pitch, columns)
                    store_tile(tile, outputs, output, OW, bottom - oh, (OW - ow, OW - ow, 0))

    @numba.njit(inline="always")
    def columns_of(offsets):
        if KW == 3:
            return (offsets[0], offsets[1], offsets[2])
        return (offsets[0], offsets[1], offsets[2], offsets[3], offsets[4])

    return sweep_kernel


sweep_3x3 = _sweeper(3, 3, 1, ONE_CHANNEL=True)
sweep_3x3_by_2 = _sweeper(3, 3, 2, ONE_CHANNEL=True)
sweep_5x5 = _sweeper(5, 5, 1, ONE_CHANNEL=True)
sweep_3x3_of_channels = _sweeper(3, 3, 1, ONE_CHANNEL=False)
sweep_3x3_by_2_of_channels = _sweeper(3, 3, 2, ONE_CHANNEL=False)
