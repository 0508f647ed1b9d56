"""`refconv bench`: speed beside the installed peers and the machine's limits, in a short form.

The long form, with everything else that can be measured, is `benchmarks/layers.py`.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from refconv.bench.layers import ALL, HANDFUL, LAYERS, chosen
from refconv.bench.machine import machine
from refconv.bench.measure import (
    CALL,
    LAYER,
    Speeds,
    WrongAnswerError,
    geometric_mean,
    measure,
    peak_gflops,
    threads_in_words,
)
from refconv.bench.peers import PEERS, Peer, chosen_peers
from refconv.cli.errors import InputError
from refconv.cli.progress import progress
from refconv.counts import count
from refconv.threads import get_threads

DESCRIPTION = f"""\
Speed of real layers, beside torch and onnxruntime where they are installed, and beside what this
machine can do at best: the register tile's peak or, for depthwise layers, a copy. All take turns in
one run, after every answer was checked to the bit. The layers are {", ".join(LAYERS)}."""

TURN = 0.05
WARM_UP = 0.15
WARM_UP_ALONE = 0.02
"""Without peers, no other library's threads are still watching for work."""


def add_to(commands: Any) -> None:
    """Add this subcommand to the parser."""
    parser = commands.add_parser(
        "bench", help="speed beside peers and the machine's limits", description=DESCRIPTION
    )
    parser.add_argument(
        "--layers",
        nargs="+",
        default=list(HANDFUL),
        metavar="PART",
        help=f"parts of layers' names, or {ALL}; left out, one layer of each kind",
    )
    parser.add_argument(
        "--peers", nargs="*", metavar="PEER", help=f"of {', '.join(PEERS)}; or none"
    )
    parser.add_argument("--threads", type=positive, metavar="N", help="threads of each call")
    parser.add_argument("--rounds", type=positive, default=3, metavar="N", help="turns of each")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=run)


def positive(text: str) -> int:
    """The number, which must be a positive integer."""
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive integer")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Measure, print; 1 where an answer is wrong."""
    if not options.json:
        import rich  # noqa: F401  # missing, it should be said before the work is done

    try:
        layers = chosen(options.layers)
        peers, missing = chosen_peers(options.peers)
    except ValueError as error:
        raise InputError(str(error)) from error
    threads = options.threads or get_threads()
    found: dict[str, Speeds] = {}
    wrong: dict[str, str] = {}
    with progress() as report:
        for name, geometry in layers.items():
            report(f"{name}: checking and timing")
            try:
                found[name] = measure(
                    geometry,
                    [threads],
                    peers,
                    rounds=options.rounds,
                    warm_up=WARM_UP if peers else WARM_UP_ALONE,
                    turn=TURN,
                )[threads]
            except WrongAnswerError as error:
                wrong[name] = str(error)
    if options.json:
        print(json.dumps(document(found, wrong, threads, peers), indent=2))
    else:
        show(found, wrong, threads, peers, missing)
    return 1 if wrong else 0


def document(
    found: dict[str, Speeds], wrong: dict[str, str], threads: int, peers: dict[str, Peer]
) -> dict[str, Any]:
    """The figures as a JSON document; units stand in the names."""
    packages = [package for peer in peers.values() for package in peer.packages]
    return {
        "machine": machine(packages),
        "threads": threads,
        "peak_gflops": peak_gflops(found.values()),
        "layers": {name: document_of(speeds) for name, speeds in found.items()},
        "wrong": wrong,
    }


def document_of(speeds: Speeds) -> dict[str, Any]:
    """One layer's figures on one number of threads."""
    return {
        "descriptor": speeds.geometry.descriptor,
        "macs": count(speeds.geometry).macs,
        "seconds": speeds.seconds,
        "gflops": speeds.gflops,
        "limit": speeds.limit,
        "of_limit": speeds.of_limit,
    }


def show(
    found: dict[str, Speeds],
    wrong: dict[str, str],
    threads: int,
    peers: dict[str, Peer],
    missing: list[str],
) -> None:
    """Print the table, 80 columns wide."""
    from rich.table import Table

    from refconv.cli.terminal import output

    console = output()
    this = machine()
    console.print(f"[bold]{this['cpu']}[/]", soft_wrap=True)
    console.print(f"{this['instructions']}; {threads_in_words(threads)} of {this['cpus']} CPUs")
    console.print("float32, batch 1, medians of one run, answers checked to the bit\n")
    table = Table(box=None, pad_edge=False, show_footer=bool(found and peers))
    means = [_mean(found, peer) for peer in peers]
    table.add_column("layer", "geometric mean", header_style="dim", no_wrap=True)
    numbers = [(f"{CALL} ms", ""), (f"{LAYER} ms", ""), ("GFLOP/s", ""), ("of limit", "")]
    for header, footer in [*numbers, *zip(peers, means, strict=True)]:
        table.add_column(header, footer, justify="right", header_style="dim", no_wrap=True)
    for name, speeds in found.items():
        table.add_row(name, *_cells(speeds, peers))
    console.print(table)
    for line in [*_legend(found, peers), *missing]:
        console.print(line, soft_wrap=True)
    for name, message in wrong.items():
        console.print(f"[bold red]{name}: {message}[/]", soft_wrap=True)


def _cells(speeds: Speeds, peers: dict[str, Peer]) -> list[str]:
    return [
        f"{1e3 * speeds.seconds[CALL]:.3f}",
        f"{1e3 * speeds.seconds[LAYER]:.3f}",
        f"{speeds.gflops:.1f}",
        f"{speeds.of_limit:.0%} {speeds.limit}",
        *(times(speeds.ratio(peer)) for peer in peers),
    ]


def times(ratio: float | None) -> str:
    """A ratio for people.

    >>> times(1.234), times(None)
    ('1.23x', '-')
    """
    return "-" if ratio is None else f"{ratio:.2f}x"


def _mean(found: dict[str, Speeds], peer: str) -> str:
    ratios = [ratio for speeds in found.values() if (ratio := speeds.ratio(peer)) is not None]
    return times(geometric_mean(ratios) if ratios else None)


def _legend(found: dict[str, Speeds], peers: dict[str, Peer]) -> list[str]:
    """What the columns are held against."""
    lines = [""]
    peak = peak_gflops(found.values())
    if peak is not None:
        lines.append(f"peak: the register tile on resident data, {peak:.0f} GFLOP/s")
    copies = [speeds.limit_rate for speeds in found.values() if speeds.limit == "copy"]
    if copies:
        lines.append(f"copy: of as many bytes as x, weight and y have, {span(copies)} GB/s")
    if peers and found:
        lines.append(f"{', '.join(peers)}: how many times faster {LAYER} is")
    return lines


def span(numbers: list[float]) -> str:
    """The least and the greatest, without decimals.

    >>> span([33.1, 92.4, 50.0]), span([33.1, 32.9])
    ('33 to 92', '33')
    """
    return " to ".join(dict.fromkeys(f"{end:.0f}" for end in (min(numbers), max(numbers))))
