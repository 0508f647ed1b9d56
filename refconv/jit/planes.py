"""The compiled convolution for few outputs per group: taps read straight from a padded band.

For depthwise layers above all: a panel would be written once and read once there, so packing one
gains nothing. Instead a band of the input's rows is copied once, padded, and split by stride phase,
so that what a kernel cell reads for neighbouring outputs lies side by side at every stride.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from refconv.geometry import Geometry
from refconv.jit.bands import fill_band
from refconv.jit.cached import compiled
from refconv.jit.cpu import VECTOR_BYTES
from refconv.jit.crew import claim, finish
from refconv.jit.sizes import sizes_of
from refconv.jit.tile import add_kernel_column, prefetch_tile, store_tile, tile_of
from refconv.jit.vector import address, keep, lanes_of

ROWS = 7
"""Output rows computed together: enough independent sums to hide the latency of multiply-adds."""

BAND_ROWS = 2 * ROWS
"""Output rows of a band: high enough that the rows which two bands need matter little."""

TASK_OUTPUTS = 4_000
"""Outputs of a task, at least: a smaller one costs more to claim than it saves in waiting."""

FEW_CHANNELS = 8
"""Of a group: fewer outputs than this, and at most as many inputs, are for this kernel. Measured on
one core, GFLOP/s: 4 -> 4 channels, planes 45, panels 22; 16 -> 16, planes 55, panels 80."""

BAND_BYTES = 4 << 20
"""The largest band: a longer stride or dilation, or a wider image, is for panels."""


def suits(g: Geometry, itemsize: int) -> bool:
    """Whether this kernel is the one for the convolution."""
    if g.Fg >= FEW_CHANNELS or g.Cg > FEW_CHANNELS:
        return False
    rows = (BAND_ROWS - 1) * g.sh + (g.KH - 1) * g.dh + 1
    columns = (g.OW + VECTOR_BYTES // itemsize) * g.sw + (g.KW - 1) * g.dw
    return g.Cg * rows * columns * itemsize <= BAND_BYTES


class Bands(NamedTuple):
    """How the work is cut: bands of `height` output rows, `run` of them a task."""

    height: int
    run: int
    tasks: int


def bands(g: Geometry, wanted_tasks: int) -> Bands:
    """The cut of this convolution into about `wanted_tasks` tasks, or more."""
    height = min(BAND_ROWS, -(-g.OH // ROWS) * ROWS)
    total = g.N * g.G * -(-g.OH // height)
    run = max(1, min(total // wanted_tasks, TASK_OUTPUTS // (g.Fg * height * g.OW)))
    return Bands(height, run, -(-total // run))


@compiled(nogil=True)
def convolve_planes(board, signal, me, x, weight, bias, y, sizes, fill):
    """Fill outputs, task by task.

    A task is `run` bands, one after the other; a band is `height` output rows, a multiple of ROWS,
    of one group of one image.
    """
    shape, kernel, options, cut = sizes_of(sizes)
    height, run = cut[0], cut[1]
    N, _, H, W, G = shape
    F, Cg, KH, _, OH, OW = kernel
    sh, _, dh, _, pt, pl = options
    held_band, held_offsets, layout = blank_band(height, kernel, options, x)
    _, _, _, _, _, plane, pitch = layout
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
            ih = top * sh - pt
            image, rows = (n * G + g) * Cg * H * W, plane // pitch
            fill_band(band, layout, cells, image, Cg, ih, rows, -pl, shape, options, padding)
            target = (outputs, (n * F + f) * OH * OW, f, Fg, top, bottom)
            # Common kernels take a whole column at once, and load a row that several tile rows
            # need once: 45 cycles a tile instead of 76.
            if dh == 1 and sh == 1 and KH == 3:
                sweep(3, 1, band, offsets, pitch, pitch, sh, weights, biases, target, kernel)
            elif dh == 1 and sh == 2 and KH == 3:
                sweep(3, 2, band, offsets, pitch, pitch, sh, weights, biases, target, kernel)
            elif dh == 1 and sh == 1 and KH == 5:
                sweep(5, 1, band, offsets, pitch, pitch, sh, weights, biases, target, kernel)
            else:
                sweep(1, 1, band, offsets, pitch, sh * pitch, sh, weights, biases, target, kernel)
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


@numba.njit(inline="always")
def sweep(TAPS, STEP, band, offsets, pitch, stride, sh, weights, biases, target, kernel):
    """Compute a band's outputs, tile by tile: ROWS rows high and a vector wide.

    TAPS cells of a kernel column at a time, which lie `stride` apart in the band; what neighbouring
    output rows read lies STEP times as far apart.
    """
    outputs, first, f_from, Fg, top, bottom = target
    _, Cg, KH, KW, OH, OW = kernel
    lanes = lanes_of(band)
    for fg in range(Fg):
        f = f_from + fg
        for oh in range(top, bottom, ROWS):
            for ow in range(0, OW, lanes):
                output = first + (fg * OH + oh) * OW + ow
                corner = (oh - top) * sh * pitch + ow
                tile = tile_of(ROWS, 1, biases, f, 0)
                prefetch_tile(tile, outputs, output, OW)
                for k in range(0, Cg * KH, TAPS):
                    for kw in range(KW):
                        w = (f * Cg * KH + k) * KW + kw
                        cell = corner + offsets[k * KW + kw]
                        tile = add_kernel_column(
                            tile, TAPS, STEP, weights, w, KW, band, cell, stride
                        )
                store_tile(tile, outputs, output, OW, bottom - oh, (OW - ow, OW - ow, 0))
