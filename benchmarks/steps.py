"""How a convolution becomes fast, step by step: the tables of notes/07-speed.md.

    python benchmarks/steps.py                            a standard and a depthwise layer
    python benchmarks/steps.py --layer ic64ih56oc64kh3ph1

`--layer` takes others, of stride and dilation 1: standard, or depthwise 3x3. Each step is checked,
to the bit, before it is timed; all take turns in one run, on one thread but for the last step. The
kernels are `step_kernels.py`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from step_kernels import multiplier, reordered_loops, sweeper

from refconv import Geometry, count, get_threads, set_threads
from refconv.bench.layers import LAYERS, is_depthwise
from refconv.bench.limits import copy_call, peak_call
from refconv.bench.measure import threads_in_words
from refconv.bench.operands import DTYPE, Operands
from refconv.jit import products
from refconv.jit.cpu import VECTOR_BYTES
from refconv.jit.crew import share
from refconv.jit.cuts import ROWS, VECTORS, cut_for
from refconv.jit.planes import ROWS as OUTPUT_ROWS
from refconv.jit.sizes import packed_sizes
from refconv.loops import seven_loops
from refconv.pad import pad
from refconv.timing import medians

Array = np.ndarray[Any, Any]

SHOWN = [Geometry.from_descriptor(LAYERS[name]) for name in ("std3x3_28", "dw3x3_56")]
BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
LARGE_PAGE = 2 << 20
SLACK = 1 << 10
"""Cells behind an array: a tile reads on, for outputs that are not stored."""


class Step(NamedTuple):
    """A call, and how many times its own time the whole layer would take."""

    call: Callable[[], Array | None]
    times: float = 1.0


Steps = dict[str, Step]


def standard_steps(operands: Operands) -> tuple[Steps, Steps]:
    """The steps of a standard layer, and what stands beside them."""
    g, x, weight = operands
    P, width = g.OH * g.OW, VECTORS * VECTOR_BYTES // x.itemsize
    bias, y = np.zeros(g.F, DTYPE), np.empty(g.y_shape, DTYPE)
    corner = np.empty((1, 1, 1, g.OW), DTYPE)
    xp = pad(x, g, 0, DTYPE)
    xp_ = np.zeros(xp.size + SLACK, DTYPE)

    def padded() -> Array:
        cells = xp_[: xp.size].reshape(xp.shape)
        cells[:, :, g.pt : g.pt + g.H, g.pl : g.pl + g.W] = x
        return cells

    def loops(nest: Callable[..., None], into: Array, *options: Any) -> Step:
        def call() -> Array:
            into[...] = 0
            nest(padded(), weight[: into.shape[1]], into, *options)
            return into

        return Step(call, y.size / into.size)

    def product(multiply: Any, matrix_: Array, columns: int = P, made: bool = True) -> Step:
        def call() -> Array:
            if not made:
                padded()
            sizes = xp.shape[1:], (g.KH, g.KW)
            multiply(weight, xp_, *sizes, bias, y, matrix_, columns, made)
            return y

        return Step(call)

    one_vector, whole_tile = f"a tile of {ROWS} rows", f"a tile of {ROWS} rows, {VECTORS} vectors"
    column, tiles = multiplier(ROWS, 1), multiplier(ROWS, VECTORS)
    by_rows = multiplier(ROWS, VECTORS, rows_outermost=True)
    matrix, panel = (np.zeros(g.K * columns + SLACK, DTYPE) for columns in (P, width))
    made_each_time = product(tiles, matrix, made=False)
    made_each_time.call()  # for those who find it made
    large = in_large_pages(matrix)
    peak, flops = peak_call(1)
    return {
        "the seven loops, in Python (a corner of them)": loops(
            seven_loops, corner, g.stride, g.dilation, 1
        ),
        "the same, compiled": Step(lambda: operands.convolve("jit-loops")),
        "outputs innermost, vectors left to LLVM": loops(reordered_loops, y),
        "explicit vectors, one sum at a time": product(multiplier(1, 1), matrix),
        one_vector: product(column, matrix),
        whole_tile: product(tiles, matrix),
        "and the matrix made, each time": made_each_time,
        "a panel of the matrix at a time": product(tiles, panel, width, made=False),
        **of_refconv(operands.convolve, "no matrix: taps read in bands"),
        **of_refconv(operands.prepared(), "weights packed before", all_threads=True),
    }, {
        f"{one_vector}, in large pages": product(column, large),
        f"{whole_tile}, in large pages": product(tiles, large),
        f"the whole matrix for each {ROWS} rows": product(by_rows, matrix),
        "NumPy's im2col, then BLAS": Step(lambda: operands.convolve("im2col")),
        "the tile on data in the nearest cache": Step(peak, count(g).flops / flops),
    }


def in_large_pages(cells: Array) -> Array:
    """A copy in pages of 2 MiB, where Linux gives them: NumPy asks for them for large arrays."""
    pages = 1 + -(-max(cells.nbytes, 2 * LARGE_PAGE) // LARGE_PAGE)
    room = np.zeros(pages * LARGE_PAGE // cells.itemsize, cells.dtype)
    start = -room.ctypes.data % LARGE_PAGE // cells.itemsize
    copy = room[start : start + cells.size]
    copy[...] = cells
    return copy


def depthwise_steps(operands: Operands) -> tuple[Steps, Steps]:
    """The same of a depthwise layer."""
    g, x, weight = operands
    bias, y = np.zeros(g.F, DTYPE), np.empty(g.y_shape, DTYPE)
    cut = cut_for(g, x.itemsize, 1)
    as_products = (x, weight, bias, y, packed_sizes(g, cut), 0.0, g.K)
    plane = (g.OH + 2) * (g.OW + 2)

    def call_products() -> Array:
        share(products.convolve_products, as_products, cut.tasks, 1)
        return y

    def swept(channels: int, rows: int, rows_once: bool) -> Step:
        sweep = sweeper(rows, rows_once)
        band = np.zeros(channels * plane + OUTPUT_ROWS * (g.OW + 2) + SLACK, DTYPE)

        def call() -> Array:
            sweep(x, weight, bias, y, g.pt, g.pl, band, channels)
            return y

        return Step(call)

    return {
        "the seven loops, compiled": Step(lambda: operands.convolve("jit-loops")),
        "tiles of output channels, one of them used": Step(call_products),
        "explicit vectors of a padded copy": swept(g.C, 1, rows_once=False),
        "a channel padded at a time": swept(1, 1, rows_once=False),
        f"a tile of {OUTPUT_ROWS} rows of outputs": swept(1, OUTPUT_ROWS, rows_once=False),
        "each row of the image loaded once for all": swept(1, OUTPUT_ROWS, rows_once=True),
        **of_refconv(operands.prepared(), "refconv: bands for any size", all_threads=True),
    }, {"a copy of as many bytes": Step(copy_call(count(g).bytes(DTYPE), 1))}


def of_refconv(convolve: Callable[[], Any], name: str, all_threads: bool = False) -> Steps:
    """A call of refconv by this name, on one thread; and on all."""
    threads = {name: 1}
    if all_threads:
        threads[threads_in_words(get_threads())] = get_threads()

    def on_threads(n: int) -> Step:
        def call() -> Array:
            set_threads(n)
            return convolve()

        return Step(call)

    return {name: on_threads(n) for name, n in threads.items()}


def table(g: Geometry) -> list[str]:
    """The steps of a layer, checked and timed, as lines of text.

    Errors: `ValueError` where a step is wrong.
    """
    operands = Operands.integers(g)
    steps, beside = depthwise_steps(operands) if is_depthwise(g) else standard_steps(operands)
    both = steps | beside
    expected = operands.exact("int64")
    for name, step in both.items():
        y = step.call()
        if y is None:  # a limit: it computes nothing
            continue
        y.fill(np.nan)  # several steps share an array: none may pass by what another left there
        y = step.call()
        # A corner of the layer gives a corner of y.
        if not np.array_equal(y, expected[tuple(map(slice, y.shape))]):
            raise ValueError(f"{g.descriptor}: wrong: {name}")
    found = medians({name: step.call for name, step in both.items()}, rounds=5)
    seconds = {name: found[name] * step.times for name, step in both.items()}
    gains = {name: seconds[before] / seconds[name] for before, name in pairwise(steps)}

    def row(name: str) -> str:
        speed = f"{count(g).flops / seconds[name] / 1e9:.3g}"
        gain = f"{gains[name]:.2f}" if name in gains else ""
        return f"{name:46}{1e3 * seconds[name]:11.3f}{speed:>9}{gain:>8}".rstrip()

    heading = f"{'step':46}{'ms':>11}{'GFLOP/s':>9}{'gain':>8}"
    return [g.descriptor, heading, *map(row, steps), "beside these:", *map(row, beside)]


def main() -> int:
    """Print the tables; 1 where a step is wrong, 2 for a layer that has no such steps."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--layer", nargs="+", type=Geometry.from_descriptor, default=SHOWN)
    layers: list[Geometry] = parser.parse_args().layer
    for g in layers:
        depthwise = is_depthwise(g) and (g.F, g.KH, g.KW) == (g.C, 3, 3)
        standard = g.G == 1 and g.F % ROWS == 0
        if not (depthwise or standard) or (*g.stride, *g.dilation, g.N) != (1, 1, 1, 1, 1):
            parser.error(
                f"{g.descriptor} has no such steps: layers that have are of batch, stride and "
                f"dilation 1, depthwise 3x3 or of one group with a multiple of {ROWS} outputs"
            )
    if any(os.environ.get(variable) != "1" for variable in BLAS_THREADS):
        # BLAS reads them when NumPy is loaded.
        environment = {**os.environ, **dict.fromkeys(BLAS_THREADS, "1")}
        return subprocess.run([sys.executable, *sys.argv], env=environment, check=False).returncode
    try:
        print("\n\n".join("\n".join(table(g)) for g in layers))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
