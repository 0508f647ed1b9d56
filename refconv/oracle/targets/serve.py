"""The process of a target: `python -m refconv.oracle.targets.serve NAME OF`, by `worker.py`.

It first says the target's name, or why there is none; then it answers one case after the other,
until there are no more. It speaks through the pipes that it was given as standard input and output,
and moves them away first: what the target prints goes nowhere.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from io import FileIO
from typing import Any, NoReturn

from refconv.oracle.judge import as_outputs
from refconv.oracle.targets import wire
from refconv.oracle.targets.adapters.adapter import one_line
from refconv.oracle.targets.named import TargetError, resolve
from refconv.oracle.targets.outcome import CRASHED, RETURNED, Outcome, called

GRACE = 10.0
"""Seconds after a limit until the process ends by itself, should nobody be left to end it."""


def main(name: str, of: str | None, time_limit: float, start_limit: float) -> NoReturn:
    """Answer until the pipe is closed."""
    requests, replies = _private(0, os.O_RDONLY), _private(1, os.O_WRONLY)
    _end_after(start_limit)
    try:
        target = resolve(name, of)
    except TargetError as error:
        wire.send(replies, {"error": str(error)}, {})
        os._exit(1)
    os.dup2(1, 2)  # until here it was open for what an interpreter says that cannot even start
    wire.send(replies, {"name": target.name}, {})
    while True:
        _end_after(None)
        try:
            request, arrays = wire.receive(requests)
        except EOFError:
            os._exit(0)  # the target's threads and exit functions are not waited for
        _end_after(time_limit)
        places, options = _with_tuples(request["operands"]), _with_tuples(request["options"])
        _reply(replies, _called(target.call, places | arrays, options))


def _private(descriptor: int, flags: int) -> FileIO:
    """The pipe behind a standard stream, for us alone; the stream itself leads nowhere then."""
    pipe = FileIO(os.dup(descriptor), "rb" if flags == os.O_RDONLY else "wb")
    nowhere = os.open(os.devnull, flags)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
    return pipe


def _end_after(seconds: float | None) -> None:
    """Have the system end this process then: even code that never returns to Python."""
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, 0 if seconds is None else seconds + GRACE)


def _with_tuples(value: Any) -> Any:
    """What JSON has made lists of is what it was again."""
    if isinstance(value, dict):
        return {name: _with_tuples(inner) for name, inner in value.items()}
    return tuple(map(_with_tuples, value)) if isinstance(value, list) else value


def _called(target: Callable[..., Any], *call: Any) -> Outcome:
    """As `outcome.called`; and an error that cannot even be shown is a crash."""
    try:
        return called(target, *call)
    except KeyboardInterrupt:
        return Outcome(CRASHED, text="it raised KeyboardInterrupt, which is no Exception")
    except BaseException as error:
        kind = type(error).__name__
        return Outcome(CRASHED, text=f"its error, or its input afterwards, is unreadable: {kind}")


def _reply(replies: FileIO, outcome: Outcome) -> None:
    header: dict[str, Any] = {"how": outcome.how, "modified": outcome.modified}
    header["text"] = one_line(outcome.text)
    arrays = {}
    if outcome.how == RETURNED:
        array, header["text"] = as_outputs(outcome.value)
        if array is not None:
            arrays["value"] = array
        header["none"] = outcome.value is None
    wire.send(replies, header, arrays)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] or None, float(sys.argv[3]), float(sys.argv[4]))
