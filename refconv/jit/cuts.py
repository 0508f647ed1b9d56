"""Cutting a convolution into tasks and blocks that fit the caches: plain arithmetic on sizes."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from refconv.geometry import Geometry
from refconv.jit.cpu import REGISTERS, VECTOR_BYTES

# The register tile: accumulators, a row of the matrix and a factor must fit the registers,
# 8*3 + 3 + 1 of 32, 4*2 + 2 + 1 of 16.
ROWS = 8 if REGISTERS == 32 else 4
VECTORS = 3 if REGISTERS == 32 else 2

DEPTH = 1200
"""Taps of a block, at most. More leave the second-level cache; fewer load and store output tiles
more often."""

BAND_BYTES = 1 << 19
"""A band is at most so large. Half as much, or twice: 1 to 5% slower."""

TRIES = 8
"""Lengths of a task that are compared, for each thread."""

FILL = 16
"""Copying a vector into a band costs as much as so many multiply-adds of vectors."""

LATE = 100_000
"""A thread may come late by so many multiply-adds of vectors, some 20 microseconds; where tasks are
shorter, the others lose less by it."""

UNEVEN = 0.05
"""Threads are not equally fast: so much of a task does one wait for another at the end."""


class Cut(NamedTuple):
    """How the work is cut.

    The outputs of an image are `lines` lines of `length`, counted through the rows of a band; a
    strip is as many outputs as a tile is wide; a task is `strips` strips of a line and one of
    `parts` shares of a group's output channels. Its taps are taken `channels` channels at a time;
    or, of one channel, `kernel_rows` kernel rows; or, of one kernel row, `kernel_columns`. A band
    has `rows` rows in each of its slots, `pitch` apart; kernel rows are `rows_apart` in it, and
    kernel columns `columns_apart`, or not.
    """

    lines: int
    length: int
    strips: int
    parts: int
    channels: int
    kernel_rows: int
    kernel_columns: int
    rows: int
    pitch: int
    rows_apart: bool
    columns_apart: bool
    tasks: int


def cut_for(g: Geometry, itemsize: int, threads: int) -> Cut:
    """The cut of this convolution that should take the least time."""
    width = VECTORS * VECTOR_BYTES // itemsize
    # Together, the outputs between two rows of y, which are none, are computed too, and a tile must
    # meet no more than one run of those. Apart, columns are copied KW times.
    found = _cuts(g, itemsize, threads, columns_apart=True)
    if width <= g.OW and g.KW > 1:
        found += _cuts(g, itemsize, threads, columns_apart=False)
    return min(found)[1]


def _cuts(g: Geometry, itemsize: int, threads: int, columns_apart: bool) -> list[tuple[float, Cut]]:
    """Cuts that fit the caches, and about how long they take, in multiply-adds of vectors."""
    lanes = VECTOR_BYTES // itemsize
    width = VECTORS * lanes
    channels = max(1, min(g.Cg, DEPTH // (g.KH * g.KW)))
    kernel_rows = max(1, min(g.KH, DEPTH // g.KW))
    kernel_columns = min(g.KW, DEPTH)
    slots = kernel_columns if columns_apart else min(g.sw, (kernel_columns - 1) * g.dw + 1)
    more_columns = 0 if columns_apart else (kernel_columns - 1) * g.dw // g.sw
    pitch = g.OW + more_columns
    if kernel_columns == g.KW:
        pitch -= _shared_pads(g, slots, more_columns)
    row_phases = min(g.sh, (kernel_rows - 1) * g.dh + 1)
    more_rows = (kernel_rows - 1) * g.dh // g.sh

    def rows_for(output_rows: int) -> tuple[int, int, bool]:
        """Rows in all, rows of a slot, and whether kernel rows are apart: what copies least."""
        apart, together = kernel_rows * output_rows, row_phases * (output_rows + more_rows)
        if apart < together:
            return apart, output_rows, True
        return together, output_rows + more_rows, False

    def output_rows(strips: int) -> int:
        return min(g.OH, (strips * width + pitch - 2) // pitch + 1)

    def columns(strips: int) -> int:
        return min(g.OW, strips * width) + more_columns

    cells = BAND_BYTES // (channels * slots * itemsize)
    by_line = g.OH == 1 or rows_for(output_rows(1))[0] * pitch > cells
    lines, length = (g.OH, g.OW) if by_line else (1, (g.OH - 1) * pitch + g.OW)

    def size(strips: int) -> int:
        if by_line:
            return rows_for(1)[0] * columns(strips)
        return rows_for(output_rows(strips))[0] * pitch

    if size(1) > cells:  # never where columns are apart: those of a strip are DEPTH * width cells
        return []
    strips_of_line = -(-length // width)
    most = bisect_right(range(1, strips_of_line + 1), cells, key=size)
    tiles = -(-g.Fg // ROWS)
    cuts: list[tuple[float, Cut]] = []
    for strips in {min(most, -(-strips_of_line // n)) for n in range(1, TRIES * threads + 1)}:
        _, rows, apart = rows_for(1 if by_line else output_rows(strips))
        fill = FILL * slots * size(strips) * g.Cg // lanes
        for parts in (1 << n for n in range(min(tiles, TRIES * threads).bit_length())):
            if -(-tiles // parts) * (parts - 1) >= tiles:
                continue  # the last one would be empty
            lines_in_all = g.N * g.G * lines * parts
            tasks = lines_in_all * -(-strips_of_line // strips)
            strip = VECTORS * -(-tiles // parts) * ROWS * g.K
            # Each line ends with a shorter task, unless it is cut evenly.
            task, last = fill + strips * strip, fill + strips_of_line % strips * strip
            whole = lines_in_all * (strips_of_line // strips)
            spare = -whole % threads * task  # while others do the last of the whole ones
            time: float = -(-whole // threads) * task
            time += -(-max(0, (tasks - whole) * last - spare) // (threads * last)) * last
            if threads > 1:
                time += min(task, LATE) / 2 + task * UNEVEN
            cut = Cut(
                lines, length, strips, parts, channels, kernel_rows, kernel_columns,
                rows, columns(strips) if by_line else pitch, apart, columns_apart, tasks,
            )  # fmt: skip
            cuts.append((time, cut))
    return cuts


def _shared_pads(g: Geometry, phases: int, more_columns: int) -> int:
    """How many cells of padding the end of a band's row and the start of the next have in common:
    they are the same cells there, and so much less lies between two rows of outputs.
    """
    leading = (g.pl - phases + g.sw) // g.sw
    trailing = g.OW + more_columns - -(-(g.pl + g.W) // g.sw)
    return max(0, min(leading, trailing, more_columns))
