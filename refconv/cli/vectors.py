"""`refconv vectors`: test vectors in files, for programs that are not Python."""

from __future__ import annotations

import argparse
import importlib.util
import json
import shlex
import textwrap
from collections import defaultdict
from pathlib import Path
from typing import Any

from refconv.cli.errors import InputError
from refconv.cli.progress import progress

DESCRIPTION = """\
Write test vectors: in DIR a folder for each case of the suite, with case.json and the arrays as
.npy files; with --of, of a gradient's cases, or a transpose's. Other formats stand beside these:
raw (.bin files and case.txt), c (case.h), hex (for Verilog's $readmemh), onnx (model.onnx and its
data, for ONNX's test runner). Your program writes actual.npy or actual.bin into each folder; then
'refconv judge DIR' says what is right. An earlier suite in DIR is replaced, outputs included; a
folder with anything else is refused, untouched."""

SHOWN = 4
"""Cases that are named for each reason why some were not written, at most."""

WIDTH = 80


def add_to(commands: Any) -> None:
    """Add this subcommand to the parser."""
    parser = commands.add_parser(
        "vectors", help="write test vectors for any program", description=DESCRIPTION
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="new, empty, or an earlier suite")
    parser.add_argument("--suite", default="core", choices=("core", "full", "separable"))
    parser.add_argument(
        "--of", metavar="WHAT", help="input-grad, weight-grad, bias-grad or transpose, and not y"
    )
    parser.add_argument(
        "--format",
        default="npy",
        metavar="NAME,...",
        help="of npy, raw, c, hex, onnx; a case that none of them can express is left out",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the suite, print what was written."""
    from refconv.oracle.cases.suite import named
    from refconv.oracle.files import suite_folder
    from refconv.oracle.files.formats.files import FolderError
    from refconv.oracle.reference.certified import UncertainError

    formats = _formats(options.format)
    if options.folder.exists() and not options.folder.is_dir():
        raise InputError(f"{options.folder} is a file, but must be a folder, or new")
    suite, of = options.suite, options.of
    try:
        cases = named(suite, of)
    except ValueError as error:
        raise InputError(str(error)) from error
    try:
        with progress() as report:
            found = suite_folder.write(cases, options.folder, suite, formats, report, of)
    except (FolderError, UncertainError) as error:
        raise InputError(str(error)) from error
    found = {"folder": str(options.folder), **found}
    print(json.dumps(found, indent=2) if options.json else "\n".join(lines(found)))
    return 0


def _formats(text: str) -> list[str]:
    """The names of formats in this list, all of which can be written here."""
    from refconv.oracle.files.formats import FORMATS

    names = [name.strip() for name in text.split(",")]
    if unknown := [name for name in names if name not in FORMATS]:
        raise InputError(f"format is {unknown[0]!r}, but must be one of {', '.join(FORMATS)}")
    if "onnx" in names and importlib.util.find_spec("onnx") is None:
        raise InputError("format onnx needs onnx: pip install 'refconv[onnx]'")
    return names


def lines(found: dict[str, Any]) -> list[str]:
    """What was written, 80 columns wide."""
    replaced = ", in place of an earlier suite" if found["replaced"] else ""
    of = f", {found['of']}" if "of" in found else ""
    text = [
        f"{len(found['cases'])} cases of the {found['suite']} suite{of}{replaced}: "
        f"{', '.join(dict.fromkeys(['npy', *found['formats']]))}"
    ]
    reasons = defaultdict(list)
    for missing in found["not_written"]:
        reasons[missing["format"], missing["reason"]].append(missing["folder"])
    written = {case["folder"] for case in found["cases"]}
    for (format_, reason), names in reasons.items():
        how = f"not as {format_}" if written.issuperset(names) else "left out"
        text += textwrap.wrap(f"{how} ({len(names)}): {reason}", WIDTH)
        text += [f"  {name}" for name in names[:SHOWN]]
        text += [f"  and {len(names) - SHOWN} more"] if len(names) > SHOWN else []
    return [
        *text,
        "Write actual.npy or actual.bin into each folder, then:",
        f"  refconv judge {shlex.quote(found['folder'])}",
    ]
