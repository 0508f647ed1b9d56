"""The same case, asked again: whether an answer depends on the calls before it.

A fault is a function of the case. What a target adds to what it left before, or gives at one time
and not at another, no replay explains: it shows where a case is put again, alone if that can be.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from refconv.oracle.cases.case import Case
from refconv.oracle.judge import as_outputs
from refconv.oracle.judging.verdict import Verdict
from refconv.oracle.reference.certified import UncertainError, reference_of
from refconv.oracle.targets.outcome import RETURNED, Outcome, Runner

if TYPE_CHECKING:
    from refconv.oracle.report import Report

NOT_CLEARED, DIFFER = "output-not-cleared", "answers-differ"

SENTENCES = {
    NOT_CLEARED: "Every call adds to what the calls before left: the output is not cleared.",
    DIFFER: "The same call is answered wrongly at one time, and rightly at another: something is "
    "left from the calls before, or it is chance.",
}
"""The faults that are told by asking again: stable names and sentences."""

TIMES = 3
"""A wrong case is asked again so often: a number that is added now and then must not look like a
sum that goes on.
"""

Judge = Callable[[Case, Outcome], Verdict]
"""What is to be said of the target's answer to a case."""


def put_again(report: Report, runner: Runner, judge: Judge) -> None:
    """Ask the target once more, and put into the report what only that shows."""
    good = [v.case for v in report.verdicts if v.is_good and v.outputs and v.case is not None]
    if good and not _wrong(report):
        _right_again(report, runner, judge, good[0])
    if _wrong(report):
        _wrong_again(report, runner, judge)


def _wrong(report: Report) -> list[Verdict]:
    """The wrong verdicts, of the smallest case first."""
    return [v for v in report.failures if v.status == "wrong" and v.case is not None]


def _right_again(report: Report, runner: Runner, judge: Judge, case: Case) -> None:
    """What was right is put again, after all else: so a case alone shows what calls leave, too."""
    second = judge(case, runner.run(case))
    if second.is_bad:
        report.add(case, second)
        report.conclude()
        report.is_unsteady = True
        report.remarks.append("the first case that was right is wrong when it is asked again")


def _wrong_again(report: Report, runner: Runner, judge: Judge) -> None:
    """The smallest case that is wrong is put again; where that can be, to a fresh process."""
    case = _telling(report)
    restart = getattr(runner, "restart", None)
    if restart is not None:
        restart()
    outcomes = _asked(runner, case)
    are_good = [judge(case, outcome).is_good for outcome in outcomes]
    is_sum = len(outcomes) == TIMES and _are_sums(case, [outcome.value for outcome in outcomes])
    if is_sum:
        report.rename(NOT_CLEARED, SENTENCES[NOT_CLEARED])
    elif any(are_good) or report.is_unsteady:
        report.rename(DIFFER, SENTENCES[DIFFER])
    if is_sum and are_good[0]:
        report.remarks.append(
            "the smallest case that fails is right when it is asked alone, the first time only: "
            "something is left from earlier calls"
        )
    elif any(are_good):
        how = "again" if restart is None else "alone, in a fresh process"
        report.remarks.append(
            f"the smallest case that fails is right when it is asked {how}: something is left from "
            "earlier calls, or it is chance; its line may not show it"
        )


def _telling(report: Report) -> Case:
    """The smallest wrong case that the run's name explains; of whole numbers, if there is one."""
    wrong = _wrong(report)
    explained = [v.case for v in wrong if report.explains(v)] or [v.case for v in wrong]
    cases = [case for case in explained if case is not None]
    return next((case for case in cases if case.is_integral), cases[0])


def _asked(runner: Runner, case: Case) -> list[Outcome]:
    """What the target answers, one time after the other, as long as it does."""
    outcomes: list[Outcome] = []
    while len(outcomes) < TIMES and all(o.how == RETURNED for o in outcomes):
        outcome = runner.run(case)
        answer, _ = as_outputs(outcome.value)
        # A copy: a target may return the same memory each time.
        outcomes.append(outcome if answer is None else outcome._replace(value=answer.copy()))
    return outcomes


def _are_sums(case: Case, values: list[Any]) -> bool:
    """Whether each answer is the one before plus the right one; its bias may be added anew."""
    answers = [as_outputs(value)[0] for value in values]
    try:
        y = reference_of(case).y
    except UncertainError:
        return False
    found = [a.astype(y.dtype) for a in answers if a is not None and a.shape == y.shape]
    if len(found) < len(values) or y.dtype.kind == "c":
        return False
    added = [y] if case.bias is None else [y, y - case.bias.astype(y.dtype)[:, None, None]]
    with np.errstate(all="ignore"):  # of infinities
        steps = [after - before for before, after in pairwise(found)]
    return any(a.any() and all(np.array_equal(step, a) for step in steps) for a in added)
