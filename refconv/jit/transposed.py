"""The weight for an input gradient: kernel cells of one phase, inputs and outputs exchanged.

`pack_transposed` packs it at once as `products.py` wants it: NumPy takes as long for the exchange
alone as the product takes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refconv.geometry import Geometry
from refconv.gradients.phases import Axis
from refconv.jit.cached import compiled
from refconv.jit.crew import claim, finish, share
from refconv.jit.cuts import ROWS

Array = np.ndarray[Any, Any]

PARALLEL_CELLS = 50_000
"""Below this a second thread comes too late to help."""


KERNELS = 16
"""Kernels that are packed together. The places that one tile's row and the next one's go to are
often a power of two apart, and evict each other from the cache: so it is several rows of a tile at
a time, of kernels that are still in the cache for the next tile. With 1 or with all, packing takes
up to twice as long.
"""


def transposed(weight: Array, g: Geometry, rows: Axis, columns: Axis) -> Array:
    """(F, Cg, KH, KW) -> (C, Fg, cells of `rows`, cells of `columns`), in their order."""
    blocks = weight.reshape(g.G, g.Fg, g.Cg, g.KH, g.KW)
    cells = blocks[:, :, :, rows.cells][..., columns.cells].swapaxes(1, 2)
    return np.ascontiguousarray(cells).reshape(g.C, g.Fg, len(rows.cells), len(columns.cells))


def pack_transposed(weight: Array, g: Geometry, rows: Axis, columns: Axis, threads: int) -> Array:
    """The same, as `products.pack_weight` would pack it: [g, c // ROWS, k, c % ROWS]."""
    taps = [kh * g.KW + kw for kh in rows.cells for kw in columns.cells]
    tiles = -(-g.Cg // ROWS)
    packed = np.empty((g.G, tiles, g.Fg * len(taps), ROWS), weight.dtype)
    cells = weight.reshape(g.G, g.Fg, g.Cg, g.KH * g.KW)
    arguments = (cells, packed, np.array(taps))
    tasks = g.G * -(-g.Fg // KERNELS)
    share(pack_kernels, arguments, tasks, threads if packed.size >= PARALLEL_CELLS else 1)
    packed.flags.writeable = False
    return packed


@compiled(nogil=True)
def pack_kernels(board, signal, me, cells, packed, taps):
    """Pack, task by task: some output channels of the convolution."""
    _, Fg, Cg, _ = cells.shape
    tiles, T = packed.shape[1], len(taps)
    blocks = (Fg + KERNELS - 1) // KERNELS
    done = 0
    task = claim(board, signal, me)
    while task >= 0:
        g, f_from = task // blocks, task % blocks * KERNELS
        for tile in range(tiles):
            first = tile * ROWS
            rows = min(ROWS, Cg - first)
            for f in range(f_from, min(Fg, f_from + KERNELS)):
                for t in range(T):
                    tap, target = taps[t], packed[g, tile, f * T + t]
                    if rows == ROWS:  # told apart so that LLVM unrolls it
                        for r in range(ROWS):
                            target[r] = cells[g, f, first + r, tap]
                    else:
                        for r in range(ROWS):
                            target[r] = cells[g, f, first + r, tap] if r < rows else 0
        done += 1
        task = claim(board, signal, me)
    finish(board, signal, me, done)
