"""Replaying faults: which of them give the outputs that a target gave.

A replay must agree with every output: to the bit where data are whole numbers and nothing is
rounded, else within the bound that a right implementation is held to.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from refconv.counts import count
from refconv.oracle.cases.case import Array, Case
from refconv.oracle.faults.gradient_replay import gradient_replays, names_of
from refconv.oracle.faults.gradient_solved import SOLVED_OF
from refconv.oracle.faults.plain import FAULTS, Fault
from refconv.oracle.faults.rounding import (
    ACCUMULATORS,
    OPERANDS,
    RESULTS,
    RoundingFault,
    accumulated,
    errors_are_of,
    rounded,
    with_rounded_operands,
)
from refconv.oracle.faults.solved import SOLVED
from refconv.oracle.judging import bounds
from refconv.oracle.judging.comparison import Comparison, Terms
from refconv.oracle.judging.doubt import suspicion
from refconv.oracle.judging.verdict import Match
from refconv.oracle.reference.adjoint import Adjoint, Posed, posed
from refconv.oracle.reference.certified import Reference
from refconv.oracle.reference.gather import Problem

FEWEST_WRONG = 4
"""Outputs that must be wrong where an unknown is solved for: one or two fit anything."""

PAIR_MACS = 60_000
"""Of a case that is searched for two faults at once, at most: there are thousands of pairs."""


OF_ONE_STAGE = ("groups-", "multiplier-", "bias-restarts", "saturates-")
"""How the names of faults begin that are not looked for where two stages follow one another."""


OPERAND_NAMES = {
    None: ("the image", "the weights"),
    "transpose": ("the image", "the weights"),
    "input-grad": ("grad_y", "the weights"),
    "weight-grad": ("grad_y", "the image"),
    "bias-grad": ("grad_y", "nothing"),
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of a case: what was put in, what came out, what is allowed."""

    case: Case
    problem: Posed
    comparison: Comparison
    reference: Reference
    terms: Terms
    doubted: bool
    """Whether nothing is proven wrong: then a fault must leave no doubt."""

    def is_given_by(self, replayed: Array) -> bool:
        """Whether this, and not the reference, is what came out."""
        comparison = self.comparison
        if replayed.shape != comparison.actual.shape or agree(comparison.expected, replayed, 0):
            return False
        if not agree(comparison.actual, replayed, self._tolerance(replayed)):
            return False
        if not self.doubted:
            return True
        error = np.abs(comparison.actual - replayed)
        other = replace(comparison, expected=replayed, error=error)
        return not suspicion(other, self.reference, self.terms)

    def _tolerance(self, replayed: Array) -> Any:
        """What is allowed a replay: what rounding it to the output's type, or summing, changes."""
        if self.case.types.accumulator.kind == "i":
            return 0
        output = bounds.ROUNDOFF[self.case.types.result.name]
        sums = bounds.ROUNDOFF[self.terms.accumulator]
        summing = 4 * sums * self.reference.magnitude
        if not self.comparison.exact:
            larger = np.maximum(np.abs(replayed) - np.abs(self.comparison.expected), 0)
            allowed = self.comparison.bound + output * larger + summing
            return np.where(np.isfinite(allowed), allowed, 0)
        rounding = output * np.abs(replayed) + summing
        is_held = (np.abs(replayed) <= 1 / output) & (replayed == np.rint(replayed))
        return np.where(is_held | ~np.isfinite(rounding), 0, rounding)


def every_name(of: str | None = None) -> frozenset[str]:
    """The names of all faults that are replayed; whoever adds one to the table adds its name."""
    rounding = (fault.name for table in (OPERANDS, RESULTS, ACCUMULATORS) for fault in table)
    others = [fault.name for fault in SOLVED] + [*FAULTS] if of is None else names_of(of)
    return frozenset([*others, *rounding])


def matches(evidence: Evidence, names: Collection[str]) -> Iterator[Match]:
    """Every one of these faults that gives the actual outputs."""
    actual, y, problem = evidence.comparison.actual, evidence.comparison.expected, evidence.problem
    if actual.dtype.kind not in "fiu" + y.dtype.kind:
        return
    if not evidence.doubted:
        for match, replayed in replays(problem, y, actual.shape, names):
            if evidence.is_given_by(replayed):
                yield match
    if np.count_nonzero(actual != y) >= FEWEST_WRONG:
        for solved in SOLVED_OF[problem.of] if isinstance(problem, Adjoint) else SOLVED:
            if solved.name in names:
                for replayed, unknown in solved.solve(problem, y, actual):
                    if evidence.is_given_by(replayed):
                        yield Match(solved.name, 0, solved.sentence.format(unknown))
    if evidence.case.types.accumulator.kind == "f":
        yield from _rounded(evidence, names)


def _rounded(evidence: Evidence, names: Collection[str]) -> Iterator[Match]:
    """Faults of rounding."""
    case, problem, comparison = evidence.case, evidence.problem, evidence.comparison
    u = bounds.ROUNDOFF[evidence.terms.accumulator]

    def narrower(table: tuple[RoundingFault, ...]) -> list[RoundingFault]:
        return [f for f in table if f.name in names and bounds.ROUNDOFF[f.type] > u]

    for fault in narrower(OPERANDS):
        for other, how in with_rounded_operands(problem, fault.type, OPERAND_NAMES[case.of]):
            if evidence.is_given_by(other.solve()):
                yield Match(fault.name, 0, f"{fault.sentence[:-1]}: {how}.")
                break
    result = bounds.ROUNDOFF[evidence.case.types.result.name]
    for fault in (f for f in narrower(RESULTS) if bounds.ROUNDOFF[f.type] > result):
        if evidence.is_given_by(_rounded_result(comparison, fault.type)):
            yield Match(fault.name, 0, fault.sentence)
            return
    for fault in narrower(ACCUMULATORS):
        narrow = rounded(comparison.actual, fault.type)
        if not np.array_equal(narrow, comparison.actual, equal_nan=True):
            continue  # what sums of that type cannot be
        for replayed in accumulated(problem, fault.type):
            if np.array_equal(comparison.actual, replayed, equal_nan=True):
                yield Match(fault.name, 0, f"{fault.sentence} Replayed to the bit.")
                return
    for fault in () if comparison.exact else possible_accumulators(evidence):
        if fault.name in names:  # the narrowest: all its numbers are the others' too
            sentence = f"{fault.sentence} Errors are of that size, in some order of summation."
            yield Match(fault.name, 0, sentence)
            return


def undecided(evidence: Evidence) -> tuple[str, ...]:
    """The faults that may be, but that this case is too small or too plain to show: it has one
    negative output, or whole numbers.
    """
    y = evidence.comparison.expected
    is_rectified = y.dtype.kind != "c" and evidence.is_given_by(np.maximum(y, 0))
    return (
        *(("rectified",) if is_rectified else ()),
        *(fault.name for fault in possible_accumulators(evidence)),
    )


def possible_accumulators(evidence: Evidence) -> list[RoundingFault]:
    """The narrow accumulators whose sums, in some order, may be off like that, the narrowest first.

    Of real numbers that is a finding. Of whole ones it is none, for an offset looks the same.
    """
    comparison, types = evidence.comparison, evidence.case.types
    if types.accumulator.kind != "f":
        return []
    u = bounds.ROUNDOFF[evidence.terms.accumulator]
    return [
        fault for fault in reversed(ACCUMULATORS)
        if bounds.ROUNDOFF[fault.type] > u
        and errors_are_of(fault.type, comparison, evidence.reference, types.result)
    ]  # fmt: skip


def _rounded_result(comparison: Comparison, type_: str) -> Array:
    """The outputs rounded to a narrow type: of the numbers that are near enough, which may round up
    or down, the ones that came out.
    """
    nearest = rounded(comparison.expected, type_)
    actual = comparison.actual
    if actual.dtype.kind == "c" or not np.array_equal(
        rounded(actual, type_), actual, equal_nan=True
    ):
        return nearest
    low, high = (rounded(comparison.expected + s * comparison.bound, type_) for s in (-1, 1))
    return np.where((low <= actual) & (actual <= high), actual, nearest)


def replays(
    problem: Posed, y: Array, shape: tuple[int, ...], names: Collection[str]
) -> Iterator[tuple[Match, Array]]:
    """Every variant of these faults, and what would come out of it."""
    if isinstance(problem, Adjoint):
        for name, sentence, variant, result in gradient_replays(problem, y, shape, names):
            yield Match(name, variant, sentence), result
        return
    for fault in (fault for name, fault in FAULTS.items() if name in names):
        if problem.pointwise is not None and fault.name.startswith(OF_ONE_STAGE):
            continue
        for variant, other in _changed(fault, problem, shape):
            yield Match(fault.name, variant, fault.sentence), other.solve()
        if fault.spoil is not None:
            for variant, spoiled in enumerate(fault.spoil(problem, y)):
                if spoiled is not y:
                    yield Match(fault.name, -1 - variant, fault.sentence), spoiled


def _changed(
    fault: Fault, problem: Problem, shape: tuple[int, ...]
) -> Iterator[tuple[int, Problem]]:
    """The fault's problems whose outputs have this shape, or can be given it.

    An implementation may compute the right size all the same, and then read padding beyond.
    """
    if fault.change is None:
        return
    for variant, other in enumerate(fault.change(problem)):
        if other is problem or other.shape[:2] != shape[:2]:
            continue
        if other.shape == shape and min(shape[2:]) > 0:
            yield variant, other
        elif shape == problem.shape:
            yield variant, replace(other, size=problem.size)


def leaves_right(name: str, variant: int, case: Case) -> bool:
    """Whether an implementation with this fault is right on this case all the same.

    True of faults with an unknown in them: there may always be one.
    """
    problem = posed(case)
    y = problem.solve()
    return all(
        match.variant != variant or (replayed.shape == y.shape and agree(replayed, y, 0))
        for match, replayed in replays(problem, y, y.shape, {name})
    )


def pair(
    evidence: Evidence, names: Collection[tuple[str, str]] | None = None
) -> tuple[Fault, Fault] | None:
    """Two faults that together give the actual outputs, of a small case of whole numbers.

    `names` are the pairs that are tried; left out, all.
    """
    comparison, problem = evidence.comparison, evidence.problem
    if not comparison.exact or count(evidence.case.geometry).macs > PAIR_MACS:
        return None
    if isinstance(problem, Adjoint):  # one alone is replayed in so many ways that two fit anything
        return None
    firsts = {first for first, _ in names} if names else FAULTS.keys()
    shape = comparison.actual.shape
    for first in (FAULTS[name] for name in FAULTS if name in firsts):
        for _, changed in _changed(first, problem, shape):
            y = changed.solve()
            seconds = [
                name for name in FAULTS
                if name != first.name and (names is None or (first.name, name) in names)
            ]  # fmt: skip
            for second, replayed in replays(changed, y, shape, seconds):
                if replayed.shape == shape and np.array_equal(replayed, comparison.actual):
                    return first, FAULTS[second.name]
    return None


def agree(a: Array, b: Array, tolerance: Any) -> bool:
    """Whether all numbers are as near as that, and NaN where the other is."""
    with np.errstate(all="ignore"):
        near = (a == b) | (np.abs(a - b) <= tolerance)
    return bool((near | (np.isnan(a) & np.isnan(b))).all())
