"""What commands print on: a console of 80 columns, unless a terminal says otherwise."""

from __future__ import annotations

import sys

from rich.console import Console


class Terminal(Console):
    """A console that lets `refconv.cli.main` deal with a reader who has seen enough."""

    def on_broken_pipe(self) -> None:
        raise  # rich calls this while it handles the BrokenPipeError


def output() -> Terminal:
    """Standard output."""
    terminal = Terminal(highlight=False)
    # A table that is squeezed loses its names: a narrower terminal breaks the lines instead.
    terminal.width = max(80, terminal.width) if sys.stdout.isatty() else 80
    return terminal
