"""Timing calls against each other: in turns, in one run, by their medians.

Check the answers before. What a call costs depends on what ran before it: a library's idle threads
may watch for more work for a tenth of a second. So each turn begins with runs that do not count.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any


def medians(
    calls: dict[str, Callable[[], Any]],
    *,
    rounds: int = 3,
    warm_up: float = 0.15,
    turn: float = 0.1,
) -> dict[str, float]:
    """Seconds that each call takes: its median over `rounds` turns, taken alternately.

    A turn is `warm_up` seconds that do not count and `turn` seconds that do; at least one run each.

    >>> seconds = medians({"add": lambda: sum(range(9))}, rounds=1, warm_up=0, turn=0.001)
    >>> 0 < seconds["add"] < 1
    True
    """
    samples: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            _run_for(call, warm_up)
            samples[name] += _run_for(call, turn)
    return {name: median(times) for name, times in samples.items()}


def _run_for(call: Callable[[], Any], seconds: float) -> list[float]:
    """The duration of each run, for about so many seconds."""
    end = time.perf_counter() + seconds
    times: list[float] = []
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return times
