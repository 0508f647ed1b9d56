"""What a swap would save: each layer beside its replacement, and all of them together."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from refconv.cli.count.data import DTYPE, figures, sums
from refconv.cli.count.layers import output
from refconv.cli.errors import InputError
from refconv.geometry import Geometry
from refconv.networks import Layer, Network
from refconv.networks.network import sum_of
from refconv.networks.swap import Swapped, swap
from refconv.networks.timed import is_timed
from refconv.text import columns, some, wrapped

Seconds = Mapping[Geometry, float] | None
"""By geometry, where they were measured."""

SAVED = ("macs", "parameters", "bytes")


def swapped(network: Network, options: argparse.Namespace) -> list[Swapped] | None:
    """Each layer of the network with its replacement; None where no swap is asked for.

    Errors: `InputError` for another way to swap, or a layer to keep that is not there.
    """
    if options.swap is None:
        return None
    keep = None if options.keep is None else list(filter(None, options.keep.split(",")))
    try:
        return swap(network, options.swap, keep)
    except ValueError as error:
        raise InputError(str(error)) from error


def lines(found: Sequence[Swapped], seconds: Seconds) -> list[str]:
    """Layers that are replaced, what all of them come to, and why the others stay."""
    changed = [one for one in found if one.by]
    text = _layer_lines(changed, seconds) if changed else ["nothing to swap"]
    text += ["", *_total_lines(found, seconds)]
    if dear := [one.layer.name for one in changed if one.costs_more]:
        text += ["", *wrapped(f"costs more MACs than what it replaces: {some(dear)}")]
    stay = defaultdict[str, list[str]](list)
    for one in found:
        if not one.by:
            stay[one.reason].append(one.layer.name)
    for reason, names in stay.items():
        text += ["", *wrapped(f"as they are ({reason}): {', '.join(names)}")]
    untimed = [one.layer.name for one in found if not is_timed(one.layer)]
    if seconds is not None and untimed:
        text += ["", *wrapped(
            "not measured (transposed, or a product without a weight of its own): "
            + ", ".join(untimed)
        )]  # fmt: skip
    return text


def document(found: Sequence[Swapped], seconds: Seconds) -> dict[str, Any]:
    """The same as data; bytes are those of input, parameters and output of each layer."""
    before = [one.layer for one in found]
    after = [layer for one in found for layer in one.after]
    return {
        "layers": [
            {
                "layer": one.layer.name,
                "reason": one.reason,
                "by": [figures(layer) for layer in one.by],
                "promised": None if one.promised is None else float(one.promised),
                **_change([one.layer], one.after, seconds),
            }
            for one in found
        ],
        **_change(before, after, seconds),
    }


def _change(before: Sequence[Layer], after: Sequence[Layer], seconds: Seconds) -> dict[str, Any]:
    old, new = sums(before), sums(after)
    change: dict[str, Any] = {
        "before": old, "after": new, "saved": {name: old[name] - new[name] for name in SAVED}
    }  # fmt: skip
    if seconds is not None:
        change["seconds"] = [seconds_of(before, seconds), seconds_of(after, seconds)]
    return change


def seconds_of(layers: Iterable[Layer], seconds: Mapping[Geometry, float]) -> float:
    """Of those layers that are measured."""
    return sum(seconds[layer.geometry] for layer in layers if is_timed(layer))


def _layer_lines(changed: Sequence[Swapped], seconds: Seconds) -> list[str]:
    header = ["layer", "output", "kernel", "MACs", "parameters", "bytes", "promised"]
    rows = [header + ["achieved"] * (seconds is not None)]
    for one in changed:
        before, after = one.counts
        blank = [""] * (len(rows[0]) - 6)
        rows.append([one.layer.name, *_figures(one.layer), *blank])
        for layer in one.by:
            suffix = layer.name.removeprefix(one.layer.name)
            rows.append([f"  {suffix}", *_figures(layer), *blank])
        ratios = ["-" if one.promised is None else f"{float(one.promised):.3f}"]
        if seconds is not None:
            took = seconds_of([one.layer], seconds)
            ratios.append(f"{seconds_of(one.by, seconds) / took:.3f}")
        rows.append([
            "  saved", "", "", f"{before.macs - after.macs:,}",
            f"{before.parameters - after.parameters:,}",
            f"{before.bytes(DTYPE) - after.bytes(DTYPE):,}", *ratios,
        ])  # fmt: skip
    return columns(rows, left=3, gap=1)


def _figures(layer: Layer) -> list[str]:
    g, c = layer.geometry, layer.counts
    kernel = f"{g.KH}x{g.KW}" + (f" g{g.G}" if g.G > 1 else "")
    return [output(layer), kernel, f"{c.macs:,}", f"{c.parameters:,}", f"{c.bytes(DTYPE):,}"]


def _total_lines(found: Sequence[Swapped], seconds: Seconds) -> list[str]:
    layers = [one.layer for one in found]
    replaced = [layer for one in found for layer in one.after]
    before, after = sum_of(layers), sum_of(replaced)
    rows = [["in all", "before", "after", "saved", "ratio"]]
    for name, a, b in (
        ("MACs", before.macs, after.macs),
        ("parameters", before.parameters, after.parameters),
        ("bytes", before.bytes(DTYPE), after.bytes(DTYPE)),
    ):
        rows.append([name, f"{a:,}", f"{b:,}", f"{a - b:,}", f"{b / a:.3f}" if a else "-"])
    if seconds is not None:
        then, now = (1e3 * seconds_of(which, seconds) for which in (layers, replaced))
        ratio = f"{now / then:.3f}" if then else "-"
        rows.append(["milliseconds", f"{then:.3f}", f"{now:.3f}", f"{then - now:.3f}", ratio])
    return columns(rows, left=1)
