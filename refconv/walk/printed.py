"""All steps as text, for a pipe and for reading: `refconv walk --steps`.

For each structure: who reads whom; one output in the middle and one at the border, tap by tap; all
outputs; what it costs.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from refconv.counts import count
from refconv.geometry import Geometry
from refconv.walk.steps import Part, Tap, Walk, parts_of, title_of
from refconv.walk.summary import costs, summary
from refconv.walk.wiring import wiring

WIDTH = 80


def printed(walk: Walk) -> Iterator[str]:
    """The lines, none longer than 80 characters."""
    yield from _opening(walk.layer)
    for worked in walk.lesson:
        for part in parts_of([worked]):
            yield from ("", f"== {part.title}", "")
            yield from _wiring(part)
            for words, place in outputs_of(part).items():
                yield ""
                yield from _taps(part, words, place)
            yield ""
            yield from _outputs(part)
        yield from ("", f"== what {title_of(worked)} costs", "")
        yield from costs(worked, walk.lesson[0])
    yield from ("", "== all structures", "")
    yield from summary(walk.lesson, walk.layer.G)


def outputs_of(part: Part) -> dict[str, tuple[int, int, int, int]]:
    """The outputs (n, f, oh, ow) that are shown tap by tap, by what they are called.

    One with as many taps inside the image as any, in the first channel; and, where there are
    padding cells, one with the most taps on them, in the last channel.
    """
    g = part.stage.geometry
    inside = part.inside.sum(axis=(2, 3))  # (OH, OW)
    # Of several, the one nearest to the middle.
    middle = np.hypot(*(np.indices(inside.shape) - np.array([[[g.OH / 2]], [[g.OW / 2]]])))
    fullest = np.lexsort((middle.ravel(), -inside.ravel()))[0]
    found = {"an output inside": (0, 0, *_cell(fullest, g))}
    if inside.min() < inside.max():
        found["an output at the border"] = (g.N - 1, g.F - 1, *_cell(inside.argmin(), g))
    return found


def _cell(place: np.intp, g: Geometry) -> tuple[int, int]:
    oh, ow = divmod(int(place), g.OW)
    return oh, ow


def _opening(g: Geometry) -> Iterator[str]:
    yield "refconv walk: one layer, three structures"
    yield g.descriptor
    yield f"x (N, C, H, W) = {g.x_shape}, y (N, F, OH, OW) = {g.y_shape}"
    yield f"kernel {g.KH} x {g.KW}, stride {g.sh} {g.sw}, dilation {g.dh} {g.dw} (1 is dense)"
    yield f"pads: top {g.pt}, bottom {g.pb}, left {g.pl}, right {g.pr}"
    if g.padded:
        yield "A tap marked pad reads a padding cell, which is 0; it is counted apart."


def _wiring(part: Part) -> Iterator[str]:
    g = part.stage.geometry
    yield f"weight {g.weight_shape}, {count(g).parameters:,} parameters; # reads, . does not"
    yield "       c " + "".join(f"{c:2}" for c in range(g.C))
    for f, row in enumerate(wiring(g)):
        yield f"    f {f:2} " + "".join(" #" if reads else " ." for reads in row)


def _taps(part: Part, words: str, place: tuple[int, int, int, int]) -> Iterator[str]:
    """The running sum of one output; the indices of the input are outside it on padding cells."""
    g = part.stage.geometry
    n, f, oh, ow = place
    yield f"y[{n}, {f}, {oh}, {ow}], {words}:"
    yield f"  ih = oh*sh - pt + kh*dh = {oh}*{g.sh} - {g.pt} + kh*{g.dh}"
    yield f"  iw = ow*sw - pl + kw*dw = {ow}*{g.sw} - {g.pl} + kw*{g.dw}"
    first = int(np.ravel_multi_index((*place, 0, 0, 0), part.taps_shape))
    for index in range(first, first + g.K):
        tap = Tap(part, index)
        p = tap.place
        yield (
            f"  x[{n}, {tap.c:2}, {tap.ih:2}, {tap.iw:2}] * "
            f"weight[{f:2}, {p.cg:2}, {p.kh}, {p.kw}] = {tap.x:4} * {tap.weight:2} = "
            f"{tap.x * tap.weight:5}  sum {tap.after:6}{'  pad' if tap.on_padding else ''}"
        )


def _outputs(part: Part) -> Iterator[str]:
    """Every output: a line for each row of a channel, or more where it is long."""
    g, y = part.stage.geometry, part.stage.y
    width = max(len(str(number)) for number in (y.min(), y.max())) + 1
    room = (WIDTH - 4) // width
    yield f"y {y.shape}, all outputs"
    for n in range(g.N):
        for f in range(g.F):
            yield f"  y[{n}, {f}]"
            for row in y[n, f].tolist():
                for start in range(0, g.OW, room):
                    numbers = "".join(f"{number:{width}}" for number in row[start : start + room])
                    yield ("    " if start == 0 else "   +") + numbers
