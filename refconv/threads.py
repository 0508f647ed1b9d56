"""How many threads a call may use. Who does the work is `jit/crew.py`."""

from __future__ import annotations

import os

import numpy as np

VARIABLE = "REFCONV_THREADS"

_threads: int | None = None


def get_threads() -> int:
    """How many threads a call may use.

    It is what `set_threads` said; else the environment variable REFCONV_THREADS; else the number of
    CPUs that this process may run on, when it is first asked.

    Errors: `ValueError` where the variable is not a positive integer.
    """
    global _threads
    if _threads is None:
        text = os.environ.get(VARIABLE)
        if text is None:
            _threads = available_cpus()
        elif text.strip().isdecimal() and int(text) > 0:
            _threads = int(text)
        else:
            raise ValueError(f"{VARIABLE} is {text!r}, but must be a positive integer")
    return _threads


def set_threads(n: int) -> None:
    """Let each call use up to `n` threads, from now on, in this process.

    >>> set_threads(0)
    Traceback (most recent call last):
        ...
    ValueError: n is 0, but must be at least 1
    """
    global _threads
    if isinstance(n, bool) or not isinstance(n, int | np.integer):
        raise TypeError(f"n is {n!r}, but must be an integer")
    if n < 1:
        raise ValueError(f"n is {n}, but must be at least 1")
    _threads = int(n)


def available_cpus() -> int:
    """How many CPUs this process may run on now."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
