"""What a NET of the command line means: a network by name, a descriptor, or one of two files."""

from __future__ import annotations

import argparse
import inspect
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from refconv.cli.errors import InputError
from refconv.descriptor import KEYS
from refconv.networks import NETWORKS, Network
from refconv.networks.files import layer_of, read
from refconv.networks.network import of_batch

if TYPE_CHECKING:
    from refconv.networks.onnx_model import NotCounted

SIZES = ("width", "resolution", "scale", "first", "batch", "size")
"""Options that say what a source leaves open; none is ignored."""

_LIKE_A_DESCRIPTOR = re.compile(rf"_*({'|'.join(KEYS)})[0-9]")


class Counted(NamedTuple):
    """A network, and what of its file is not counted."""

    network: Network
    not_counted: tuple[NotCounted, ...] = ()


def takers(name: str) -> list[str]:
    """The networks that take an option: those whose function has such an argument.

    >>> takers("width")
    ['mobilenet_v1', 'mobilenet_v1_fullconv', 'mobilenet_v1_shallow']
    """
    return [
        network for network, make in NETWORKS.items() if name in inspect.signature(make).parameters
    ]


def find(text: str, options: argparse.Namespace) -> Counted:
    """The network that is meant: what is there and how it ends come before how it reads.

    Errors: `InputError` for what is none, or cannot be read, and for options that it does not take.
    """
    path = Path(text)
    is_onnx = path.suffix.lower() == ".onnx"
    is_there = os.path.exists(text)
    try:
        if text in NETWORKS:
            return _named(text, options)
        if not is_there and _LIKE_A_DESCRIPTOR.match(text):
            _refuse_others("a descriptor", (), options)
            layer = layer_of(text, "layer")
            return Counted(Network(layer.geometry.descriptor, (layer,)))
        if is_onnx:
            _refuse_others("an ONNX file", ("batch", "size"), options)
            return _from_onnx(path, options)
        if is_there or path.suffix or os.sep in text:
            _refuse_others("a text file", (), options)
            return Counted(read(path))
    except ValueError as error:
        raise InputError(str(error)) from error
    names = ", ".join(NETWORKS)
    raise InputError(f"{text!r} is no file, no descriptor, and none of {names}")


def _named(name: str, options: argparse.Namespace) -> Counted:
    taken = [size for size in SIZES if name in takers(size)]
    _refuse_others(name, (*taken, "batch"), options)
    arguments = {size: value for size in taken if (value := getattr(options, size)) is not None}
    try:
        network = NETWORKS[name](**arguments)
    except ValueError as error:
        words = " ".join(f"--{size} {value}" for size, value in arguments.items())
        raise InputError(f"{name} {words}: {error}") from error
    return Counted(of_batch(network, options.batch or 1))


def _refuse_others(what: str, taken: Sequence[str], options: argparse.Namespace) -> None:
    """Refuse sizes that would be ignored."""
    for name in SIZES:
        if getattr(options, name) not in (None, []) and name not in taken:
            does = " and ".join(f"--{size}" for size in taken)
            instead = f"it takes {does}" if taken else "it says its sizes itself"
            raise InputError(f"{what} does not take --{name}: {instead}")


def _from_onnx(path: Path, options: argparse.Namespace) -> Counted:
    try:
        from refconv.networks.onnx_model import read
    except ModuleNotFoundError as error:
        if error.name != "onnx":
            raise
        raise InputError("an ONNX file needs onnx: pip install 'refconv[onnx]'") from error
    found = read(path, batch=options.batch or 1, sizes=dict(options.size))
    return Counted(found.network, found.not_counted)
