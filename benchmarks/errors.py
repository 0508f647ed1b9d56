"""How far float32 outputs are from float64's: refconv beside torch, on the same real numbers.

Inputs and weights are of a standard normal distribution. The mark is the definition, compiled, in
float64: its own errors are some billion times smaller.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refconv import Geometry
from refconv.bench.measure import geometric_mean
from refconv.bench.operands import Operands
from refconv.bench.peers import PEERS

HELP = "errors against float64"
PEER = "torch"


def measure(
    layers: dict[str, Geometry], threads: list[int], report: Callable[[str], None]
) -> dict[str, dict[str, dict[str, float]]]:
    """By layer and candidate: the mean and the maximum of the absolute errors."""
    found = {}
    for name, geometry in layers.items():
        report(f"{name}: errors")
        operands = Operands.normal(geometry)
        expected = operands.exact("float64")
        outputs = {"refconv": operands.convolve()}
        if not PEERS[PEER].missing:
            call, to_numpy = PEERS[PEER].prepare(operands, max(threads))
            outputs[PEER] = to_numpy(call())
        found[name] = {who: _errors(y, expected) for who, y in outputs.items()}
    return found


def _errors(y: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> dict[str, float]:
    errors = np.abs(y - expected)
    return {"mean": float(errors.mean()), "max": float(errors.max())}


def lines(found: dict[str, dict[str, dict[str, float]]]) -> list[str]:
    """A row for each layer."""
    titles = ("mean", PEER, "ratio", "max", PEER, "ratio")
    text = [
        "Absolute errors against float64, standard normal data: refconv's, then torch's",
        f"{'layer':15}" + "".join(f"{title:>10}" for title in titles),
    ]
    for name, errors in found.items():
        cells = []
        for kind in ("mean", "max"):
            ours, theirs = errors["refconv"][kind], errors.get(PEER, {}).get(kind)
            cells += [f"{ours:.2e}"] + (
                ["-", "-"] if theirs is None else [f"{theirs:.2e}", f"{ours / theirs:.2f}"]
            )
        text.append(f"{name:15}" + "".join(f"{cell:>10}" for cell in cells))
    return text


def summary(found: dict[str, dict[str, dict[str, float]]]) -> list[str]:
    """How refconv's errors are beside the peer's, in a sentence."""
    ratios = {
        kind: [e["refconv"][kind] / e[PEER][kind] for e in found.values() if PEER in e]
        for kind in ("mean", "max")
    }
    if not ratios["mean"]:
        return []
    parts = [
        f"the {title} error is {geometric_mean(ratios[kind]):.2f} times {PEER}'s "
        f"(by layer, {min(ratios[kind]):.2f} to {max(ratios[kind]):.2f})"
        for kind, title in (("mean", "mean"), ("max", "largest"))
    ]
    return [f"Against float64, on standard normal data: {', '.join(parts)}."]
