"""A target in a process of its own, where it may hang, crash and print, and the run goes on.

The other side of the pipe is `serve.py`; what they say to each other, `wire.py`.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from typing import Any, BinaryIO, TypeAlias

import numpy as np

from refconv.oracle.cases.case import Case
from refconv.oracle.judging.verdict import TOO_LONG
from refconv.oracle.targets import wire
from refconv.oracle.targets.named import TargetError
from refconv.oracle.targets.outcome import CRASHED, RETURNED, TIME_LIMIT, Outcome, not_askable

START_LIMIT = 180.0
"""Seconds for a process to start and to import the target's library."""

MEMORY_LIMIT = 8 << 30
"""Bytes that a process may hold in memory, if not said otherwise; 3/4 of the machine's at most."""

LOOK_SECONDS = 0.05
"""So often it is looked whether the process lives, and how much memory it holds."""

Message: TypeAlias = tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]
Process: TypeAlias = "subprocess.Popen[bytes]"


class _EndedError(Exception):
    """The process has ended, or was ended; the message says how."""


class Worker:
    """A `Runner` that calls a target by its name, in a process that is kept from case to case. All
    its cases ask for y, or `of` the same gradient.

    After a crash the next case has a fresh one. `close` ends it; so does the end of this process.

    Errors: `TargetError` where there is no such target, or where it cannot be started.
    """

    def __init__(
        self,
        target: str,
        of: str | None = None,
        time_limit: float = TIME_LIMIT,
        memory_limit: int = MEMORY_LIMIT,
    ) -> None:
        self._target, self._of, self._time_limit = target, of, time_limit
        self._memory_limit = min(memory_limit, _machine_memory() * 3 // 4)
        self._process: Process | None = None
        self.arguments = shlex.quote(target)
        self.name = self._start()

    def run(self, case: Case) -> Outcome:
        """Call the target with this case, whatever happens."""
        if refusal := not_askable(case):
            return refusal
        if self._process is None:
            try:
                self._start()
            except TargetError as error:
                return Outcome(CRASHED, text=f"it could not be started again: {error}")
        arrays = case.arrays
        places = {n: None if n in arrays else value for n, value in case.operands.items()}
        request = {"operands": places, "options": case.options}
        try:
            outcome = _outcome(self._exchange((request, arrays), self._time_limit))
        except _EndedError as error:
            outcome = Outcome(CRASHED, text=str(error))
        except BaseException:  # the answer to this case must not be taken for the next one's
            self.close()
            raise
        if outcome.how == CRASHED:
            self.close()
        return outcome

    def restart(self) -> None:
        """Have a fresh process for the next case: one in which nothing is left of those before."""
        self.close()

    def close(self) -> None:
        """End the process, and what it has started."""
        if self._process is not None:
            self._end()
            self._process = None

    def _start(self) -> str:
        """Start the process, and wait until it says what the target is called."""
        # A file, for a pipe that nobody reads may fill up.
        with tempfile.TemporaryFile() as complaints:
            limits = str(self._time_limit), str(START_LIMIT)
            self._process = process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "refconv.oracle.targets.serve",
                    self._target,
                    self._of or "",
                    *limits,
                ],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                start_new_session=True,  # so that all it starts can be ended with it
            )
            self._end = weakref.finalize(self, _end, process)
            try:
                header, _ = self._exchange(None, START_LIMIT)
            except _EndedError as error:
                self.close()
                raise TargetError(
                    f"{self._target} cannot be started: {error}{_last_line(complaints)}"
                ) from error
        if "error" in header:
            self.close()
            raise TargetError(header["error"])
        return str(header["name"])

    def _exchange(self, request: Message | None, limit: float) -> Message:
        """Send a request, if there is one, and wait for a message.

        Writing may block as reading does, so a thread does both; it ends when the process does.
        """
        process = self._process
        assert process is not None  # for the type checker: it has been started
        answers: queue.SimpleQueue[Message | Exception] = queue.SimpleQueue()
        threading.Thread(target=_converse, args=(process, request, answers), daemon=True).start()
        end = time.monotonic() + limit
        while True:
            try:
                answer = answers.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                self._look(process, end, limit)
                continue
            if isinstance(answer, EOFError | OSError):
                raise _EndedError(_ending(process)) from answer
            if isinstance(answer, Exception):
                raise _EndedError("it wrote into the pipe of the oracle") from answer
            return answer

    def _look(self, process: Process, end: float, limit: float) -> None:
        """Raise `_EndedError` where there is nothing to wait for any more."""
        if process.poll() is not None:
            raise _EndedError(_ending(process))
        if time.monotonic() > end:
            raise _EndedError(f"it {TOO_LONG} {limit:g} s")
        if _memory_of(process.pid) > self._memory_limit:
            raise _EndedError(
                f"it needed too much memory: more than {self._memory_limit / (1 << 30):.2g} GiB"
            )


def _converse(
    process: Process,
    request: Message | None,
    answers: queue.SimpleQueue[Message | Exception],
) -> None:
    assert process.stdin is not None  # for the type checker: both are pipes
    assert process.stdout is not None
    try:
        if request is not None:
            wire.send(process.stdin, *request)  # type: ignore[arg-type]
        answers.put(wire.receive(process.stdout))  # type: ignore[arg-type]
    except Exception as error:  # of whatever kind, `_exchange` deals with it
        answers.put(error)


def _outcome(message: Message) -> Outcome:
    header, arrays = message
    value: Any = arrays.get("value")
    if header["how"] == RETURNED and value is None and not header["none"]:
        value = np.empty((), object)  # in place of what is no array of numbers; the text says what
    return Outcome(header["how"], value, header["text"], tuple(header["modified"]))


def _end(process: Process) -> None:
    """End the process and its children, and close its pipes."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):  # nobody of it is left
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):  # what was still to be written
                pipe.close()


def _ending(process: Process) -> str:
    """How the process ended, whose pipe is closed."""
    try:
        status = process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        return "it closed the pipe of the oracle"
    if status >= 0:
        return f"it ended the process: exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:  # those without a name
        name = f"signal {-status}"
    return f"it was killed by {name}" + (": out of memory, it may be" if name == "SIGKILL" else "")


def _last_line(complaints: BinaryIO) -> str:
    complaints.seek(0)
    lines = complaints.read().decode(errors="replace").strip().splitlines()
    return f" ({lines[-1].strip()})" if lines else ""


def _machine_memory() -> int:
    """Bytes; where the system does not say, more than anyone has."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 1 << 62


def _memory_of(pid: int) -> int:
    """Bytes that the process holds in memory; 0 where the system does not say."""
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
