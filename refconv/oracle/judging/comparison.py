"""Outputs beside the reference: the error of each, and what is allowed it.

Integers, and whole numbers in floats, are held to the bit (tier 0). Other data are held to the
proven bound of rounding errors (tier 1, in `bounds.py`); two conventions that are no errors are
told apart here.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from refconv.dtypes import largest_exact_integer
from refconv.oracle.cases.case import Array, Case
from refconv.oracle.judging import bounds
from refconv.oracle.judging.verdict import Worst
from refconv.oracle.reference.adjoint import posed
from refconv.oracle.reference.certified import Reference

SHOWN = 5
"""Worst outputs in a verdict, at most."""

VARIED, SAMPLE = 16, 4096
"""So many different numbers among so many make operands varied."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the caller says of the implementation: what it accumulates in, what it rounds its
    operands to, and its algorithm; and what type its result has.
    """

    accumulator: str
    operands: str | None
    algorithm: str
    result: str

    @classmethod
    def of(
        cls, case: Case, accumulator: Any = None, operands: Any = None, algorithm: str = "direct"
    ) -> Terms:
        """The terms, or a `ValueError`; left out, the accumulator is the contract's."""
        name = case.types.accumulator.name if accumulator is None else _name(accumulator)
        is_float = case.types.accumulator.kind != "i"
        known = tuple(bounds.ROUNDOFF) if is_float else (case.types.accumulator.name,)
        if name not in known:
            raise ValueError(f"accumulator is {name!r}, but must be {_choices(known)}")
        rounded = None if operands is None else _name(operands)
        if rounded is not None and rounded not in bounds.ROUNDOFF:
            raise ValueError(f"operands is {rounded!r}, but must be {_choices(bounds.ROUNDOFF)}")
        if algorithm not in bounds.ALGORITHMS:
            raise ValueError(
                f"algorithm is {algorithm!r}, but must be {_choices(bounds.ALGORITHMS)}"
            )
        if case.of is not None and algorithm != "direct":
            raise ValueError(
                f"algorithm is {algorithm!r}, but there is no bound for the {case.of} of that: it "
                "must be direct"
            )
        return cls(name, rounded, algorithm, case.types.result.name)

    @classmethod
    def in_run(
        cls, case: Case, accumulator: Any = None, operands: Any = None, algorithm: str = "direct"
    ) -> Terms:
        """The same for one of many cases: what is said of floats is not said of integers."""
        of_floats = accumulator is not None and _name(accumulator) in bounds.ROUNDOFF
        is_integer = case.types.accumulator.kind == "i"
        return cls.of(case, None if of_floats and is_integer else accumulator, operands, algorithm)


def _name(dtype: Any) -> str:
    if isinstance(dtype, str):
        return dtype
    try:
        return str(np.dtype(dtype).name)
    except TypeError:
        return repr(dtype)


def _choices(names: Any) -> str:
    return f"one of {', '.join(names)}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Outputs beside the reference, each with the error that is allowed it."""

    actual: Array
    expected: Array
    error: Array
    bound: Array
    wrong: Array
    exact: bool
    conventional: bool = False
    """Whether padding was left out instead of multiplied, and that made a difference."""
    varied: bool = True
    """Whether operands are varied enough for their rounding errors to be independent."""


def compare(case: Case, actual: Array, reference: Reference, terms: Terms) -> Comparison:
    """Each output's error beside what is allowed it."""
    expected = reference.y
    exact = is_exact(case, reference, terms)
    wide = _widened(actual, expected)
    with np.errstate(all="ignore"):
        error = np.abs(wide - expected).astype(np.float64)
        error = np.where(wide == expected, 0.0, error)
    bound = np.zeros(expected.shape) if exact else allowed(case, reference, terms)
    if exact:
        wrong = wide != expected
    else:
        with np.errstate(invalid="ignore"):
            wrong = ~(error <= bound)
    wrong &= ~((wide == expected) | (np.isnan(wide) & np.isnan(expected)))
    wrong &= ~_may_overflow(wide, bound, reference, case, terms)
    conventional = False
    if reference.skipped_pads is not None:
        other = reference.skipped_pads
        with np.errstate(all="ignore"):
            near = bound
            if not exact:
                rounding = 2 * bounds.accumulation(reference.terms, other.magnitude, "float64")
                tame = dataclasses.replace(
                    reference, y=other.y, magnitude=other.magnitude, error=rounding
                )
                near = allowed(case, tame, terms)
            skipped = (wide == other.y) | (np.abs(wide - other.y) <= near)
        skipped |= np.isnan(wide) & np.isnan(other.y)
        conventional = bool((wrong & skipped).any())
        wrong &= ~skipped
    return Comparison(wide, expected, error, bound, wrong, exact, conventional, _is_varied(case))


def _largest_operand(case: Case) -> float:
    return max(float(np.abs(a[np.isfinite(a)]).max(initial=0)) for a in case.factors)


def _is_varied(case: Case) -> bool:
    """Sums of few different numbers round the same way again and again: in one direction."""
    return all(len(np.unique(a.ravel()[:SAMPLE])) >= min(VARIED, a.size) for a in case.factors)


def is_exact(case: Case, reference: Reference, terms: Terms) -> bool:
    """Tier 0: whole numbers, none of whose sums is rounded in the accumulator or the output."""
    if case.types.accumulator.kind == "i":
        return True
    if not case.is_integral or terms.algorithm != "direct":
        return False
    limit = min(1 / bounds.ROUNDOFF[name] for name in (terms.accumulator, case.types.result.name))
    if terms.operands is not None and _largest_operand(case) > 1 / bounds.ROUNDOFF[terms.operands]:
        return False
    magnitude = reference.magnitude[np.isfinite(reference.magnitude)]
    return bool(np.max(magnitude, initial=0) <= limit)


def allowed(case: Case, reference: Reference, terms: Terms) -> Array:
    """Tier 1 for each output, with the error of the reference itself."""
    n, S, y = reference.terms, reference.magnitude, reference.y
    with np.errstate(all="ignore"):
        if terms.algorithm == "direct":
            E = bounds.accumulation(n, S, terms.accumulator)
        else:
            E = _transformed(case, n, terms)
        if terms.operands is not None:
            E = E + bounds.rounded_operands(S, terms.operands)
        output = case.types.result.name
        if bounds.ROUNDOFF[output] > bounds.ROUNDOFF[terms.accumulator]:
            E = bounds.rounded_output(y, E, output)
        elif bounds.ROUNDOFF[output] == bounds.ROUNDOFF[terms.accumulator]:
            E = E + bounds.SMALLEST[output]
        return np.broadcast_to(E + reference.error, y.shape)


def _transformed(case: Case, n: Array, terms: Terms) -> Any:
    x, w = (np.abs(a.astype(np.complex128)) for a in case.factors)
    largest = float(np.max(x, initial=0) * np.max(w, initial=0))
    F = max(1, len(w))
    norms = float(
        np.sqrt((x**2).sum((1, 2, 3)).max(initial=0))
        * np.sqrt((w.reshape(F, -1) ** 2).sum(1).max(initial=0))
    )
    g = case.geometry
    size = (g.N * case.F * g.OH * g.OW, g.H * g.W)
    return bounds.transformed(n, largest, norms, terms.accumulator, terms.algorithm, size)


def _may_overflow(
    actual: Array, bound: Array, reference: Reference, case: Case, terms: Terms
) -> Array:
    """Where infinity or NaN is right: a part of the sum could leave the accumulator; or the sum
    itself leaves the result's type, which gives an infinity of its sign.
    """
    if case.types.accumulator.kind == "i":
        return np.zeros(actual.shape, bool)
    y, finite = reference.y, np.isfinite(reference.magnitude)
    with np.errstate(invalid="ignore", over="ignore"):
        partly = reference.magnitude * (1 + 2.0**-7) >= bounds.LARGEST[terms.accumulator]
        at_end = np.abs(y) + bound >= bounds.LARGEST[case.types.result.name]
        same_sign = np.isinf(actual) & (np.sign(actual.real) == np.sign(y.real))
    may: Array = finite & ~np.isfinite(actual) & (partly | (at_end & same_sign))
    return may


def _widened(actual: Array, expected: Array) -> Array:
    """The outputs in a type that both can be compared in without being rounded."""
    if actual.dtype.kind == "c" and expected.dtype.kind != "c":
        return actual.astype(np.complex128)
    if expected.dtype.kind in "iu" and actual.dtype.kind in "iub":
        wide = actual.astype(np.int64)
        if actual.dtype == np.uint64:  # beyond int64 nothing is right, nor becomes so by wrapping
            wide = np.where(actual > np.uint64(np.iinfo(np.int64).max), ~expected, wide)
        return wide
    if expected.dtype.kind in "iu":
        return actual.astype(np.longdouble)
    return actual.astype(expected.dtype)


def is_flushed(case: Case, comparison: Comparison, reference: Reference, terms: Terms) -> bool:
    """Whether what is wrong is what flushing subnormal numbers may lose: outputs are zero then, or
    what they are of operands without subnormals.
    """
    wrong = comparison.wrong
    if terms.accumulator not in bounds.NORMAL or not wrong.any():
        return False
    normal = bounds.NORMAL[terms.accumulator]
    with np.errstate(all="ignore"):
        is_small = comparison.error <= comparison.bound + (reference.terms + 2) * normal
        if not is_small[wrong].all():
            return False
        p = posed(case)
        first, second, bias = (a if a is None else _flushed(a, normal) for a in p.operands)
        assert first is not None  # for the type checker: only the bias may be missing
        assert second is not None
        flushed = p.with_operands(first, second, bias).solve()
        is_flushed = np.abs(comparison.actual - flushed) <= comparison.bound
    return bool((is_flushed | (comparison.actual == 0))[wrong].all())


def _flushed(a: Array, normal: float) -> Array:
    return np.where(np.abs(a) < normal, 0, a)


def worst_of(comparison: Comparison) -> tuple[Worst, ...]:
    """The outputs that are the farthest off, in units of their bounds."""
    ratio = np.where(comparison.wrong, np.inf, 0) if comparison.exact else ratio_of(comparison)
    # Among those beyond any bound, the largest errors.
    size = np.where(np.isfinite(comparison.error), comparison.error, np.inf)
    order = np.lexsort((-size.ravel(), -ratio.ravel()))[:SHOWN]
    found = []
    for flat in order:
        index = tuple(int(i) for i in np.unravel_index(flat, ratio.shape))
        if ratio[index] > 0 or comparison.wrong[index]:
            found.append(
                Worst(
                    index, _number(comparison.actual[index]), _number(comparison.expected[index]),
                    float(comparison.error[index]), float(comparison.bound[index]),
                )
            )  # fmt: skip
    return tuple(found)


def ratio_of(comparison: Comparison) -> Array:
    """Error by bound; infinite where nothing is allowed and something is off."""
    with np.errstate(all="ignore"):
        ratio = comparison.error / comparison.bound
    ratio = np.where(comparison.error == 0, 0, ratio)
    return np.where(np.isnan(ratio), np.where(comparison.wrong, np.inf, 0), ratio)


def _number(value: Any) -> Any:
    """A Python number; a whole float as an integer, when it is small enough to be one."""
    plain = value.item() if hasattr(value, "item") else value
    if (
        isinstance(plain, float)
        and plain.is_integer()
        and abs(plain) < largest_exact_integer(np.dtype(float))
    ):
        return int(plain)
    return plain
