"""What is wrong with outputs that are wrong: hypotheses, each replayed.

A hypothesis is a fault (`plain.py`, `solved.py`, `rounding.py`), which must give the actual
outputs (`replay.py`). Where one fault explains everything, it is named; where two together do,
both. Else a fault may be told by its place alone (`where.py`). Where nothing fits, it is said what
is known, and nothing guessed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from refconv.oracle.cases.case import Array, Case
from refconv.oracle.faults.replay import (
    Evidence,
    agree,
    every_name,
    matches,
    pair,
    replays,
    undecided,
)
from refconv.oracle.faults.where import UNWRITTEN, located_faults, location
from refconv.oracle.judging.comparison import Comparison, Terms
from refconv.oracle.judging.verdict import Match, Verdict
from refconv.oracle.reference.adjoint import posed
from refconv.oracle.reference.certified import Reference

AND = " + "
"""Between the names of two faults at once."""

LOCATED = -1_000
"""The variant of a fault that was told by its place."""


class Hints(NamedTuple):
    """What earlier cases of the same target have shown: `names` are tried first, and nothing else
    if one of them fits. `search` says whether to look for others then, and for two at once.
    """

    names: tuple[str, ...] = ()
    search: bool = True

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Those of the names that are two."""
        return [(n.split(AND)[0], n.split(AND)[1]) for n in self.names if AND in n]


NO_HINTS = Hints()


def explain(
    verdict: Verdict,
    comparison: Comparison,
    reference: Reference,
    terms: Terms,
    hints: Hints = NO_HINTS,
) -> Verdict:
    """The verdict, with a diagnosis where there is one, and with what is known else."""
    case = verdict.case
    assert case is not None  # for the type checker: `judge` gave it one
    is_bad = verdict.is_bad
    where = location(case, comparison.wrong, reference.terms) if is_bad else ""
    verdict = verdict.told(where=where)
    evidence = Evidence(case, posed(case), comparison, reference, terms, not is_bad)
    with np.errstate(all="ignore"):  # faults make NaN of infinities, and infinities of numbers
        found = list(matches(evidence, hints.names))
        if not found and hints.search:
            found = list(matches(evidence, every_name(case.of)))
        if not is_bad:
            return verdict.named(found)
        verdict = verdict.told(possible=undecided(evidence))
        located = [
            Match(name, LOCATED, sentence)
            for name, sentence in located_faults(case, comparison, reference.terms)
        ]
        if found:
            # A fault may leave nothing but zeros; it is likelier that nothing was written.
            zeros = [m for m in located if m.name == UNWRITTEN]
            return verdict.named(found + zeros if comparison.actual.any() else zeros + found)
        tried = hints.pairs or None
        if tried or (hints.search and not located):
            both = pair(evidence, tried)
            if both is not None:
                sentence = f"Two faults together: {both[0].sentence} {both[1].sentence}"
                return verdict.named([Match(AND.join(f.name for f in both), 0, sentence)])
    if located:
        return verdict.named(located)
    return verdict.told(explanation="No fault that the oracle knows explains it.")


def explain_shape(case: Case, actual: Array, reference: Reference) -> Verdict:
    """The verdict on outputs of the wrong shape."""
    expected = reference.y.shape
    verdict = Verdict(
        case,
        "wrong",
        f"It has shape {actual.shape}, but {case.answer} has shape {expected}.",
        outputs=reference.y.size,
        wrong_outputs=reference.y.size,
    )
    if actual.dtype.kind not in "fciu":
        return verdict
    tolerance = 1e-3 * (reference.magnitude.max(initial=0) if not case.is_integral else 0)
    reshaped = _reshaped(actual, reference.y, tolerance)
    if case.of is None and actual.ndim != len(expected):
        return verdict.named(reshaped)
    with np.errstate(all="ignore"):
        found = [
            match
            for match, y in replays(posed(case), reference.y, actual.shape, every_name(case.of))
            if y.shape == actual.shape and agree(actual, y, tolerance)
        ]
    if reshaped:  # by a fault that may do more where an axis is longer than 1
        return verdict.named(reshaped).told(possible=tuple(match.name for match in found))
    return verdict.named(found)


def _reshaped(actual: Array, y: Array, tolerance: float) -> list[Match]:
    """The finding that all numbers are right, in their order, and only the shape is not."""
    if not y.size or actual.size != y.size or not agree(actual.ravel(), y.ravel(), tolerance):
        return []
    sentence = f"All numbers are right and in order: only their shape must be {y.shape}."
    return [Match("output-reshaped", LOCATED, sentence)]
