"""Ones counting ones: the fast kernel, convolving ones with ones, counts its own taps.

Each output is then the number of its taps: all of them where the pads hold ones too, those inside
the image where they hold zeros. A kernel that skipped a tap, or took one twice, would miscount.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from refconv.conv import conv2d
from refconv.dtypes import Types, largest_exact_integer
from refconv.geometry import Geometry
from refconv.plan import Method


def count_by_ones(
    geometry: Geometry, *, dtype: DTypeLike = np.int64, method: Method = "auto"
) -> tuple[int, int]:
    """(macs, effective_macs) of a convolution, counted by executing it on ones of type `dtype`.

    The sums over outputs are taken in int64, exactly. Memory: input, weight and output.

    >>> g = Geometry.of((1, 2, 5, 4), (3, 2, 3, 2), padding=((1, 1), (0, 1)))
    >>> count_by_ones(g)
    (720, 546)

    Errors: `OverflowError` where `dtype` cannot hold an output's number of taps exactly.
    """
    operand = np.dtype(dtype)
    exact = largest_exact_integer(Types.of(operand, operand).result)
    if exact < geometry.K:
        raise OverflowError(
            f"{operand.name} counts to {exact}, but an output has {geometry.K} taps"
        )
    x, weight = np.ones(geometry.x_shape, operand), np.ones(geometry.weight_shape, operand)
    totals = []
    for pad_value in (1, 0):
        taps = conv2d(
            x,
            weight,
            stride=geometry.stride,
            padding=geometry.padding,
            dilation=geometry.dilation,
            groups=geometry.G,
            pad_value=pad_value,
            method=method,
        )
        totals.append(int(taps.real.sum(dtype=np.int64)))
    return totals[0], totals[1]
