"""A command in a pseudo-terminal, and a small terminal that draws what it writes.

The terminal knows what the walk may use, and nothing else: any other sequence, a line that is too
long and a scroll are errors.
"""

import os
import re
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

SEQUENCE = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])")
PATIENCE_S = 30

START = """
import fcntl, signal, sys, termios
signal.signal(signal.SIGINT, signal.default_int_handler)    # a job in the background ignores it
fcntl.ioctl(0, termios.TIOCSCTTY, 0)        # so that Ctrl-C and Ctrl-Z reach it
from refconv.cli import main
sys.exit(main())
"""


class Screen:
    """A grid of characters with a cursor; `colours` are the styles that were asked for."""

    def __init__(self, rows, columns):
        self.resize(rows, columns)
        self.alternate, self.cursor, self.colours = False, True, set()

    def resize(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.clear()

    def clear(self):
        self.grid = [[" "] * self.columns for _ in range(self.rows)]
        self.row = self.column = 0

    @property
    def lines(self):
        return ["".join(row).rstrip() for row in self.grid]

    @property
    def text(self):
        return "\n".join(self.lines)

    def feed(self, text):
        """Draw it; what is left of an unfinished sequence comes back."""
        while text:
            if text[0] != "\x1b":
                self._letter(text[0])
                text = text[1:]
                continue
            sequence = SEQUENCE.match(text)
            if not sequence:
                assert len(text) < 12, f"no sequence that this terminal knows: {text[:12]!r}"
                return text
            self._do(*sequence.groups())
            text = text[sequence.end() :]
        return ""

    def _letter(self, letter):
        if not self.alternate:
            return  # the shell's screen is not looked at
        assert letter.isprintable(), f"{letter!r} moves the cursor"
        assert self.row < self.rows, f"row {self.row} of {self.rows}: {letter!r}"
        assert self.column < self.columns, f"row {self.row} is too long: {self.lines[self.row]!r}"
        self.grid[self.row][self.column] = letter
        self.column += 1

    def _do(self, private, numbers, letter):
        match private, numbers, letter:
            case "?", "1049", "h" | "l":
                self.alternate = letter == "h"
                self.clear()
            case "?", "25", "h" | "l":
                self.cursor = letter == "h"
            case "", _, "H":
                row, column = map(int, numbers.split(";"))
                self.row, self.column = row - 1, column - 1
                assert self.row < self.rows
            case "", "2", "K":
                self.grid[self.row] = [" "] * self.columns
            case "", "", "J":
                assert self.column == 0
                for row in range(self.row, self.rows):
                    self.grid[row] = [" "] * self.columns
            case "", _, "m":
                self.colours.add(numbers)
            case _:
                raise AssertionError(f"unknown sequence {private}{numbers}{letter}")


class Session:
    """`refconv` with its arguments in a terminal of `rows` x `columns`."""

    def __init__(self, *arguments, rows=24, columns=80, **environment):
        self.master, slave = os.openpty()
        termios.tcsetwinsize(slave, (rows, columns))
        self.mode_before = termios.tcgetattr(slave)
        self.slave = slave  # kept open, so that its mode can be asked when the command is over
        self.screen, self.unread, self.written = Screen(rows, columns), "", ""
        folder = str(Path(__file__).parent.parent)
        inherited = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, *arguments],
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={**inherited, "PYTHONPATH": folder, "TERM": "xterm", **environment},
        )  # fmt: skip

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def press(self, keys):
        os.write(self.master, keys.encode())

    def resize(self, rows, columns):
        self.screen.resize(rows, columns)
        termios.tcsetwinsize(self.master, (rows, columns))

    def see(self, *words):
        """Wait until the screen shows all these words."""
        self.wait(lambda: all(word in self.screen.text for word in words), words)

    def shows(self, text):
        """Wait until the screen is this text: a screen may arrive in parts."""
        self.wait(lambda: self.screen.text.rstrip("\n") == text.rstrip("\n"), text)

    def wait(self, is_there, what):
        """Read until something is there."""
        end = time.monotonic() + PATIENCE_S
        while not is_there():
            assert time.monotonic() < end, f"no {what} in:\n{self.screen.text}"
            is_over = self.process.poll() is not None
            self._read(0.1)
            assert is_there() or not is_over, f"it ended, with no {what}:\n{self.written}"

    def _read(self, patience):
        """Draw what has come, if anything does within so many seconds; whether it did."""
        ready, _, _ = select.select([self.master], [], [], patience)
        if ready:
            text = os.read(self.master, 65536).decode()
            self.written = (self.written + text)[-2000:]
            self.unread = self.screen.feed(self.unread + text)
        return bool(ready)

    def ended(self):
        """Wait for the end; the exit status. All that was written has been read then."""
        self.wait(lambda: self.process.poll() is not None, "end")
        while self._read(0):
            pass
        return self.process.returncode

    @property
    def is_as_before(self):
        """Whether the terminal is in its first mode, on its first screen, with a cursor."""
        mode = termios.tcgetattr(self.slave)
        return mode == self.mode_before and not self.screen.alternate and self.screen.cursor

    def state(self):
        """Stopped ("T") or not, as Linux tells it."""
        text = Path(f"/proc/{self.process.pid}/stat").read_text()
        return text.rpartition(")")[2].split()[0]

    def carry_on(self):
        self.process.send_signal(signal.SIGCONT)
