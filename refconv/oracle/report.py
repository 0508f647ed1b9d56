"""The report of a run: what was tried, what came of it, and the fault that explains it."""

from __future__ import annotations

import textwrap
from collections import Counter
from typing import Any

from refconv.oracle.cases.case import Case
from refconv.oracle.cases.kinds import KINDS, kinds_of
from refconv.oracle.conclusion import conclusion
from refconv.oracle.faults.diagnosis import AND, LOCATED, Hints
from refconv.oracle.faults.gradient_replay import sentence_of
from refconv.oracle.faults.plain import FAULTS
from refconv.oracle.judging.verdict import STATUSES, Verdict
from refconv.text import WIDTH

SHOWN = 3
"""Other failures that are shown in a line each."""

SEARCHES = 4
"""Wrong cases that no replayed fault explains, after which only known suspects are tried."""

COLUMNS = ("tried", "good", "wrong", "suspicious", "refused", "other")


class Report:
    """Verdicts, counted; `diagnosis` is the one fault that explains all that is wrong, or None."""

    def __init__(
        self,
        target: str,
        seed: int,
        strict: bool = False,
        arguments: str | None = None,
        asked: str = "",
        of: str | None = None,
    ) -> None:
        self.target, self.seed, self.strict = target, seed, strict
        self._arguments, self._asked, self.of = arguments, asked, of
        self.verdicts: list[Verdict] = []
        self.shrunk: Verdict | None = None
        """The smallest drawn case that is bad, if one was found."""
        self.remarks: list[str] = []
        self.diagnosis: str | None = None
        self.suspects: tuple[str, ...] = ()
        """Faults that explain every wrong case so far, that can be explained."""
        self.is_unsteady = False
        """Whether the same call was answered rightly and wrongly."""
        self._by_kind: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}

    def add(self, case: Case, verdict: Verdict) -> None:
        """Count a verdict."""
        self.verdicts.append(verdict)
        # What is told by its place cannot be tried on the next case.
        replayed = dict.fromkeys(name for name, variant in verdict.matches if variant != LOCATED)
        if replayed:
            shared = tuple(name for name in self.suspects if name in replayed)
            self.suspects = shared or self.suspects or tuple(replayed)
        for kind in kinds_of(case):
            self._by_kind[kind]["tried"] += 1
            self._by_kind[kind][_column(verdict)] += 1

    @property
    def hints(self) -> Hints:
        """What helps to explain the next case; looking for faults in vain is given up in time."""
        vain = sum(
            all(variant == LOCATED for _, variant in v.matches) and not v.possible
            for v in self.verdicts
            if v.status == "wrong"
        )
        return Hints(self.suspects, search=vain < SEARCHES)

    @property
    def counts(self) -> dict[str, int]:
        """How many verdicts of each status there are."""
        found = Counter(verdict.status for verdict in self.verdicts)
        return {status: found[status] for status in STATUSES}

    def ends_in_hangs(self, count: int) -> bool:
        """Whether the target took too long for each of the last so many cases."""
        last = self.verdicts[-count:]
        return len(last) == count and all(v.took_too_long for v in last)

    @property
    def failures(self) -> list[Verdict]:
        """The bad verdicts, of the smallest case first."""
        bad = [verdict for verdict in self.verdicts if verdict.is_bad]
        return sorted(bad, key=_size)

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong, and something was judged; if strict, nothing refused either.

        What is only suspicious does not fail a run: it is shown.
        """
        return self._judged and not self.failures and not (self.strict and self.counts["refused"])

    @property
    def _judged(self) -> bool:
        """Whether anything could be said of any case."""
        return any(v.status not in ("refused", "unjudged") for v in self.verdicts)

    def conclude(self) -> None:
        """Find the fault that explains everything."""
        self.diagnosis = conclusion(self.verdicts)

    def explains(self, verdict: Verdict) -> bool:
        """Whether the run's name, or one of the two in it, would explain the outputs of a case."""
        names = {str(self.diagnosis), *str(self.diagnosis).split(AND)}
        return bool(names & {*verdict.candidates, *verdict.possible})

    def rename(self, name: str, sentence: str) -> None:
        """Another name for the run, and for all that its name so far would explain, or none."""

        def told(v: Verdict) -> Verdict:
            is_other = self.diagnosis is not None and v.candidates and not self.explains(v)
            if v.status not in ("wrong", "suspicious") or is_other:
                return v
            words = sentence if v.is_bad else v.explanation
            return v.told(diagnosis=name, explanation=words, candidates=(name,), matches=())

        self.verdicts = [told(verdict) for verdict in self.verdicts]
        self.shrunk = None if self.shrunk is None else told(self.shrunk)
        self.diagnosis = name

    def document(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return {
            "target": self.target,
            "of": self.of or "y",
            "seed": self.seed,
            "passed": self.passed,
            "diagnosis": self.diagnosis,
            "counts": self.counts,
            "kinds": {kind: dict(found) for kind, found in self._by_kind.items() if found},
            "failures": [verdict.document() for verdict in self.failures],
            "suspicious": [v.document() for v in self.verdicts if v.status == "suspicious"],
            "refused": [v.document() for v in self.verdicts if v.status == "refused"],
            "remarks": self.remarks,
        }

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """The report, 80 columns wide."""
        lines = [*_wrapped(f"{self.target}{self._of_it}: {self.summary}"), ""]
        lines += self._failure_lines()
        for status in ("suspicious", "convention", "refused", "unjudged"):
            lines += self._others(status)
        lines += self._table()
        lines += [""] * bool(self.remarks)
        for remark in self.remarks:
            lines += _wrapped(remark)
        return lines

    @property
    def summary(self) -> str:
        """The outcome in a few words."""
        counts = [f"{n} {status}" for status, n in self.counts.items() if n]
        word = "passed" if self.passed else "failed"
        if not self._judged:
            word = "nothing was judged"
        named = f" ({self.diagnosis}{self._share})" if self.diagnosis and not self.passed else ""
        return f"{word}{named}, of {len(self.verdicts)} cases {', '.join(counts) or 'none'}"

    @property
    def _of_it(self) -> str:
        return "" if self.of is None else f", {self.of}"

    @property
    def _share(self) -> str:
        """How much of what is wrong the diagnosis explains, if it is not all."""
        wrong = [v for v in self.verdicts if v.status in ("wrong", "suspicious")]
        explained = sum(map(self.explains, wrong))
        return "" if explained == len(wrong) else f": {explained} of {len(wrong)}"

    def _failure_lines(self) -> list[str]:
        failures = self.failures
        if not failures:
            return []
        smallest = failures[0]
        lines = ["The smallest case that fails:", *str(self._renamed(smallest)).split("\n")]
        if smallest.case is not None and self._arguments is not None:
            lines.append(self.command(smallest.case))
        lines.append("")
        for verdict in failures[1 : 1 + SHOWN]:
            named = self._renamed(verdict)
            no_name = "no name" if named.status == "wrong" else ""
            of_it = f" ({name})" if (name := named.diagnosis or no_name) else ""
            lines.append(f"Also {named.status}{of_it}:")
            if verdict.case is not None:
                lines.append(f"  {self.command(verdict.case)}")
        if len(failures) > 1 + SHOWN:
            lines.append(f"and {len(failures) - 1 - SHOWN} more")
        return [*lines, ""]

    def _renamed(self, verdict: Verdict) -> Verdict:
        """The verdict with the name that explains the whole run, where it may have it; else it is
        said that its own name is not the run's.
        """
        if verdict.diagnosis == self.diagnosis:
            return verdict
        if self.diagnosis not in verdict.candidates:
            return verdict.told(explanation=verdict.explanation + self._beside(verdict))
        return verdict.told(
            diagnosis=self.diagnosis, explanation=_sentence(verdict, str(self.diagnosis))
        )

    def _beside(self, verdict: Verdict) -> str:
        """What a verdict that has not the run's name is to the run, in words."""
        if self.diagnosis in verdict.possible:
            return f" (It may be {self.diagnosis}, as in other cases: this one does not tell.)"
        if verdict.diagnosis is None or verdict.diagnosis in str(self.diagnosis).split(AND):
            return ""
        of_run = f"the run's is {self.diagnosis}" if self.diagnosis else "the run has none"
        return f" (That name fits this case, and not the run: {of_run}.)"

    def command(self, case: Case) -> str:
        """The command that reproduces a case; its Python where there is no such command."""
        if self._arguments is None or case.arguments is None:
            return repr(case)
        return f"refconv check {self._arguments} --case {case.arguments}{self._asked}"

    def _others(self, status: str) -> list[str]:
        """Verdicts that are neither good nor bad, by what they say."""
        found = Counter(v.explanation for v in self.verdicts if v.status == status)
        lines = []
        for text, times in found.most_common(SHOWN):
            first = next(v for v in self.verdicts if v.status == status and v.explanation == text)
            named = f" {first.diagnosis}:" if first.diagnosis else ""
            lines += _wrapped(f"{status} ({times}):{named} {text}")
            if first.case is not None:
                lines.append(f"  {self.command(first.case)}")
        if len(found) > SHOWN:
            lines.append(f"{status}: and {len(found) - SHOWN} other messages")
        return [*lines, ""] if lines else []

    def _table(self) -> list[str]:
        columns = [c for c in COLUMNS if c == "tried" or any(f[c] for f in self._by_kind.values())]
        lines = [f"{'kind of case':14}" + "".join(f"{column:>11}" for column in columns)]
        for kind, found in self._by_kind.items():
            if found:
                lines.append(f"{kind:14}" + "".join(f"{found[column]:11}" for column in columns))
        return lines


def _sentence(verdict: Verdict, name: str) -> str:
    """What the fault is, in words; what was said before of one with an unknown in it."""
    of = None if verdict.case is None else verdict.case.of
    if of is not None:
        return sentence_of(name, of) or verdict.explanation
    return FAULTS[name].sentence if name in FAULTS else verdict.explanation


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def _column(verdict: Verdict) -> str:
    if verdict.is_good:
        return "good"
    if verdict.is_bad:
        return "wrong"
    return verdict.status if verdict.status in COLUMNS else "other"


def _size(verdict: Verdict) -> tuple[bool, int, int]:
    """How large a case is: the work of what it asks, then its cells. Where there is none, there is
    nothing to see: such a case comes last.
    """
    case = verdict.case
    if case is None:
        return False, 0, 0
    return case.work == 0, case.work, sum(a.size for a in case.factors)
