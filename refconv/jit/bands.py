"""Bands: some rows of an image, padded, laid out so that each kernel cell reads runs of neighbours.

A band is an array (channels, row slots, slots, rows, pitch). The rows that a kernel row reads for
neighbouring output rows lie one after the other, and so do the columns that a kernel column reads
for neighbouring output columns, at every stride: this is what slots are for. There is one for each
phase, which kernel rows or columns of the same phase share; or, where those are kept apart, one for
each of them.
"""

from __future__ import annotations

from refconv.jit.cached import inner
from refconv.jit.runs import copy_both_phases, copy_every, copy_neighbours
from refconv.jit.vector import lanes_of, splat, store_first


@inner
def fill_band(band, layout, cells, image, channels, rows, corner, options, fill):
    """Copy `rows` rows of each slot from `channels` channels of an image.

    `image` is where it starts in `cells`, its height and width, and the steps from a channel and
    from a row to the next. The first cell of the band is the row and column `corner` of the image:
    they may be negative, and what lies outside the image is `fill`.
    """
    row_step, row_slots, row_slot_step, slots, slot_step, plane, pitch = layout
    start, H, W, channel_step, image_row = image
    ih, iw = corner
    sw = options[1]
    lanes = lanes_of(cells)
    for row_slot in range(row_slots):
        top = ih + row_slot * row_slot_step
        # Rows of the band that lie in the image; those above and below are padding.
        first = min(rows, max(0, -(top // row_step)))
        last = max(first, min(rows, -((top - H) // row_step)))
        # The rows of a channel are copied together; if there is but one, those of all channels.
        turn = row_slots * slots * plane
        runs, step, stride = last - first, row_step * image_row, pitch
        if runs == rows == 1:
            runs, step, stride = channels, channel_step, turn
        for c in range(1 if rows == 1 and first < last else channels):
            row = start + c * channel_step + (top + first * row_step) * image_row
            for slot in range(slots):
                at = c * turn + (row_slot * slots + slot) * plane
                for i in range(at, at + first * pitch, lanes):
                    store_first(band, i, splat(fill), at + first * pitch - i)
                for i in range(at + last * pitch, at + rows * pitch, lanes):
                    store_first(band, i, splat(fill), at + rows * pitch - i)
                at += first * pitch
                source, target = (cells, row, step, W, fill), (band, at, stride, runs)
                column = iw + slot * slot_step
                if sw == 1:
                    copy_neighbours(source, column, pitch, target)
                elif sw == 2 and slots == 2 and slot_step == 1:
                    if slot == 0:
                        copy_both_phases(source, column, pitch, target, plane)
                else:
                    copy_every(source, column, sw, pitch, target)
