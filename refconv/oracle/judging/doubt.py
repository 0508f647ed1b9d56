"""What may be doubted of outputs that are all within the proven bound; and where that says nothing.

Beyond a probable bound, or too far off in all, is suspicious (tiers 2 and 3, in `bounds.py`).
"""

from __future__ import annotations

import numpy as np

from refconv.oracle.judging import bounds
from refconv.oracle.judging.comparison import Comparison, Terms
from refconv.oracle.reference.certified import Reference

MIXED = 0.9
"""Where |y| is less than this times S, the terms of a sum have both signs."""

FEWEST = 30
"""Outputs from which on their errors are looked at in all."""


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
    # Where sums are near the smallest numbers, those are what limits them, and not the roundoff;
    # and where there is no product, there is nothing to be rounded.
    counted = (n > 0) & (unit > n * bounds.SMALLEST[terms.accumulator])
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
