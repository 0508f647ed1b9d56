"""What is measured as the machine's limits, compiled: the register tile, and a copy."""

from __future__ import annotations

import numpy as np

from refconv.jit.cached import compiled, inner
from refconv.jit.crew import claim, finish
from refconv.jit.cuts import ROWS, VECTORS
from refconv.jit.tile import add_outer_product, stand_alone, store_tile, tile_of
from refconv.jit.vector import aligned_address, keep, lanes_of, load, store


@inner
def multiply_tile(weight, matrix, y, depth):
    """The hot loop of `jit/products.py`, but for the taps: here the matrix is read front to back.

    y (ROWS, VECTORS*lanes) = weight (depth, ROWS).T @ matrix (depth, VECTORS*lanes) + bias, where
    the weight's first row is as good a bias as any.
    """
    stand_alone()
    width = VECTORS * lanes_of(matrix)
    tile = tile_of(ROWS, VECTORS, weight, 0, ROWS - 1)
    for d in range(depth):
        tile = add_outer_product(tile, weight, d * ROWS, 1, ROWS - 1, matrix, d * width)
    store_tile(tile, y, 0, width, ROWS, (width, width, 0))


@compiled(nogil=True)
def multiply_tiles(board, signal, me, weight, matrix, depth, repeats):
    """A task is the same tile `repeats` times; its data stay in the first-level cache."""
    held_y = np.empty((ROWS * VECTORS + 1) * lanes_of(matrix), matrix.dtype)
    y, weights, cells = aligned_address(held_y), aligned_address(weight), aligned_address(matrix)
    done = 0
    while claim(board, signal, me) >= 0:
        for _ in range(repeats):
            multiply_tile(weights, cells, y, depth)
        done += 1
    finish(board, signal, me, done)
    keep(held_y)


@compiled(nogil=True)
def copy_vectors(board, signal, me, source, target, vectors):
    """A task is `vectors` vectors, copied one by one; both arrays begin where a vector does."""
    lanes = lanes_of(source)
    cells, copied = aligned_address(source), aligned_address(target)
    done = 0
    task = claim(board, signal, me)
    while task >= 0:
        for v in range(task * vectors, (task + 1) * vectors):
            store(copied, v * lanes, load(cells, v * lanes))
        done += 1
        task = claim(board, signal, me)
    finish(board, signal, me, done)
