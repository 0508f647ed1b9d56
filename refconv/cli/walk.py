"""`refconv walk`: the three structures, step by step, in the terminal or as a page."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from refconv.cli.errors import InputError
from refconv.geometry import Geometry

DESCRIPTION = """\
Walk through one small layer as standard, group, depthwise and separable convolution, with numbers
that can be added by hand: in the terminal, step by step, or as one page for a browser that needs
no network. The layer is a descriptor in oneDNN benchdnn's notation, at most 16x16 with 16 channels
in and 24 out; left out, it has 4 input and 8 output channels, 5x6."""

DRAW_WITH = {"matplotlib": "matplotlib", "PIL": "pillow"}
"""What draws the photograph: modules, and the packages that they are in."""


def add_to(commands: Any) -> None:
    """Add this subcommand to the parser."""
    parser = commands.add_parser(
        "walk", help="the three structures, step by step", description=DESCRIPTION
    )
    parser.add_argument("descriptor", nargs="?", help="like g2mb1ic4ih5oc6oh3kh3")
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--html", type=Path, metavar="FILE", help="write the page")
    ways.add_argument("--steps", action="store_true", help="print all steps, and end")
    ways.add_argument(
        "--pictures", type=Path, metavar="DIR", help="draw the notes' pictures (SVG) into DIR"
    )
    ways.add_argument(
        "--photo", type=Path, metavar="FILE", help="a photograph through the three structures"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Walk, or write what was asked for."""
    if options.descriptor is not None and (options.pictures or options.photo):
        raise InputError("a descriptor does not go with --pictures or --photo")
    if options.pictures:
        return _pictures(options.pictures)
    if options.photo:
        return _photo(options.photo)
    layer = _layer(options.descriptor)
    if options.html:
        _refuse_no_file(options.html)
        from refconv.walk.page import page

        options.html.write_text(page(layer), encoding="utf-8")
        print(f"{options.html}: open it in a browser; it needs no network")
        return 0
    from refconv.walk.terminal import walk

    return walk(layer, step_by_step=not options.steps, from_first=options.descriptor is None)


def _layer(descriptor: str | None) -> Geometry:
    from refconv.walk.lesson import DEFAULT_LAYER, TooLargeError, layer_of

    try:
        return layer_of(DEFAULT_LAYER if descriptor is None else descriptor)
    except TooLargeError as error:
        raise InputError(f"{error}; 'refconv compare' takes it") from error
    except ValueError as error:
        raise InputError(str(error)) from error


def _refuse_no_file(path: Path) -> None:
    """Refuse what cannot be a file, before anything is computed for it."""
    if path.is_dir():
        raise InputError(f"{str(path)!r} is a folder, but must be a file")
    if not path.parent.is_dir():
        raise InputError(f"{str(path)!r} must be in a folder, but {str(path.parent)!r} is none")


def _pictures(folder: Path) -> int:
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{str(folder)!r} is a file, but must be a folder")
    from refconv.walk.pictures import PICTURES

    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in PICTURES.items():
        (folder / f"{name}.svg").write_text(draw(), encoding="utf-8")
        print(folder / f"{name}.svg")
    return 0


def _photo(path: Path) -> int:
    _refuse_no_file(path)
    try:
        from refconv.walk.photo import draw

        draw(path)
    except ModuleNotFoundError as error:
        if error.name not in DRAW_WITH:
            raise
        needed = DRAW_WITH[error.name]
        raise InputError(f"--photo needs {needed}: pip install 'refconv[plot]'") from error
    except ValueError as error:
        raise InputError(str(error)) from error
    print(path)
    return 0
