"""Bands: some rows of an image, padded, laid out so that each kernel cell reads runs of neighbours.

A band is an array (channels, row slots, slots, rows, pitch). The rows that a kernel row reads for
neighbouring output rows lie one after the other, and so do the columns that a kernel column reads
for neighbouring output columns, at every stride: this is what slots are for. There is one for each
phase, which kernel rows or columns of the same phase share; or, where those are kept apart, one for
each of them.
"""

from __future__ import annotations

import numba

from refconv.jit.runs import copy_both_phases, copy_rows, copy_runs
from refconv.jit.vector import lanes_of, splat, store_first


@numba.njit
def fill_band(band, layout, cells, image, channels, ih, rows, iw, shape, options, fill):
    """Copy `rows` rows of each slot from the image, whose first row begins at `image` in `cells`.

    The first cell of the band is row `ih`, column `iw` of the image; both may be negative, and what
    lies outside the image is `fill`.
    """
    row_step, row_slots, row_slot_step, slots, slot_step, plane, pitch = layout
    _, _, H, W, _ = shape
    sw = options[1]
    lanes = lanes_of(cells)
    for row_slot in range(row_slots):
        top = ih + row_slot * row_slot_step
        # Rows of the band that lie in the image; those above and below are padding.
        first = min(rows, max(0, -(top // row_step)))
        last = max(first, min(rows, -((top - H) // row_step)))
        # The rows of a channel are copied together; if there is but one, those of all channels.
        channel, turn = H * W, row_slots * slots * plane
        runs, step, stride = last - first, row_step * W, pitch
        if runs == rows == 1:
            runs, step, stride = channels, channel, turn
        for c in range(1 if rows == 1 and first < last else channels):
            row = image + c * channel + (top + first * row_step) * W
            for slot in range(slots):
                at = c * turn + (row_slot * slots + slot) * plane
                for i in range(at, at + first * pitch, lanes):
                    store_first(band, i, splat(fill), at + first * pitch - i)
                for i in range(at + last * pitch, at + rows * pitch, lanes):
                    store_first(band, i, splat(fill), at + rows * pitch - i)
                at += first * pitch
                column = iw + slot * slot_step
                if sw == 1:
                    copy_rows(cells, row, step, column, W, pitch, fill, band, at, stride, runs)
                elif sw == 2 and slots == 2 and slot_step == 1:
                    if slot == 0:
                        copy_both_phases(
                            cells,
                            row,
                            step,
                            column,
                            W,
                            pitch,
                            fill,
                            band,
                            at,
                            at + plane,
                            stride,
                            runs,
                        )
                else:
                    for i in range(0, pitch, lanes):
                        count = min(lanes, pitch - i)
                        copy_runs(
                            cells,
                            row,
                            step,
                            column + i * sw,
                            sw,
                            W,
                            count,
                            fill,
                            band,
                            at + i,
                            stride,
                            runs,
                        )
