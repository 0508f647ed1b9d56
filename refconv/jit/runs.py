"""Copying rows of an image into a band: neighbours, both of two phases, or every so many columns.

In each, `source` is (x, row, step, W, fill): rows start at x[row], `step` apart, and are W wide;
`fill` is what lies outside of them. `target` is (band, at, pitch, rows): where the first row goes,
how far apart they lie there, and how many there are. `iw` is the column to begin with, which may be
negative. Which lanes are padding is settled once for all rows where it can be.
"""

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
def copy_neighbours(source, iw, columns, target):
    """band[at + r*pitch + i] becomes x[row + r*step + iw + i], for i < columns."""
    x, row, step, W, fill = source
    band, at, pitch, rows = target
    lanes = lanes_of(x)
    first, last = -iw, W - iw
    # The vectors up to here, but the first, are all image: they need no mask.
    whole = min(columns, last) // lanes * lanes if first <= lanes else lanes
    for r in range(rows):
        here, to = row + r * step + iw, at + r * pitch
        store_first(band, to, load_window(x, here, first, last, fill), columns)
        for i in range(lanes, whole, lanes):
            store(band, to + i, load(x, here + i))
        for i in range(max(lanes, whole), columns, lanes):
            numbers = load_window(x, here + i, first - i, last - i, fill)
            store_first(band, to + i, numbers, columns - i)


@numba.njit(inline="always")
def copy_both_phases(source, iw, columns, target, odd):
    """Twice as many columns, dealt out in turn.

    band[at + r*pitch + i] becomes x[row + r*step + iw + 2*i], and band[at + odd + r*pitch + i] the
    column after it.
    """
    x, row, step, W, fill = source
    band, at, pitch, rows = target
    lanes = lanes_of(x)
    for i in range(0, columns, lanes):
        first, last = -iw - 2 * i, W - iw - 2 * i
        for r in range(rows):
            here, to = row + r * step + iw + 2 * i, at + r * pitch + i
            low = load_window(x, here, first, last, fill)
            high = load_window(x, here + lanes, first - lanes, last - lanes, fill)
            store_first(band, to, evens(low, high), columns - i)
            store_first(band, to + odd, odds(low, high), columns - i)


@numba.njit(inline="always")
def copy_every(source, iw, sw, columns, target):
    """band[at + r*pitch + i] becomes x[row + r*step + iw + i*sw], for i < columns."""
    x, row, step, W, fill = source
    band, at, pitch, rows = target
    lanes = lanes_of(x)
    for i in range(0, columns, lanes):
        start = iw + i * sw
        first, last = -start, W - start
        for r in range(rows):
            here, to = row + r * step + start, at + r * pitch + i
            if sw == 2:  # two loads and a shuffle: a gather is several times slower
                low = load_window(x, here, first, last, fill)
                high = load_window(x, here + lanes, first - lanes, last - lanes, fill)
                numbers = evens(low, high)
            else:
                # Lanes from -start/sw up to (W - start)/sw, both rounded up.
                numbers = load_window_every(x, here, sw, -(start // sw), -((start - W) // sw), fill)
            store_first(band, to, numbers, columns - i)
