"""Time against N, C, H and K: does a multiply-accumulate cost the same in larger layers?

From one layer, each size is doubled on its own. K is the kernel's height and width, H the image's;
C is input channels. What is shown is GFLOP/s of the prepared layer: flat means linear.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refconv import Geometry, count, get_threads, set_threads
from refconv.bench.measure import WrongAnswerError, threads_in_words
from refconv.bench.operands import Operands
from refconv.timing import medians

HELP = "time against N, C, H and K"
BASE = {"N": 1, "C": 64, "H": 56, "K": 3}
SIZES = {
    "N": (1, 2, 4, 8, 16),
    "C": (16, 32, 64, 128, 256),
    "H": (14, 28, 56, 112, 224),
    "K": (1, 2, 4, 8),
}
OUTPUT_CHANNELS = 64
ROUNDS = 3


def geometry_of(N: int, C: int, H: int, K: int) -> Geometry:
    """The layer of these sizes."""
    return Geometry.of((N, C, H, H), (OUTPUT_CHANNELS, C, K, K), padding="same")


def measure(
    layers: dict[str, Geometry], threads: list[int], report: Callable[[str], None]
) -> list[dict[str, Any]]:
    """For each size and number of threads, seconds; the given layers do not matter."""
    found = []
    before = get_threads()
    try:
        for letter, sizes in SIZES.items():
            geometries = {size: geometry_of(**{**BASE, letter: size}) for size in sizes}
            report(f"growth of {letter}: checking and timing")
            calls = {str(size): _checked_call(g) for size, g in geometries.items()}
            for n in threads:
                set_threads(n)
                seconds = medians(calls, rounds=ROUNDS, warm_up=0.03)
                found += [
                    {
                        "letter": letter,
                        "size": size,
                        "threads": n,
                        "descriptor": g.descriptor,
                        "macs": count(g).macs,
                        "seconds": seconds[str(size)],
                    }
                    for size, g in geometries.items()
                ]
    finally:
        set_threads(before)
    return found


def _checked_call(g: Geometry) -> Callable[[], Any]:
    operands = Operands.integers(g)
    call = operands.prepared()
    if not np.array_equal(call(), operands.exact("int64")):
        raise WrongAnswerError(f"wrong answer from Conv2d on {g.descriptor}")
    return call


def lines(found: list[dict[str, Any]]) -> list[str]:
    """A row for each letter and number of threads: its sizes, and GFLOP/s under them."""
    base = ", ".join(f"{letter}={size}" for letter, size in BASE.items())
    text = [f"Growth from {base}, {OUTPUT_CHANNELS} outputs; GFLOP/s of Conv2d"]
    for letter, sizes in SIZES.items():
        text.append(f"{letter + ' =':12}" + "".join(f"{size:>9}" for size in sizes))
        for n in _threads(found):
            cells = "".join(f"{_gflops(row):9.1f}" for row in _rows(found, letter, n))
            text.append(f"{threads_in_words(n):12}{cells}")
    return text


def summary(found: list[dict[str, Any]]) -> list[str]:
    """How much the cost varies, in a sentence."""
    n = _threads(found)[0]
    parts = []
    for letter, sizes in SIZES.items():
        speeds = [_gflops(row) for row in _rows(found, letter, n)]
        span = f"{letter} from {sizes[0]} to {sizes[-1]}"
        parts.append(f"{span}, {min(speeds):.0f} to {max(speeds):.0f}")
    return [f"As sizes grow, GFLOP/s on {threads_in_words(n)}: {'; '.join(parts)}."]


def _rows(found: list[dict[str, Any]], letter: str, n: int) -> list[dict[str, Any]]:
    return [row for row in found if (row["letter"], row["threads"]) == (letter, n)]


def _threads(found: list[dict[str, Any]]) -> list[int]:
    return sorted({row["threads"] for row in found})


def _gflops(row: dict[str, Any]) -> float:
    return 2 * row["macs"] / row["seconds"] / 1e9
