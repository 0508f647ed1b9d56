"""What a program waits for: importing refconv, its first convolution, cold and warm, a small call.

    python benchmarks/first_call.py

The import and the first call are of fresh processes, the median of five; cold means with an empty
cache of compiled code. The small call is 1x8x8x8 -> 8 channels, 3x3.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from refconv import Geometry, get_threads, set_threads
from refconv.bench.operands import Operands
from refconv.timing import medians

HELP = "import, first call cold and warm, and a small call"
ATTEMPTS = 5
SMALL = "ic8ih8oc8kh3ph1"

PROGRAM = """
import time
start = time.perf_counter(); import numpy as np; numpy_done = time.perf_counter()
import refconv; import_done = time.perf_counter()
refconv.conv2d(np.ones((1, 8, 14, 14), "f4"), np.ones((8, 8, 3, 3), "f4"), padding=1)
call_done = time.perf_counter()
print(import_done - numpy_done, call_done - import_done)
"""


def measure(
    layers: dict[str, Geometry], threads: list[int], report: Callable[[str], None]
) -> dict[str, float]:
    """Seconds of each; the layers do not matter."""
    imports, cold, warm = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for attempt in range(ATTEMPTS):
            report(f"first call, {attempt + 1} of {ATTEMPTS}")
            cache = os.path.join(folder, str(attempt))
            cold.append(_seconds(cache)[1])
            imported, first = _seconds(cache)
            imports.append(imported)
            warm.append(first)
    return {
        "import": median(imports),
        "first_call_cold": median(cold),
        "first_call_warm": median(warm),
        **_small_calls(max(threads)),
    }


def _seconds(cache: str) -> list[float]:
    """How long the import and the first call of a fresh process took."""
    root = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache, "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )
    return [float(number) for number in done.stdout.split()]


def _small_calls(threads: int) -> dict[str, float]:
    """Seconds of the small call: nearly all of it is getting there."""
    before = get_threads()
    set_threads(threads)
    try:
        operands = Operands.integers(Geometry.from_descriptor(SMALL))
        calls = {"small_conv2d": operands.convolve, "small_Conv2d": operands.prepared()}
        return medians(calls, rounds=5, warm_up=0.02, turn=0.05)
    finally:
        set_threads(before)


def lines(found: dict[str, float]) -> list[str]:
    """The figures, a line each."""
    return [
        f"import, beyond NumPy's         {found['import']:7.3f} s",
        f"first call, cold               {found['first_call_cold']:7.2f} s",
        f"first call, warm               {found['first_call_warm']:7.2f} s",
        f"1x8x8x8 -> 8, 3x3, conv2d      {1e6 * found['small_conv2d']:7.1f} us",
        f"1x8x8x8 -> 8, 3x3, Conv2d      {1e6 * found['small_Conv2d']:7.1f} us",
    ]


def summary(found: dict[str, Any]) -> list[str]:
    """The figures in a sentence each."""
    return [
        f"`import refconv` takes {found['import']:.2f} s beyond NumPy's own import; the first "
        f"convolution {found['first_call_cold']:.1f} s where nothing is compiled yet, "
        f"{found['first_call_warm']:.1f} s after that, most of it Numba's import.",
        f"A small call, 1x8x8x8 -> 8 channels, 3x3, takes {1e6 * found['small_conv2d']:.1f} us "
        f"from Python, with a prepared `Conv2d` {1e6 * found['small_Conv2d']:.1f} us.",
    ]


if __name__ == "__main__":
    print("\n".join(lines(measure({}, [get_threads()], lambda text: None))))
