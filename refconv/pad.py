"""Making arrays ready to be read: `xp`, with its pads filled in, needs no branch at the border."""

from __future__ import annotations

from typing import Any

import numpy as np

from refconv.geometry import Geometry


def pad(
    x: np.ndarray[Any, Any], geometry: Geometry, pad_value: Any, dtype: np.dtype[Any]
) -> np.ndarray[Any, Any]:
    """`xp` of shape (N, C, pt + H + pb, pl + W + pr), C-contiguous, of type `dtype`.

    It is `x` itself where nothing has to be filled, moved or converted; never write to it.

    >>> x = np.arange(6).reshape(1, 1, 2, 3)
    >>> g = Geometry.of(x.shape, (1, 1, 2, 2), padding=((1, 0), (0, 2)))
    >>> pad(x, g, 9, x.dtype)[0, 0]
    array([[9, 9, 9, 9, 9],
           [0, 1, 2, 9, 9],
           [3, 4, 5, 9, 9]])
    """
    if not geometry.padded:
        return ready(x, dtype)
    N, C, H, W = geometry.x_shape
    (pt, pb), (pl, pr) = geometry.padding
    xp = np.full((N, C, pt + H + pb, pl + W + pr), pad_value, dtype)
    xp[:, :, pt : pt + H, pl : pl + W] = x
    return xp


def ready(a: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """`a` as compiled code takes it: C-contiguous, aligned, of type `dtype`; itself if it is so."""
    if a.dtype == dtype and a.flags.c_contiguous and a.flags.aligned:
        return a
    return np.require(a, dtype, ["C_CONTIGUOUS", "ALIGNED"])
