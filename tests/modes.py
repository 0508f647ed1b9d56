"""Layers for every way that the compiled kernels go about a convolution.

Which way they go follows from the CPU: a tile is `tile_width` outputs wide. So a layer is given as
a function of that width, along with what must hold of its cut; `test_cuts.py` checks that it does.
Each layer is worth several threads, and none of its sizes is another's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from refconv import Geometry
from refconv.jit import planes
from refconv.jit.cpu import VECTOR_BYTES
from refconv.jit.cuts import ROWS, VECTORS, cut_for

VECTOR_TYPES = ("float32", "float64")
WIDE = 24
"""Where rows are narrower, to copy columns KW times may cost less than to compute pads."""


def tile_width(dtype):
    """How many outputs of a row a register tile computes at once."""
    return VECTORS * VECTOR_BYTES // np.dtype(dtype).itemsize


def geometry_of(kernel, out, *, N=1, G=1, Cg=1, Fg=1, pads=((0, 0), (0, 0)), **steps):
    """The geometry whose output is `out` = (OH, OW), with this `kernel` = (KH, KW)."""
    stride, dilation = steps.get("stride", (1, 1)), steps.get("dilation", (1, 1))
    axes = zip(out, kernel, pads, stride, dilation, strict=True)
    size = ((o - 1) * s + d * (k - 1) + 1 - sum(p) for o, k, p, s, d in axes)
    geometry = Geometry.of(
        (N, G * Cg, *size), (G * Fg, Cg, *kernel), padding=pads, groups=G, **steps
    )
    assert geometry.y_shape[2:] == out
    return geometry


@dataclass(frozen=True, slots=True)
class Mode:
    """A layer, and the condition on its geometry and its cut that makes it one of its kind."""

    kernel: tuple[int, int]
    out: tuple[int, int]
    wide: bool
    holds: str
    threads: int
    sizes: dict

    def geometry(self, dtype, **other_sizes):
        OH, OW = self.out
        OW += max(WIDE, tile_width(dtype)) if self.wide else 0
        return geometry_of(self.kernel, (OH, OW), **{**self.sizes, **other_sizes})

    def slim_geometry(self, dtype):
        """The same with as few output channels as it goes with: for what takes its time."""
        return self.geometry(dtype, Fg=min(self.sizes.get("Fg", 1), ROWS + 1))

    def goes_this_way(self, dtype):
        g, itemsize = self.geometry(dtype), np.dtype(dtype).itemsize
        names = {name: getattr(g, name) for name in g.__slots__}
        names["planes"] = planes.suits(g, itemsize)
        if not names["planes"]:
            names |= cut_for(g, itemsize, self.threads)._asdict()
            names["by_line"] = names["lines"] > 1
        return eval(self.holds, names)


def mode(kernel, out, holds, *, wide=False, threads=1, **sizes):
    return Mode(kernel, out, wide, holds, threads, {"N": 2, **sizes})


wide = partial(mode, wide=True)
"""Outputs are wider than a tile, and than WIDE, by out[1]."""

ONE = ((1, 1), (1, 1))

MODES = {
    "planes": mode((3, 2), (31, 61), "planes", G=48, pads=((1, 0), (2, 0))),
    "planes of several channels": mode((2, 3), (31, 29), "planes", G=19, Cg=4, dilation=(2, 3)),
    "planes 3x3": mode((3, 3), (40, 45), "planes", G=12, Fg=2, pads=ONE),
    "planes 3x3 of several channels": mode((3, 3), (30, 37), "planes", G=5, Cg=4, Fg=3, pads=ONE),
    "planes 3x3 by 2": mode((3, 3), (40, 45), "planes", G=24, pads=ONE, stride=(2, 2)),
    "planes 5x5": mode((5, 5), (29, 37), "planes", G=12, pads=((2, 2), (2, 2))),
    "whole rows": wide((3, 2), (19, 3), "not by_line and pitch == OW + 1", Cg=20, Fg=29),
    "whole rows that share a pad": wide(
        (3, 3), (19, 1), "not by_line and pitch == OW + 1", Cg=20, Fg=29, pads=ONE
    ),
    "whole rows that share every pad": wide(
        (3, 5), (17, 2), "pitch == OW + 2", Cg=20, Fg=29, pads=((0, 1), (2, 2))
    ),
    "rows apart": wide(
        (3, 2), (4, 3), "rows_apart and not columns_apart", Cg=20, Fg=70, dilation=(9, 1)
    ),
    "columns apart": mode(
        (4, 3), (37, 3), "columns_apart and not rows_apart", Cg=20, Fg=70, pads=ONE
    ),
    "rows and columns apart": mode(
        (3, 4), (11, 3), "columns_apart and rows_apart", Cg=50, Fg=70, dilation=(13, 2)
    ),
    "line by line": mode((3, 2), (4, 401), "by_line", Cg=100, Fg=9, pads=((1, 0), (2, 1))),
    "several depths": wide(
        (3, 3), (7, 1), "channels < Cg and pitch == OW + 1", Cg=301, Fg=21, pads=ONE
    ),
    "several depths of one channel": mode(
        (41, 31), (3, 91), "kernel_rows < KH and not columns_apart", Cg=2, Fg=21
    ),
    "several depths of one kernel row": mode(
        (3, 1301),
        (1, 391),
        "kernel_columns < KW and not columns_apart",
        Fg=21,
        pads=((0, 0), (7, 1)),
    ),
    "several depths of one kernel row, columns apart": mode(
        (2, 1301), (29, 5), "kernel_columns < KW and columns_apart", Fg=21, pads=((0, 1), (7, 1))
    ),
    "several depths line by line": mode(
        (3, 2), (3, 211), "channels < Cg and by_line", Cg=270, Fg=9, pads=ONE
    ),
    "parts": mode((3, 2), (3, 1), "parts > 1", threads=4, Cg=90, Fg=403),
    "even and odd columns": wide(
        (3, 3), (19, 1), "not planes", Cg=20, Fg=29, stride=(2, 2), pads=ONE
    ),
    "every third column": wide(
        (2, 3), (19, 5), "not planes", Cg=20, Fg=29, stride=(1, 3), pads=ONE
    ),
    "groups that do not fill tiles": wide(
        (3, 2), (13, 5), "not planes", G=3, Cg=10, Fg=13, pads=ONE
    ),
    "groups that fill half a tile": wide((3, 2), (13, 5), "not planes", G=5, Cg=20, Fg=2, pads=ONE),
    "pointwise": mode((1, 1), (23, 29), "not planes", Cg=50, Fg=21),
    "pointwise by 2": mode(
        (1, 1), (23, 29), "not planes", Cg=50, Fg=21, stride=(2, 2), pads=((1, 0), (0, 1))
    ),
}
