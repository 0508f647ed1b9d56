"""Copying from an image what a kernel cell reads for a run of neighbouring outputs of a row."""

from __future__ import annotations

import numba

from refconv.jit.vector import (
    evens,
    lanes_of,
    load_window,
    load_window_every,
    odds,
    store_first,
)


@numba.njit
def copy_runs(x, row, step, iw, sw, W, count, fill, target, at, pitch, runs):
    """From each of `runs` rows of the image, `step` apart in `x`, copy `count` numbers, `sw` apart.

    target[at + r*pitch + i] becomes x[row + r*step + iw + i*sw] for i < count, at most a vector,
    and `fill` where that column lies outside the row. `row` is where the first row starts in `x`,
    W its width; `iw`, which may be negative, is the column that the first output reads. Which lanes
    are padding is settled once, before the loop.
    """
    start = row + iw
    if sw == 1:
        first, last = -iw, min(count, W - iw)
        for r in range(runs):
            taps = load_window(x, start + r * step, first, last, fill)
            store_first(target, at + r * pitch, taps, count)
    elif sw == 2:  # two loads and a shuffle: a gather is several times slower
        lanes = lanes_of(x)
        first, last = -iw, min(2 * count - 1, W - iw)
        for r in range(runs):
            low = load_window(x, start + r * step, first, last, fill)
            high = load_window(x, start + r * step + lanes, first - lanes, last - lanes, fill)
            store_first(target, at + r * pitch, evens(low, high), count)
    else:
        first, last = -(iw // sw), min(count, -((iw - W) // sw))
        for r in range(runs):
            taps = load_window_every(x, start + r * step, sw, first, last, fill)
            store_first(target, at + r * pitch, taps, count)


@numba.njit
def copy_both_phases(x, row, step, iw, W, fill, target, even, odd, pitch, runs):
    """From each of `runs` rows, copy two vectors' width, its columns dealt out in turn.

    target[even + r*pitch + i] becomes x[row + r*step + iw + 2*i], target[odd + r*pitch + i] the
    column after it, for a vector's lanes i; `fill` outside the row.
    """
    lanes = lanes_of(x)
    first, last = -iw, W - iw
    for r in range(runs):
        start = row + r * step + iw
        low = load_window(x, start, first, last, fill)
        high = load_window(x, start + lanes, first - lanes, last - lanes, fill)
        store_first(target, even + r * pitch, evens(low, high), lanes)
        store_first(target, odd + r * pitch, odds(low, high), lanes)
