"""Any program as a target: it is given a case folder, and writes its outputs into that.

    PROGRAM {case}

reads the folder {case} in whatever form it likes, writes actual.npy (any type and shape) or
actual.bin (the type and shape that case.json and case.txt say), and exits with status 0. With
status 77 it refuses the case, politely; any other, a signal, or too much time is a crash.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from refconv.oracle.cases.case import Case
from refconv.oracle.files.case_folder import FolderError, read_actual, write
from refconv.oracle.files.formats import FORMATS
from refconv.oracle.judging.verdict import TOO_LONG
from refconv.oracle.reference.certified import UncertainError
from refconv.oracle.targets.adapters import TargetError
from refconv.oracle.targets.outcome import CRASHED, RAISED, RETURNED, TIME_LIMIT, Outcome

PLACE = "{case}"
REFUSED = 77
"""The exit status that means "not for me", as it does to automake's tests."""

LONGEST_TAIL = 4096
"""Bytes of what a program complains that are looked at."""


class Program:
    """A `Runner` that starts a program for each case, in a folder of its own that is thrown away.

    No shell is involved: `command` is split as a shell would, and {case} replaced.

    Errors: `TargetError` for a command without {case}, or a program that is not there.
    """

    def __init__(
        self, command: str, formats: Iterable[str] = ("npy", "raw"), time_limit: float = TIME_LIMIT
    ) -> None:
        self.name = command
        self.arguments = f"--command {shlex.quote(command)}"
        self._words = _words(command)
        self._formats, self._time_limit = tuple(formats), time_limit
        if unknown := [name for name in self._formats if name not in FORMATS]:
            raise TargetError(f"format is {unknown[0]!r}, but must be one of {', '.join(FORMATS)}")

    def run(self, case: Case) -> Outcome:
        """Write the case, start the program, read what it wrote."""
        with tempfile.TemporaryDirectory(prefix="refconv-") as work:
            folder = Path(work) / "case"
            try:
                missing = write(case, folder, self._formats)
            except UncertainError as error:
                return Outcome(RAISED, text=str(error))
            if missing:
                name, reason = next(iter(missing.items()))
                return Outcome(RAISED, text=f"no {name} form of this case: {reason}")
            ended = self._ended(folder, Path(work) / "complaints")
            if ended is not None:
                return ended
            try:
                return Outcome(RETURNED, read_actual(folder, case))
            except FolderError as error:
                return Outcome(RETURNED, None, f"Its outputs cannot be read: {error}.")

    def close(self) -> None:
        """Nothing to let go of: every program has ended."""

    def _ended(self, folder: Path, complaints: Path) -> Outcome | None:
        """Run the program to its end; what is to be said of that, if it was no good one."""
        words = [word.replace(PLACE, str(folder)) for word in self._words]
        with complaints.open("wb") as stderr:
            try:
                process = subprocess.Popen(
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=stderr,
                    start_new_session=True,  # so that its children can be ended with it
                )
            except OSError as error:
                return Outcome(CRASHED, text=f"it cannot be started: {error.strerror}")
            try:
                status = process.wait(self._time_limit)
            except subprocess.TimeoutExpired:
                return Outcome(CRASHED, text=f"it {TOO_LONG} {self._time_limit:g} s")
            finally:
                _end(process)
        return _said(status, _last_line(complaints))


def _words(command: str) -> list[str]:
    """The program and its arguments."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise TargetError(f"command is {command!r}, but must be as a shell's: {error}") from None
    if not any(PLACE in word for word in words):
        raise TargetError(f"command is {command!r}, but must say where {PLACE}, the folder, goes")
    if PLACE not in words[0] and shutil.which(words[0]) is None:
        raise TargetError(f"command is {command!r}, but there is no program {words[0]!r}")
    return words


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program, and whatever it has started and left behind."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        process.wait()


def _said(status: int, complaint: str) -> Outcome | None:
    if status == 0:
        return None
    if status == REFUSED:
        return Outcome(RAISED, text=complaint or f"exit status {REFUSED}")
    how = f"exit status {status}"
    if status < 0:
        how = f"killed by {_signal_name(-status)}"
    return Outcome(CRASHED, text=f"{how}: {complaint}" if complaint else how)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal has no name
        return f"signal {number}"


def _last_line(complaints: Path) -> str:
    """The last line that is not empty, without anything that a terminal would obey."""
    with complaints.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - LONGEST_TAIL))
        tail = file.read().decode(errors="replace")
    lines = [line.strip() for line in tail.splitlines() if line.strip()]
    return "".join(c if c.isprintable() else "?" for c in lines[-1]) if lines else ""
