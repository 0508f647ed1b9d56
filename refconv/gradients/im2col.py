"""Both gradients as matrix products: y = weight @ columns, differentiated, in NumPy.

The gradient of the columns is weight.T @ grad_y, and `col2im` adds it up where the columns were
read from; the gradient of the weight is grad_y @ columns.T.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refconv.geometry import Geometry
from refconv.im2col import columns
from refconv.pad import pad

Array = np.ndarray[Any, Any]


def col2im(matrices: Array, geometry: Geometry) -> Array:
    """What `im2col` read, put back: the cells of each column *added* where they came from.

    matrices (N, G, Cg*KH*KW, OH*OW) -> (N, C, H, W). A cell that several columns hold gains from
    each of them; what falls on the pads is dropped. It is im2col's transpose, not its inverse.

    >>> g = Geometry.of((1, 1, 2, 4), (1, 1, 2, 2))
    >>> col2im(np.ones((1, 1, 4, 3), int), g)[0, 0]        # how many columns hold each cell
    array([[1, 2, 2, 1],
           [1, 2, 2, 1]])

    Errors: `ValueError` where the matrices are not of this geometry.
    """
    g = geometry
    matrices = np.asarray(matrices)
    N = len(matrices) if matrices.ndim else 0  # any number of images
    if matrices.shape != (N, g.G, g.K, g.OH * g.OW):
        raise ValueError(
            f"matrices have shape {matrices.shape}, but must be "
            f"(N, {g.G}, {g.K}, {g.OH * g.OW}): (N, G, Cg*KH*KW, OH*OW)"
        )
    taps = matrices.reshape(N, g.C, g.KH, g.KW, g.OH, g.OW)
    xp = np.zeros((N, g.C, g.pt + g.H + g.pb, g.pl + g.W + g.pr), matrices.dtype)
    for kh in range(g.KH):
        for kw in range(g.KW):
            top, left = kh * g.dh, kw * g.dw
            rows = slice(top, top + (g.OH - 1) * g.sh + 1, g.sh)
            across = slice(left, left + (g.OW - 1) * g.sw + 1, g.sw)
            xp[:, :, rows, across] += taps[:, :, kh, kw]  # no cell twice within one tap
    return xp[:, :, g.pt : g.pt + g.H, g.pl : g.pl + g.W]


def input_grad(
    grad_y: Array, weight: Array, bias: Array | None, grad_x: Array, geometry: Geometry
) -> None:
    """Fill `grad_x`, one image at a time: memory for one image's matrix.

    `bias` (C,) is that of a transposed convolution.
    """
    g = geometry
    rows = weight.reshape(g.G, g.Fg, g.K).swapaxes(1, 2)  # (F, Cg, KH, KW) -> (G, K, Fg)
    with np.errstate(all="ignore"):  # infinities and NaN are ordinary results, in every method
        for n in range(g.N):
            # (G, K, Fg) @ (G, Fg, OH*OW) -> (G, K, OH*OW)
            matrices = np.matmul(rows, grad_y[n].reshape(g.G, g.Fg, g.OH * g.OW))
            grad_x[n] = col2im(matrices[None], g)[0]
    if bias is not None:
        grad_x += bias[:, None, None]


def weight_grad(
    grad_y: Array, x: Array, grad_weight: Array, geometry: Geometry, pad_value: Any
) -> None:
    """Fill `grad_weight`, one image at a time: memory for one image's matrix."""
    g = geometry
    xp = pad(x, g, pad_value, grad_weight.dtype)
    sums = grad_weight.reshape(g.G, g.Fg, g.K)  # a view: grad_weight is contiguous
    sums[...] = 0
    with np.errstate(all="ignore"):
        for n in range(g.N):
            rows = grad_y[n].reshape(g.G, g.Fg, g.OH * g.OW)
            # (G, Fg, OH*OW) @ (G, OH*OW, K) -> (G, Fg, K)
            sums += np.matmul(rows, columns(xp[n : n + 1], g)[0].swapaxes(1, 2))
