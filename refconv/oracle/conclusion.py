"""One name for a whole run: the fault that explains the wrong cases, and spoils none of the right.

One case may fit several faults, and a few cases fit none, because they are too small to tell or
hold infinities. So the cases vote: for each fault that gives their outputs, in the same variant. It
must explain most of them. Of a few faults a case may say no more than that they are possible; then
another must show them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from refconv.oracle.faults.diagnosis import AND, LOCATED
from refconv.oracle.faults.replay import leaves_right
from refconv.oracle.judging.verdict import Verdict

MOST = 0.6
"""Of the wrong cases, at least, the fault must explain."""

ROUNDING = ("accumulator-", "result-", "operands-")
"""How the names of faults of rounding begin."""

Candidate = tuple[str, int]


def conclusion(verdicts: Sequence[Verdict]) -> str | None:
    """The stable name of the fault that explains these verdicts; None if none does."""
    wrong = [v for v in verdicts if v.status in ("wrong", "suspicious")]
    if not wrong:
        conventions = [v.diagnosis for v in verdicts if v.status == "convention"]
        return conventions[0] if conventions else None
    votes = Counter(candidate for v in wrong for candidate in v.matches)
    replayed = {c: n for c, n in votes.items() if c[1] != LOCATED}
    located = {c: n for c, n in votes.items() if c[1] == LOCATED}
    found = (
        _pair(wrong)
        or _elected(replayed, wrong, verdicts)
        or _open_to(wrong)
        or _elected(located, wrong, verdicts)
        or _elected_of_any_variant(wrong)
    )
    return found if found is None or AND in found else _with_another(found, wrong)


def _with_another(name: str, wrong: Sequence[Verdict]) -> str:
    """The fault, and a second one where that alone explains all the cases that the first does not.

    Faults of rounding are no second ones: on a case or two, they fit too easily.
    """
    left = [v for v in wrong if name not in (*v.candidates, *v.possible)]
    others = [
        {n for n, variant in v.matches if variant != LOCATED and not n.startswith(ROUNDING)}
        for v in left
    ]
    shared = set.intersection(*others) if len(left) > 1 else set()
    return AND.join([name, *shared]) if len(shared) == 1 else name


def _pair(wrong: Sequence[Verdict]) -> str | None:
    """Two faults that together explain cases, where either alone explains the others."""
    pairs = dict.fromkeys(name for v in wrong for name in v.candidates if AND in name)
    for name in pairs:
        together = sum(name in v.candidates for v in wrong)
        explain_all = all({name, *name.split(AND)} & {*v.candidates} for v in wrong)
        if together >= min(2, len(wrong)) and explain_all:
            return name
    return None


def _elected(
    votes: dict[Candidate, int], wrong: Sequence[Verdict], verdicts: Sequence[Verdict]
) -> str | None:
    most = max(votes.values(), default=0)
    if most < MOST * len(wrong):
        return None
    first = [candidate for candidate, count in votes.items() if count == most]
    if len(first) > 1:
        right = [v.case for v in verdicts if v.status == "exact" and v.case is not None]
        spoiling_none = [c for c in first if all(leaves_right(*c, case) for case in right)]
        first = spoiling_none or first
    return first[0][0]


def _open_to(wrong: Sequence[Verdict]) -> str | None:
    """The fault that one case shows, and that most others are too small or too plain to refute."""
    for name in dict.fromkeys(name for v in wrong for name in v.possible):
        is_shown = any(name in v.candidates for v in wrong)
        is_open = sum(name in (*v.candidates, *v.possible) for v in wrong)
        if is_shown and is_open >= MOST * len(wrong):
            return name
    return None


def _elected_of_any_variant(wrong: Sequence[Verdict]) -> str | None:
    """The fault of most cases, if in one variant here and in another there: by type, perhaps."""
    votes = Counter(name for v in wrong for name in v.candidates)
    name, count = max(votes.items(), key=lambda vote: vote[1], default=("", 0))
    return name if count and count >= MOST * len(wrong) else None
