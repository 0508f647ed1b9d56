"""im2col: the same sums as one matrix product per group, in NumPy.

The matrix is the idea: a column holds the taps of one output, so that the product of the weight,
a row per output channel, with the matrix is the convolution. It is also the price: each input
cell is written up to KH * KW times.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refconv.geometry import Geometry
from refconv.pad import pad

Array = np.ndarray[Any, Any]


def im2col(x: Array, geometry: Geometry, pad_value: Any = 0) -> Array:
    """The im2col matrices of `x`: shape (N, G, Cg*KH*KW, OH*OW), one block per group.

    Row (cg, kh, kw) holds what that tap reads, column (oh, ow) what that output reads. With
    `weight.reshape(G, Fg, Cg*KH*KW)`, the matrix product is the convolution.

    Memory: N*C*KH*KW*OH*OW elements, up to KH*KW times those of `x`; a pointwise layer of stride 1
    without padding is `x` itself, and is not copied.

    >>> x = np.arange(8).reshape(1, 1, 2, 4)
    >>> g = Geometry.of(x.shape, (1, 1, 2, 2))
    >>> im2col(x, g)[0, 0]
    array([[0, 1, 2],
           [1, 2, 3],
           [4, 5, 6],
           [5, 6, 7]])

    Source: Chellapilla, Puri and Simard, "High Performance Convolutional Neural Networks for
    Document Processing", 2006.
    """
    x = np.asarray(x)
    if x.shape != geometry.x_shape:
        raise ValueError(f"x has shape {x.shape}, but the geometry is of {geometry.x_shape}")
    return columns(pad(x, geometry, pad_value, x.dtype), geometry)


def columns(xp: Array, geometry: Geometry) -> Array:
    """The im2col matrices of the padded input `xp`, of any number of images."""
    g = geometry
    N, C = xp.shape[:2]
    image, channel, row, column = xp.strides
    taps = np.lib.stride_tricks.as_strided(
        xp,
        (N, C, g.KH, g.KW, g.OH, g.OW),
        (image, channel, row * g.dh, column * g.dw, row * g.sh, column * g.sw),
        writeable=False,
    )
    return taps.reshape(N, g.G, g.K, g.OH * g.OW)  # (N, C, KH, KW, OH, OW) -> (N, G, K, OH*OW)


def convolve(
    x: Array, weight: Array, bias: Array | None, y: Array, geometry: Geometry, pad_value: Any
) -> None:
    """Fill `y` by matrix products, one image at a time: memory for one image's matrix.

    For float and complex types NumPy calls BLAS, whose complex product may turn infinities into NaN
    where the definition does not, and which must not be in use on another thread during a fork.
    """
    g = geometry
    xp = pad(x, g, pad_value, y.dtype)
    rows = weight.reshape(g.G, g.Fg, g.K)  # (F, Cg, KH, KW) -> (G, Fg, K)
    with np.errstate(all="ignore"):  # infinities and NaN are ordinary results, in every method
        for n in range(g.N):
            product = y[n].reshape(g.G, g.Fg, g.OH * g.OW)  # a view: y is contiguous
            # (G, Fg, K) @ (G, K, OH*OW) -> (G, Fg, OH*OW)
            np.matmul(rows, columns(xp[n : n + 1], g)[0], out=product)
        if bias is not None:
            y += bias[:, None, None]
