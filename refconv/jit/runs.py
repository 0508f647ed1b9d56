"""Copying from an image what a kernel cell reads for a run of neighbouring outputs of a row."""

from __future__ import annotations

import numba

from refconv.jit.vector import (
    load_window,
    load_window_every,
    load_window_every_second,
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
    elif sw == 2:
        first, last = (1 - iw) // 2, min(count, (W - iw + 1) // 2)
        for r in range(runs):
            taps = load_window_every_second(x, start + r * step, first, last, fill)
            store_first(target, at + r * pitch, taps, count)
    else:
        first, last = -(iw // sw), min(count, -((iw - W) // sw))
        for r in range(runs):
            taps = load_window_every(x, start + r * step, sw, first, last, fill)
            store_first(target, at + r * pitch, taps, count)
