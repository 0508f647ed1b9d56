"""Rows of the padded input for a weight gradient, in phases: what a kernel column reads for
neighbouring outputs is side by side, at every stride.

As a band of the convolution (`bands.py`), but with one order of its rows for all kernel cells.
"""

from __future__ import annotations

from refconv.jit.cached import inner
from refconv.jit.runs import copy_both_phases, copy_every, copy_neighbours
from refconv.jit.vector import lanes_of, splat, store_first


@inner
def spread_rows(band, layout, cells, image, channels, corner, fill):
    """Fill `band` (channels, rows, phases, pitch): column i*phases + q is at [.., q, i].

    `layout` is (rows, phases, pitch); `image` where it starts in `cells`, its height and width; its
    channels and rows follow one another. The band's first cell is the row and column `corner` of
    the image: they may be negative, and what lies outside the image is `fill`.
    """
    rows, phases, pitch = layout
    start, H, W = image
    ih, iw = corner
    lanes, row = lanes_of(cells), phases * pitch
    # Rows of the band that lie in the image; those above and below are padding.
    first = min(rows, max(0, -ih))
    last = max(first, min(rows, H - ih))
    for c in range(channels):
        at = c * rows * row
        for i in range(at, at + first * row, lanes):
            store_first(band, i, splat(fill), at + first * row - i)
        for i in range(at + last * row, at + rows * row, lanes):
            store_first(band, i, splat(fill), at + rows * row - i)
        at += first * row
        source = (cells, start + (c * H + ih + first) * W, W, W, fill)
        if phases == 1:
            copy_neighbours(source, iw, pitch, (band, at, row, last - first))
        elif phases == 2:
            copy_both_phases(source, iw, pitch, (band, at, row, last - first), pitch)
        else:
            for q in range(phases):
                target = (band, at + q * pitch, row, last - first)
                copy_every(source, iw + q, phases, pitch, target)
