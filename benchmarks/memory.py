"""Working memory: what a call takes beyond x, weight and y, at its peak.

Each layer is a fresh process (Linux): a warm-up compiles and starts the threads, the arrays are
made and touched, the system's mark of the most memory held is reset, and the call writes into
`out`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from refconv import Geometry, count
from refconv.bench.measure import threads_in_words

HELP = "working memory beyond x, weight and y"
MOST_OF_A_THREAD = 4 << 20

LARGE = {"image 8192x8192": "ic3ih8192oc8kh3ph1", "batch of 256": "mb256ic64ih56oc64kh3ph1"}

PROGRAM = """
import ctypes, sys
import numpy as np
import refconv

def status(field):
    with open("/proc/self/status") as lines:
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith(field))

def call(descriptor):
    g = refconv.Geometry.from_descriptor(descriptor)
    x, weight, y = (np.ones(s, "f4") for s in (g.x_shape, g.weight_shape, g.y_shape))
    options = dict(stride=g.stride, padding=g.padding, dilation=g.dilation, groups=g.G)
    return lambda: refconv.conv2d(x, weight, out=y, **options)

refconv.set_threads(int(sys.argv[2]))
for tiny in ("ic16ih32oc32kh3ph1", "g64ic64ih48oc64kh3ph1"):
    call(tiny)()
run = call(sys.argv[1])
try:
    ctypes.CDLL(None).malloc_trim(0)  # what was freed before is not to be had again unseen
except (OSError, AttributeError):
    pass
with open("/proc/self/clear_refs", "w") as mark:
    mark.write("5")
before = status("VmRSS:")
run()
print(status("VmHWM:") - before)
"""


def measure(
    layers: dict[str, Geometry], threads: list[int], report: Callable[[str], None]
) -> dict[str, dict[str, Any]]:
    """By layer, and two large ones: bytes of its arrays, and beyond them by number of threads."""
    large = {name: Geometry.from_descriptor(descriptor) for name, descriptor in LARGE.items()}
    found: dict[str, dict[str, Any]] = {}
    for name, geometry in {**layers, **large}.items():
        report(f"{name}: memory")
        found[name] = {
            "descriptor": geometry.descriptor,
            "array_bytes": count(geometry).bytes("float32"),
            "working_bytes": {str(n): _working_bytes(geometry, n) for n in threads},
        }
    return found


def _working_bytes(geometry: Geometry, threads: int) -> int | None:
    """None where it cannot be measured: without Linux's /proc, or without so much memory."""
    root = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, geometry.descriptor, str(threads)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    return max(0, int(done.stdout)) if done.returncode == 0 else None


def lines(found: dict[str, dict[str, Any]]) -> list[str]:
    """A row for each layer."""
    threads = list(next(iter(found.values()))["working_bytes"])
    titles = "".join(f"{threads_in_words(int(n)):>12}" for n in threads)
    limits = "".join(f"{_mib(int(n) * MOST_OF_A_THREAD):>12}" for n in threads)
    text = [
        "Working memory beyond x, weight and y, MiB",
        f"{'layer':18}{'x, weight, y':>14}{titles}",
        f"{'at most':18}{'':14}{limits}",
    ]
    for name, row in found.items():
        cells = "".join(f"{_mib(row['working_bytes'][n]):>12}" for n in threads)
        text.append(f"{name:18}{_mib(row['array_bytes']):>14}{cells}")
    return text


def summary(found: dict[str, dict[str, Any]]) -> list[str]:
    """The most that any layer took, in a sentence."""
    threads = list(next(iter(found.values()))["working_bytes"])
    parts = []
    for n in threads:
        sizes = [row["working_bytes"][n] for row in found.values()]
        measured = [size for size in sizes if size is not None]
        if measured:
            parts.append(f"{_mib(max(measured))} MiB on {threads_in_words(int(n))}")
    if not parts:
        return []
    return [
        f"Working memory beyond x, weight and y: at most {', '.join(parts)}, for all these "
        f"layers, {' and a '.join(_large_in_words())}."
    ]


def _large_in_words() -> list[str]:
    image, batch = (Geometry.from_descriptor(descriptor) for descriptor in LARGE.values())
    return [f"an image of {image.C}x{image.H}x{image.W}", f"batch of {batch.N}"]


def _mib(size: int | None) -> str:
    return "-" if size is None else f"{size / 2**20:.2f}"
