"""The 17 layers of the speed table: refconv beside torch, onnxruntime and the machine's own limits.

    python benchmarks/layers.py                      all layers, on 1 thread and on all
    python benchmarks/layers.py --layers dw --peers  layers whose name holds "dw", no peers
    python benchmarks/layers.py --all --json FILE    everything that can be measured, as JSON too
    python benchmarks/layers.py --update-readme      the same, written into the README

Every answer is checked, to the bit, before anything is timed. All that is compared takes turns in
one run; figures are medians. Only the ratios mean something beyond this machine and this minute.
Exit status: 0 fine, 1 a wrong answer, 2 bad usage.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import errors
import first_call
import growth
import memory
import report
from readme import README, rewritten

from refconv import Geometry, get_threads
from refconv.bench.layers import ALL, LAYERS, chosen
from refconv.bench.machine import machine
from refconv.bench.measure import WrongAnswerError, measure
from refconv.bench.peers import BEST, PEERS, Peer, chosen_peers
from refconv.cli.bench import document_of, positive

SECTIONS = {"growth": growth, "errors": errors, "memory": memory, "calls": first_call}
"""What can be measured besides the table of layers."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print what is asked for; 1 where an answer is wrong."""
    parser = _parser()
    options = parser.parse_args(arguments)
    threads = sorted(set(options.threads or [1, get_threads()]))
    try:
        layers = chosen(options.layers)
        peers, missing = chosen_peers(options.peers)
        _refuse_to_measure_in_vain(options, layers, peers)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    packages = {package for peer in peers.values() for package in peer.packages}
    wrong: dict[str, str] = {}
    document: dict[str, Any] = {
        "machine": machine(sorted(packages)), "threads": threads, "rounds": options.rounds,
        "wrong": wrong,
    }  # fmt: skip
    _print(report.heading(document["machine"]) + missing)

    found = _measure_layers(layers, threads, peers, options.rounds, wrong)
    document["layers"] = _document(found)
    tables = report.tables(found, threads, list(peers))
    _print(tables)
    wanted = [s for s in SECTIONS if options.all or options.update_readme or getattr(options, s)]
    document |= _measure_sections(wanted, layers, threads, wrong)

    if options.json:
        options.json.write_text(json.dumps(document, indent=2) + "\n")
    if options.update_readme and not wrong:
        facts = [line for name in SECTIONS for line in SECTIONS[name].summary(document[name])]
        section = report.readme_section(document["machine"], tables, facts)
        README.write_text(rewritten(README.read_text(), section))
    return 1 if wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--layers", nargs="+", default=[ALL], help="parts of layers' names")
    parser.add_argument(
        "--peers",
        nargs="*",
        help=f"of {', '.join(PEERS)}; none: no peers; left out: {' and '.join(BEST)}",
    )
    parser.add_argument("--threads", nargs="+", type=positive, help="left out: 1 and all")
    parser.add_argument("--rounds", type=positive, default=5, help="turns of each candidate")
    for name, section in SECTIONS.items():
        parser.add_argument(f"--{name}", action="store_true", help=section.HELP)
    parser.add_argument("--all", action="store_true", help=f"all of {', '.join(SECTIONS)}")
    parser.add_argument("--json", type=Path, help="a file to write all figures to")
    parser.add_argument("--update-readme", action="store_true", help="write the README's table")
    return parser


def _refuse_to_measure_in_vain(
    options: argparse.Namespace, layers: dict[str, Geometry], peers: dict[str, Peer]
) -> None:
    """Raise where what is measured could not be written afterwards."""
    if options.json:
        options.json.touch()
    if options.update_readme:
        rewritten(README.read_text(), [])
        if len(layers) < len(LAYERS) or not set(BEST) <= set(peers):
            raise ValueError(f"the README's table is of all layers, beside {' and '.join(BEST)}")


def _measure_layers(
    layers: dict[str, Geometry],
    threads: list[int],
    peers: dict[str, Peer],
    rounds: int,
    wrong: dict[str, str],
) -> report.Found:
    """The layers' speeds; what is wrong is said, and added to `wrong`."""
    found = {}
    for name, geometry in layers.items():
        _progress(f"{name}: checking and timing")
        try:
            found[name] = measure(geometry, threads, peers, rounds=rounds)
        except WrongAnswerError as error:
            wrong[name] = str(error)
            _print([f"{name}: {error}"])
    return found


def _measure_sections(
    names: list[str], layers: dict[str, Geometry], threads: list[int], wrong: dict[str, str]
) -> dict[str, Any]:
    """What else is asked for, printed as it is found; what is wrong is added to `wrong`."""
    found = {}
    for name in names:
        try:
            found[name] = SECTIONS[name].measure(layers, threads, _progress)
        except WrongAnswerError as error:
            wrong[name] = str(error)
            _print([f"{name}: {error}"])
        else:
            _print(SECTIONS[name].lines(found[name]))
    return found


def _document(found: report.Found) -> dict[str, dict[int, Any]]:
    """By layer and number of threads; in JSON, the number is a string."""
    return {
        name: {n: document_of(speeds) for n, speeds in by_threads.items()}
        for name, by_threads in found.items()
    }


def _print(lines: list[str]) -> None:
    _progress("")
    print("\n".join(lines) + "\n", flush=True)


def _progress(text: str) -> None:
    """Say on a terminal what is being done; the next line takes its place."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="\r", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
