"""Faults of rounding: operands made narrower first, or sums kept in a narrow type.

Rounded operands are replayed, for each way to round; then the outputs must agree as closely as
those of a right implementation. A narrow accumulator rounds in an order that nobody knows: plain
orders are replayed to the bit, and else its errors must be of that type's size. Of whole numbers
that says nothing: a small one is a number of any type, whatever it came of.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from refconv.oracle.judging.bounds import ROUNDOFF, SMALLEST
from refconv.oracle.reference.gather import Problem

if TYPE_CHECKING:
    from refconv.oracle.judging.comparison import Comparison
    from refconv.oracle.reference.adjoint import Adjoint, Posed
    from refconv.oracle.reference.certified import Reference

Array = np.ndarray[Any, Any]

REPLAYED_MACS = 400_000
"""Of a case whose sums are replayed one by one, at most."""

REPLAYED_TERMS = 1024
"""Of a gradient's sum that is replayed one by one, at most: each term is a step for all sums."""

CLOSE = 0.2
"""Errors of a narrow accumulator are at most so large, beside the outputs, in the mean square."""

TYPICAL = 0.02
"""Errors of a narrow accumulator are at least so large, in units of u*S, in the middle."""


class RoundingFault(NamedTuple):
    """A stable name, a sentence, and the type that is rounded to."""

    name: str
    sentence: str
    type: str


OPERANDS = (
    RoundingFault("operands-float32", "Operands are rounded to float32 first.", "float32"),
    RoundingFault("operands-tf32", "Operands are rounded to TensorFloat-32 first.", "tf32"),
    RoundingFault("operands-float16", "Operands are rounded to float16 first.", "float16"),
    RoundingFault("operands-bfloat16", "Operands are rounded to bfloat16 first.", "bfloat16"),
)

RESULTS = (
    RoundingFault("result-float32", "Outputs are rounded to float32.", "float32"),
    RoundingFault("result-float16", "Outputs are rounded to float16.", "float16"),
    RoundingFault("result-bfloat16", "Outputs are rounded to bfloat16.", "bfloat16"),
)

ACCUMULATORS = (
    RoundingFault("accumulator-float32", "Sums are kept in float32.", "float32"),
    RoundingFault("accumulator-float16", "Sums are kept in float16.", "float16"),
    RoundingFault("accumulator-bfloat16", "Sums are kept in bfloat16.", "bfloat16"),
)


def rounded(a: Array, type_: str, *, truncated: bool = False) -> Array:
    """The nearest numbers of a narrower type, or the next ones towards zero.

    >>> rounded(np.array([1 + 2**-9, 3.0]), "bfloat16").tolist()
    [1.0, 3.0]
    """
    if a.dtype.kind == "c":
        return rounded(a.real, type_, truncated=truncated) + 1j * rounded(
            a.imag, type_, truncated=truncated
        )
    if type_ == "float16" and not truncated:
        with np.errstate(over="ignore"):
            return a.astype(np.float16).astype(a.dtype)
    with np.errstate(invalid="ignore"):
        fraction, exponent = np.frexp(a)
        scaled = fraction / ROUNDOFF[type_]  # whole where the type has no more bits
        whole = np.trunc(scaled) if truncated else np.rint(scaled)
        return np.where(np.isfinite(a), np.ldexp(whole * ROUNDOFF[type_], exponent), a)


def with_rounded_operands(
    p: Posed, type_: str, names: tuple[str, str]
) -> Iterator[tuple[Posed, str]]:
    """The problem with its second operand, its first, or both rounded; `names` are theirs."""
    a, b, bias = p.operands
    for how, truncated in (("", False), (", towards zero", True)):
        first = rounded(a, type_, truncated=truncated)
        second = rounded(b, type_, truncated=truncated)
        if not np.array_equal(second, b, equal_nan=True):
            yield p.with_operands(a, second, bias), f"{names[1]} only{how}"
        if not np.array_equal(first, a, equal_nan=True):
            yield p.with_operands(first, b, bias), f"{names[0]} only{how}"
            yield p.with_operands(first, second, bias), f"both{how}"
            if bias is not None:
                all_three = p.with_operands(
                    first, second, rounded(bias, type_, truncated=truncated)
                )
                yield all_three, f"both, and the bias{how}"


def accumulated(p: Posed, type_: str) -> Iterator[Array]:
    """Sums one after the other in that type, in plain orders, products rounded before or not."""
    return _accumulated(p, type_) if isinstance(p, Problem) else _accumulated_gradient(p, type_)


def _accumulated_gradient(a: Adjoint, type_: str) -> Iterator[Array]:
    """From the first product to the last, or back; a bias last."""
    longest = float(a.terms().max(initial=0))
    if longest > REPLAYED_TERMS or longest * prod(a.shape) > REPLAYED_MACS:
        return
    addends = list(a.addends())
    hold = partial(rounded, type_=type_)
    for order in (addends, addends[::-1]):
        for hold_products in (True, False):
            total = np.zeros(a.shape)
            for addend in order:
                total = hold(total + (hold(addend) if hold_products else addend))
            yield total if a.bias is None else hold(total + a.bias[:, None, None])


def _accumulated(p: Problem, type_: str) -> Iterator[Array]:
    """Channels or kernel cells first, the bias first or last."""
    if prod(p.shape) * prod(p.weight.shape[1:]) > REPLAYED_MACS or p.pointwise is not None:
        return
    for channels_first in (True, False):
        for hold_products in (True, False):
            for bias_first in (True, False) if p.bias is not None else (True,):
                yield p.summed_one_by_one(
                    partial(rounded, type_=type_),
                    channels_first=channels_first,
                    bias_first=bias_first,
                    hold_products=hold_products,
                )


def errors_are_of(
    type_: str, comparison: Comparison, reference: Reference, result: np.dtype[Any]
) -> bool:
    """Whether errors are as large as those of sums in that type, and no larger.

    If outputs are of a wider type, every one must be a number of the narrow one: that is proof
    enough of real numbers, and none of whole ones. Else the errors that are wrong must be of the
    size that such sums have. Where no partial sum is too large for the type, whole numbers are not
    rounded.
    """
    u = ROUNDOFF[type_]
    S, error = reference.magnitude, comparison.error
    most = ((reference.terms + 2) * u + ROUNDOFF[result.name]) * S
    most = most + (reference.terms + 1) * SMALLEST[type_]
    if not np.isfinite(comparison.actual).all() or not (error <= most).all():
        return False
    # Where n*u is near 1 that says nothing: it must be the right sums, a little off.
    if float((error**2).sum()) > CLOSE**2 * float((np.abs(comparison.expected) ** 2).sum()):
        return False
    if comparison.exact and error[1 / u >= S].any():
        return False
    if ROUNDOFF[result.name] < u:
        return np.array_equal(rounded(comparison.actual, type_), comparison.actual)
    wrong = comparison.wrong & (S > 0)
    return bool(wrong.any() and np.median((error / (u * S))[wrong]) >= TYPICAL)
