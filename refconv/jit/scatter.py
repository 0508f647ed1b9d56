"""The input gradient as matrices: weight.T @ grad_y, each piece of it added where x was read.

For where the phases would multiply mostly pads, or be many: a kernel nearly as large as the image,
a long stride. This executes the products of the definition and no others. A tile is of outputs, by
some of a channel's kernel cells as vectors; its sums go to x as soon as they are there, so that the
matrix never exists.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from refconv.counts import count
from refconv.geometry import Geometry
from refconv.jit.cached import compiled, inner
from refconv.jit.cpu import VECTOR_BYTES
from refconv.jit.crew import claim, finish, share
from refconv.jit.cuts import ROWS, VECTORS
from refconv.jit.products import CHAIN
from refconv.jit.tile import (
    add_outer_product,
    add_put_aside,
    put_aside,
    stand_alone,
    tile_of,
    zeros_like,
)
from refconv.jit.vector import address, aligned_address, element, keep, lanes_of

Array = np.ndarray[Any, Any]

RUN = 5
"""Numbers that tell of a run: see `find_runs`."""

CALL_MACS = 1_000_000
"""A call costs as much as so many multiply-adds before it does any: some 10 microseconds.
Measured, as the next one is, on one core with AVX-512."""

ADD_MACS = 150
"""Adding a sum to x costs as much as so many multiply-adds: some 2 nanoseconds."""

SLOWER = 1.3
"""The sums of a phase stay in registers; here they are added to memory."""


def cost(g: Geometry) -> float:
    """About what it takes, in multiply-adds of the convolution's kernel."""
    columns = g.N * g.G * g.K * g.OH * g.OW
    return SLOWER * (count(g).macs + ADD_MACS * columns) + CALL_MACS


def input_grad(
    grad_y: Array, weight: Array, bias: Array, grad_x: Array, g: Geometry, threads: int
) -> None:
    """Fill `grad_x`; all arrays are contiguous, and not empty."""
    cells = g.KH * g.KW
    width = VECTORS * VECTOR_BYTES // grad_y.itemsize
    channels = min(g.Cg, max(1, width // cells))
    sizes = (g.G, g.sh, g.sw, g.dh, g.dw, g.pt, g.pl, channels)
    arguments = (grad_y, weight, bias, grad_x, sizes)
    share(scatter_products, arguments, g.G * -(-g.Cg // channels), threads)


@compiled(nogil=True)
def scatter_products(board, signal, me, grad_y, weight, bias, grad_x, sizes):
    """Fill the gradient, task by task: some channels of one group, of all images."""
    G, sh, sw, dh, dw, pt, pl, channels = sizes
    N, F, OH, OW = grad_y.shape
    _, Cg, KH, KW = weight.shape
    _, _, H, W = grad_x.shape
    Fg, P, cells = F // G, OH * OW, KH * KW
    width = VECTORS * lanes_of(grad_y)
    blocks = (Cg + channels - 1) // channels
    held_factors = np.empty(Fg * width + lanes_of(grad_y), grad_y.dtype)
    held_sums = np.empty(ROWS * width, grad_y.dtype)
    factors, sums, outputs = aligned_address(held_factors), address(held_sums), address(grad_y)
    held_runs = np.empty(width * RUN, np.int64)
    gradients, runs = address(grad_x), address(held_runs)
    done = 0
    task = claim(board, signal, me)
    while task >= 0:
        g, first = task // blocks, task % blocks * channels
        last = min(Cg, first + channels)
        for n in range(N):
            for c in range(first, last):
                grad_x[n, g * Cg + c, :, :] = bias[g * Cg + c]
        for k in range(first * cells, last * cells, width):
            count = min(width, last * cells - k)
            take_factors(weight, g * Fg, Fg, k, count, width, factors)
            found = find_runs(runs, k, count, KH, KW, (dh, dw, pt, pl))
            for n in range(N):
                image = element(gradients, (n * G + g) * Cg * H * W)
                for p in range(0, P, ROWS):
                    rows = min(ROWS, P - p)
                    at = (n * F + g * Fg) * P + p
                    multiply(outputs, at, P, rows - 1, factors, Fg, sums)
                    for r in range(rows):
                        corner = (p + r) // OW * sh, (p + r) % OW * sw
                        scatter(element(sums, r * width), runs, found, corner, dw, image, H, W)
        done += 1
        task = claim(board, signal, me)
    finish(board, signal, me, done)
    keep(held_factors)
    keep(held_sums)
    keep(held_runs)


@inner
def take_factors(weight, f_from, Fg, k, count, width, factors):
    """Copy `count` weights from the k-th on of each output channel, `width` apart."""
    K = weight.shape[1] * weight.shape[2] * weight.shape[3]
    numbers = address(weight)
    for f in range(Fg):
        at, to = (f_from + f) * K + k, f * width
        for i in range(count):
            factors[to + i] = numbers[at + i]
        for i in range(count, width):
            factors[to + i] = 0


@inner
def multiply(outputs, at, P, last, factors, Fg, sums):
    """The sums of some outputs, by `width` weights: over the output channels."""
    stand_alone()
    tile = zeros_like(tile_of(ROWS, VECTORS, outputs, at, 0))
    put_aside(tile, sums)
    width = VECTORS * lanes_of(outputs)
    for link in range(0, Fg, CHAIN):
        for f in range(link, min(Fg, link + CHAIN)):
            tile = add_outer_product(tile, outputs, at + f * P, 1, last, factors, f * width)
        put_aside(add_put_aside(tile, sums), sums)
        tile = zeros_like(tile)


@inner
def find_runs(runs, k, count, KH, KW, options):
    """The kernel rows among the weights k .. k + count, and how many they are.

    Of each: its channel, the row and the first column that output (0, 0) reads through it, how many
    of its cells are there, and where its sums begin. Found once, for a division takes as long as
    adding several sums.
    """
    dh, dw, pt, pl = options
    found = done = 0
    while done < count:
        c, kh, kw = (k + done) // (KH * KW), (k + done) // KW % KH, (k + done) % KW
        cells, at = min(count - done, KW - kw), found * RUN
        runs[at], runs[at + 1], runs[at + 2] = c, kh * dh - pt, kw * dw - pl
        runs[at + 3], runs[at + 4] = cells, done
        done += cells
        found += 1
    return found


@numba.njit(inline="always")
def scatter(row, runs, found, corner, dw, image, H, W):
    """Add the sums of one output to the cells that it read, from the row and column `corner` on."""
    for at in range(0, found * RUN, RUN):
        h, w, count = corner[0] + runs[at + 1], corner[1] + runs[at + 2], runs[at + 3]
        if 0 <= h < H:
            cells, start = (runs[at] * H + h) * W + w, runs[at + 4]
            if dw == 1:  # told apart so that LLVM sees neighbours
                for i in range(max(0, -w), min(count, W - w)):
                    image[cells + i] += row[start + i]
            else:
                for i in range(count):
                    if 0 <= w + i * dw < W:
                        image[cells + i * dw] += row[start + i]
