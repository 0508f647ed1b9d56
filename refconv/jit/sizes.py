"""The sizes that a kernel takes, as one array: as many numbers would take Numba a microsecond."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from refconv.geometry import Geometry

STEPS = slice(5, 8)
"""Where the steps of x are."""

CUT = 12
"""Numbers of a cut, at most."""


def packed_sizes(g: Geometry, cut: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """What `sizes_of` takes apart, for a contiguous `x`; `cut` is the kernel's own."""
    shape = (g.N, g.C, g.H, g.W, g.G)
    steps = (g.C * g.H * g.W, g.H * g.W, g.W)
    kernel = (g.F, g.Cg, g.KH, g.KW, g.OH, g.OW)
    options = (g.sh, g.sw, g.dh, g.dw, g.pt, g.pl)
    rest = (0,) * (CUT - len(cut))
    return np.array((*shape, *steps, *kernel, *options, *cut, *rest), np.int64)


@numba.njit(inline="always")
def sizes_of(a):
    """(N, C, H, W, G), steps, (F, Cg, KH, KW, OH, OW), (sh, sw, dh, dw, pt, pl), cut.

    `steps` are the elements of x from an image, a channel, a row to the next.
    """
    shape = (a[0], a[1], a[2], a[3], a[4])
    steps = (a[5], a[6], a[7])
    kernel = (a[8], a[9], a[10], a[11], a[12], a[13])
    options = (a[14], a[15], a[16], a[17], a[18], a[19])
    cut = (a[20], a[21], a[22], a[23], a[24], a[25], a[26], a[27], a[28], a[29], a[30], a[31])
    return shape, steps, kernel, options, cut
