"""`refconv compare`: one layer as standard, group and depthwise separable, shown or as JSON."""

from __future__ import annotations

import argparse
import json
import os
from typing import TYPE_CHECKING, Any

from refconv import compare
from refconv.cli.errors import InputError
from refconv.cli.progress import progress
from refconv.compare import DTYPE, Comparison, Row
from refconv.geometry import Geometry

if TYPE_CHECKING:
    from rich.console import Console

DESCRIPTION = """\
One real layer as standard, group and depthwise separable convolution: each formula with its numbers
put in, the count that executing it gave, parameters, memory, measured time, and whether all methods
agree. The layer is a descriptor in oneDNN benchdnn's notation; left out, it is MobileNetV1's
512 -> 512 channels, 14x14, 3x3."""


def add_to(commands: Any) -> None:
    """Add this subcommand to the parser."""
    parser = commands.add_parser(
        "compare", help="one layer as standard, group and separable", description=DESCRIPTION
    )
    parser.add_argument("descriptor", nargs="?", help="like g2mb1ic96ih27oc256oh27kh5ph2")
    parser.add_argument("--groups", type=_groups, metavar="G,G,...", help="numbers of groups")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Compare, print; 1 where a count or a method disagrees."""
    if not options.json:
        import rich  # noqa: F401  # missing, it should be said before the work is done

    try:
        chosen = options.descriptor
        layer = Geometry.from_descriptor(compare.DEFAULT_LAYER if chosen is None else chosen)
        groups = options.groups or compare.possible_groups(layer)
        compare.structures(layer, groups)
    except ValueError as error:
        raise InputError(str(error)) from error
    with progress() as report:
        found = compare.compare(layer, groups, report)
    if options.json:
        print(json.dumps(document(found), indent=2))
    else:
        show(found)
    return 0 if found.agrees else 1


def document(found: Comparison) -> dict[str, Any]:
    """The comparison as a JSON document; units stand in the names."""
    return {
        "descriptor": found.layer.descriptor,
        "dtype": DTYPE,
        "threads": found.threads,
        "counts_agree": all(row.counts_agree for row in found.rows),
        "methods_agree": all(row.methods_agree for row in found.rows),
        "rows": [_document_of(row) for row in found.rows],
    }


def _document_of(row: Row) -> dict[str, Any]:
    structure, counts = row.structure, row.structure.counts
    return {
        "structure": structure.name,
        "descriptors": [stage.descriptor for stage in structure.stages],
        "formula": structure.formula,
        "macs": counts.macs,
        "counted_macs": row.counted_macs,
        "effective_macs": counts.effective_macs,
        "counted_effective_macs": row.counted_effective_macs,
        "ratio": float(row.ratio),
        "promised_ratio": float(structure.promised),
        "promised_ratio_as_fractions": structure.promise,
        "parameters": counts.parameters,
        "bytes": counts.bytes(DTYPE),
        "im2col_bytes": structure.im2col_bytes,
        "flop_per_byte": counts.intensity(DTYPE),
        "milliseconds": row.milliseconds,
        "speed_up": row.speed_up,
        "promised_speed_up": float(1 / structure.promised),
        "methods_agree": row.methods_agree,
        "methods_checked": row.checks,
    }


def show(found: Comparison) -> None:
    """Print the comparison as three tables, 80 columns wide."""
    from refconv.cli.terminal import output

    console = output()
    g = found.layer
    console.print(
        f"[bold]{g.C} -> {g.F} channels, {g.H}x{g.W} -> {g.OH}x{g.OW}, kernel {g.KH}x{g.KW}[/], "
        f"batch {g.N}, {DTYPE}\n{g.descriptor}\n",
        soft_wrap=True,
    )
    _table(
        console,
        "Multiply-accumulates (MACs), padding cells counted: N*OH*OW * KH*KW * C/G * F",
        ["structure", "formula with its numbers", "= MACs", "counted", ""],
        [
            (
                row.structure.name,
                row.structure.formula,
                f"{row.structure.counts.macs:,}",
                f"{row.counted_macs:,}",
                "equal" if row.counts_agree else "[bold red]NOT EQUAL[/]",
            )
            for row in found.rows
        ],
        prose=(1, 4),
    )
    _table(
        console,
        "What it costs beside the standard layer",
        ["structure", "MACs", "promised", "parameters", "memory", "im2col", "FLOP/byte"],
        [
            (
                row.structure.name,
                f"{float(row.ratio):.4f}",
                row.structure.promise,
                f"{row.structure.counts.parameters:,}",
                _size(row.structure.counts.bytes(DTYPE)),
                _size(row.structure.im2col_bytes),
                f"{row.structure.counts.intensity(DTYPE):.1f}",
            )
            for row in found.rows
        ],
    )
    _table(
        console,
        f"What it takes, measured: {found.threads} threads of {os.cpu_count()} CPUs, median",
        ["structure", "ms", "speed-up", "promised", "methods equal to jit, to the bit"],
        [
            (
                row.structure.name,
                f"{row.milliseconds:.3f}",
                f"{row.speed_up:.1f}x",
                f"{float(1 / row.structure.promised):.1f}x",
                _agreement(row),
            )
            for row in found.rows
        ],
        prose=(4,),
    )
    console.print(_summary(found))


def _table(
    console: Console,
    title: str,
    header: list[str],
    rows: list[tuple[str, ...]],
    prose: tuple[int, ...] = (),
) -> None:
    """Print a table: a name first, then numbers, but for the `prose` columns, which may break."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for number, name in enumerate(header):
        table.add_column(
            name,
            justify="left" if number == 0 or number in prose else "right",
            header_style="dim",
            no_wrap=number not in prose,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*row)
    console.print(table)
    console.print()


def _agreement(row: Row) -> str:
    parts = [
        f"{method}{' on a corner' if method == 'loops' else ''}"
        if agrees
        else f"[bold red]{method} DIFFERS[/]"
        for method, agrees in sorted(row.checks.items())
    ]
    return ", ".join(parts)


def _summary(found: Comparison) -> str:
    wrong = [row for row in found.rows if not (row.counts_agree and row.methods_agree)]
    if wrong:
        return f"[bold red]{len(wrong)} of {len(found.rows)} rows disagree.[/]"
    return (
        "Every count equals its formula, to the unit. Every method agrees, to the bit.\n"
        "Where the speed-up falls short of the promise, see FLOP/byte: bytes take time."
    )


def _size(size: int) -> str:
    """Bytes for people, in decimal units.

    >>> [_size(n) for n in (0, 999, 18432, 10240000)]
    ['0 B', '999 B', '18.4 kB', '10.2 MB']
    """
    number = float(size)
    for unit in ("B", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"


def _groups(text: str) -> list[int]:
    """The numbers in a list like 2,8,32."""
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of integers like 2,8") from None
    if any(number < 1 for number in numbers):
        raise argparse.ArgumentTypeError(f"{text!r} has a number of groups below 1")
    return numbers
