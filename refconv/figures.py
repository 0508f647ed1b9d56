"""What all figures share: their looks, the endings that a file may have, and how it is written.

What a figure shows lives with what it shows: `networks/plot.py`, `walk/photo.py`. Needs matplotlib,
but only once a figure is drawn.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ENDINGS = (".svg", ".png")

STYLE: dict[Any, Any] = {
    "font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "svg.hashsalt": "refconv",
    "svg.fonttype": "none",
}  # fmt: skip


def check_ending(path: Path, what: str) -> None:
    """Refuse a file that is neither SVG nor PNG by its name; `what` it is, for the message.

    >>> check_ending(Path("networks/alexnet.svg"), "plot")
    >>> check_ending(Path("alexnet.gif"), "plot")
    Traceback (most recent call last):
        ...
    ValueError: the plot is alexnet.gif, but must end with .svg or .png
    """
    if path.suffix not in ENDINGS:
        raise ValueError(f"the {what} is {path.name}, but must end with {' or '.join(ENDINGS)}")


def style() -> AbstractContextManager[None]:
    """Within it, whatever is drawn looks like ours; what matplotlib is set to stays as it was."""
    import matplotlib

    return matplotlib.rc_context(STYLE)


def write(figure: Figure, path: Path) -> None:
    """Write the figure, as the path's ending says; without a date, so that it can be compared."""
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
