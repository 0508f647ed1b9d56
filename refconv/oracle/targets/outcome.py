"""What became of one call of a target, before anything is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from refconv.oracle.cases.case import Array, Case
from refconv.oracle.targets.adapters.adapter import one_line

TIME_LIMIT = 30.0
"""Seconds that a target may take for one case, if not said otherwise, where it can be ended."""

RETURNED, RAISED, CRASHED = "returned", "raised", "crashed"


class Outcome(NamedTuple):
    """`how` it ended: "returned", with `value`; "raised", a polite refusal; or "crashed": the
    process died, or took too long. `text` says why; `modified` names the inputs that were written.
    """

    how: str
    value: Any = None
    text: str = ""
    modified: tuple[str, ...] = ()


class Runner(Protocol):
    """Something that calls a target: here, in another process, through a case folder.

    One that has a name on a command line says so by `arguments`, quoted for a shell.
    """

    name: str
    """What it is called in reports, with its version."""

    def run(self, case: Case) -> Outcome:
        """Call the target with this case, whatever happens."""

    def close(self) -> None:
        """Let go of processes and files."""


class Here:
    """A target that is called in this process: a callable."""

    def __init__(self, target: Callable[..., Any], name: str) -> None:
        self._target, self.name = target, name

    def run(self, case: Case) -> Outcome:
        """Call it. An exception is a refusal; one that ends the process is a crash."""
        return call(self._target, case)

    def close(self) -> None:
        """Nothing to let go of."""


def call(target: Callable[..., Any], case: Case) -> Outcome:
    """Call a target with this case."""
    return not_askable(case) or called(target, case.operands, case.options)


def not_askable(case: Case) -> Outcome | None:
    """A refusal of what a call has no words for; None where there is nothing of that kind."""
    if not case.pad_value:
        return None
    return Outcome(RAISED, text=f"a target is not told to pad with {case.pad_value}")


def called(
    target: Callable[..., Any], operands: Mapping[str, Any], options: Mapping[str, Any]
) -> Outcome:
    """Call a target with copies of the arrays among its operands, which it may not write to, but
    can.
    """
    given = {name: a.copy() if isinstance(a, np.ndarray) else a for name, a in operands.items()}
    try:
        value = target(*given.values(), **options)
    except MemoryError as error:
        return Outcome(CRASHED, text=f"it needed too much memory: {error}".rstrip(": "))
    except Exception as error:
        return Outcome(RAISED, text=one_line(f"{type(error).__name__}: {error}"))
    except KeyboardInterrupt:
        raise
    except SystemExit as error:
        return Outcome(CRASHED, text=f"it ended the process: SystemExit({error.code})")
    except BaseException as error:  # a native library's panic
        return Outcome(CRASHED, text=f"it raised {type(error).__name__}, which is no Exception")
    modified = tuple(
        name for name, array in operands.items()
        if isinstance(array, np.ndarray) and _differs(given[name], array)
    )  # fmt: skip
    return Outcome(RETURNED, value, modified=modified)


def _differs(a: Array, b: Array) -> bool:
    """In any bit: NaN is what it was if its bits are."""
    return a.tobytes() != b.tobytes()
