"""The sizes that a kernel takes, as one array: as many numbers would take Numba a microsecond."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from refconv.geometry import Geometry

CUT = 11  # numbers of a cut, at most


def packed_sizes(g: Geometry, cut: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """What `sizes_of` takes apart; `cut` is the kernel's own."""
    shape = (g.N, g.C, g.H, g.W, g.G)
    kernel = (g.F, g.Cg, g.KH, g.KW, g.OH, g.OW)
    options = (g.sh, g.sw, g.dh, g.dw, g.pt, g.pl)
    rest = (0,) * (CUT - len(cut))
    return np.array((*shape, *kernel, *options, *cut, *rest), np.int64)


@numba.njit(inline="always")
def sizes_of(a):
    """(N, C, H, W, G), (F, Cg, KH, KW, OH, OW), (sh, sw, dh, dw, pt, pl), cut."""
    shape = (a[0], a[1], a[2], a[3], a[4])
    kernel = (a[5], a[6], a[7], a[8], a[9], a[10])
    options = (a[11], a[12], a[13], a[14], a[15], a[16])
    cut = (a[17], a[18], a[19], a[20], a[21], a[22], a[23], a[24], a[25], a[26], a[27])
    return shape, kernel, options, cut
