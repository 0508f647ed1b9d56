"""Check a target: the core suite, then drawn cases, shrunk on failure; and a report of it all. In
the end one case is put again (`again.py`).

A case is put to the target by a `Runner` (`targets/outcome.py`): called in this process, or in one
of its own (`targets/worker.py`), or as any program (`targets/program.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from refconv.oracle.again import put_again
from refconv.oracle.cases.case import Case
from refconv.oracle.cases.gradient_case import asked, refuse_unknown
from refconv.oracle.cases.kinds import KINDS, kinds_of
from refconv.oracle.cases.suite import named
from refconv.oracle.faults.diagnosis import NO_HINTS, Hints
from refconv.oracle.judge import judge_as
from refconv.oracle.judging.comparison import Terms
from refconv.oracle.judging.verdict import Verdict
from refconv.oracle.report import Report
from refconv.oracle.strategies import cases as drawn_cases
from refconv.oracle.targets.outcome import CRASHED, RAISED, TIME_LIMIT, Here, Outcome, Runner

EXAMPLES = 200
DRAWN_TYPES = ("float64", "float16", "int8", "uint8", "int32")

HANGS = 5
"""After so many in a row, a target is given up: each has cost its time limit."""

Progress = Callable[[str], None]


class _BadVerdictError(Exception):
    """Tells Hypothesis that a case fails."""


def check(
    target: Any,
    examples: int = EXAMPLES,
    seed: int = 0,
    *,
    of: str | None = None,
    suite: str | Iterable[Case] = "core",
    only: Sequence[str] = (),
    strict: bool = False,
    accumulator: Any = None,
    operands: Any = None,
    algorithm: str = "direct",
    time_limit: float = TIME_LIMIT,
    progress: Progress | None = None,
) -> Report:
    """Judge an implementation on a suite of cases, then on `examples` drawn ones.

    target: a callable `target(x, weight, bias, stride=(sh, sw), padding=((pt, pb), (pl, pr)),
        dilation=(dh, dw), groups=G)` that takes and returns NumPy arrays in NCHW, called in this
        process; or a name ("torch", "module:callable", "file.py:callable", ...), called in a
        process of its own, where it may hang or crash; or a `Runner`.
    of: "input-grad", "weight-grad", "bias-grad" or "transpose": the target is asked for that, and
        called as `GradientCase` says.
    suite: "core", "full", or cases of your own; or "separable": the target is then called as
        `target(x, depthwise_weight, pointwise_weight, bias, stride=, padding=, dilation=)`.
    only: kinds of cases (`kinds.KINDS`), of which a case must have at least one.
    strict: whether a refused case fails the run too.
    accumulator, operands, algorithm: as for `judge`; what is said of floats holds for their cases,
        and the sums of integers stay what they are.

    The same seed draws the same cases.

    >>> from refconv import conv2d
    >>> report = check(conv2d, examples=20)
    >>> report.passed, report.counts["refused"]
    (True, 0)

    Errors: `ValueError` for a suite or kind that is none; `TargetError` where a name leads nowhere.
    """
    if of is not None:
        refuse_unknown(of)
    if unknown := [kind for kind in only if kind not in KINDS]:
        raise ValueError(f"unknown kind {unknown[0]!r}: it must be one of {', '.join(KINDS)}")
    chosen = named(suite, of) if isinstance(suite, str) else [asked(case, of) for case in suite]
    runner = runner_of(target, time_limit, of)
    terms = (accumulator, operands, algorithm)
    try:
        words = _arguments(accumulator, operands, algorithm)
        report = Report(runner.name, seed, strict, getattr(runner, "arguments", None), words, of)
        for number, case in enumerate(_only(chosen, only)):
            if progress is not None:
                progress(f"{runner.name}: case {number + 1} of {len(chosen)}")
            report.add(case, verdict_of(runner, case, terms, report.hints))
            if report.ends_in_hangs(HANGS):
                report.remarks.append(f"given up: {HANGS} cases in a row took too long")
                break
        if examples and not report.ends_in_hangs(HANGS):
            is_separable = suite == "separable"
            strategy = drawn_cases(
                data=("integers", "integers", "reals"),
                dtypes=("float32",) if is_separable else _types_to_draw(report),
                separable=is_separable,
                of=of,
            )
            _check_drawn(report, runner, terms, strategy, examples, seed, only, progress)
        report.conclude()
        put_again(
            report, runner, lambda case, outcome: verdict_on(case, outcome, terms, report.hints)
        )
    finally:
        if runner is not target:
            runner.close()
    return report


def runner_of(target: Any, time_limit: float = TIME_LIMIT, of: str | None = None) -> Runner:
    """The runner of a target: itself, a callable's, or a name's in a process of its own."""
    if isinstance(target, str):
        from refconv.oracle.targets.worker import Worker

        return Worker(target, of, time_limit)
    if hasattr(target, "run") and hasattr(target, "close"):
        return target  # type: ignore[no-any-return]
    if not callable(target):
        raise TypeError(f"target is {target!r}, but must be a callable, a name, or a runner")
    return Here(target, getattr(target, "__qualname__", repr(target)))


def _arguments(accumulator: Any, operands: Any, algorithm: str) -> str:
    """What was said of the implementation, as arguments of `refconv check`."""
    words = [
        f"--accumulator {accumulator}" if accumulator is not None else "",
        f"--operands {operands}" if operands is not None else "",
        f"--algorithm {algorithm}" if algorithm != "direct" else "",
    ]
    return "".join(f" {word}" for word in words if word)


def verdict_of(
    runner: Runner, case: Case, asked: tuple[Any, Any, str], hints: Hints = NO_HINTS
) -> Verdict:
    """What is to be said of the target's answer to this case."""
    Terms.in_run(case, *asked)  # whoever says what is none hears of it before the target is asked
    return verdict_on(case, runner.run(case), asked, hints)


def verdict_on(case: Case, outcome: Outcome, asked: tuple[Any, Any, str], hints: Hints) -> Verdict:
    """What is to be said of this answer."""
    terms = Terms.in_run(case, *asked)
    if outcome.how == RAISED:
        return Verdict(case, "refused", f"It refuses: {outcome.text}")
    if outcome.how == CRASHED:
        return Verdict(case, "crashed", f"It crashed: {outcome.text}")
    verdict = judge_as(case, outcome.value, terms, hints, outcome.text)
    if outcome.modified:
        return verdict.told(
            status="wrong",
            diagnosis="input-modified",
            explanation=f"It writes to its input: {', '.join(outcome.modified)}. Its outputs are "
            f"{verdict.status}.",
            candidates=("input-modified",),
            matches=(("input-modified", 0),),
        )
    return verdict


def _only(cases: Iterable[Case], only: Sequence[str]) -> list[Case]:
    return [case for case in cases if not only or set(only) & set(kinds_of(case))]


def _types_to_draw(report: Report) -> tuple[str, ...]:
    """float32 above all, and the other types of which no case of the suite was wrong."""
    bad = {v.case.factors[0].dtype.name for v in report.verdicts if v.is_bad and v.case is not None}
    if others := bad.intersection(DRAWN_TYPES):
        report.remarks.append(f"not drawn, as the suite's are wrong: {', '.join(sorted(others))}")
    return (*("float32",) * 5, *(name for name in DRAWN_TYPES if name not in bad))


def _check_drawn(
    report: Report,
    runner: Runner,
    asked: tuple[Any, Any, str],
    strategy: SearchStrategy[Case],
    examples: int,
    seed: int,
    only: Sequence[str],
    progress: Progress | None,
) -> None:
    """Drawn cases, until one is bad; that one is made as small as it goes and still is."""
    if only:
        wanted = set(only)
        strategy = strategy.filter(lambda case: bool(wanted & set(kinds_of(case))))
    drawn = hangs = 0
    seen: dict[str, Verdict] = {}

    @hypothesis.seed(seed)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(strategy)
    def draw(case: Case) -> None:
        nonlocal drawn, hangs
        drawn += report.shrunk is None  # what comes then only makes it small
        if progress is not None and drawn % 10 == 1:
            progress(f"{runner.name}: drawn case {drawn} of {examples}")
        if hangs == HANGS and repr(case) not in seen:
            return  # small enough: each costs the time limit
        verdict = seen.get(repr(case)) or verdict_of(runner, case, asked, report.hints)
        if verdict.took_too_long:
            hangs += repr(case) not in seen
            seen[repr(case)] = verdict
        if verdict.is_bad:
            report.shrunk = verdict
            raise _BadVerdictError
        if report.shrunk is None:
            report.add(case, verdict)

    try:
        draw()
    except _BadVerdictError:
        report.remarks.append(f"drawing ended at case {drawn} of {examples}, which was bad")
    except hypothesis.errors.Flaky:
        report.is_unsteady = True
        report.remarks.append("its answers to the same case differ: it is not deterministic")
    except hypothesis.errors.Unsatisfiable:
        report.remarks.append(f"no drawn case is of the kinds {', '.join(only)}")
    if report.shrunk is not None and report.shrunk.case is not None:
        report.add(report.shrunk.case, report.shrunk)
