"""The compiled convolution: an implicit im2col, for every option and type of the contract.

`convolve` chooses among three kernels, each a file: `products.py` (register tiles over bands of
the image), `planes.py` (few outputs per group, depthwise above all), `plain.py` (types
that are not float32 or float64). `vector.py`, `tile.py` and the other files of tiles are what the
first two are built from, `crew.py` are the threads. `gradients.py` are the gradients, and say which
kernels are theirs. Importing this package imports Numba.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from refconv.geometry import Geometry
from refconv.jit import plain, planes, products
from refconv.jit.crew import share
from refconv.jit.cuts import cut_for
from refconv.jit.sizes import STEPS, packed_sizes
from refconv.pad import pad, ready
from refconv.threads import get_threads

Array = np.ndarray[Any, Any]

PARALLEL_MACS = 500_000
"""Below this a call is over before a second thread has joined in."""

TASKS_PER_THREAD = 4
"""So that a thread which starts late, or is interrupted, leaves the others little to wait for."""

VECTOR_TYPES = (np.dtype(np.float32), np.dtype(np.float64))


class Work(NamedTuple):
    """A kernel, its sizes, and how it is shared out."""

    kernel: Callable[..., None]
    sizes: Array
    tasks: int
    threads: int


def convolve(
    x: Array,
    weight: Array,
    bias: Array | None,
    y: Array,
    geometry: Geometry,
    pad_value: Any,
    packed: Callable[[], Array] | None = None,
) -> None:
    """Fill `y`, of the accumulator's type and C-contiguous, as are `weight` and `bias`.

    `packed` gives the weight as `products.pack_weight` packs it, where that was done before.
    """
    g = geometry
    if bias is None:
        bias = no_bias(g.F, y.dtype)
    if g.K == 0:
        y[...] = bias[:, None, None]
    elif y.size and y.dtype in VECTOR_TYPES:
        _convolve_vectors(x, weight, bias, y, g, pad_value, packed)
    elif y.size:
        xp = read_only(pad(x, g, pad_value, y.dtype))
        arguments = (xp, read_only(weight), read_only(bias), y, g.stride, g.dilation, g.G)
        threads = _threads(g, get_threads())
        share(plain.convolve_rows, arguments, plain.tasks(g), threads)


def _convolve_vectors(
    x: Array,
    weight: Array,
    bias: Array,
    y: Array,
    g: Geometry,
    pad_value: Any,
    packed: Callable[[], Array] | None,
) -> None:
    steps = None if x.flags.c_contiguous else _steps(x, y.dtype)
    if steps is None:
        x = ready(x, y.dtype)
    rows_follow = steps is None or steps[-1] == g.W
    work = _work(g, y.itemsize, get_threads(), rows_follow)
    sizes = work.sizes
    if steps is not None:
        # The kernel goes by addresses; of its type, one cell is as good as all.
        x, sizes = x[:1, :1, :1, :1], sizes.copy()
        sizes[STEPS] = steps
    row_step: tuple[Any, ...] = ()
    if work.kernel is products.convolve_products:
        if packed is not None:
            weight = packed()
        # Its type tells the compiler which of two hot loops to make.
        row_step = (g.K if packed is None else None,)
    operands = (read_only(x), read_only(weight), read_only(bias), y)
    arguments = (*operands, sizes, float(pad_value), *row_step)
    share(work.kernel, arguments, work.tasks, work.threads)


def _steps(x: Array, dtype: np.dtype[Any]) -> tuple[int, ...] | None:
    """The elements from an image, a channel, a row to the next; None where it must be copied."""
    strides = x.strides
    columns_follow = strides[-1] == x.itemsize and not any(s % x.itemsize for s in strides)
    if x.dtype != dtype or not columns_follow or not x.flags.aligned:
        return None
    return tuple(s // x.itemsize for s in strides[:-1])


@lru_cache(maxsize=1024)
def _work(g: Geometry, itemsize: int, threads: int, rows_follow: bool) -> Work:
    """How to do it on vectors; remembered, for a layer is called many times.

    `rows_follow` says that the rows of a channel follow one another in x.
    """
    threads = _threads(g, threads)
    if planes.suits(g, itemsize):
        height, run, tasks = planes.bands(
            g, itemsize, threads * TASKS_PER_THREAD if threads > 1 else 1
        )
        return Work(planes.convolve_planes, packed_sizes(g, (height, run)), tasks, threads)
    if rows_follow and g.KH == g.KW == 1 and g.stride == (1, 1) and not g.padded:
        # Each output reads one cell, its own: rows do not matter.
        g = replace(g, H=1, W=g.H * g.W)
    cut = cut_for(g, itemsize, threads)
    return Work(products.convolve_products, packed_sizes(g, cut), cut.tasks, threads)


def is_product(g: Geometry, dtype: np.dtype[Any]) -> bool:
    """Whether `products.py` does this convolution, and so takes its weight packed."""
    return dtype in VECTOR_TYPES and not planes.suits(g, dtype.itemsize)


def _threads(g: Geometry, threads: int) -> int:
    """How many threads the work is worth."""
    return threads if g.N * g.F * g.OH * g.OW * g.K >= PARALLEL_MACS else 1


@lru_cache(maxsize=64)
def no_bias(F: int, dtype: np.dtype[Any]) -> Array:
    """Zeros for F output channels; remembered."""
    return read_only(np.zeros(F, dtype))


def read_only(a: Array) -> Array:
    """A view that cannot be written to: one compiled variant serves all inputs."""
    if not a.flags.writeable:
        return a
    view = a.view()
    view.setflags(write=False)
    return view
