"""The part of the README that is measured: what is between two markers, and nothing else."""

from __future__ import annotations

from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"
BEGIN = "<!-- measured: python benchmarks/layers.py --update-readme -->"
END = "<!-- end of what is measured -->"


def rewritten(text: str, section: list[str]) -> str:
    """The text with these lines between its markers.

    >>> before = f"a {BEGIN} old {END} b"
    >>> rewritten(before, ["new"]) == f"a {BEGIN}\\nnew\\n{END} b"
    True

    Errors: `ValueError` where the markers are not there once each, in order.
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"the text must hold {BEGIN!r} and then {END!r}, once each")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    return "\n".join([before + BEGIN, *section, END + after])
