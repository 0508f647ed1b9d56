"""The definition of both gradients: the seven loops of the convolution, turned around.

The convolution adds x times weight to y. Each gradient runs through the very same products: one
adds grad_y times weight to where x was read, the other grad_y times x to where the weight was read.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refconv.geometry import Geometry
from refconv.pad import pad

Array = np.ndarray[Any, Any]


def input_grad_loops(
    grad_y: Array,
    weight: Array,
    grad_xp: Array,
    stride: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
) -> None:
    """Add to each cell of `grad_xp` its weights times the gradients of the outputs that read it.

    `grad_xp` is the gradient of the padded input (N, C, pt+H+pb, pl+W+pr), `weight`
    (F, Cg, KH, KW), `grad_y` (N, F, OH, OW).
    """
    N, F, OH, OW = grad_y.shape
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
                                grad_xp[n, g * Cg + cg, oh * sh + kh * dh, ow * sw + kw * dw] += (
                                    grad_y[n, f, oh, ow] * weight[f, cg, kh, kw]
                                )


def weight_grad_loops(
    grad_y: Array,
    xp: Array,
    grad_weight: Array,
    stride: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
) -> None:
    """Add to each weight's gradient the cells that it was multiplied by, times grad_y there.

    `xp` is the padded input (N, C, pt+H+pb, pl+W+pr), `grad_weight` (F, Cg, KH, KW), `grad_y`
    (N, F, OH, OW).
    """
    N, F, OH, OW = grad_y.shape
    _, Cg, KH, KW = grad_weight.shape
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
                                grad_weight[f, cg, kh, kw] += (
                                    grad_y[n, f, oh, ow]
                                    * xp[n, g * Cg + cg, oh * sh + kh * dh, ow * sw + kw * dw]
                                )


def input_grad(
    grad_y: Array,
    weight: Array,
    bias: Array | None,
    grad_x: Array,
    geometry: Geometry,
    loops: Any = input_grad_loops,
) -> None:
    """Fill `grad_x` (N, C, H, W) by the definition; what falls on the pads is dropped.

    `bias` (C,) is that of a transposed convolution. `loops` may be a compiled twin.
    """
    g = geometry
    grad_xp = np.zeros((g.N, g.C, g.pt + g.H + g.pb, g.pl + g.W + g.pr), grad_x.dtype)
    with np.errstate(all="ignore"):  # infinities and NaN are ordinary results, in every method
        loops(grad_y, weight, grad_xp, g.stride, g.dilation, g.G)
    grad_x[...] = grad_xp[:, :, g.pt : g.pt + g.H, g.pl : g.pl + g.W]
    if bias is not None:
        grad_x += bias[:, None, None]


def weight_grad(
    grad_y: Array,
    x: Array,
    grad_weight: Array,
    geometry: Geometry,
    pad_value: Any,
    loops: Any = weight_grad_loops,
) -> None:
    """Fill `grad_weight` (F, Cg, KH, KW) by the definition. `loops` may be a compiled twin."""
    g = geometry
    xp = pad(x, g, pad_value, grad_weight.dtype)
    grad_weight[...] = 0
    with np.errstate(all="ignore"):
        loops(grad_y, xp, grad_weight, g.stride, g.dilation, g.G)
