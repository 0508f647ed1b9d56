"""How long work says what it is doing: on standard error, where that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

WIDTH = 79
"""Columns of a terminal, less the one that would wrap."""


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Gives the function to tell, in a few words, what is being done: one line, rewritten."""
    if not sys.stderr.isatty():
        yield lambda text: None
        return

    def say(text: str) -> None:
        sys.stderr.write(f"\r\x1b[K{text[:WIDTH]}")
        sys.stderr.flush()

    try:
        yield say
    finally:
        say("")
