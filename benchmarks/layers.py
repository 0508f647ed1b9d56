"""The 17 layers of the speed table: refconv's methods and the installed peers, in one run.

    python benchmarks/layers.py                      all layers, all peers that are installed
    python benchmarks/layers.py --layers dw --peers  layers whose name holds "dw", no peers
    python benchmarks/layers.py --json speed.json    the figures as JSON too

Every answer is checked, to the bit, before anything is timed. The candidates of a layer then take
turns; figures are medians. Only the ratios mean something beyond this machine and this minute.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from peers import PEERS

from refconv import Geometry, conv2d, count, get_threads, set_threads
from refconv.timing import medians

LAYERS = {
    "std3x3_56": "ic64ih56oc64kh3ph1",
    "std3x3_28": "ic128ih28oc128kh3ph1",
    "std3x3_14": "ic256ih14oc256kh3ph1",
    "std7x7s2": "ic3ih224oc64kh7sh2ph3",
    "std3x3s2": "ic3ih224oc32kh3sh2ph1",
    "alex_conv2_g2": "g2ic96ih27oc256kh5ph2",
    "resnext_g32_56": "g32ic128ih56oc128kh3ph1",
    "resnext_g32_14": "g32ic512ih14oc512kh3ph1",
    "grp8_28": "g8ic128ih28oc128kh3ph1",
    "dw3x3_112": "g32ic32ih112oc32kh3ph1",
    "dw3x3_56": "g128ic128ih56oc128kh3ph1",
    "dw3x3_14": "g512ic512ih14oc512kh3ph1",
    "dw3x3s2_112": "g64ic64ih112oc64kh3sh2ph1",
    "dw5x5_28": "g240ic240ih28oc240kh5ph2",
    "pw_56": "ic128ih56oc128kh1",
    "pw_14": "ic512ih14oc512kh1",
    "pw_112": "ic32ih112oc64kh1",
}


def main() -> int:
    """Check and time the chosen layers; 1 where an answer is wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--layers", nargs="*", default=[""], help="parts of layer names")
    parser.add_argument("--peers", nargs="*", help=f"of {', '.join(PEERS)}; none: no peers")
    parser.add_argument("--threads", type=int, help="threads for refconv and each peer")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each candidate")
    parser.add_argument("--json", type=Path, help="a file to write the figures to")
    options = parser.parse_args()
    if options.threads:
        set_threads(options.threads)
    peers = available_peers(options.peers)
    chosen = [name for name in LAYERS if any(part in name for part in options.layers)]

    candidates = ["im2col", *peers]
    print(f"{machine()}, {get_threads()} threads, float32, batch 1; medians of one run")
    print("jit's milliseconds and GFLOP/s; then how many times faster jit is than each other\n")
    print(f"{'layer':15}{'ms':>8}{'GFLOP/s':>9}" + "".join(f"{name:>13}" for name in candidates))
    results: dict[str, dict[str, float]] = {}
    wrong = False
    for name in chosen:
        geometry = Geometry.from_descriptor(LAYERS[name])
        calls, mistakes = checked_calls(geometry, peers)
        if mistakes:
            print(f"{name:15}wrong answer from {', '.join(mistakes)}")
            wrong = True
            continue
        seconds = medians(calls, rounds=options.rounds)
        results[name] = seconds
        ratios = [seconds[other] / seconds["jit"] for other in candidates]
        speed = count(geometry).flops / seconds["jit"] / 1e9
        cells = "".join(f"{ratio:12.2f}x" for ratio in ratios)
        print(f"{name:15}{1e3 * seconds['jit']:8.3f}{speed:9.1f}{cells}", flush=True)
    if results:
        print_means(results, candidates)
    if options.json:
        document = {"machine": machine(), "threads": get_threads(), "seconds": results}
        options.json.write_text(json.dumps(document, indent=2) + "\n")
    return 1 if wrong else 0


def available_peers(wanted: list[str] | None) -> list[str]:
    """The peers that are wanted and installed; what is missing is said."""
    found = []
    for name in PEERS if wanted is None else wanted:
        if name not in PEERS:
            sys.exit(f"unknown peer {name!r}: it must be one of {', '.join(PEERS)}")
        package = PEERS[name].package
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            print(f"{name}: left out, {package} is not installed")
            continue
        print(f"{name}: {package} {version}")
        found.append(name)
    return found


def checked_calls(
    geometry: Geometry, peers: list[str]
) -> tuple[dict[str, Callable[[], Any]], list[str]]:
    """A call for each candidate, and who gives a wrong answer.

    The data are small integers, so that every sum is exact in float32, and equal to the bit.
    """
    generator = np.random.default_rng(0)
    x, weight = (
        generator.integers(-4, 4, shape, endpoint=True).astype(np.float32)
        for shape in (geometry.x_shape, geometry.weight_shape)
    )
    g = geometry
    options = {
        "stride": g.stride, "padding": g.padding, "dilation": g.dilation, "groups": g.G,
    }  # fmt: skip
    calls: dict[str, Callable[[], Any]] = {
        "jit": lambda: conv2d(x, weight, method="jit", **options),
        "im2col": lambda: conv2d(x, weight, method="im2col", **options),
    }
    answers = {name: call() for name, call in calls.items()}
    for name in peers:
        calls[name], to_numpy = PEERS[name].prepare(x, weight, geometry, get_threads())
        answers[name] = to_numpy(calls[name]())
    expected = exact(x, weight, geometry)
    return calls, [name for name, y in answers.items() if not np.array_equal(y, expected)]


def exact(x: np.ndarray, weight: np.ndarray, geometry: Geometry) -> np.ndarray:
    """The outputs in int64, by the definition compiled: it shares no code with what is timed."""
    g = geometry
    return conv2d(
        x.astype(np.int64),
        weight.astype(np.int64),
        stride=g.stride,
        padding=g.padding,
        dilation=g.dilation,
        groups=g.G,
        method="jit-loops",
    )


def print_means(results: dict[str, dict[str, float]], candidates: list[str]) -> None:
    """The geometric mean and the least of the ratios, by candidate."""
    ratios = {
        name: [seconds[name] / seconds["jit"] for seconds in results.values()]
        for name in candidates
    }
    for title, value in (("geometric mean", geometric_mean), ("least", min)):
        cells = "".join(f"{value(ratios[name]):12.2f}x" for name in candidates)
        print(f"{title:32}{cells}")


def geometric_mean(numbers: list[float]) -> float:
    """The root of the product of all: the mean for ratios."""
    return prod(numbers) ** (1 / len(numbers))


def machine() -> str:
    """The CPU's name as the system gives it, and how many there are."""
    name = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        lines = information.read_text().splitlines()
        name = next((s.split(":")[1].strip() for s in lines if s.startswith("model name")), name)
    return f"{name}, {os.cpu_count()} CPUs"


if __name__ == "__main__":
    sys.exit(main())
