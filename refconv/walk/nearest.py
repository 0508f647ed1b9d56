"""The separable layer that is nearest to a standard one, and the standard one that it is equal to.

A standard weight has a matrix for each input channel: F rows, a kernel of KH*KW cells in each. A
separable layer with M kernels per channel can be any matrices of rank M. So the nearest one, in the
sum of squares, is cut from their singular value decompositions (Eckart and Young, 1936).
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def product_of(depthwise_weight: Array, pointwise_weight: Array, C: int) -> Array:
    """The weight (F, C, KH, KW) of the standard layer that gives what the separable one gives.

    `depthwise_weight` (C*M, 1, KH, KW), `pointwise_weight` (F, C*M, 1, 1). Of integers, exactly.

    >>> depthwise = np.array([[1, -1], [1, 10]]).reshape(2, 1, 1, 2)
    >>> pointwise = np.array([[1, 1], [2, 0], [3, 5]]).reshape(3, 2, 1, 1)
    >>> print(product_of(depthwise, pointwise, C=2)[:, :, 0])
    [[[ 1 -1]
      [ 1 10]]
    <BLANKLINE>
     [[ 2 -2]
      [ 0  0]]
    <BLANKLINE>
     [[ 3 -3]
      [ 5 50]]]
    """
    kernels = depthwise_weight.reshape(C, -1, *depthwise_weight.shape[2:])  # (C, M, KH, KW)
    mix = pointwise_weight.reshape(len(pointwise_weight), *kernels.shape[:2])  # (F, C, M)
    weight: Array = np.einsum("fcm,cmij->fcij", mix, kernels)
    return weight


def nearest_separable(weight: Array, M: int = 1) -> tuple[Array, Array]:
    """The depthwise (C*M, 1, KH, KW) and pointwise (F, C*M, 1, 1) weights nearest to `weight`.

    `weight` (F, C, KH, KW), of any real type; what comes is float64. From M = min(F, KH*KW) on it
    is the weight itself, up to rounding.

    >>> weight = np.arange(24).reshape(3, 2, 2, 2)
    >>> depthwise, pointwise = nearest_separable(weight, M=2)
    >>> depthwise.shape, pointwise.shape
    ((4, 1, 2, 2), (3, 4, 1, 1))
    >>> np.allclose(product_of(depthwise, pointwise, C=2), weight)    # rows that count up: rank 2
    True

    Errors: `ValueError` where M is not from 1 to min(F, KH*KW).
    """
    F, C, KH, KW = weight.shape
    if not 1 <= M <= min(F, KH * KW):
        raise ValueError(f"M is {M}, but must be from 1 to min(F, KH*KW) = {min(F, KH * KW)}")
    matrices = weight.transpose(1, 0, 2, 3).reshape(C, F, KH * KW)
    left, sizes, kernels = np.linalg.svd(matrices.astype(np.float64), full_matrices=False)
    mix = (left * sizes[:, None, :])[:, :, :M]  # (C, F, M)
    depthwise = kernels[:, :M].reshape(C * M, 1, KH, KW)
    return depthwise, mix.transpose(1, 0, 2).reshape(F, C * M, 1, 1)
