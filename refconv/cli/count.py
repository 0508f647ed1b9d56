"""`refconv count`: what networks cost, what a swap would save, what other counters print."""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
import textwrap
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from refconv.cli.errors import InputError
from refconv.counts import Counts
from refconv.geometry import Geometry
from refconv.networks import KINDS, NETWORKS, Layer, Network
from refconv.networks.swap import FIRST, Swapped, sum_of, swap

DESCRIPTION = f"""\
Count what networks cost. NET is a network by name ({", ".join(NETWORKS)}), an ONNX file, a
descriptor, or a text file of descriptors. MACs are multiply-accumulates, with those of padding
cells; effective MACs without them; FLOPs are 2 * MACs; bytes are those of float32."""

DTYPE = "float32"


def add_to(commands: Any) -> None:
    """Add this subcommand to the parser."""
    parser = commands.add_parser(
        "count", help="what networks cost, and what a swap would save", description=DESCRIPTION
    )
    parser.add_argument("networks", nargs="*", metavar="NET")
    parser.add_argument("--width", type=float, help="of MobileNetV1: times so many channels")
    parser.add_argument("--resolution", type=int, help="pixels a side")
    parser.add_argument("--scale", type=float, help="of ShuffleNetV1: times so many channels")
    parser.add_argument("--batch", type=int, default=1, metavar="N", help="images at once")
    parser.add_argument(
        "--size",
        action="append",
        type=named_size,
        default=[],
        metavar="NAME=N",
        help="of an open axis of an ONNX file",
    )
    parser.add_argument("--swap", metavar="HOW", help="separable, depthwise or group:G")
    parser.add_argument(
        "--keep", metavar="NAME,...", help="layers not to swap; 'first' if left out"
    )
    parser.add_argument("--time", action="store_true", help="measure before and after a swap")
    parser.add_argument("--tool", metavar="NAME", help="what another counter would print")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="a picture, as SVG or PNG")
    parser.add_argument("--published", action="store_true", help="papers' figures beside ours")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--csv", action="store_true", help="print a line of figures a layer")
    parser.set_defaults(run=run)


def named_size(text: str) -> tuple[str, int]:
    """A name and a positive number, from NAME=N."""
    name, equals, number = text.rpartition("=")
    if not (name and equals and number.isdecimal() and int(number) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=N with a positive number")
    return name, int(number)


def run(options: argparse.Namespace) -> int:
    """Count, print; 1 where a published figure is said to agree and does not."""
    if options.published:
        return _show_published(options)
    if not options.networks:
        raise InputError("needs a NET: a name, a file or a descriptor")
    if options.plot is not None and options.plot.suffix not in (".svg", ".png"):
        raise InputError(f"the plot is {options.plot.name}, but must end with .svg or .png")
    if options.batch < 1:
        raise InputError(f"--batch is {options.batch}, but must be at least 1")
    found = [_batched(*_network(text, options), options.batch) for text in options.networks]
    if options.json:
        print(json.dumps([document(*one, options) for one in found], indent=2))
    elif options.csv:
        sys.stdout.write(table_of(found))
    else:
        for number, (network, not_counted) in enumerate(found):
            print("\n" * bool(number) + "\n".join(lines(network, not_counted, options)))
    if options.plot is not None:
        _plot(found[0][0], options)
    return 0


# --- finding networks ----------------------------------------------------------------------------


def _network(text: str, options: argparse.Namespace) -> tuple[Network, list[str]]:
    """The network that is meant, and what of it is not counted."""
    try:
        if text in NETWORKS:
            return _named(text, options), []
        path = Path(text)
        if path.suffix == ".onnx":
            return _from_onnx(path, options)
        if path.exists():
            from refconv.networks.files import read

            return read(path), []
        geometry = Geometry.from_descriptor(text)
        return Network(text, (Layer("layer", geometry),)), []
    except ValueError as error:
        if "descriptor" in str(error) and "/" not in text and "ic" not in text:
            names = ", ".join(NETWORKS)
            raise InputError(f"{text!r} is no file, no descriptor, and none of {names}") from error
        raise InputError(str(error)) from error


def _named(name: str, options: argparse.Namespace) -> Network:
    given = {key: getattr(options, key) for key in ("width", "resolution", "scale")}
    arguments = {key: value for key, value in given.items() if value is not None}
    try:
        return NETWORKS[name](**arguments)
    except TypeError as error:
        words = ", ".join(f"--{key}" for key in arguments)
        raise InputError(f"{name} does not take all of {words}") from error


def _from_onnx(path: Path, options: argparse.Namespace) -> tuple[Network, list[str]]:
    try:
        from refconv.networks.onnx_model import read
    except ModuleNotFoundError as error:
        if error.name != "onnx":
            raise
        raise InputError("an ONNX file needs onnx: pip install 'refconv[onnx]'") from error
    found = read(path, batch=options.batch, sizes=dict(options.size))
    return found.network, [str(item) for item in found.not_counted]


def _batched(network: Network, not_counted: list[str], batch: int) -> tuple[Network, list[str]]:
    """The same for so many images, unless a file has said how many."""
    if batch == 1 or any(layer.geometry.N != 1 for layer in network.layers):
        return network, not_counted
    layers = (replace(layer, geometry=replace(layer.geometry, N=batch)) for layer in network.layers)
    return Network(network.name, tuple(layers)), not_counted


# --- showing them --------------------------------------------------------------------------------


def lines(network: Network, not_counted: Sequence[str], options: argparse.Namespace) -> list[str]:
    """The text, 80 columns wide where names are not longer."""
    text = [f"{network.name}: {len(network.layers)} layers, batch {options.batch}, {DTYPE}", ""]
    if options.swap is not None:
        text += _swap_lines(network, options)
    elif options.tool is not None:
        text += _tool_lines(network, options.tool)
    else:
        text += _layer_lines(network)
    text += ["", *_kind_lines(network)] if options.swap is None and options.tool is None else []
    if not_counted:
        text += ["", "not counted:", *(f"  {line}" for line in not_counted)]
    return text


def _layer_lines(network: Network) -> list[str]:
    total = max(1, network.macs)
    rows = [("layer", "kind", "output", "MACs", "share", "parameters", "FLOP/B")]
    for layer in network.layers:
        counts = layer.counts
        rows.append((
            layer.name, layer.kind, _output(layer), f"{counts.macs:,}",
            f"{counts.macs / total:.1%}", f"{counts.parameters:,}",
            f"{counts.intensity(DTYPE):.1f}",
        ))  # fmt: skip
    return columns(rows, left=3, gap=1)


def _output(layer: Layer) -> str:
    g = layer.geometry
    height, width = (g.H, g.W) if layer.form == "transposed" else (g.OH, g.OW)
    return f"{layer.channels_out}x{height}x{width}"


def _kind_lines(network: Network) -> list[str]:
    total = max(1, network.macs)
    rows = [("kind", "layers", "MACs", "share", "effective MACs", "parameters", "share")]
    parameters = max(1, sum(layer.counts.parameters for layer in network.layers))
    for kind in (*KINDS, "all"):
        layers = [layer for layer in network.layers if kind in (layer.kind, "all")]
        if layers:
            c = sum_of(layers)
            rows.append((
                kind, str(len(layers)), f"{c.macs:,}", f"{c.macs / total:.1%}",
                f"{c.effective_macs:,}", f"{c.parameters:,}", f"{c.parameters / parameters:.1%}",
            ))  # fmt: skip
    c = sum_of(network.layers)
    activations = 4 * (c.input_size + c.output_size)
    return [
        *columns(rows, left=1, gap=1),
        "",
        f"FLOPs                {c.flops:>18,}   2 * MACs",
        f"batch norm           {network.trainable - c.parameters:>18,}   scales and shifts",
        f"activation bytes     {activations:>18,}   in and out, layer by layer",
        f"im2col bytes         {4 * c.im2col_size:>18,}   if every matrix were made",
        f"FLOP per byte        {c.intensity(DTYPE):>18.1f}",
    ]


def columns(rows: Sequence[Sequence[str]], left: int, gap: int = 2) -> list[str]:
    """Rows as lines; the first `left` columns are flush left, the others flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        (" " * gap)
        .join(
            cell.ljust(w) if n < left else cell.rjust(w)
            for n, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        .rstrip()
        for row in rows
    ]


# --- swaps ---------------------------------------------------------------------------------------


def _swapped(network: Network, options: argparse.Namespace) -> list[Swapped]:
    keep = (FIRST,) if options.keep is None else tuple(filter(None, options.keep.split(",")))
    try:
        return swap(network, options.swap, keep)
    except ValueError as error:
        raise InputError(str(error)) from error


def _swap_lines(network: Network, options: argparse.Namespace) -> list[str]:
    swapped = _swapped(network, options)
    seconds = _seconds(swapped) if options.time else {}
    header = ["layer", "MACs", "after", "promised"] + ["achieved"] * options.time
    rows, stay = [header], defaultdict[str, list[str]](list)
    for one in swapped:
        before, after = one.counts
        if not one.by:
            stay[one.reason].append(one.layer.name)
            continue
        row = [one.layer.name, f"{before.macs:,}", f"{after.macs:,}", f"{float(one.promised):.3f}"]
        if options.time:
            row.append(f"{_time(one.by, seconds) / _time((one.layer,), seconds):.3f}")
        rows.append(row)
    text = columns(rows, left=1) if len(rows) > 1 else ["nothing to swap"]
    text += ["", *_total_lines(swapped, seconds)]
    for reason, names in stay.items():
        text += ["", *textwrap.wrap(f"as they are ({reason}): {', '.join(names)}", 80)]
    return text


def _total_lines(swapped: list[Swapped], seconds: dict[Geometry, float]) -> list[str]:
    before = sum_of([one.layer for one in swapped])
    after = sum_of([layer for one in swapped for layer in one.after])
    rows = [["in all", "before", "after", "ratio"]]
    for name, a, b in (
        ("MACs", before.macs, after.macs),
        ("parameters", before.parameters, after.parameters),
        ("bytes", before.bytes(DTYPE), after.bytes(DTYPE)),
    ):
        rows.append([name, f"{a:,}", f"{b:,}", f"{b / max(1, a):.3f}"])
    if seconds:
        times = [_time([one.layer], seconds) for one in swapped]
        later = [_time(one.after, seconds) for one in swapped]
        ratio = sum(later) / sum(times)
        rows.append([
            "milliseconds", f"{1e3 * sum(times):.3f}", f"{1e3 * sum(later):.3f}", f"{ratio:.3f}"
        ])  # fmt: skip
    return columns(rows, left=1)


def _seconds(swapped: list[Swapped]) -> dict[Geometry, float]:
    from refconv.networks.timed import seconds_of

    return seconds_of([layer for one in swapped for layer in (one.layer, *one.after)])


def _time(layers: Sequence[Layer], seconds: dict[Geometry, float]) -> float:
    return sum(seconds[layer.geometry] for layer in layers)


# --- other counters ------------------------------------------------------------------------------


def _tool_lines(network: Network, name: str) -> list[str]:
    from refconv.networks.tools import TOOLS

    if name not in TOOLS:
        raise InputError(f"tool is {name!r}, but must be one of {', '.join(TOOLS)}")
    tool = TOOLS[name]
    rows = [("layer", f"ours ({tool.unit})", f"{name} ({tool.prints})")]
    reasons: dict[str, list[str]] = {}
    for layer in network.layers:
        figure = tool.figure(layer)
        rows.append((
            layer.name, f"{tool.ours(layer):,}", "-" if figure is None else f"{figure:,}"
        ))  # fmt: skip
        if why := tool.differs(layer):
            reasons.setdefault(why, []).append(layer.name)
    text = columns(rows, left=1)
    for why, names in reasons.items():
        some = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        text += ["", *textwrap.wrap(f"{some}: {why}", 80)]
    checked = "compared with it while running" if tool.checked else "from its documentation"
    return [*text, "", *textwrap.wrap(f"{name} {tool.version}, {checked}. {tool.note}".strip(), 80)]


# --- as data -------------------------------------------------------------------------------------


def figures(layer: Layer) -> dict[str, Any]:
    """A layer's figures; units stand in the names."""
    c: Counts = layer.counts
    return {
        "name": layer.name, "kind": layer.kind, "descriptor": layer.geometry.descriptor,
        "bias": layer.bias, "batch_norm": layer.batch_norm, "macs": c.macs,
        "effective_macs": c.effective_macs, "flops": c.flops, "parameters": c.parameters,
        "trainable": layer.trainable, "input_elements": c.input_size,
        "output_elements": c.output_size, "im2col_elements": c.im2col_size,
        "flop_per_byte": c.intensity(DTYPE),
    }  # fmt: skip


def document(
    network: Network, not_counted: Sequence[str], options: argparse.Namespace
) -> dict[str, Any]:
    """A network's figures as a JSON document."""
    found: dict[str, Any] = {
        "network": network.name, "batch": options.batch, "dtype": DTYPE, "macs": network.macs,
        "trainable": network.trainable, "layers": [figures(layer) for layer in network.layers],
        "not_counted": list(not_counted),
    }  # fmt: skip
    if options.tool is not None:
        from refconv.networks.tools import TOOLS

        if options.tool not in TOOLS:
            raise InputError(f"tool is {options.tool!r}, but must be one of {', '.join(TOOLS)}")
        tool = TOOLS[options.tool]
        for row, layer in zip(found["layers"], network.layers, strict=True):
            row["tool"] = {"figure": tool.figure(layer), "why": tool.differs(layer)}
    if options.swap is not None:
        swapped = _swapped(network, options)
        seconds = _seconds(swapped) if options.time else {}
        found["swap"] = [
            {
                "layer": one.layer.name, "reason": one.reason,
                "by": [figures(layer) for layer in one.by], "promised": float(one.promised),
                **({"seconds": [_time([one.layer], seconds), _time(one.after, seconds)]}
                   if seconds else {}),
            }
            for one in swapped
        ]  # fmt: skip
    return found


def table_of(found: Sequence[tuple[Network, list[str]]]) -> str:
    """A line of figures for each layer, as CSV."""
    text = io.StringIO()
    rows = [
        {"network": network.name, **figures(layer)}
        for network, _ in found
        for layer in network.layers
    ]
    names = ["network", *figures(Layer("", Geometry.of((1, 1, 1, 1), (1, 1, 1, 1))))]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


# --- the rest ------------------------------------------------------------------------------------


def _show_published(options: argparse.Namespace) -> int:
    from refconv.networks import published

    if options.json:
        print(json.dumps(published.document(), indent=2))
        return 0
    groups: dict[tuple[str, str], list[tuple[str, ...]]] = {}
    remarks: dict[tuple[str, str], list[str]] = defaultdict(list)
    for f in published.figures():
        places = max(4, len(f.printed.partition(".")[2]) + 2) if f.unit else 0
        ours = f"{float(f.ours / published.SCALES[f.unit]):,.{places}f}"
        row = (f"  {f.what}", f.verdict, f"{f.printed} {f.unit}".rstrip(), ours)
        groups.setdefault((f.source, f.convention), []).append(row)
        if f.remark and not f.agrees:
            remarks[f.source, f.convention].append(f"  {f.what}, {f.printed}: {f.remark}")
    for (source, convention), rows in groups.items():
        print(f"{source}: {convention}")
        lines_of = columns([("", "verdict", "printed", "ours"), *rows], left=2)
        print("\n".join([*lines_of, *remarks[source, convention]]))
    return 0


def _plot(network: Network, options: argparse.Namespace) -> None:
    try:
        from refconv.networks.plot import save
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise
        raise InputError("--plot needs matplotlib: pip install 'refconv[plot]'") from error
    swapped = _swapped(network, options) if options.swap is not None else None
    save(options.plot, network, swapped)
