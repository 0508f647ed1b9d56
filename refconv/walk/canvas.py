"""A screen of 80 x 24 characters that is written to by place, with a style for each character."""

from __future__ import annotations

WIDTH, HEIGHT = 80, 24

CODES = {
    "": "0", "bold": "1", "quiet": "2", "input": "36", "weight": "33", "output": "32",
    "tap": "7",
}  # fmt: skip
"""ANSI's numbers for a style. Whatever a style says stands in the text too."""


class Canvas:
    """A screen; what does not fit is refused, so that none ever scrolls, wraps or hides a text.

    >>> canvas = Canvas()
    >>> canvas.put(1, 2, "y[0]", "output")
    6
    >>> canvas.lines(colour=False)[:2], len(canvas.lines(colour=False))
    (['', '  y[0]'], 24)
    >>> canvas.lines(colour=True)[1]
    '\\x1b[0m  \\x1b[0;32my[0]\\x1b[0m'

    Errors: `ValueError` where a text leaves the screen, or meets another.
    """

    def __init__(self) -> None:
        self._letters = [[" "] * WIDTH for _ in range(HEIGHT)]
        self._styles = [[""] * WIDTH for _ in range(HEIGHT)]

    def put(self, row: int, column: int, text: str, style: str = "") -> int:
        """Write a text; the column behind it."""
        end = column + len(text)
        if not (0 <= row < HEIGHT and column >= 0 and end <= WIDTH):
            raise ValueError(f"{text!r} at row {row}, column {column} leaves the screen")
        if "".join(self._letters[row][column:end]).strip():
            raise ValueError(f"{text!r} at row {row}, column {column} covers another text")
        self._letters[row][column:end] = text
        self._styles[row][column:end] = [style] * len(text)
        return end

    def lines(self, *, colour: bool) -> list[str]:
        """The rows from the top, without blanks at their ends; `colour` adds ANSI's codes."""
        plain = ["".join(letters).rstrip() for letters in self._letters]
        if not colour:
            return plain
        return [_painted(text, styles) for text, styles in zip(plain, self._styles, strict=True)]


def _painted(text: str, styles: list[str]) -> str:
    """The text with a code wherever the style changes."""
    parts, now = [], None
    for letter, style in zip(text, styles, strict=False):
        if style != now:
            parts.append("\x1b[0m" if style == "" else f"\x1b[0;{CODES[style]}m")
            now = style
        parts.append(letter)
    return "".join(parts) + ("\x1b[0m" if now else "")
