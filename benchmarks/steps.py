"""How a standard convolution becomes fast, step by step: the table of notes/07-speed.md.

    python benchmarks/steps.py                     128 -> 128 channels, 28x28, 3x3
    python benchmarks/steps.py ic64ih56oc64kh3ph1  another layer: stride, groups and dilation 1

Each step is checked, to the bit, before it is timed; all take turns in one run. One thread, but for
the last step.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from refconv import Conv2d, Geometry, conv2d, count, get_threads, set_threads
from refconv.im2col import im2col
from refconv.jit.cuts import ROWS, VECTORS
from refconv.jit.tile import add_outer_product, stand_alone, store_tile, tile_of
from refconv.jit.vector import address, keep, lanes_of
from refconv.timing import medians

LAYER = "ic128ih28oc128kh3ph1"
SLACK = 64


def product(rows: int, vectors: int) -> Callable[..., None]:
    """Compute y = weight @ matrix in tiles of so many rows and vectors; `rows` must divide F.

    The last tile of a row reads beyond it: after its last row the matrix needs some slack.
    """

    @njit
    def tiles(weight_, matrix_, bias_, y_, F, K, P):
        stand_alone()
        weight, matrix, bias, y = address(weight_), address(matrix_), address(bias_), address(y_)
        width = vectors * lanes_of(matrix)
        for f in range(0, F, rows):
            for p in range(0, P, width):
                tile = tile_of(rows, vectors, bias, f, rows - 1)
                for k in range(K):
                    at, taps = f * K + k, k * P + p
                    tile = add_outer_product(tile, weight, at, K, rows - 1, matrix, taps)
                store_tile(tile, y, f * P + p, P, rows, (P - p, P - p, 0))
        keep(weight_)
        keep(matrix_)
        keep(bias_)
        keep(y_)

    return tiles


def main() -> int:
    """Check and time the steps; 1 where one is wrong."""
    g = Geometry.from_descriptor(sys.argv[1] if len(sys.argv) > 1 else LAYER)
    threads = get_threads()
    generator = np.random.default_rng(0)
    x, weight = (
        generator.integers(-4, 4, shape, endpoint=True).astype(np.float32)
        for shape in (g.x_shape, g.weight_shape)
    )
    options = {"padding": g.padding}
    layer = Conv2d(weight, **options)
    steps = {
        "the seven loops, compiled": lambda: conv2d(x, weight, method="jit-loops", **options),
        **products(x, weight, g),
        "taps read in bands": on_threads(1, lambda: conv2d(x, weight, **options)),
        "weights packed": on_threads(1, lambda: layer(x)),
        f"{threads} threads": on_threads(threads, lambda: layer(x)),
    }
    expected = steps["the seven loops, compiled"]().ravel()
    wrong = [name for name, step in steps.items() if not np.array_equal(step().ravel(), expected)]
    if wrong:
        print("wrong:", ", ".join(wrong))
        return 1
    seconds = medians(steps, rounds=3)
    print(f"{g.descriptor}, float32\n")
    print(f"{'step':34}{'ms':>9}{'GFLOP/s':>9}{'gain':>8}")
    before = None
    for name, time in seconds.items():
        gain = f"{before / time:7.2f}x" if before else ""
        print(f"{name:34}{1e3 * time:9.3f}{count(g).flops / time / 1e9:9.1f}{gain:>8}")
        before = time
    return 0


def products(x: np.ndarray, weight: np.ndarray, g: Geometry) -> dict[str, Callable[[], Any]]:
    """Products of the whole im2col matrix, made beforehand, and at last made each time."""
    matrix = slack_behind(im2col(x, g)[0, 0])
    bias = np.zeros(g.F, np.float32)
    y = np.empty((g.F, g.OH * g.OW), np.float32)

    def step(rows: int, vectors: int, made: bool) -> Callable[[], Any]:
        tiles = product(rows, vectors)

        def call() -> np.ndarray:
            columns = matrix if made else slack_behind(im2col(x, g)[0, 0])
            tiles(weight, columns, bias, y, g.F, g.K, g.OH * g.OW)
            return y

        return call

    return {
        "a vector at a time": step(1, 1, made=True),
        f"a tile of {ROWS} rows": step(ROWS, 1, made=True),
        f"a tile of {ROWS} rows, {VECTORS} vectors": step(ROWS, VECTORS, made=True),
        "and the matrix made, each time": step(ROWS, VECTORS, made=False),
    }


def slack_behind(matrix: np.ndarray) -> np.ndarray:
    """Its elements, and some zeros."""
    flat = np.zeros(matrix.size + SLACK, matrix.dtype)
    flat[: matrix.size] = matrix.ravel()
    return flat


def on_threads(threads: int, call: Callable[[], Any]) -> Callable[[], Any]:
    """The call, with so many threads."""

    def run() -> Any:
        set_threads(threads)
        return call()

    return run


if __name__ == "__main__":
    sys.exit(main())
