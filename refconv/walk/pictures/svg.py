"""A picture as SVG text: shapes are added one by one, and come out the same bytes every time.

The colours are those of Okabe and Ito ("Color Universal Design", 2008), which people of any colour
vision tell apart. A picture has a white background of its own, so that it can stand on a dark page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from xml.sax.saxutils import escape

BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
AMBER, SKY = "#E69F00", "#56B4E9"
INK, QUIET, FAINT, PAPER = "#1a1a1a", "#595959", "#b8b8b8", "#ffffff"

INPUT, WEIGHT, OUTPUT, PADDING = "#d9ecf9", "#fdebc8", "#d2eee4", "#e6e6e6"
"""What cells are filled with: the same in every picture."""

INPUT_INK, WEIGHT_INK, OUTPUT_INK, FRAME_INK = BLUE, "#8a5a00", "#006b4e", "#a84600"
"""Words about them, and about what is framed, dark enough to be read on white."""

GROUPS = (BLUE, ORANGE, GREEN, PURPLE)
"""A colour for each group, where there are up to four."""

SANS = "Helvetica, Arial, 'Liberation Sans', sans-serif"
MONO = "Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"


class Picture:
    """A drawing of `width` x `height` pixels; x runs to the right, y downwards.

    >>> picture = Picture(60, 40, "A cell", "One cell of an input, with the number 7 in it.")
    >>> picture.cell(10, 10, 20, 7, INPUT)
    >>> picture.svg().count("<rect"), ">7</text>" in picture.svg()
    (2, True)
    """

    def __init__(self, width: int, height: int, title: str, description: str) -> None:
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" aria-labelledby="title desc" '
            f'font-family="{SANS}" font-size="14" fill="{INK}">',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="desc">{escape(description)}</desc>',
        ]
        self.rect(0.5, 0.5, width - 1, height - 1, PAPER, FAINT, radius=8)

    def svg(self) -> str:
        """The text of the file."""
        return "\n".join([*self._parts, "</svg>", ""])

    def rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str = "none",
        stroke: str = "none",
        *,
        thick: float = 1,
        radius: float = 0,
        dashed: bool = False,
    ) -> None:
        """A rectangle from its upper left corner."""
        corner = f' rx="{_number(radius)}"' if radius else ""
        self._parts.append(
            f'<rect x="{_number(x)}" y="{_number(y)}" width="{_number(width)}" '
            f'height="{_number(height)}"{corner} fill="{fill}"{_stroke(stroke, thick, dashed)}/>'
        )

    def circle(self, x: float, y: float, radius: float, fill: str, stroke: str = "none") -> None:
        """A disc around (x, y)."""
        self._parts.append(
            f'<circle cx="{_number(x)}" cy="{_number(y)}" r="{_number(radius)}" '
            f'fill="{fill}"{_stroke(stroke, 1, False)}/>'
        )

    def line(
        self,
        points: Sequence[tuple[float, float]],
        stroke: str = INK,
        *,
        thick: float = 1,
        dashed: bool = False,
    ) -> None:
        """A line through the points."""
        path = " ".join(f"{_number(x)},{_number(y)}" for x, y in points)
        self._parts.append(
            f'<polyline points="{path}" fill="none"{_stroke(stroke, thick, dashed)}/>'
        )

    def arrow(self, x: float, y: float, to: float) -> None:
        """A level arrow from (x, y) to (to, y)."""
        self.line([(x, y), (to, y)], QUIET, thick=1.5)
        self.line([(to - 6, y - 4), (to, y), (to - 6, y + 4)], QUIET, thick=1.5)

    def text(
        self,
        x: float,
        y: float,
        words: Any,
        *,
        size: float = 14,
        anchor: str = "start",
        fill: str = INK,
        bold: bool = False,
        mono: bool = False,
    ) -> None:
        """One line of text on the base line y; `anchor` is "start", "middle" or "end"."""
        style = f' text-anchor="{anchor}"' if anchor != "start" else ""
        style += f' font-size="{_number(size)}"' if size != 14 else ""
        style += f' fill="{fill}"' if fill != INK else ""
        style += ' font-weight="bold"' if bold else ""
        style += f' font-family="{MONO}"' if mono else ""
        # Without it, spaces that line numbers up in columns would be drawn as one.
        style += ' xml:space="preserve"' if "  " in str(words) else ""
        self._parts.append(
            f'<text x="{_number(x)}" y="{_number(y)}"{style}>{escape(str(words))}</text>'
        )

    def cell(
        self, x: float, y: float, side: float, number: Any, fill: str, stroke: str = QUIET
    ) -> None:
        """A square with a number in it."""
        self.rect(x, y, side, side, fill, stroke, thick=0.5)
        size = side * (0.48 if len(str(number)) < 3 else 0.4)
        self.text(x + side / 2, y + side * 0.66, number, size=size, anchor="middle")

    def table(
        self,
        x: float,
        y: float,
        side: float,
        numbers: Sequence[Sequence[Any]],
        fill: str | Callable[[int, int], str],
    ) -> None:
        """Cells in rows and columns; `fill` is a colour, or gives one for (row, column)."""
        for r, row in enumerate(numbers):
            for c, number in enumerate(row):
                colour = fill if isinstance(fill, str) else fill(r, c)
                self.cell(x + c * side, y + r * side, side, number, colour)

    def plane(
        self, x: float, y: float, rows: int, columns: int, side: float, colours: Sequence[str]
    ) -> None:
        """A channel without its numbers; where it is made of several, a stripe for each."""
        width = columns * side
        for place, colour in enumerate(colours):
            stripe = width / len(colours)
            self.rect(x + place * stripe, y, stripe, rows * side, colour)
        for r in range(1, rows):
            self.line([(x, y + r * side), (x + width, y + r * side)], PAPER, thick=0.7)
        for c in range(1, columns):
            self.line([(x + c * side, y), (x + c * side, y + rows * side)], PAPER, thick=0.7)

    def frame(self, x: float, y: float, width: float, height: float, stroke: str = ORANGE) -> None:
        """A thick outline around what is spoken of."""
        self.rect(x, y, width, height, "none", stroke, thick=3, radius=2)


def _number(value: float) -> str:
    """A coordinate, to a tenth of a pixel.

    >>> _number(12), _number(3.14159), _number(-0.01)
    ('12', '3.1', '0')
    """
    rounded = round(float(value), 1)
    return f"{int(rounded)}" if rounded == int(rounded) else f"{rounded}"


def _stroke(stroke: str, thick: float, dashed: bool) -> str:
    if stroke == "none":
        return ""
    dashes = ' stroke-dasharray="4 3"' if dashed else ""
    return f' stroke="{stroke}" stroke-width="{_number(thick)}"{dashes}'
