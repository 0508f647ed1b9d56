"""Figures as text: under each source and convention its rows, and what is known of failures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from refconv.networks.published.figure import SCALES, Figure
from refconv.text import columns, wrapped


def table(figures: Iterable[Figure]) -> str:
    """The figures, as lines.

    >>> from fractions import Fraction
    >>> print(table([Figure("A", "net", "569", "M", Fraction(568_740_352), "MACs")]))
    A: MACs
         verdict  printed      ours
    net  rounded    569 M  568.7404
    """
    groups = defaultdict[tuple[str, str], list[Figure]](list)
    for figure in figures:
        groups[figure.source, figure.convention].append(figure)
    text = []
    for (source, convention), members in groups.items():
        rows = [(f.what, f.verdict, f"{f.printed} {f.unit}".rstrip(), _ours(f)) for f in members]
        text += [
            f"{source}: {convention}",
            *columns([("", "verdict", "printed", "ours"), *rows], 2),
        ]
        for f in members:
            if not f.agrees and f.remark:
                text += wrapped(f"{f.what}, {f.printed}: {f.remark}", indent="  ")
        text.append("")
    return "\n".join(text[:-1])


def _ours(figure: Figure) -> str:
    """Our number with two digits more than are printed, four at least where it has a unit."""
    places = max(4, len(figure.printed.partition(".")[2]) + 2) if figure.unit else 0
    return f"{float(figure.ours / SCALES[figure.unit]):,.{places}f}"
