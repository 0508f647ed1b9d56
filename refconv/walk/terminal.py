"""The walk in a terminal: keys and redrawing; elsewhere, text.

What a screen says is in `screens.py`, which step is next in `steps.py`. The terminal shows its
alternate screen and hands over one key at a time; when all is over, it is as it was before.
"""

from __future__ import annotations

import importlib.util
import os
import re
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from refconv.geometry import Geometry
from refconv.walk.canvas import HEIGHT, WIDTH
from refconv.walk.printed import printed
from refconv.walk.screens import help_screen, screen
from refconv.walk.steps import PACES, Position, Walk
from refconv.walk.summary import summary

ENTER = "\x1b[?1049h\x1b[?25l"
"""The alternate screen, without a cursor."""

LEAVE = "\x1b[0m\x1b[?25h\x1b[?1049l"

KEYS = {
    "\x1b[C": "right", "\x1bOC": "right", "\r": "right", "\n": "right", " ": "right",
    "\x1b[D": "left", "\x1bOD": "left", "b": "left", "\x7f": "left",
    "\x1b[A": "up", "\x1bOA": "up", "\x1b[B": "down", "\x1bOB": "down",
    "n": "next", "p": "previous", "?": "help", "h": "help", "q": "quit",
}  # fmt: skip

ONE_KEY = re.compile(r"\x1b[\[O][0-9;]*[A-Za-z~]|[^\x1b]|\x1b(?![\[O])", re.DOTALL)
"""A key as a terminal sends it: a sequence after an escape, or one character."""

ESCAPE_S = 0.05
"""An escape that nothing follows for so long, in seconds, is the key itself."""


def walk(layer: Geometry, step_by_step: bool, from_first: bool) -> int:
    """Walk through the layer; the exit status.

    Step by step where standard input and output are a terminal, else the summary; or, where
    `step_by_step` is false, all steps as text. Step by step it begins at the layer's own structure,
    or, where `from_first` is true, before the first one.
    """
    way = Walk(layer)
    if not step_by_step:
        for line in printed(way):
            print(line)
        return 0
    if can_step():
        Show(way, way.first if from_first else way.asked).run()
        return 0
    print(f"{layer.descriptor}\n")
    print("\n".join(summary(way.lesson, layer.G)))
    print("\nIn a terminal, refconv walk goes step by step; --steps prints all steps.")
    return 0


def can_step() -> bool:
    """Whether there is a terminal to read keys from and to draw on."""
    return (
        importlib.util.find_spec("termios") is not None  # not on Windows
        and os.environ.get("TERM", "dumb") != "dumb"
        and sys.stdin.isatty()
        and sys.stdout.isatty()
    )


@dataclass
class Show:
    """What is on the screen now: a step, at a pace; or the help."""

    walk: Walk
    position: Position
    pace: int = PACES.index("output cell")
    in_help: bool = False
    unread: str = field(default="", repr=False)
    """What was typed and is not yet a whole key."""

    def run(self) -> None:
        """Draw, and follow the keys until the end is asked for."""
        with ExitStack() as stack:
            woken = stack.enter_context(_wakened())
            stack.enter_context(_taken_over())
            self.draw()
            for key in self._keys(woken):
                if key == "quit" and not self.in_help:
                    return
                self.follow(key)
                self.draw()

    def follow(self, key: str) -> None:
        """Change what is shown, as the key says; a key that is none changes nothing."""
        if self.in_help:
            self.in_help = key == "resized"
            return
        way, here = self.walk, self.position
        if key == "help":
            self.in_help = True
        elif key == "right":
            self.position = way.after(here, self.pace)
        elif key == "left":
            self.position = way.before(here, self.pace)
        elif key == "up":
            self.pace = min(self.pace + 1, len(PACES) - 1)
        elif key == "down":
            self.pace = max(self.pace - 1, 0)
        elif key == "next":
            self.position = way.next_structure(here)
        elif key == "previous":
            self.position = way.structure_before(here)

    def draw(self) -> None:
        """Redraw in place; a terminal that is too small is asked to grow."""
        columns, rows = _size()
        if columns < WIDTH or rows < HEIGHT:
            words = f"needs {WIDTH} x {HEIGHT}; here {columns} x {rows}"
            lines = [words[start : start + columns] for start in range(0, len(words), columns)]
        else:
            shown = help_screen() if self.in_help else screen(self.walk, self.position, self.pace)
            lines = shown.lines(colour=not os.environ.get("NO_COLOR"))
        # Each line is erased before it is written: after 80 characters the cursor may still stand
        # on the last of them, and erasing would take that one away.
        drawn = [f"\x1b[{row};1H\x1b[2K{line}" for row, line in enumerate(lines[:rows], start=1)]
        below = f"\x1b[{len(lines) + 1};1H\x1b[J" if len(lines) < rows else ""
        _write("".join(drawn) + below)

    def _keys(self, woken: int) -> Iterator[str]:
        """The names of keys as they are pressed; "resized" where the terminal was."""
        keyboard = sys.stdin.fileno()
        while True:
            patience = ESCAPE_S if self.unread else None
            ready, _, _ = select.select([keyboard, woken], [], [], patience)
            if woken in ready:
                os.read(woken, 1024)
                yield "resized"
            if keyboard in ready:
                typed = os.read(keyboard, 1024)
                if not typed:
                    return  # the terminal is gone
                self.unread += typed.decode(errors="replace")
            elif not ready:
                self.unread = ""
                yield "none"
            while whole := ONE_KEY.match(self.unread):
                if whole[0] == "\x1b" and len(self.unread) == 1:
                    break  # perhaps the start of an arrow
                self.unread = self.unread[whole.end() :]
                yield KEYS.get(whole[0], "none")


def _write(text: str) -> None:
    """Write to the terminal; not through `sys.stdout`, which a signal may find in use."""
    left = text.encode()
    while left:
        left = left[os.write(sys.stdout.fileno(), left) :]


def _size() -> tuple[int, int]:
    """Columns and rows of the terminal; one that does not tell is taken for 80 x 24."""
    columns, rows = os.get_terminal_size(sys.stdout.fileno())
    return (columns, rows) if columns and rows else (WIDTH, HEIGHT)


@contextmanager
def _wakened() -> Iterator[int]:
    """A pipe that can be read when the terminal was resized."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    before = signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    handler = signal.signal(signal.SIGWINCH, lambda *_: None)  # without one, nothing is written
    try:
        yield read_end
    finally:
        signal.signal(signal.SIGWINCH, handler)
        signal.set_wakeup_fd(before)
        os.close(read_end)
        os.close(write_end)


@contextmanager
def _taken_over() -> Iterator[None]:
    """The terminal reads key by key and shows its other screen; after that it is as before.

    So it is while the walk is stopped (Ctrl-Z), and when it is ended (Ctrl-C, SIGTERM), too.
    """
    import termios
    import tty

    keyboard = sys.stdin.fileno()
    mode = termios.tcgetattr(keyboard)

    def take() -> None:
        tty.setcbreak(keyboard, termios.TCSADRAIN)
        _write(ENTER)

    def give_back() -> None:
        _write(LEAVE)
        termios.tcsetattr(keyboard, termios.TCSADRAIN, mode)

    def stop(*_: Any) -> None:
        give_back()
        os.kill(os.getpid(), signal.SIGSTOP)
        take()  # the signal also woke the reader of keys, which redraws

    def end(number: int, _: Any) -> None:
        raise SystemExit(128 + number)

    handlers = {signal.SIGTSTP: stop, signal.SIGTERM: end}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        take()
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        give_back()
