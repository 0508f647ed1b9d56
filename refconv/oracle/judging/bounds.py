"""How far a right answer may be from the reference: the tiers, as functions of plain numbers.

n is the terms of a sum, S the sum of their absolute values, u a unit roundoff: half the distance of
1 from the next number of the type.

Sources: Higham, "Accuracy and Stability of Numerical Algorithms", 2002, chapter 3; Jeannerod and
Rump, "Improved error bounds for inner products", 2013; Higham and Mary, "A new approach to
probabilistic rounding error analysis", 2019.
"""

from __future__ import annotations

from math import log, log2, sqrt
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

ROUNDOFF = {
    "float64": 2.0**-53, "complex128": 2.0**-53,
    "float32": 2.0**-24, "complex64": 2.0**-24,
    "tf32": 2.0**-11, "float16": 2.0**-11, "bfloat16": 2.0**-8,
}  # fmt: skip

SMALLEST = {
    "float64": 2.0**-1074, "complex128": 2.0**-1074, "float32": 2.0**-149, "complex64": 2.0**-149,
    "tf32": 2.0**-136, "float16": 2.0**-24, "bfloat16": 2.0**-133,
}  # fmt: skip
"""The smallest subnormal numbers."""

NORMAL = {"float64": 2.0**-1022, "float32": 2.0**-126}
"""The smallest normal numbers, of the types whose subnormals some flush to zero."""

LARGEST = {
    "float64": float(np.finfo(np.float64).max), "float32": float(np.finfo(np.float32).max),
    "complex128": float(np.finfo(np.float64).max), "complex64": float(np.finfo(np.float32).max),
    "tf32": float(np.finfo(np.float32).max), "float16": 65504.0, "bfloat16": 3.3895313892515355e38,
}  # fmt: skip

CHANCE = 1e-12
"""That a right implementation is suspected, of one case, if its errors are independent."""

AGGREGATE = 0.4
"""Of n*T, at most, is the sum of squared errors in units of u*S over T outputs."""

ALGORITHMS = ("direct", "winograd", "fft")

CLUMSINESS = {"direct": 1.0, "winograd": 30.0, "fft": 100.0}
"""How many times larger typical errors may be, in tier 3, than those of summation. Measured of
F(4x4, 3x3) in float32 on normal data: 4 to 5 times those of plain summation, on average; blocked
summation is several times better than plain. For FFT it is an allowance, and not measured."""


def accumulation(n: Any, S: Any, accumulator: str) -> Any:
    """Tier 1, E = (n+1)*u*S + n*eta: any order of summation stays inside, fused or not."""
    return (n + 1) * ROUNDOFF[accumulator] * S + n * SMALLEST[accumulator]


def rounded_operands(S: Any, operands: str) -> Any:
    """What rounding both factors of each product first can change: (2u + u^2)*S."""
    u = ROUNDOFF[operands]
    return (2 * u + u * u) * S


def rounded_output(y: Any, E: Any, output: str) -> Any:
    """B = u*(|y| + E) + E: the sum rounded once more, to a narrower type."""
    return ROUNDOFF[output] * (np.abs(y) + E) + SMALLEST[output] + E


def probable(n: Any, S: Any, accumulator: str, outputs: int) -> Any:
    """Tier 2, lambda*sqrt(n+1)*u*S: what independent rounding errors of mean zero stay inside.

    lambda = sqrt(2*ln(2*n*N/delta)) for N outputs and the chance `CHANCE` of being wrong.
    """
    most = float(np.max(n, initial=1))
    factor = sqrt(2 * log(2 * max(1.0, most) * max(1, outputs) / CHANCE))
    rounding = factor * np.sqrt(n + 1) * ROUNDOFF[accumulator] * S
    return rounding + 2 * (n + 1) * SMALLEST[accumulator]


def transformed(
    n: Any, largest: float, norms: float, accumulator: str, algorithm: str, size: tuple[int, int]
) -> Any:
    """Instead of tier 1, for algorithms that sum other products than those of the definition.

    Their errors follow the largest numbers around, and not those of one sum. Winograd: tier 2 of
    sums whose S is n*max|x|*max|w|, times `CLUMSINESS`. FFT: 16*u*log2(pixels)*|x|*|w|, in
    Euclidean norms over all that an output could read. Documented, but not proven. `size` is
    (outputs, pixels of an image).
    """
    outputs, pixels = size
    if algorithm == "winograd":
        return CLUMSINESS[algorithm] * probable(n, n * largest, accumulator, outputs)
    u = ROUNDOFF[accumulator]
    return np.broadcast_to(16 * u * log2(max(2, pixels)) * norms, np.shape(n))


def sees_a_dropped_tap(n: float, bound: float, S: float) -> bool:
    """Whether an average tap, S/n, is more than the bound."""
    return n * bound < S


def aggregate_sees_a_dropped_tap(n: float, accumulator: str, algorithm: str = "direct") -> bool:
    """The same of tier 3: one tap less is an error of 1/(n*u) in its units, for every output."""
    missing = 1 / (n * ROUNDOFF[accumulator] * CLUMSINESS[algorithm])
    return bool(missing**2 > AGGREGATE * n)
