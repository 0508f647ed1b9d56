"""Lines of text: tables in columns, and names that cannot disturb a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

WIDTH = 80
"""Columns of a line of text; names that are longer make it longer."""


def printable(text: str) -> str:
    r"""The text with everything that is not to be seen as itself escaped: line ends, colours.

    >>> printable("conv1"), printable("\x1b[31mred\n"), printable("a\u202eb")
    ('conv1', '\\x1b[31mred\\n', 'a\\u202eb')
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


def columns(rows: Sequence[Sequence[str]], left: int, gap: int = 2) -> list[str]:
    """Rows as lines; the first `left` columns are flush left, the others flush right.

    >>> print("\\n".join(columns([("layer", "MACs"), ("conv1", "9"), ("fc", "1,024")], left=1)))
    layer   MACs
    conv1      9
    fc     1,024
    """
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        (" " * gap)
        .join(
            cell.ljust(w) if n < left else cell.rjust(w)
            for n, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        .rstrip()
        for row in rows
    ]


def wrapped(text: str, indent: str = "") -> list[str]:
    """The text, broken into lines; those after the first begin with `indent`."""
    return textwrap.wrap(printable(text), WIDTH, subsequent_indent=indent, break_on_hyphens=False)


def some(names: Sequence[str], most: int = 4) -> str:
    """The first few names, and how many more there are.

    >>> some(["a", "b", "c"], most=4), some(["a", "b", "c"], most=1)
    ('a, b, c', 'a and 2 more')
    """
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
