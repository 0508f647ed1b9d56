"""Pictures of a network: operations and time layer by layer, before and after a swap; a roofline.

Needs matplotlib. The roof is measured when the picture is made.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
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
from refconv.networks.timed import is_timed, seconds_of
from refconv.text import printable
from refconv.threads import get_threads

DTYPE = "float32"
BEFORE = "#c3cad3"
COLORS = dict(
    zip(KINDS, ("#0072B2", "#E69F00", "#D55E00", "#009E73", "#CC79A7", "#595959"), strict=True)
)

PEAK_LAYER = Geometry.of((1, 128, 28, 28), (128, 128, 3, 3), padding=1)
COPY_LAYER = Geometry.of((1, 128, 56, 56), (128, 1, 3, 3), padding=1, groups=128)
"""Layers whose limits are the peak and a copy: the roof."""

ROOF_TURNS = 9
"""The best of so many is the roof: other work on the machine makes a turn slower, never faster."""

MOST_LETTERS, MOST_NAMES = 100, 60
"""Names that need no more letters fit below the bars; of turned ones, so many."""


def save(
    path: Path,
    network: Network,
    swapped: Sequence[Swapped] | None = None,
    seconds: Mapping[Geometry, float] | None = None,
) -> None:
    """Draw and save, as the path's ending says: .svg or .png.

    seconds: of every layer that is timed, as `seconds_of` gives them; left out, they are measured.

    >>> import tempfile
    >>> from refconv.networks.network import matrix
    >>> net = Network("one", (matrix("fc", rows=1, inputs=5, outputs=7),))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(Path(folder, "fc.svg"), net)
    ...     Path(folder, "fc.svg").stat().st_size > 1000
    True

    Errors: `ValueError` for another ending, and for a network without operations.
    """
    figures.check_ending(path, "plot")
    if not network.macs:
        raise ValueError(f"{network.name!r} has no operations to draw")
    shown = list(swapped) if swapped is not None else [Swapped(layer) for layer in network.layers]
    layers = [layer for one in shown for layer in (one.layer, *one.after)]
    seconds = seconds_of(layers) if seconds is None else seconds
    milliseconds = {layer: 1e3 * seconds[layer.geometry] for layer in layers if is_timed(layer)}
    with figures.style(), warnings.catch_warnings():
        # A letter that the font has not is drawn as a box, which is no reason to say more.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure = Figure(figsize=(10, 12.5), layout="constrained")
        macs, times, roof = figure.subplots(3, 1, height_ratios=(1, 1, 1.2))
        _bars(macs, shown, {layer: layer.counts.macs / 1e6 for layer in layers})
        macs.set_title(f"{_label(network.name)}: million MACs, layer by layer", loc="left")
        _legend(macs, _kinds_after(shown), has_before=swapped is not None)
        _bars(times, shown, milliseconds)
        times.set_title(f"milliseconds, {_number_of_threads()}{_left_out(layers)}", loc="left")
        _roofline(roof, layers, seconds)
        figures.write(figure, path)


def _bars(axes: Any, shown: Sequence[Swapped], heights: Mapping[Layer, float]) -> None:
    """A bar for each layer: what it is, or what it was beside what takes its place, stacked."""
    is_swap = any(one.by for one in shown)
    shift, width = (0.2, 0.4) if is_swap else (0, 0.8)
    for place, one in enumerate(shown):
        if is_swap:
            axes.bar(place - shift, heights.get(one.layer, 0), width, color=BEFORE)
        bottom = 0.0
        for layer in one.after:
            height = heights.get(layer, 0)
            axes.bar(place + shift, height, width, bottom=bottom, color=COLORS[layer.kind])
            bottom += height
    every = -(-len(shown) // MOST_NAMES)
    names = [_label(one.layer.name) for one in shown]
    fits = len(names) * max(map(len, names)) <= MOST_LETTERS
    turned = {} if fits else {"rotation": 90, "fontsize": 8}
    axes.set_xticks(range(0, len(shown), every), names[::every], **turned)
    axes.margins(x=0.01)


def _legend(axes: Any, kinds: Sequence[str], *, has_before: bool) -> None:
    """Above the bars, where none of them is."""
    from matplotlib.patches import Patch

    patches = [Patch(color=BEFORE, label="before the swap")] * has_before
    patches += [Patch(color=COLORS[kind], label=kind) for kind in kinds]
    axes.legend(
        handles=patches, frameon=False, fontsize=9, ncols=len(patches), loc="lower right",
        bbox_to_anchor=(1, 1.08), borderaxespad=0,
    )  # fmt: skip


def _kinds_after(shown: Sequence[Swapped]) -> list[str]:
    found = {layer.kind for one in shown for layer in one.after}
    return [kind for kind in KINDS if kind in found]


def _roofline(axes: Any, layers: Sequence[Layer], seconds: Mapping[Geometry, float]) -> None:
    """Each layer's FLOP per byte and GFLOP/s, under what the machine can do."""
    from matplotlib.ticker import LogLocator, NullFormatter

    peak, copy = _peak_and_copy()
    points = {
        layer.geometry: (
            layer.kind,
            layer.counts.intensity(DTYPE),
            layer.counts.flops / seconds[layer.geometry] / 1e9,
        )
        for layer in layers
        if is_timed(layer) and layer.counts.flops
    }
    for kind in KINDS:
        found = [(x, y) for its_kind, x, y in points.values() if its_kind == kind]
        if found:
            axes.scatter(*zip(*found, strict=True), s=26, color=COLORS[kind], label=kind)
    above = sum(y > min(peak, x * copy) for _, x, y in points.values())
    reach = [x for _, x, _ in points.values()]
    ends = np.geomspace(min(0.4, *reach) * 0.9, max(500, *reach) * 1.1, 200)
    axes.plot(ends, np.minimum(peak, ends * copy), color="#57606a", linewidth=1.2)
    axes.set(xscale="log", yscale="log", xlabel="FLOP per byte", ylabel="GFLOP/s")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
    roof = f"copy {copy:.0f} GB/s, peak {peak:.0f} GFLOP/s, the best of {ROOF_TURNS} turns"
    axes.set_title(f"roofline: {roof}", loc="left")
    if above:
        why = "their arrays stay in a nearer cache than the copy's,\nor other work slowed the roof"
        axes.text(
            0.01, 0.98, f"{above} of {len(points)} above the roof: {why}",
            transform=axes.transAxes, va="top", fontsize=9,
        )  # fmt: skip
    axes.legend(frameon=False, fontsize=9, loc="lower right")


def _peak_and_copy() -> tuple[float, float]:
    """GFLOP/s of the register tile on resident data, and GB/s of a copy: the best of some turns."""
    from refconv.bench.measure import LIMIT, Speeds
    from refconv.timing import medians

    rates = []
    for geometry in (PEAK_LAYER, COPY_LAYER):
        limit = limit_of(Operands.integers(geometry), get_threads())
        call = {LIMIT: limit.call}
        turns = (medians(call, rounds=1, warm_up=0.03, turn=0.05) for _ in range(ROOF_TURNS))
        took = min(turn[LIMIT] for turn in turns) * limit.share
        rates.append(Speeds(geometry, {LIMIT: took}, limit.kind).limit_rate)
    return rates[0], rates[1]


def _left_out(layers: Sequence[Layer]) -> str:
    number = len({layer.name for layer in layers if not is_timed(layer)})
    return f"; {number} layer{'s' * (number > 1)} not measured" if number else ""


def _number_of_threads() -> str:
    threads = get_threads()
    return f"{threads} thread{'s' * (threads > 1)}"


def _label(name: str) -> str:
    """A name as it is: `$` would begin a formula."""
    return printable(name).replace("$", r"\$")
