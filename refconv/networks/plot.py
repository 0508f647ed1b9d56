"""Pictures of a network: operations and time layer by layer, before and after a swap; a roofline.

Needs matplotlib. Times are measured when it is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from refconv import figures
from refconv.bench.limits import limit_of
from refconv.bench.operands import Operands
from refconv.geometry import Geometry
from refconv.networks.network import KINDS, Layer, Network
from refconv.networks.swap import Swapped
from refconv.networks.timed import seconds_of
from refconv.threads import get_threads

DTYPE = "float32"
BEFORE, AFTER = "#9aa5b1", "#1f6feb"
COLORS = dict(
    zip(KINDS, ("#1f6feb", "#d29922", "#cf222e", "#2da44e", "#8250df", "#57606a"), strict=True)
)

PEAK_LAYER = Geometry.of((1, 128, 28, 28), (128, 128, 3, 3), padding=1)
COPY_LAYER = Geometry.of((1, 128, 56, 56), (128, 1, 3, 3), padding=1, groups=128)
"""Layers whose limits are the peak and a copy: the roof."""


def save(path: Path, network: Network, swapped: Sequence[Swapped] | None = None) -> None:
    """Draw and save, as the path's ending says: .svg or .png.

    Errors: `ValueError` for another ending.
    """
    figures.check_ending(path, "plot")
    shown = list(swapped) if swapped is not None else [Swapped(layer) for layer in network.layers]
    layers = [layer for one in shown for layer in (one.layer, *one.after)]
    seconds = seconds_of(layers)
    with figures.style():
        figure = Figure(figsize=(9, 11), layout="constrained")
        macs, times, roof = figure.subplots(3, 1, height_ratios=(1, 1, 1.2))
        names = [one.layer.name for one in shown]
        before = [one.layer.counts.macs / 1e6 for one in shown]
        after = [sum(layer.counts.macs for layer in one.after) / 1e6 for one in shown]
        _bars(macs, names, before, after if swapped is not None else None)
        macs.set_title(f"{network.name}: million MACs, layer by layer", loc="left")
        before = [1e3 * seconds[one.layer.geometry] for one in shown]
        after = [1e3 * sum(seconds[layer.geometry] for layer in one.after) for one in shown]
        _bars(times, names, before, after if swapped is not None else None)
        times.set_title(f"milliseconds, {get_threads()} threads", loc="left")
        _roofline(roof, layers, seconds)
        figures.write(figure, path)


def _bars(axes: Any, names: list[str], before: list[float], after: list[float] | None) -> None:
    places = np.arange(len(names))
    if after is None:
        axes.bar(places, before, 0.8, color=AFTER)
    else:
        axes.bar(places - 0.2, before, 0.4, color=BEFORE, label="before")
        axes.bar(places + 0.2, after, 0.4, color=AFTER, label="after the swap")
        axes.legend(frameon=False)
    every = max(1, len(names) // 40)
    axes.set_xticks(places[::every], names[::every], rotation=90, fontsize=6)
    axes.margins(x=0.01)


def _roofline(axes: Any, layers: list[Layer], seconds: dict[Geometry, float]) -> None:
    """Each layer's FLOP per byte and GFLOP/s, under what the machine can do."""
    peak, copy = _peak_and_copy()
    drawn = {layer.geometry: layer for layer in layers if layer.form != "matrix"}
    for kind in KINDS:
        points = [
            (layer.counts.intensity(DTYPE), layer.counts.flops / seconds[g] / 1e9)
            for g, layer in drawn.items()
            if layer.kind == kind
        ]
        if points:
            axes.scatter(*zip(*points, strict=True), s=18, color=COLORS[kind], label=kind)
    ends = np.geomspace(0.5, 500, 100)
    axes.plot(ends, np.minimum(peak, ends * copy), color="#57606a", linewidth=1)
    axes.set(xscale="log", yscale="log", xlabel="FLOP per byte", ylabel="GFLOP/s")
    axes.set_title(
        f"roofline: copy {copy:.0f} GB/s, peak {peak:.0f} GFLOP/s, measured here", loc="left"
    )
    axes.legend(frameon=False, ncols=3)


def _peak_and_copy() -> tuple[float, float]:
    """GFLOP/s of the register tile on resident data, and GB/s of a copy."""
    from refconv.bench.measure import LIMIT, Speeds
    from refconv.timing import medians

    rates = []
    for geometry in (PEAK_LAYER, COPY_LAYER):
        limit = limit_of(Operands.integers(geometry), get_threads())
        took = medians({LIMIT: limit.call}, rounds=3)[LIMIT] * limit.share
        rates.append(Speeds(geometry, {LIMIT: took}, limit.kind).limit_rate)
    return rates[0], rates[1]
