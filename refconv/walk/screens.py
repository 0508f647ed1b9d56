"""How each step of the walk looks on a screen of 80 x 24 characters.

A number's role is told by where it stands and by signs, never by colour alone: [5] is the tap, (5)
is in its window, a point is a padding cell, a question mark is an output that is not computed yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

import numpy as np

from refconv.counts import count
from refconv.walk.canvas import Canvas
from refconv.walk.steps import (
    PACES,
    Closing,
    Opening,
    Part,
    Position,
    Step,
    Tap,
    Totals,
    Walk,
    Wiring,
    title_of,
)
from refconv.walk.summary import costs, summary
from refconv.walk.wiring import wiring

Array = np.ndarray[Any, Any]

KEYS = "right: next  left: back  n p: structure  up down: pace  ?: help  q: quit"

HELP = """\
Keys
  right, Enter, space   the next step
  left, b               the step before
  up, down              coarser and finer steps: a multiply-accumulate,
                        an output cell, an output channel, a whole stage
  n, p                  the next structure, the one before
  ?                     this page; any key leaves it
  q, Ctrl-C             the end

Signs
  [5]   the number that this tap reads, and the output that it adds to
  (5)   the other numbers of the same output
  .     a padding cell: it is 0, and its taps are counted apart
  ?     an output that is not computed yet: predict it
  #     this output channel reads this input channel

Letters: N images, C channels, H W rows and columns of the input, F output
channels, KH KW of the kernel, OH OW of the output, G groups; s stride,
d dilation, p pads (top, left). The index over a size is its letter, small."""

FIRST_ROW, LEFT, RIGHT = 3, 0, 40
INPUT_ROWS, INPUT_WIDTH = 11, 39
OUTPUT_ROW, OUTPUT_ROWS, OUTPUT_WIDTH = 10, 5, 40
WIRING_ROWS = 12
"""Output channels in a column of the block of wiring; the others stand in a second column."""

FORMULA = "x[n, g*Cg + cg, oh*sh - pt + kh*dh, ow*sw - pl + kw*dw] * weight[f, cg, kh, kw]"


def screen(walk: Walk, position: Position, pace: int) -> Canvas:
    """The step at a position, with where it is and what the keys do."""
    canvas, step = Canvas(), walk.step(position)
    _header(canvas, walk, position, pace)
    _draw(step, canvas)
    canvas.put(23, 0, KEYS, "quiet")
    return canvas


def help_screen() -> Canvas:
    """The keys and the signs."""
    canvas = Canvas()
    for row, line in enumerate(HELP.splitlines()):
        canvas.put(row, 0, line, "" if line.startswith(" ") else "bold")
    return canvas


def _header(canvas: Canvas, walk: Walk, position: Position, pace: int) -> None:
    """Which structure this is among the others, and the pace."""
    chapter = walk.sections[position.section].chapter
    end = 0
    for number, worked in enumerate(walk.lesson, start=1):
        g = worked.structure.stages[0]
        name = "separable" if len(worked.stages) > 1 else f"{g.G}"
        if number == 1:
            end = canvas.put(1, 0, "groups:", "quiet")
        if len(worked.stages) > 1:
            end = canvas.put(1, end, " |", "quiet")
        here = number == chapter
        end = canvas.put(1, end, f"[{name}]" if here else f" {name} ", "bold" if here else "quiet")
    words = f"pace: {PACES[pace]}"
    canvas.put(1, 80 - len(words), words, "quiet")


@singledispatch
def _draw(step: Step, canvas: Canvas) -> None:
    raise TypeError(f"no screen for {type(step).__name__}")


@_draw.register
def _(step: Opening, canvas: Canvas) -> None:
    g = step.layer
    canvas.put(0, 0, "refconv walk: one layer, three structures", "bold")
    for row, line in enumerate([
        g.descriptor if len(g.descriptor) <= 80 else "",
        "",
        f"input   x (N, C, H, W) = {g.x_shape}",
        f"weight  (F, C/G, KH, KW) = (F {g.F}, C {g.C} over G, {g.KH}, {g.KW})",
        f"output  y (N, F, OH, OW) = {g.y_shape}",
        f"stride {g.sh} {g.sw}, dilation {g.dh} {g.dw} (1 is dense), "
        f"pads: top {g.pt}, bottom {g.pb}, left {g.pl}, right {g.pr}",
        "",
        "The same layer is computed as standard convolution, with each number of",
        "groups that divides its channels, up to depthwise, and as depthwise",
        "separable: depthwise, then pointwise. For each you see",
        "",
        "  1. which output channel reads which input channel;",
        "  2. every multiply-accumulate (MAC), with its indices and its numbers;",
        "  3. what it costs: MACs, parameters, bytes, and the ratio to standard.",
        "",
        "All numbers are small and whole: you can add them by hand.",
    ]):  # fmt: skip
        canvas.put(3 + row, 0, line)


@_draw.register
def _(step: Wiring, canvas: Canvas) -> None:
    part = step.part
    g = part.stage.geometry
    canvas.put(0, 0, f"{part.title}: who reads whom", "bold")
    canvas.put(3, 0, "rows: output channels f; columns: input channels c; # reads, . does not")
    connected = wiring(g)
    for first in range(0, g.F, WIRING_ROWS):
        left = 40 * (first // WIRING_ROWS)
        # Numbers of two digits would touch: then every other one is enough.
        numbers = (f"{c:2}" if g.C <= 10 or c % 2 == 0 else "  " for c in range(g.C))
        canvas.put(4, left, "   c " + "".join(numbers).rstrip(), "quiet")
        for row, f in enumerate(range(first, min(first + WIRING_ROWS, g.F))):
            end = canvas.put(5 + row, left, f"f {f:2} ", "quiet")
            for c in range(g.C):
                sign, style = (" #", "weight") if connected[f, c] else (" .", "quiet")
                end = canvas.put(5 + row, end, sign, style)
    row = 18
    canvas.put(row, 0, f"{connected.sum()} of {g.F} * {g.C} kernels of {g.KH} x {g.KW}: "
                       f"weight {g.weight_shape}, {count(g).parameters:,} parameters")  # fmt: skip
    reads = "one group: all channels" if g.G == 1 else f"{g.G} groups of {g.Cg} -> {g.Fg} channels"
    canvas.put(row + 1, 0, f"{reads}; x {g.x_shape} -> y {g.y_shape}")
    canvas.put(
        row + 2, 0,
        f"an output is a sum of Cg*KH*KW = {g.Cg}*{g.KH}*{g.KW} = {g.K} taps, and reads no others",
    )  # fmt: skip
    canvas.put(row + 3, 0, _im2col_words(part))


def _im2col_words(part: Part) -> str:
    g = part.stage.geometry
    if (g.KH, g.KW, g.sh, g.sw) == (1, 1, 1, 1) and not g.padded:
        return f"im2col: no copy, the matrix of {g.K} x {g.OH * g.OW} is its input"
    blocks = "1 block" if g.G == 1 else f"{g.G} blocks, each"
    images = "" if g.N == 1 else ", for each image"
    return f"im2col: {blocks} Cg*KH*KW x OH*OW = {g.K} x {g.OH * g.OW}{images}"


@_draw.register
def _(tap: Tap, canvas: Canvas) -> None:
    part, p = tap.part, tap.place
    g = part.stage.geometry
    title = f"{part.title}: output y[{p.n}, {p.f}, {p.oh}, {p.ow}], tap {tap.number} of {g.K}"
    canvas.put(0, 0, title, "bold")
    _input(canvas, tap)
    _weight(canvas, tap)
    _output(canvas, tap)
    _arithmetic(canvas, tap)
    _counter(canvas, tap)


def _input(canvas: Canvas, tap: Tap) -> None:
    """The channel that is read: near the window, or, where that is wide, what the kernel reads."""
    g, p = tap.part.stage.geometry, tap.place
    slice_ = tap.part.padded[p.n, tap.c]
    width = max(len(str(number)) for number in (slice_.min(), slice_.max()))
    in_window = (
        [p.oh * g.sh + kh * g.dh for kh in range(g.KH)],
        [p.ow * g.sw + kw * g.dw for kw in range(g.KW)],
    )
    rows = shown(slice_.shape[0], in_window[0], INPUT_ROWS)
    columns = shown(slice_.shape[1], in_window[1], (INPUT_WIDTH - 4) // (width + 2))
    end = canvas.put(FIRST_ROW, LEFT, f"input x[{p.n}, {tap.c}]   {g.H} x {g.W}", "input")
    gaps = any(there != list(range(there[0], there[-1] + 1)) for there in (rows, columns))
    canvas.put(FIRST_ROW, end, ", some cells" if gaps else " and pads" if g.padded else "", "quiet")
    _indices(canvas, FIRST_ROW + 1, LEFT + 4, [c - g.pl for c in columns], width)
    for line, row in enumerate(rows):
        canvas.put(FIRST_ROW + 2 + line, LEFT, f"{row - g.pt:3}", "quiet")
        for place, column in enumerate(columns):
            inside = 0 <= row - g.pt < g.H and 0 <= column - g.pl < g.W
            text = str(slice_[row, column]) if inside else "."
            is_tap = (row - g.pt, column - g.pl) == (tap.ih, tap.iw)
            is_read = row in in_window[0] and column in in_window[1]
            _cell(
                canvas, FIRST_ROW + 2 + line, LEFT + 4 + place * (width + 2), text, width,
                is_tap, is_read, "input" if inside else "quiet",
            )  # fmt: skip


def _weight(canvas: Canvas, tap: Tap) -> None:
    """The kernel that it is multiplied by; all of it belongs to the output."""
    g, p = tap.part.stage.geometry, tap.place
    kernel = tap.part.stage.weight[p.f, p.cg]
    canvas.put(FIRST_ROW, RIGHT, f"weight[{p.f}, {p.cg}]   {g.KH} x {g.KW}", "weight")
    for kh in range(g.KH):
        for kw in range(g.KW):
            _cell(
                canvas, FIRST_ROW + 1 + kh, RIGHT + 4 * kw, str(kernel[kh, kw]), 2,
                (kh, kw) == (p.kh, p.kw), False, "weight",
            )  # fmt: skip


def _output(canvas: Canvas, tap: Tap) -> None:
    """The output channel as far as it is computed, with the running sum."""
    part, p = tap.part, tap.place
    g, y = part.stage.geometry, part.stage.y[p.n, p.f]
    width = len(str(-largest_sum(part)))
    rows = shown(g.OH, [p.oh], OUTPUT_ROWS)
    columns = shown(g.OW, [p.ow], (OUTPUT_WIDTH - 4) // (width + 2))
    canvas.put(OUTPUT_ROW, RIGHT, f"output y[{p.n}, {p.f}]   {g.OH} x {g.OW}", "output")
    _indices(canvas, OUTPUT_ROW + 1, RIGHT + 4, columns, width)
    for line, oh in enumerate(rows):
        canvas.put(OUTPUT_ROW + 2 + line, RIGHT, f"{oh:3}", "quiet")
        for place, ow in enumerate(columns):
            is_tap, known = (oh, ow) == (p.oh, p.ow), (oh, ow) < (p.oh, p.ow)
            text = str(tap.after) if is_tap else str(y[oh, ow]) if known else "?"
            _cell(
                canvas, OUTPUT_ROW + 2 + line, RIGHT + 4 + place * (width + 2), text, width,
                is_tap, False, "output" if known or is_tap else "quiet",
            )  # fmt: skip


def _arithmetic(canvas: Canvas, tap: Tap) -> None:
    """The index arithmetic with its numbers, the product, the sum, the place in im2col."""
    g, p = tap.part.stage.geometry, tap.place
    row = 18
    canvas.put(row, 0, FORMULA, "quiet")
    canvas.put(
        row + 1, 0,
        f"x[{p.n}, {p.f // g.Fg}*{g.Cg} + {p.cg}, {p.oh}*{g.sh} - {g.pt} + {p.kh}*{g.dh}, "
        f"{p.ow}*{g.sw} - {g.pl} + {p.kw}*{g.dw}] * weight[{p.f}, {p.cg}, {p.kh}, {p.kw}]",
    )  # fmt: skip
    end = canvas.put(
        row + 2, 0,
        f"= x[{p.n}, {tap.c}, {tap.ih}, {tap.iw}] * weight[{p.f}, {p.cg}, {p.kh}, {p.kw}]"
        f" = {tap.x} * {_term(tap.weight)} = {tap.x * tap.weight}", "bold",
    )  # fmt: skip
    if tap.on_padding:
        canvas.put(row + 2, end, "   a padding cell")
    complete = ", complete" if tap.number == g.K else ""
    canvas.put(
        row + 3, 0,
        f"sum: {tap.before} + {_term(tap.x * tap.weight)} = {tap.after}{complete}", "output",
    )  # fmt: skip
    block = f"block {p.f // g.Fg}, " if g.G > 1 else ""
    place = f"im2col: {block}row {tap.number - 1}, column {p.oh * g.OW + p.ow}"
    canvas.put(row + 3, 80 - len(place), place, "quiet")


def _counter(canvas: Canvas, tap: Tap) -> None:
    """The taps so far, running into the closed formula."""
    part = tap.part
    formula = part.worked.structure.formula.split(" + ")[part.number]
    padding = f"; on padding {tap.padding_taps:,}" if part.stage.geometry.padded else ""
    canvas.put(22, 0, f"MACs {tap.index + 1:,} of {formula} = {part.macs:,}{padding}")


@_draw.register
def _(step: Totals, canvas: Canvas) -> None:
    canvas.put(0, 0, f"{title_of(step.worked)}: what it costs", "bold")
    for row, line in enumerate(costs(step.worked, step.standard)):
        canvas.put(3 + row, 0, line)


@_draw.register
def _(step: Closing, canvas: Canvas) -> None:
    canvas.put(0, 0, "All structures of this layer", "bold")
    for row, line in enumerate(summary(step.lesson, step.asked)):
        canvas.put(2 + row, 0, line)


def _indices(canvas: Canvas, row: int, column: int, indices: Sequence[int], width: int) -> None:
    """The indices over a table's columns."""
    for place, index in enumerate(indices):
        canvas.put(row, column + place * (width + 2), f"{index:{width + 1}}", "quiet")


def _cell(
    canvas: Canvas, row: int, column: int, text: str, width: int, is_tap: bool, is_read: bool,
    style: str,
) -> None:  # fmt: skip
    """A number with its sign."""
    before, after = "[]" if is_tap else "()" if is_read else "  "
    style = "tap" if is_tap else style
    canvas.put(row, column, f"{before}{text:>{width}}{after}", style)


def _term(number: int) -> str:
    """A number as it stands behind a sign.

    >>> _term(4), _term(-4)
    ('4', '(-4)')
    """
    return f"({number})" if number < 0 else f"{number}"


def shown(size: int, read: list[int], room: int) -> list[int]:
    """Which rows or columns of an array are shown, at most `room`, those `read` among them.

    All of them; or those around what is read; or, where that is farther apart, only what is read.

    >>> shown(5, [1, 2], 9), shown(20, [8, 9], 6), shown(20, [3, 7, 11], 6)
    ([0, 1, 2, 3, 4], [6, 7, 8, 9, 10, 11], [3, 7, 11])
    """
    span = read[-1] - read[0] + 1
    if span > room and size > room:
        return read
    start = max(0, min(read[0] - (room - span) // 2, size - room))
    return list(range(start, min(size, start + room)))


def largest_sum(part: Part) -> int:
    """No running sum of this part is farther from zero."""
    weights = np.abs(part.stage.weight).sum(axis=(1, 2, 3)).max()
    return int(weights * np.abs(part.stage.x).max())
