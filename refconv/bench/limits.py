"""What this machine can do at best: calls to be timed in the same run as the layers.

The peak is the register tile on data that stay in the first-level cache. The copy reads and writes,
together, as many bytes as the layer's x, weight and y have, between two arrays that are used again
and again. Both run on as many threads as the layer, and share their work out as it does.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from refconv.bench.layers import is_depthwise
from refconv.bench.operands import DTYPE, Call, Operands
from refconv.counts import count

PEAK_FLOPS = 100_000_000
"""Of each thread, about: half a millisecond, so that starting the threads does not count."""

PEAK_DEPTH = 192
"""Steps of a tile's hot loop. Matrix and weight then fit a first-level cache of 48 KiB, and fewer
would let the stores of the tile count."""

TASKS_PER_THREAD = 4


class Limit(NamedTuple):
    """A call, and how much of its time the layer's own work would take at that rate."""

    kind: str
    """"peak" or "copy"."""
    call: Call
    share: float


def limit_of(operands: Operands, threads: int) -> Limit:
    """The layer's limit: the copy if it is depthwise, else the peak."""
    if is_depthwise(operands.geometry):
        return Limit("copy", copy_call(count(operands.geometry).bytes(DTYPE), threads), 1.0)
    call, flops = peak_call(threads)
    return Limit("peak", call, count(operands.geometry).flops / flops)


def peak_call(threads: int) -> tuple[Call, int]:
    """Register tiles on `threads` threads at once, and their floating-point operations."""
    from refconv.bench.kernels import multiply_tiles
    from refconv.jit.crew import share
    from refconv.jit.cuts import ROWS, VECTORS

    lanes = _lanes()
    flops_of_tile = 2 * ROWS * VECTORS * lanes * PEAK_DEPTH
    tasks = TASKS_PER_THREAD * threads
    repeats = max(1, PEAK_FLOPS // (TASKS_PER_THREAD * flops_of_tile))
    weight = _read_only((PEAK_DEPTH * ROWS // lanes + 1) * lanes)
    matrix = _read_only((PEAK_DEPTH * VECTORS + 1) * lanes)
    arguments = (weight, matrix, PEAK_DEPTH, repeats)
    return (
        lambda: share(multiply_tiles, arguments, tasks, threads),
        flops_of_tile * repeats * tasks,
    )


def copy_call(size: int, threads: int) -> Call:
    """A copy on `threads` threads that reads `size // 2` bytes and writes as many."""
    from refconv.bench.kernels import copy_vectors
    from refconv.jit.crew import share

    lanes, itemsize = _lanes(), np.dtype(DTYPE).itemsize
    tasks = TASKS_PER_THREAD * threads if threads > 1 else 1
    vectors = -(-size // (2 * itemsize * lanes * tasks))
    source = _read_only((vectors * tasks + 1) * lanes)
    target = np.zeros(source.size, DTYPE)
    arguments = (source, target, vectors)
    return lambda: share(copy_vectors, arguments, tasks, threads)


def _lanes() -> int:
    from refconv.jit.cpu import VECTOR_BYTES

    return VECTOR_BYTES // np.dtype(DTYPE).itemsize


def _read_only(size: int) -> np.ndarray[Any, Any]:
    a = np.ones(size, DTYPE)
    a.flags.writeable = False
    return a
