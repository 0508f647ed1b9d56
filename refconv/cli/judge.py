"""`refconv judge`: judge outputs that are in case folders already."""

from __future__ import annotations

import argparse
import json
import textwrap
from collections import Counter
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from refconv.cli.check import add_terms
from refconv.cli.errors import InputError
from refconv.cli.progress import progress

if TYPE_CHECKING:
    from refconv.oracle.cases.case import Case
    from refconv.oracle.judging.verdict import Verdict
    from refconv.oracle.report import Report
    from refconv.oracle.targets.outcome import Outcome

DESCRIPTION = """\
Judge every case folder at or under DIR that holds an actual output: actual.npy, or actual.bin of
the type and shape that case.json says. What was asked for, y or a gradient, it says too. Exit
status 1 where one is wrong; else 2 where a folder cannot be used (it is listed as refused, and the
others are judged all the same); else 0."""

SHOWN = 20
"""Cases that are listed, at most, the worst first; the rest are counted."""

WIDTH = 80

ORDER = (
    "wrong", "refused", "suspicious", "unjudged", "convention", "within-bound", "exact",
)  # fmt: skip
"""Statuses, the worst first."""


def add_to(commands: Any) -> None:
    """Add this subcommand to the parser."""
    parser = commands.add_parser(
        "judge", help="judge the outputs in case folders", description=DESCRIPTION
    )
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="a case folder, or what holds some"
    )
    add_terms(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=run)


class Judged(NamedTuple):
    """A case folder, and what is to be said of the output in it."""

    folder: str
    verdict: Verdict

    @property
    def rank(self) -> tuple[int, float, str]:
        """The smaller, the worse."""
        worst = self.verdict.worst
        ratio = worst[0].ratio if worst else 0.0
        return ORDER.index(self.verdict.status), -ratio, self.folder


class Stored:
    """A `Runner` whose outputs were written before."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.name = folder, str(folder)

    def run(self, case: Case) -> Outcome:
        """Read them."""
        from refconv.oracle.files.case_folder import read_actual
        from refconv.oracle.targets.outcome import RETURNED, Outcome

        return Outcome(RETURNED, read_actual(self._folder, case))

    def close(self) -> None:
        """Nothing to let go of."""


def run(options: argparse.Namespace) -> int:
    """Judge, print; 1 where something is wrong, 2 where a folder could not be used."""
    from refconv.oracle.report import Report

    if not options.folder.is_dir():
        raise InputError(f"{options.folder} is no folder, but must be one with case folders")
    folders, without = _found(options.folder)
    report = Report(str(options.folder), seed=0)
    asked = (options.accumulator, options.operands, options.algorithm)
    judged = []
    with progress() as say:
        for number, folder in enumerate(folders):
            say(f"judging {number + 1} of {len(folders)}")
            verdict = judge_folder(folder, asked, report)
            judged.append(Judged(_name(folder, options.folder), verdict))
    report.conclude()
    judged.sort(key=lambda one: one.rank)
    if options.json:
        print(json.dumps(document(options.folder, judged, without, report.diagnosis), indent=2))
    else:
        print("\n".join(lines(judged, without, report)))
    return _status(judged)


def _found(top: Path) -> tuple[list[Path], int]:
    """The case folders with an output, and how many have none."""
    from refconv.oracle.files.case_folder import has_actual
    from refconv.oracle.files.suite_folder import case_folders

    every = list(case_folders(top))
    if not every:
        raise InputError(f"{top} holds no case folder: 'refconv vectors {top}' writes some")
    # A link is not looked into: it is refused as it is.
    folders = [f for f in every if f.is_symlink() or has_actual(f)]
    if not folders:
        raise InputError(
            f"{top} holds {len(every)} case folders, but none with actual.npy or actual.bin: a "
            "program must write that"
        )
    return folders, len(every) - len(folders)


def _name(folder: Path, top: Path) -> str:
    """A folder's name under `top`, on one line."""
    name = str(folder.relative_to(top)) if folder != top else folder.absolute().name
    return name if name.isprintable() else ascii(name)


def judge_folder(folder: Path, asked: tuple[Any, Any, str], report: Report) -> Verdict:
    """The verdict on the output in a folder; a folder that cannot be used is refused."""
    from refconv.oracle.check import verdict_of
    from refconv.oracle.files.case_folder import FolderError, read
    from refconv.oracle.judging.comparison import Terms
    from refconv.oracle.judging.verdict import Verdict

    try:
        case = read(folder)
        try:
            Terms.of(case, *asked)
        except ValueError as error:
            raise InputError(str(error)) from error
        verdict = verdict_of(Stored(folder), case, asked, report.hints)
    except FolderError as error:
        return Verdict(None, "refused", str(error))
    report.add(case, verdict)
    return verdict


def _status(judged: list[Judged]) -> int:
    """The exit status; an error where a folder could not be used, and nothing is worse."""
    if any(one.verdict.is_bad for one in judged):
        return 1
    refused = [one.verdict for one in judged if one.verdict.status == "refused"]
    if refused:
        others = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
        raise InputError(f"{refused[0].explanation}{others}")
    return 0


def document(
    top: Path, judged: list[Judged], without: int, diagnosis: str | None
) -> dict[str, Any]:
    """The verdicts as a JSON document, the worst first."""
    return {
        "folder": str(top),
        "diagnosis": diagnosis,
        "counts": {**_counts(judged), "without-output": without},
        "cases": [{"folder": one.folder, **one.verdict.document()} for one in judged],
    }


def _counts(judged: list[Judged]) -> dict[str, int]:
    found = Counter(one.verdict.status for one in judged)
    return {status: found[status] for status in reversed(ORDER)}


def lines(judged: list[Judged], without: int, report: Report) -> list[str]:
    """The smallest wrong case in full, a list with the worst first, and a summary; 80 columns."""
    text = []
    if report.failures:
        smallest = report.failures[0]
        folder = next(one.folder for one in judged if one.verdict is smallest)
        text += [f"The smallest case that is wrong, {folder}:", str(smallest), ""]
    for one in judged[:SHOWN]:
        text += _listed(one)
    if rest := judged[SHOWN:]:
        text.append(f"and {len(rest)} more: {_in_words(_counts(rest))}")
    if report.diagnosis is not None:
        text += ["", f"One fault explains all that is wrong: {report.diagnosis}"]
    no_output = f", {without} without output" if without else ""
    return [*text, "", f"{len(judged)} judged: {_in_words(_counts(judged))}{no_output}"]


def _in_words(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {status}" for status, count in counts.items() if count)


def _listed(one: Judged) -> list[str]:
    """A folder's line; a second one says what is the matter, if anything is."""
    verdict = one.verdict
    head = f"{verdict.status:13}{one.folder}"
    if verdict.status in ("exact", "within-bound"):
        return [head]
    said = verdict.explanation
    if verdict.wrong_outputs and verdict.worst:
        named = verdict.diagnosis or "no fault that is known"
        said = f"{named}; {verdict.wrong_outputs} of {verdict.outputs} outputs"
        if verdict.worst and isfinite(verdict.worst[0].ratio):
            said += f", up to {verdict.worst[0].ratio:.3g} times the bound"
    indent = " " * 13
    return [head, *textwrap.wrap(said, WIDTH, initial_indent=indent, subsequent_indent=indent)]
