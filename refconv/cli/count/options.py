"""The arguments of `refconv count`, and which of them go together."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from refconv.cli.count.sources import takers
from refconv.cli.errors import InputError
from refconv.networks import NETWORKS
from refconv.networks.tools import TOOLS

DESCRIPTION = f"""\
Count what networks cost. NET is a network by name ({", ".join(NETWORKS)}), an ONNX file, a
descriptor, or a text file of descriptors. MACs are multiply-accumulates, with those of padding
cells; effective MACs without them; FLOPs are 2 * MACs; bytes are those of float32."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add those of this subcommand to its parser."""
    parser.add_argument("networks", nargs="*", metavar="NET")
    for name, kind, words in (
        ("width", positive, "times so many channels"),
        ("resolution", whole, "pixels a side"),
        ("scale", positive, "times so many channels, but in the first layer"),
        ("first", whole, "channels of the first layer"),
    ):
        help_ = f"{words}; of {', '.join(takers(name))}"
        parser.add_argument(f"--{name}", type=kind, metavar=name[0].upper(), help=help_)
    parser.add_argument(
        "--batch",
        type=whole,
        metavar="N",
        help="images at once; of a network by name, or of an ONNX file that leaves it open",
    )
    parser.add_argument(
        "--size",
        action="append",
        type=named_size,
        default=[],
        metavar="NAME=N",
        help="of an open axis of an ONNX file",
    )
    views = parser.add_mutually_exclusive_group()
    views.add_argument("--swap", metavar="HOW", help="separable, depthwise or group:G")
    views.add_argument(
        "--tool", metavar="NAME", help=f"what another counter would print: {', '.join(TOOLS)}"
    )
    views.add_argument("--published", action="store_true", help="papers' figures beside ours")
    parser.add_argument(
        "--keep",
        metavar="NAME,...",
        help="layers not to swap; left out, the first of several; '' for none",
    )
    parser.add_argument("--time", action="store_true", help="measure before and after a swap")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="a picture, as SVG or PNG")
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="print one JSON document")
    forms.add_argument("--csv", action="store_true", help="print a line of figures a layer")


def positive(text: str) -> float:
    """A finite number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number above 0")
    return number


def whole(text: str) -> int:
    """A whole number from 1 on."""
    if not (text.isdecimal() and len(text) < 19 and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def named_size(text: str) -> tuple[str, int]:
    """A name and a positive number, from NAME=N."""
    name, equals, number = text.rpartition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=N")
    return name, whole(number)


def check(options: argparse.Namespace) -> None:
    """Refuse what would be ignored.

    Errors: `InputError` for options that do not go together.
    """
    given = {name for name, value in vars(options).items() if value not in (None, [], False)}
    given -= {"command", "run"}
    if options.published:
        if others := given - {"published", "json"}:
            named = "a NET" if "networks" in others else f"--{min(others)}"
            raise InputError(f"--published does not go with {named}, but only with --json")
        return
    if not options.networks:
        raise InputError("needs a NET: a name, a file or a descriptor")
    for one, other in (("csv", "swap"), ("csv", "tool"), ("plot", "tool")):
        if {one, other} <= given:
            raise InputError(f"--{one} does not go with --{other}")
    for name in ("time", "keep"):
        if name in given and "swap" not in given:
            raise InputError(f"--{name} goes only with --swap")
    if options.plot is not None and len(options.networks) > 1:
        raise InputError(f"--plot draws one network, but {len(options.networks)} are given")
    if options.tool is not None and options.tool not in TOOLS:
        raise InputError(f"tool is {options.tool!r}, but must be one of {', '.join(TOOLS)}")
