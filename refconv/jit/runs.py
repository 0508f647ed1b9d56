"""Copying from an image what a kernel cell reads for a run of neighbouring outputs of a row."""

from __future__ import annotations

import numba

from refconv.jit.vector import (
    evens,
    lanes_of,
    load,
    load_window,
    load_window_every,
    odds,
    store,
    store_first,
)


@numba.njit(inline="always")
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


@numba.njit(inline="always")
def copy_rows(x, row, step, iw, W, columns, fill, target, at, pitch, rows):
    """From each of `rows` rows, `step` apart in `x`, copy `columns` neighbours from column `iw` on.

    `copy_runs` for longer runs; what needs no mask goes without.
    """
    lanes = lanes_of(x)
    first, last = -iw, W - iw
    whole = min(columns, last) // lanes * lanes if first <= lanes else lanes
    for r in range(rows):
        source, to = row + r * step + iw, at + r * pitch
        store_first(target, to, load_window(x, source, first, last, fill), columns)
        for i in range(lanes, whole, lanes):
            store(target, to + i, load(x, source + i))
        for i in range(max(lanes, whole), columns, lanes):
            numbers = load_window(x, source + i, first - i, last - i, fill)
            store_first(target, to + i, numbers, columns - i)


@numba.njit(inline="always")
def copy_both_phases(x, row, step, iw, W, columns, fill, target, even, odd, pitch, rows):
    """From each of `rows` rows, copy 2*`columns` columns from `iw` on, dealt out in turn.

    target[even + r*pitch + i] becomes x[row + r*step + iw + 2*i], target[odd + r*pitch + i] the
    column after it; `fill` outside the row.
    """
    lanes = lanes_of(x)
    for i in range(0, columns, lanes):
        first, last = -iw - 2 * i, W - iw - 2 * i
        for r in range(rows):
            source = row + r * step + iw + 2 * i
            low = load_window(x, source, first, last, fill)
            high = load_window(x, source + lanes, first - lanes, last - lanes, fill)
            store_first(target, even + r * pitch + i, evens(low, high), columns - i)
            store_first(target, odd + r * pitch + i, odds(low, high), columns - i)
