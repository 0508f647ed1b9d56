"""The compiled convolution: an implicit im2col, for every option and type of the contract.

`convolve` chooses among three kernels, each a file: `panels.py` (register tiles over packed panels
of the im2col matrix), `planes.py` (few outputs per group, depthwise above all), `plain.py` (types
that are not float32 or float64). `vector.py` and `tile.py` are what the first two are built from,
`crew.py` are the threads. Importing this package imports Numba.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refconv.geometry import Geometry
from refconv.jit import panels, plain, planes
from refconv.jit.crew import share
from refconv.pad import pad, ready
from refconv.threads import get_threads

Array = np.ndarray[Any, Any]

PARALLEL_MACS = 500_000
"""Below this a call is over before a second thread has joined in."""

TASKS_PER_THREAD = 4
"""So that a thread which starts late, or is interrupted, leaves the others little to wait for."""

VECTOR_TYPES = (np.dtype(np.float32), np.dtype(np.float64))


def convolve(
    x: Array, weight: Array, bias: Array | None, y: Array, geometry: Geometry, pad_value: Any
) -> None:
    """Fill `y`, of the accumulator's type and C-contiguous, as are `weight` and `bias`."""
    g = geometry
    if bias is None:
        bias = np.zeros(g.F, y.dtype)
    if g.K == 0:
        y[...] = bias[:, None, None]
    elif y.size and y.dtype in VECTOR_TYPES:
        _convolve_vectors(x, weight, bias, y, g, pad_value)
    elif y.size:
        xp = _read_only(pad(x, g, pad_value, y.dtype))
        arguments = (xp, _read_only(weight), _read_only(bias), y, g.stride, g.dilation, g.G)
        _run(plain.convolve_rows, plain.tasks(g), _threads(g), arguments)


def _convolve_vectors(
    x: Array, weight: Array, bias: Array, y: Array, g: Geometry, pad_value: Any
) -> None:
    x = ready(x, y.dtype)
    arguments = (
        _read_only(x),
        _read_only(weight),
        _read_only(bias),
        y,
        (g.N, g.C, g.H, g.W, g.G),
        (g.F, g.Cg, g.KH, g.KW, g.OH, g.OW),
        (g.sh, g.sw, g.dh, g.dw, g.pt, g.pl),
        y.dtype.type(pad_value),
    )
    threads = _threads(g)
    wanted_tasks = threads * TASKS_PER_THREAD if threads > 1 else 1
    if planes.suits(g, y.itemsize):
        height, run, tasks = planes.bands(g, wanted_tasks)
        _run(planes.convolve_planes, tasks, threads, (*arguments, height, run))
    else:
        strips, parts, tasks = panels.blocks(g, y.itemsize, wanted_tasks)
        _run(panels.convolve_panels, tasks, threads, (*arguments, strips, parts))


def _threads(g: Geometry) -> int:
    """How many threads the work is worth."""
    threads = get_threads()  # asked first: a wrong REFCONV_THREADS is told at the first call
    return threads if g.N * g.F * g.OH * g.OW * g.K >= PARALLEL_MACS else 1


def _run(kernel: Callable[..., None], tasks: int, threads: int, arguments: tuple[Any, ...]) -> None:
    share(lambda *crew: kernel(*crew, *arguments), tasks, min(threads, tasks))


def _read_only(a: Array) -> Array:
    """A view that cannot be written to: one compiled variant serves all inputs."""
    view = a.view()
    view.flags.writeable = False
    return view
