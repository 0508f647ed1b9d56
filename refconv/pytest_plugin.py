"""A pytest plugin: `pytest --refconv-target module:callable` judges an implementation by cases.

Each case of the core suite is a test, and so are the drawn cases together: for the continuous
integration of projects that have a convolution; or, with `--refconv-of`, a gradient of it, or its
transpose. A refused case is skipped; one that is suspicious, or about which nothing can be said,
fails, for a test has no third colour. Without a target the plugin does nothing, and imports
nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from refconv.oracle.cases.case import Case
    from refconv.oracle.targets.outcome import Runner

DRAWN = 100


def pytest_addoption(parser: Any) -> None:
    """Add the options."""
    group = parser.getgroup("refconv", "judging an implementation of convolution")
    group.addoption("--refconv-target", metavar="TARGET", help="as for `refconv check`")
    group.addoption(
        "--refconv-of",
        metavar="WHAT",
        help="input-grad, weight-grad, bias-grad or transpose, and not y",
    )
    group.addoption(
        "--refconv-examples", type=_natural, default=DRAWN, metavar="N", help="drawn cases"
    )
    group.addoption(
        "--refconv-seed", type=_natural, default=0, metavar="S", help="of the drawn cases"
    )


def _natural(text: str) -> int:  # the command's own is in `refconv.cli`: too much to import here
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer from 0 on")
    return int(text)


def pytest_collection_modifyitems(session: Any, config: Any, items: list[Any]) -> None:
    """Add a test for each case, where a target is given."""
    target = config.getoption("--refconv-target")
    if target:
        of = config.getoption("--refconv-of")
        name = target if of is None else f"{target}, {of}"
        items.extend(_Suite.from_parent(session, name=f"refconv[{name}]").collect())


class VerdictError(Exception):
    """A case that the target got wrong; the message is the verdict."""


class _Suite(pytest.Collector):
    """The cases of one target."""

    def collect(self) -> Iterator[Any]:
        from refconv.oracle.cases.suite import named
        from refconv.oracle.check import runner_of
        from refconv.oracle.targets.named import TargetError

        target, of = (self.config.getoption(f"--refconv-{name}") for name in ("target", "of"))
        try:
            cases = named("core", of)
        except ValueError as error:
            raise pytest.UsageError(f"--refconv-of: {error}") from error
        try:
            runner = runner_of(target, of=of)
        except TargetError as error:
            raise pytest.UsageError(f"--refconv-target: {error}") from error
        self.config.add_cleanup(runner.close)
        for case in cases:
            name = case.arguments or repr(case)
            yield _CaseItem.from_parent(self, name=name, runner=runner, case=case)
        if self.config.getoption("--refconv-examples"):
            yield _DrawnItem.from_parent(self, name="drawn cases", runner=runner)


class _Item(pytest.Item):
    """A test whose failure is told by its message alone."""

    def __init__(self, *, runner: Runner, **more: Any) -> None:
        super().__init__(**more)
        self.runner = runner

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        if isinstance(excinfo.value, VerdictError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        return self.path, None, f"refconv: {self.name}"


class _CaseItem(_Item):
    """One case of the suite."""

    def __init__(self, *, case: Case, **more: Any) -> None:
        super().__init__(**more)
        self.case = case

    def runtest(self) -> None:
        from refconv.oracle.check import verdict_of

        verdict = verdict_of(self.runner, self.case, (None, None, "direct"))
        if verdict.status == "refused":
            # The target may lack an option: that is no fault, and proves nothing.
            pytest.skip(verdict.explanation)
        if not verdict.is_good:
            raise VerdictError(str(verdict))


class _DrawnItem(_Item):
    """Drawn cases; a failing one is shrunk."""

    def runtest(self) -> None:
        from refconv.oracle.check import check

        option = self.config.getoption
        report = check(
            self.runner,
            option("--refconv-examples"),
            option("--refconv-seed"),
            of=option("--refconv-of"),
            suite=[],
        )
        if report.counts["refused"] == len(report.verdicts):
            # Nothing was judged: to pass would say too much.
            pytest.skip(report.summary)
        if not report.passed:
            raise VerdictError(str(report))
