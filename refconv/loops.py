"""The definition: what a convolution is, as seven loops that fill an output.

Every other method must agree with these loops. Nothing here is fast, and nothing needs to be.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refconv.geometry import Geometry
from refconv.pad import pad

Array = np.ndarray[Any, Any]


def seven_loops(
    xp: Array,
    weight: Array,
    y: Array,
    stride: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
) -> None:
    """Add to each y[n, f, oh, ow] the sum, over its taps, of input times weight.

    `xp` is the padded input (N, C, pt+H+pb, pl+W+pr), `weight` (F, Cg, KH, KW), `y`
    (N, F, OH, OW). Output channel f belongs to group g = f // Fg, and reads that group's Cg input
    channels. The kernel is not flipped: it is cross-correlation.
    """
    N, F, OH, OW = y.shape
    _, Cg, KH, KW = weight.shape
    sh, sw = stride
    dh, dw = dilation
    Fg = F // groups
    for n in range(N):
        for f in range(F):
            g = f // Fg
            for oh in range(OH):
                for ow in range(OW):
                    for cg in range(Cg):
                        for kh in range(KH):
                            for kw in range(KW):
                                y[n, f, oh, ow] += (
                                    xp[n, g * Cg + cg, oh * sh + kh * dh, ow * sw + kw * dw]
                                    * weight[f, cg, kh, kw]
                                )


def convolve(
    x: Array,
    weight: Array,
    bias: Array | None,
    y: Array,
    geometry: Geometry,
    pad_value: Any,
    loops: Any = seven_loops,
) -> None:
    """Fill `y` by the definition: the sums, then the bias. `loops` may be a compiled twin."""
    g = geometry
    xp = pad(x, g, pad_value, y.dtype)
    y[...] = 0
    with np.errstate(all="ignore"):  # infinities and NaN are ordinary results, in every method
        loops(xp, weight, y, g.stride, g.dilation, g.G)
        if bias is not None:
            y += bias[:, None, None]
