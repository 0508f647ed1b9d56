"""The compiled im2col: panels of the im2col matrix, packed and multiplied one at a time.

A panel is a few vectors of neighbouring outputs wide, and as deep as a block of input channels
has taps. It stays in cache while every output channel of its group uses it; the whole matrix never
exists. The product is built from register tiles.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from refconv.geometry import Geometry
from refconv.jit.cached import compiled
from refconv.jit.cpu import REGISTERS, VECTOR_BYTES
from refconv.jit.crew import claim, finish
from refconv.jit.runs import copy_runs
from refconv.jit.tile import add_outer_product, load_tile, prefetch_tile, store_tile, tile_of
from refconv.jit.vector import address, keep, lanes_of, load_window, store_first

# Accumulators, a panel row and a factor must fit the registers: 8*3 + 3 + 1 of 32, 4*2 + 2 + 1
# of 16.
ROWS = 8 if REGISTERS == 32 else 4
HALF_ROWS = ROWS // 2
VECTORS = 3 if REGISTERS == 32 else 2
FEWER_VECTORS = VECTORS - 1

DEPTH = 1200
"""Taps in a strip, about; those of one channel at least. A deeper one leaves the second-level
cache, a shallower one loads and stores output tiles more often."""

PANEL_BYTES = 200_000
"""Shallow strips are taken several at a time, so that a row of y is written in longer pieces."""

LEAST_SHARE = 4 * ROWS
"""Output channels for which packing a panel once more, for the sake of more tasks, still pays."""


class Blocks(NamedTuple):
    """How the work is cut: a panel is `strips` strips wide, a group's outputs are in `parts`."""

    strips: int
    parts: int
    tasks: int


def blocks(g: Geometry, itemsize: int, wanted_tasks: int) -> Blocks:
    """The cut of this convolution into about `wanted_tasks` tasks, or more."""
    width = VECTORS * VECTOR_BYTES // itemsize
    strips_of_image = -(-g.OH * g.OW // width)
    most_that_fit = PANEL_BYTES // (min(g.K, DEPTH) * width * itemsize)
    most_that_share = strips_of_image * g.N * g.G // wanted_tasks
    strips = max(1, min(most_that_fit, most_that_share))
    panels = g.N * g.G * -(-strips_of_image // strips)
    parts = max(1, min(-(-g.Fg // LEAST_SHARE), -(-wanted_tasks // panels)))
    return Blocks(strips, parts, panels * parts)


@compiled(nogil=True)
def convolve_panels(
    board, signal, me, x, weight, bias, y, shape, kernel, options, fill, strips, parts
):
    """Fill outputs, task by task.

    A task is one panel's pixels for one of `parts` shares of one group's output channels.
    """
    N, C, H, W, G = shape
    F, Cg, KH, KW, OH, OW = kernel
    Fg = F // G
    P = OH * OW
    width = VECTORS * lanes_of(x)
    panels = (P + strips * width - 1) // (strips * width)
    share = (Fg + parts - 1) // parts
    channels = max(1, min(Cg, DEPTH // (KH * KW)))
    pixels_alone = KH == KW == 1 and OH == H and OW == W and options[0] == options[1] == 1
    held_panel = np.zeros(strips * channels * KH * KW * width, x.dtype)
    panel, cells, weights = address(held_panel), address(x), address(weight)
    biases, outputs = address(bias), address(y)
    done = 0
    task = claim(board, signal, me)
    while task >= 0:
        # Parts outermost: a thread then meets the same weights again, and has them in its cache.
        first = task % panels * strips * width
        last = min(P, first + strips * width)
        g = task // panels % G
        n = task // (panels * G) % N
        part = task // (panels * G * N)
        f_from, f_to = g * Fg + part * share, g * Fg + min(Fg, (part + 1) * share)
        for cg in range(0, Cg, channels):
            depth = min(channels, Cg - cg)
            image = (n * C + g * Cg + cg) * H * W
            sizes = (H, W, KH, KW, OW)
            for pixel in range(first, last, width):
                strip = (pixel - first) * depth * KH * KW
                pixels = min(width, last - pixel)
                if pixels_alone:
                    pack_pixels(panel, strip, cells, image + pixel, H * W, depth, pixels, fill)
                else:
                    pack(
                        panel, strip, width, cells, image, depth, pixel, pixels,
                        sizes, options, fill,
                    )  # fmt: skip
            taps = (cg * KH * KW, depth * KH * KW, Cg * KH * KW)
            target = (outputs, n * F * P, P, first, last, f_from, f_to)
            multiply(panel, width, weights, taps, biases, target)
        done += 1
        task = claim(board, signal, me)
    finish(board, signal, me, done)
    keep(held_panel)


@numba.njit
def pack_pixels(panel, strip, cells, start, plane, depth, pixels, fill):
    """`pack` for a kernel of one cell that reads each pixel once: rows of the image do not matter.

    A channel's pixels are copied at one go: 8% less time on pw_56 and pw_112, 2% on pw_14.
    """
    lanes = lanes_of(cells)
    for c in range(depth):
        for v in range(VECTORS):
            at = start + c * plane + v * lanes
            numbers = load_window(cells, at, 0, pixels - v * lanes, fill)
            store_first(panel, strip + (c * VECTORS + v) * lanes, numbers, lanes)


@numba.njit(inline="always")
def pack(panel, strip, width, cells, image, depth, pixel, pixels, sizes, options, fill):
    """Write the taps of outputs pixel .. pixel+pixels, of `depth` channels: row (cg, kh, kw).

    Run by run: outputs that neighbour in a row of y read neighbours, `sw` apart, in a row of x.
    """
    H, W, KH, KW, OW = sizes
    sh, sw, dh, dw, pt, pl = options
    lanes = lanes_of(cells)
    pitch = KH * KW * width
    done = 0
    while done < pixels:
        oh, ow = (pixel + done) // OW, (pixel + done) % OW
        count = min(min(OW - ow, pixels - done), lanes)
        for kh in range(KH):
            ih = oh * sh + kh * dh - pt
            # A row in the padding has no cells at all: width 0, whatever its address.
            row, columns = (image + ih * W, W) if 0 <= ih < H else (image, 0)
            for kw in range(KW):
                iw = ow * sw + kw * dw - pl
                at = strip + (kh * KW + kw) * width + done
                copy_runs(cells, row, H * W, iw, sw, columns, count, fill, panel, at, pitch, depth)
        done += count


@numba.njit(inline="always")
def multiply(panel, width, weights, taps, biases, target):
    """Add a block of the weight times the panel to outputs first .. last of f_from .. f_to.

    `taps` is which columns of the weight: from, how many, of how many. The first block starts the
    outputs from the bias instead.
    """
    k, depth, K = taps
    outputs, image, P, first, last, f_from, f_to = target
    lanes = width // VECTORS
    f = f_from
    while f < f_to:
        rows = min(ROWS, f_to - f)
        for pixel in range(first, last, width):
            pixels = min(width, last - pixel)
            strip, output = (pixel - first) * depth, image + f * P + pixel
            factors = (panel, strip, width, weights, f * K + k, depth, K, biases, f, k == 0)
            if rows <= HALF_ROWS:
                multiply_tile(HALF_ROWS, VECTORS, rows, factors, outputs, output, P, pixels)
            elif pixels > FEWER_VECTORS * lanes:
                multiply_tile(ROWS, VECTORS, rows, factors, outputs, output, P, pixels)
            elif pixels > lanes:
                multiply_tile(ROWS, FEWER_VECTORS, rows, factors, outputs, output, P, pixels)
            else:
                multiply_tile(ROWS, 1, rows, factors, outputs, output, P, pixels)
        f += rows


@numba.njit(inline="always")
def multiply_tile(ROWS, VECTORS, rows, factors, outputs, output, P, pixels):
    """The product for `rows` output channels from f on: the tile stays in registers throughout."""
    panel, strip, width, weights, w, depth, K, biases, f, fresh = factors
    tile = tile_of(ROWS, VECTORS, biases, f, rows - 1)
    if not fresh:
        tile = load_tile(tile, outputs, output, P, rows, pixels)
    prefetch_tile(tile, outputs, output, P)
    for d in range(depth):
        tile = add_outer_product(tile, weights, w + d, K, rows - 1, panel, strip + d * width)
    store_tile(tile, outputs, output, P, rows, pixels)
