"""Is it right? The comparison of a target's outputs with the reference, by proven bounds.

Integers, and whole numbers in floats, are held to the bit. Other data are held to bounds of
rounding errors, in tiers (`bounds.py`): beyond the proven one is wrong; beyond a probable one, or
too much in all, is suspicious. What is wrong is then explained (`diagnosis.py`).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from refconv.dtypes import largest_exact_integer
from refconv.oracle import bounds
from refconv.oracle.case import Array, Case
from refconv.oracle.gather import Problem
from refconv.oracle.reference import Reference, UncertainError, reference_of
from refconv.oracle.verdict import Verdict, Worst

if TYPE_CHECKING:
    from refconv.oracle.diagnosis import Hints

SHOWN = 5
"""Worst outputs in a verdict, at most."""

VARIED, SAMPLE = 16, 4096
"""So many different numbers among so many make operands varied."""

MIXED = 0.9
"""Where |y| is less than this times S, the terms of a sum have both signs."""

FEWEST = 30
"""Outputs from which on their errors are looked at in all."""


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
        return cls(name, rounded, algorithm, case.types.result.name)


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


def judge(
    case: Case,
    actual: Any,
    accumulator: Any = None,
    *,
    operands: Any = None,
    algorithm: str = "direct",
) -> Verdict:
    """Say whether `actual` is the case's y, (N, F, OH, OW); and if not, what is wrong with it.

    accumulator: the type that sums are computed in, if it is not the one that `refconv.conv2d`
        uses: "float16", "bfloat16", "float32", "float64".
    operands: the type that operands are rounded to first: "tf32", "bfloat16", "float16".
    algorithm: "direct" (any order of summation), "winograd", "fft": those have wider bounds.

    >>> from refconv import conv2d
    >>> case = Case.from_descriptor("ic2ih5iw6oc3kh3kw2")
    >>> judge(case, conv2d(case.x, case.weight, case.bias)).status
    'exact'
    >>> judge(case, conv2d(case.x, case.weight[:, :, ::-1], case.bias)).diagnosis
    'kernel-flipped-h'

    Errors: `ValueError` for a type or an algorithm that is none.
    """
    terms = Terms.of(case, accumulator, operands, algorithm)
    array, problem = as_outputs(actual)
    if array is None:
        return Verdict(case, "wrong", problem)
    try:
        reference = reference_of(case)
    except UncertainError as error:
        return Verdict(case, "unjudged", str(error))
    return judge_outputs(case, array, reference, terms)


def judge_outputs(
    case: Case, actual: Array, reference: Reference, terms: Terms, hints: Hints | None = None
) -> Verdict:
    """The same, with everything at hand; `hints` are what other cases of the target have shown."""
    from refconv.oracle.diagnosis import NO_HINTS, explain, explain_shape

    hints = hints or NO_HINTS
    if actual.shape == (0,) and not reference.y.size:
        actual = actual.reshape(reference.y.shape)
    if actual.shape != reference.y.shape:
        return explain_shape(case, actual, reference)
    comparison = compare(case, actual, reference, terms)
    outputs = actual.size
    if is_flushed(case, comparison, reference, terms):
        return Verdict(
            case, "convention",
            "Subnormal numbers are flushed to zero, as many processors are told to: what is off is "
            "less than that may lose.",
            "subnormals-flushed", outputs=outputs, candidates=("subnormals-flushed",),
        )  # fmt: skip
    wrong = int(comparison.wrong.sum())
    if wrong:
        verdict = Verdict(
            case, "wrong", "", worst=worst_of(comparison), wrong_outputs=wrong, outputs=outputs
        )
        return explain(verdict, comparison, reference, terms, hints)
    if comparison.conventional:
        return Verdict(
            case, "convention",
            "Padding cells are left out, where the contract multiplies them: a padded zero times "
            "an infinite weight is NaN there. Public libraries differ in this.",
            "nonfinite-convention", outputs=outputs, candidates=("nonfinite-convention",),
        )  # fmt: skip
    remark = _type_remark(case, actual)
    if comparison.exact or (case.is_integral and not comparison.error.any()):
        said = f"Every output is right to the bit.{remark}"
        return Verdict(case, "exact", said, outputs=outputs)
    doubt = suspicion(comparison, reference, terms)
    if doubt:
        verdict = Verdict(case, "suspicious", doubt, worst=worst_of(comparison), outputs=outputs)
        return explain(verdict, comparison, reference, terms, hints)
    if blind := vacuity(comparison, reference, terms):
        return Verdict(case, "unjudged", blind, outputs=outputs)
    ratio = _ratio(comparison)
    most = float(np.max(ratio[np.isfinite(ratio)], initial=0))
    return Verdict(
        case, "within-bound",
        f"Every output is within the proven bound: at most {most:.2g} of it.{remark}",
        outputs=outputs,
    )  # fmt: skip


def _type_remark(case: Case, actual: Array) -> str:
    """A type that is not the contract's is no fault of the numbers, but it is said."""
    result = case.types.result
    return (
        ""
        if actual.dtype.newbyteorder("=") == result
        else f" (They are {actual.dtype.name}, not {result.name}.)"
    )


def as_outputs(actual: Any) -> tuple[Array | None, str]:
    """What a target returned as an array of numbers; or None, and why not."""
    if actual is None:
        return None, "It returned None instead of an array."
    try:
        array = np.asarray(actual)
    except Exception as error:  # whatever a foreign object raises, it is its fault
        return None, f"What it returned is no array: {type(error).__name__}: {error}"
    if isinstance(actual, list | tuple) and not array.size:
        array = array.reshape(0)  # a list cannot say what shape nothing has
    if array.dtype.kind not in "biufc" and array.dtype.name != "bfloat16":
        return None, f"It returned {type(actual).__name__} of type {array.dtype}, no numbers."
    return array, ""


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
    return max(float(np.abs(a[np.isfinite(a)]).max(initial=0)) for a in (case.x, case.weight))


def _is_varied(case: Case) -> bool:
    """Sums of few different numbers round the same way again and again: in one direction."""
    return all(
        len(np.unique(a.ravel()[:SAMPLE])) >= min(VARIED, a.size) for a in (case.x, case.weight)
    )


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
    x, w = (np.abs(a.astype(np.complex128)) for a in (case.x, case.weight))
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
    actual: Array, comparison_bound: Array, reference: Reference, case: Case, terms: Terms
) -> Array:
    """Where infinity or NaN is right: a part of the sum could leave the accumulator; or the sum
    itself leaves the result's type, which gives an infinity of its sign.
    """
    if case.types.accumulator.kind == "i":
        return np.zeros(actual.shape, bool)
    y, finite = reference.y, np.isfinite(reference.magnitude)
    with np.errstate(invalid="ignore", over="ignore"):
        partly = reference.magnitude * (1 + 2.0**-7) >= bounds.LARGEST[terms.accumulator]
        at_end = np.abs(y) + comparison_bound >= bounds.LARGEST[case.types.result.name]
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
        p = Problem.of(case)
        flushed = dataclasses.replace(
            p, x=_flushed(p.x, normal), weight=_flushed(p.weight, normal),
            bias=None if p.bias is None else _flushed(p.bias, normal),
        ).solve()  # fmt: skip
        is_flushed = np.abs(comparison.actual - flushed) <= comparison.bound
    return bool((is_flushed | (comparison.actual == 0))[wrong].all())


def _flushed(a: Array, normal: float) -> Array:
    return np.where(np.abs(a) < normal, 0, a)


def suspicion(comparison: Comparison, reference: Reference, terms: Terms) -> str:
    """Tiers 2 and 3: why outputs that are all within the proven bound are doubted; or nothing."""
    if terms.operands is not None or comparison.conventional or not comparison.varied:
        return ""
    is_direct = terms.algorithm == "direct"
    n, S = (
        np.broadcast_to(a, comparison.bound.shape) for a in (reference.terms, reference.magnitude)
    )
    with np.errstate(all="ignore"):
        proven = bounds.accumulation(n, S, terms.accumulator)
        unit = bounds.ROUNDOFF[terms.accumulator] * S
    usable = np.isfinite(comparison.error) & np.isfinite(comparison.bound) & np.isfinite(proven)
    if not usable.any():
        return ""
    n, S, unit = n[usable], S[usable], unit[usable]
    # The rounding of the result, and the reference's own error: those are no sign of anything.
    allowance = comparison.bound[usable] - proven[usable]
    if not is_direct:
        is_narrower = bounds.ROUNDOFF[terms.result] > bounds.ROUNDOFF[terms.accumulator]
        y = comparison.expected[usable]
        allowance = bounds.rounded_output(y, 0, terms.result) if is_narrower else 0 * allowance
    signed = comparison.actual[usable] - comparison.expected[usable]
    excess = np.maximum(np.abs(signed) - allowance, 0)
    likely = bounds.probable(n, S, terms.accumulator, usable.size)
    if is_direct and (beyond := int((excess > likely).sum())):
        return (
            f"{beyond} of {usable.size} outputs are within the proven bound, but farther off than "
            "independent rounding errors would be."
        )
    # Where sums are near the smallest numbers, those are what limits them, and not the roundoff.
    counted = unit > n * bounds.SMALLEST[terms.accumulator]
    if counted.sum() < FEWEST:
        return ""
    in_units = excess[counted] / unit[counted]
    total = float(n[counted].sum())
    limit = bounds.AGGREGATE * total * bounds.CLUMSINESS[terms.algorithm] ** 2
    if (squares := float((in_units**2).sum())) > limit:
        return (
            "Each output is within the proven bound, but all together they are too far off: their "
            f"squared errors are {squares / limit:.2g} times the limit of what summation leaves."
        )
    if np.iscomplexobj(signed) or not is_direct:
        return ""
    mixed = np.abs(comparison.expected[usable])[counted] < MIXED * S[counted]
    drift = abs(float((np.sign(signed)[counted] * in_units).sum()))
    if mixed.mean() > 0.5 and drift > 2 * np.sqrt(total):
        return (
            "Each output is within the proven bound, but all are off in one direction: the sum of "
            f"their errors is {drift / (2 * np.sqrt(total)):.2g} times the limit."
        )
    return ""


def vacuity(comparison: Comparison, reference: Reference, terms: Terms) -> str:
    """Why nothing can be said: a missing tap would not have been seen; or nothing."""
    S = np.broadcast_to(reference.magnitude, comparison.bound.shape)
    n = np.broadcast_to(reference.terms, comparison.bound.shape)
    counted = (S > 0) & (n > 1) & np.isfinite(S) & np.isfinite(comparison.bound)
    if not counted.any():
        return ""
    middle = float(np.median((n * comparison.bound)[counted] / S[counted]))
    if middle < 1:
        return ""
    narrow = comparison.bound > 2 * bounds.accumulation(n, S, terms.accumulator)
    is_narrow = terms.algorithm == "direct" and narrow.any()
    if terms.operands is None and not is_narrow and counted.sum() >= FEWEST:
        most = float(n[counted].max())
        if bounds.aggregate_sees_a_dropped_tap(most, terms.accumulator, terms.algorithm):
            return ""
    whole = "Give fewer taps." if comparison.exact else "Give whole numbers, or fewer taps."
    advice = (
        whole if terms.operands is None else "Give fewer taps, or operands that are not rounded."
    )
    return (
        f"The bound is too wide to say anything: it is {middle:.2g} times an average tap of these "
        f"sums, so one could be missing. {advice}"
    )


def worst_of(comparison: Comparison) -> tuple[Worst, ...]:
    """The outputs that are the farthest off, in units of their bounds."""
    ratio = np.where(comparison.wrong, np.inf, 0) if comparison.exact else _ratio(comparison)
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


def _ratio(comparison: Comparison) -> Array:
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
