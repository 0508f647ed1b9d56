"""What the oracle says of one case."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from refconv.oracle.cases.case import OF_Y, Axes, Case
from refconv.text import WIDTH, columns

STATUSES = (
    "exact", "within-bound", "suspicious", "convention", "wrong", "refused", "crashed", "unjudged",
)  # fmt: skip

GOOD = ("exact", "within-bound", "convention")
BAD = ("wrong", "crashed")

TOO_LONG = "took longer than"
"""In the explanation of a target that was ended for that."""


@dataclass(frozen=True, slots=True)
class Worst:
    """One output that is off, and how far."""

    index: tuple[int, ...]
    actual: Any
    expected: Any
    error: float
    bound: float

    @property
    def ratio(self) -> float:
        """How many times the bound the error is."""
        return self.error / self.bound if self.bound else float("inf")


class Match(NamedTuple):
    """A fault that gives the actual outputs: its name, which variant of it, and a sentence."""

    name: str
    variant: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`status` is one of `STATUSES`; `diagnosis` is a fault's stable name, or None.

    `explanation` is a sentence, or a few. `worst` are up to five outputs, `wrong_outputs` how many
    are wrong in all. `candidates` are all faults that would explain the outputs of this case, the
    likeliest first: another case may tell them apart.
    """

    case: Case | None
    status: str
    explanation: str
    diagnosis: str | None = None
    worst: tuple[Worst, ...] = ()
    wrong_outputs: int = 0
    outputs: int = 0
    where: str = ""
    candidates: tuple[str, ...] = ()
    matches: tuple[tuple[str, int], ...] = ()
    """The candidates, with the variant of each that gives the outputs."""
    possible: tuple[str, ...] = ()
    """Faults that this case alone cannot show, and does not refute: see `conclusion.py`."""

    @property
    def is_good(self) -> bool:
        """Exact, within the bound, or another convention."""
        return self.status in GOOD

    @property
    def is_bad(self) -> bool:
        """Wrong, or crashed."""
        return self.status in BAD

    @property
    def took_too_long(self) -> bool:
        """Whether the target was ended for that: every such case costs the time limit."""
        return self.status == "crashed" and TOO_LONG in self.explanation

    def told(self, **changes: Any) -> Verdict:
        """The same verdict, but for these changes."""
        return replace(self, **changes)

    def named(self, found: Sequence[Match]) -> Verdict:
        """The same verdict, with these faults as candidates; itself if there are none."""
        if not found:
            return self
        names = dict.fromkeys(match.name for match in found)
        words = [self.explanation, found[0].sentence]
        if others := [name for name in names if name != found[0].name]:
            words.append(f"(Or, which is the same here: {', '.join(others)}.)")
        return self.told(
            diagnosis=found[0].name,
            explanation=" ".join(filter(None, words)),
            candidates=tuple(names),
            matches=tuple(dict.fromkeys((match.name, match.variant) for match in found)),
        )

    def document(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return {
            "case": None if self.case is None else repr(self.case),
            "status": self.status,
            "diagnosis": self.diagnosis,
            "explanation": self.explanation,
            "where": self.where,
            "outputs": self.outputs,
            "wrong_outputs": self.wrong_outputs,
            "worst": [
                {
                    "index": list(w.index), "actual": _plain(w.actual),
                    "expected": _plain(w.expected), "error": _plain(w.error),
                    "bound": _plain(w.bound),
                }
                for w in self.worst
            ],
        }  # fmt: skip

    def __str__(self) -> str:
        named = f"{self.status}: {self.diagnosis}" if self.diagnosis else self.status
        lines = [named, *textwrap.wrap(self.explanation, WIDTH, break_on_hyphens=False)]
        if self.wrong_outputs:
            where = f": {self.where}" if self.where else ""
            lines += textwrap.wrap(
                f"{self.wrong_outputs} of {self.outputs} outputs are wrong{where}.", WIDTH
            )
        lines += worst_table(self.worst, OF_Y if self.case is None else self.case.axes)
        if self.case is not None:
            lines.append(repr(self.case))
        return "\n".join(lines)


def worst_table(worst: tuple[Worst, ...], axes: Axes = OF_Y) -> list[str]:
    """The worst outputs, as lines of a table."""
    if not worst:
        return []
    header = (f"output [{' '.join(axes.letters)}]", "actual", "expected", "error", "bound", "ratio")
    rows: list[tuple[str, ...]] = [header]
    for w in worst:
        index = " ".join(map(str, w.index))
        sizes = (f"{size:.3g}" for size in (w.error, w.bound, w.ratio))
        rows.append((f"[{index}]", number(w.actual), number(w.expected), *sizes))
    return columns(rows, left=1)


def number(value: Any) -> str:
    """A number for a table.

    >>> [number(value) for value in (3, 3.0, 0.1 + 0.2, 1e-9, float("nan"))]
    ['3', '3', '0.3', '1e-09', 'nan']
    """
    if isinstance(value, complex):
        return f"{value:.5g}"
    return str(value) if isinstance(value, int) else f"{value:.7g}"


def _plain(value: Any) -> Any:
    """A number as JSON knows it: no NaN, infinity or complex number there, so as text."""
    if isinstance(value, complex) or value != value or value in (float("inf"), float("-inf")):
        return str(value)
    return value
