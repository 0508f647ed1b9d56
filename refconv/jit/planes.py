"""The compiled convolution for few outputs per group: taps read straight from a padded band.

For depthwise layers above all: a panel would be written once and read once there, so packing one
gains nothing. Instead a band of the input's rows is copied once, padded, and split by stride phase,
so that what a kernel cell reads for neighbouring outputs lies side by side at every stride.
"""

from __future__ import annotations

import numba
import numpy as np

from refconv.geometry import Geometry
from refconv.jit.crew import claim, finish
from refconv.jit.runs import copy_runs
from refconv.jit.vector import add_scaled_rows, lanes_of, prefetch_tile, store_tile, tile_of

ROWS = 7
"""Output rows computed together: enough independent sums to hide the latency of multiply-adds."""


@numba.njit(nogil=True, cache=True)
def convolve_planes(board, signal, me, x, weight, bias, y, shape, kernel, options, fill, height):
    """Fill outputs, task by task.

    A task is a band of `height` output rows, a multiple of ROWS, of one group of one image.
    """
    _, C, H, W, G = shape
    F, Cg, KH, KW, OH, OW = kernel
    sh, sw, dh, dw, pt, pl = options
    Fg = F // G
    K = Cg * KH * KW
    lanes = lanes_of(x)

    # The band, as (Cg, phases, rows, pitch): column iw of the padded image is at
    # [.., iw % sw, .., iw // sw].
    phases = min(sw, (KW - 1) * dw + 1)
    blocks = (OW + (KW - 1) * dw // sw + lanes - 1) // lanes
    pitch = blocks * lanes
    rows = (height - 1) * sh + (KH - 1) * dh + 1
    # The last vector of the last row may be read beyond its end, for outputs that are not stored.
    band = np.zeros(Cg * phases * rows * pitch + pitch + lanes, x.dtype)
    offsets = np.empty(K, np.int64)
    for cg in range(Cg):
        for kh in range(KH):
            for kw in range(KW):
                phase, column = kw * dw % sw, kw * dw // sw
                offsets[(cg * KH + kh) * KW + kw] = (
                    (cg * phases + phase) * rows + kh * dh
                ) * pitch + column

    bands = (OH + height - 1) // height
    done = 0
    task = claim(board, signal)
    while task >= 0:
        top = task % bands * height
        g = task // bands % G
        n = task // (bands * G)
        # Rows of the band that lie in the image; those above and below are padding.
        first_row = min(rows, max(0, pt - top * sh))
        last_row = max(first_row, min(rows, H + pt - top * sh))
        for cg in range(Cg):
            image = ((n * C + g * Cg + cg) * H + top * sh - pt) * W
            for phase in range(phases):
                plane = (cg * phases + phase) * rows * pitch
                band[plane : plane + first_row * pitch] = fill
                band[plane + last_row * pitch : plane + rows * pitch] = fill
                for block in range(blocks):
                    copy_runs(
                        x, image + first_row * W, W, block * lanes * sw + phase - pl, sw, W,
                        lanes, fill, band, plane + first_row * pitch + block * lanes, pitch,
                        last_row - first_row,
                    )  # fmt: skip
        for f in range(g * Fg, g * Fg + Fg):
            for oh in range(top, min(OH, top + height), ROWS):
                for ow in range(0, OW, lanes):
                    tile = tile_of(ROWS, 1, bias, f, 1, 0)
                    at = (oh - top) * sh * pitch + ow
                    start = ((n * F + f) * OH + oh) * OW + ow
                    prefetch_tile(tile, y, start, OW, OH - oh - 1)
                    for k in range(K):
                        tile = add_scaled_rows(
                            tile, weight[f * K + k], band, at + offsets[k], sh * pitch
                        )
                    store_tile(tile, y, start, OW, OH - oh, OW - ow)
        done += 1
        task = claim(board, signal)
    finish(board, signal, me, done)


def tasks(g: Geometry, height: int) -> int:
    """How many tasks `convolve_planes` makes of it."""
    return g.N * g.G * -(-g.OH // height)
