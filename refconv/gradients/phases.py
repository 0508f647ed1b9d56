"""The input gradient as convolutions of grad_y: one for each phase of the stride.

A cell of x is read by those outputs whose window covers it, a stride apart, through kernel cells
that are a stride apart too. So cells of x that lie a stride apart meet the same kernel cells: they
are a phase, and together the convolution, of stride 1, of grad_y with those kernel cells in reverse
order. Stride 1 has a single phase, the whole kernel turned by half a turn. Sizes only: no array is
touched here.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import gcd

from refconv.geometry import Geometry


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of one phase.

    The cells of x `first`, `first + stride`, ..., of which there are `count`, are outputs of a
    convolution of the rows `start` to `end` of grad_y, with the pads `before` and `after`, and the
    kernel cells `cells` in this order, `dilation` apart. Without `cells` they are zero.
    """

    first: int
    count: int
    start: int
    end: int
    before: int
    after: int
    cells: tuple[int, ...]
    dilation: int


@dataclass(frozen=True, slots=True)
class Phase:
    """The convolution of a phase, as a geometry, and where its arrays lie in those of the call."""

    geometry: Geometry | None
    """None where the phase is zero."""
    rows: Axis
    columns: Axis


def phases(g: Geometry) -> list[Phase]:
    """The phases of an input gradient; together they are every cell of x, each once.

    >>> g = Geometry.of((1, 5, 8, 7), (6, 5, 3, 3), stride=(2, 1), padding=1)
    >>> [(p.rows.first, p.rows.cells, p.geometry.x_shape, p.geometry.weight_shape)
    ...  for p in phases(g)]
    [(0, (1,), (1, 6, 4, 7), (5, 6, 1, 3)), (1, (2, 0), (1, 6, 4, 7), (5, 6, 2, 3))]
    """
    rows = axes(g.H, g.pt, g.KH, g.sh, g.dh, g.OH)
    columns = axes(g.W, g.pl, g.KW, g.sw, g.dw, g.OW)
    return [Phase(_geometry(g, row, column), row, column) for row, column in product(rows, columns)]


def axes(size: int, pad: int, kernel: int, stride: int, dilation: int, outputs: int) -> list[Axis]:
    """The phases of one axis: `outputs` is how long grad_y is there.

    Cell i of x is row i + pad of the padded one. Output o reads, through kernel cell k, the row
    o*stride + k*dilation. Of a phase, k goes through k0, k0 + step, ... with step = stride / gcd,
    and o through j, j - dilation / gcd, ... where j = (i + pad - k0*dilation) / stride.
    """
    common = gcd(stride, dilation)
    step, apart = stride // common, dilation // common
    found = []
    for first in range(min(stride, size)):
        row = first + pad
        cells = [k for k in range(min(step, kernel)) if (row - k * dilation) % stride == 0]
        count = -(-(size - first) // stride)
        taps = tuple(range(cells[0], kernel, step)) if cells else ()
        nearest = (row - taps[0] * dilation) // stride if taps else 0
        before = (len(taps) - 1) * apart - nearest
        after = count + nearest - outputs
        start, end = max(0, -before), outputs - max(0, -after)
        if start >= end:
            taps = ()
        found.append(
            Axis(first, count, start, end, max(0, before), max(0, after), taps[::-1], apart)
        )
    return found


def _geometry(g: Geometry, rows: Axis, columns: Axis) -> Geometry | None:
    if not rows.cells or not columns.cells:
        return None
    return Geometry(
        N=g.N, C=g.F, H=rows.end - rows.start, W=columns.end - columns.start,
        F=g.C, KH=len(rows.cells), KW=len(columns.cells), G=g.G,
        sh=1, sw=1, dh=rows.dilation, dw=columns.dilation,
        pt=rows.before, pb=rows.after, pl=columns.before, pr=columns.after,
    )  # fmt: skip
