"""`refconv count`: what networks cost, what a swap would save, what other counters print.

`options.py` has the arguments and which of them go together, `sources.py` finds what they mean;
`layers.py`, `left_out.py`, `swaps.py` and `tools.py` make the text, `data.py` JSON and CSV.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from typing import Any

from refconv import figures
from refconv.cli.count import data, layers, left_out, swaps, tools
from refconv.cli.count.options import DESCRIPTION, add_arguments, check
from refconv.cli.count.sources import Counted, find
from refconv.cli.errors import InputError
from refconv.cli.progress import progress
from refconv.geometry import Geometry
from refconv.networks.swap import Swapped

__all__ = ["add_to", "run"]


def add_to(commands: Any) -> None:
    """Add this subcommand to the parser."""
    parser = commands.add_parser(
        "count", help="what networks cost, and what a swap would save", description=DESCRIPTION
    )
    add_arguments(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Count, print; 1 where a published figure is said to agree and does not."""
    check(options)
    if options.published:
        return _show_published(options)
    found = [find(text, options) for text in options.networks]
    swapped = [swaps.swapped(one.network, options) for one in found]
    if options.plot is not None:
        _refuse_plot(options, found[0])
    seconds = _seconds(found, swapped) if options.time or options.plot else {}
    told = seconds if options.time else None
    if options.json:
        pairs = zip(found, swapped, strict=True)
        print(json.dumps([_document(one, its, told, options.tool) for one, its in pairs], indent=2))
    elif options.csv:
        sys.stdout.write(data.table_of(found))
    else:
        pairs = zip(found, swapped, strict=True)
        print("\n\n".join(_text(one, its, told, options.tool) for one, its in pairs))
    if options.plot is not None:
        from refconv.networks.plot import save

        save(options.plot, found[0].network, swapped[0], seconds)
    return 0


def _text(
    one: Counted, swapped: list[Swapped] | None, seconds: swaps.Seconds, tool: str | None
) -> str:
    """The text of a network, 80 columns wide where names are not longer."""
    if not one.network.layers:
        lines = ["nothing to count"]
    elif swapped is not None:
        lines = swaps.lines(swapped, seconds)
    elif tool is not None:
        lines = tools.lines(one.network, tool)
    else:
        lines = layers.lines(one.network)
    return "\n".join([layers.heading(one.network), "", *lines, *left_out.lines(one.not_counted)])


def _document(
    one: Counted, swapped: list[Swapped] | None, seconds: swaps.Seconds, tool: str | None
) -> dict[str, Any]:
    document = data.document(one)
    if swapped is not None:
        document["swap"] = swaps.document(swapped, seconds)
    if tool is not None:
        document["tool"] = tools.document(one.network, tool)
    return document


def _seconds(found: list[Counted], swapped: list[list[Swapped] | None]) -> dict[Geometry, float]:
    """Seconds of every layer, before and after the swap: each distinct one is measured once."""
    from refconv.networks.timed import seconds_of

    before = [layer for one in found for layer in one.network.layers]
    after = [layer for its in swapped for one in its or () for layer in one.after]
    with progress() as say:
        return seconds_of([*before, *after], say)


def _refuse_plot(options: argparse.Namespace, found: Counted) -> None:
    """Refuse what cannot be drawn before anything is measured."""
    folder = options.plot.parent
    try:
        figures.check_ending(options.plot, "plot")
    except ValueError as error:
        raise InputError(str(error)) from error
    if not folder.is_dir():
        raise InputError(f"the plot's folder {str(folder)!r} is not there")
    if not found.network.macs:
        raise InputError(f"{found.network.name!r} has no operations to draw")
    try:
        import matplotlib  # noqa: F401  # missing, it should be said before the work is done
    except ModuleNotFoundError as error:
        raise InputError("--plot needs matplotlib: pip install 'refconv[plot]'") from error


def _show_published(options: argparse.Namespace) -> int:
    from refconv.networks import published

    found = published.figures()
    if options.json:
        print(json.dumps([figure.document() for figure in found], indent=2))
    else:
        print(published.table(found))
        verdicts = Counter(figure.verdict for figure in found)
        counted = ", ".join(f"{number} {verdict}" for verdict, number in verdicts.most_common())
        print(f"\n{len(found)} figures: {counted}")
    return 0 if all(figure.is_known for figure in found) else 1
