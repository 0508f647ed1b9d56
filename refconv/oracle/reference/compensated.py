"""float64 sums as if computed in twice the precision, for judging float64 itself.

Ogita, Rump and Oishi, "Accurate sum and dot product", 2005: what each product and each sum rounds
away is computed exactly, and added up beside the sum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from refconv.oracle.judging.bounds import ROUNDOFF

if TYPE_CHECKING:
    from refconv.oracle.reference.gather import Problem

Array = np.ndarray[Any, Any]

DOUBLE = ROUNDOFF["float64"]
SPLIT = float(2**27 + 1)
TINY = float(np.finfo(np.float64).tiny)


def compensated(problem: Problem, y: Array, terms: Array, magnitude: Array) -> tuple[Array, Array]:
    """The problem's outputs, and a bound for their errors: u*|y| + (n*u)^2 * magnitude.

    Where a sum or a factor is too large to be split, or no number, `y` stands as it was, and the
    bound is that of plain summation.
    """
    high = np.zeros(problem.shape)
    low = np.zeros(problem.shape)
    with np.errstate(all="ignore"):
        for read, weights in problem.taps():
            _add_products(high, low, read, weights)
        if problem.bias is not None:
            _add(high, low, np.broadcast_to(problem.bias[:, None, None], high.shape))
        sums = high + low
        n = terms + 1
        bound = DOUBLE * np.abs(sums) + 2 * (n * DOUBLE) ** 2 * magnitude + n * TINY
    usable = np.isfinite(sums) & np.isfinite(bound)
    plain = n * DOUBLE * magnitude
    return np.where(usable, sums, y), np.where(usable, bound, plain)


def _add_products(high: Array, low: Array, a: Array, b: Array) -> None:
    product = a * b
    a_high, b_high = _upper(a), _upper(b)
    a_low, b_low = a - a_high, b - b_high
    rounded_away = a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)
    _add(high, low, product)
    low += rounded_away


def _add(high: Array, low: Array, numbers: Array) -> None:
    total = high + numbers
    back = total - high
    low += (high - (total - back)) + (numbers - back)
    high[...] = total


def _upper(a: Array) -> Array:
    """The upper half of the bits (Dekker's split)."""
    scaled = SPLIT * a
    return scaled - (scaled - a)
