"""A network from a text file of descriptors, one a line; and what goes wrong with files.

`onnx_model.py` reads the other kind of file, by what is here: `content` and `NetworkError`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from refconv.geometry import Geometry
from refconv.networks.network import Layer, Network

MOST_BYTES = 4 * 2**20
"""Of a text file: some fifty thousand layers."""

MOST_CHARACTERS = 1000
"""Of a line: a descriptor in full has a hundred."""

_BEFORE_COMMENT = re.compile(r'(?:[^#"]|"[^"]*"|")*')
"""A name may hold a `#`: it is in quotes."""


class NetworkError(ValueError):
    """A file that no network can be read from; the message, one line, names the file."""


def read(path: str | os.PathLike[str]) -> Network:
    r"""The network of a text file: a descriptor on each line, empty lines, and `#` comments.

    A layer has the name that its descriptor gives it, like `_n"conv1"`; without one, it is called
    by its line. No layer has a bias: descriptors do not say.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "two.txt")
    ...     _ = file.write_text('# LeNet\nic1ih32oc6kh5_n"c1"\n\nic6ih14oc16kh5  # the second\n')
    ...     network = read(file)
    >>> [(layer.name, layer.counts.macs) for layer in network.layers]
    [('c1', 117600), ('line4', 240000)]

    Errors: `NetworkError` for a line that is no descriptor, with its number; for a file that is too
    long, or no text, or without a descriptor.
    """
    layers = [
        _layer(path, number, statement)
        for number, line in enumerate(_text(path).split("\n"), 1)
        if (statement := _statement(path, number, line))
    ]
    if not layers:
        raise NetworkError(f"{shown(path)} holds no descriptor")
    return Network(Path(path).stem, tuple(layers))


def layer_of(descriptor: str, name: str) -> Layer:
    """The layer of a descriptor, called as that says, or else by `name`.

    >>> layer_of('ic3ih5oc4kh3_n"c1"', "layer").name, layer_of("ic3ih5oc4kh3", "layer").name
    ('c1', 'layer')

    Errors: `ValueError` for text that is no descriptor.
    """
    geometry = Geometry.from_descriptor(descriptor)
    # No field of a descriptor is called by an n, so the first one begins the name.
    return Layer(descriptor.partition("n")[2].strip('"') or name, geometry)


def content(path: str | os.PathLike[str], most: int) -> bytes:
    """What is in a file of at most `most` bytes; a longer one is not read.

    Errors: `NetworkError` where it is longer, cannot be read, or is no regular file: a pipe could
    keep us waiting.
    """
    file = Path(path)
    try:
        if file.exists() and not file.is_file():
            raise NetworkError(f"{shown(path)} is not a file")
        size = file.stat().st_size
        if size > most:
            raise NetworkError(
                f"{shown(path)} has {size:,} bytes, but at most {most:,} are read of such a file"
            )
        return file.read_bytes()
    except OSError as error:
        raise NetworkError(f"{shown(path)} cannot be read: {error.strerror}") from error


def shown(path: str | os.PathLike[str]) -> str:
    """The path for a message: in one line, whatever is in it."""
    return repr(os.fspath(path))


def _text(path: str | os.PathLike[str]) -> str:
    found = content(path, MOST_BYTES)
    try:
        return found.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = found.count(b"\n", 0, error.start) + 1
        raise NetworkError(
            f"{shown(path)}, line {line}: byte {found[error.start]:#04x} is not UTF-8 text"
        ) from error


def _statement(path: str | os.PathLike[str], number: int, line: str) -> str:
    """The line without its comment and the space around it."""
    if len(line) > MOST_CHARACTERS:
        raise NetworkError(
            f"{shown(path)}, line {number} has {len(line):,} characters, "
            f"but at most {MOST_CHARACTERS:,} are read"
        )
    match = _BEFORE_COMMENT.match(line)
    statement = match[0].strip() if match else ""
    if not statement.isprintable():
        raise NetworkError(f"{shown(path)}, line {number} holds characters that are not text")
    return statement


def _layer(path: str | os.PathLike[str], number: int, descriptor: str) -> Layer:
    try:
        return layer_of(descriptor, f"line{number}")
    except ValueError as error:
        raise NetworkError(f"{shown(path)}, line {number}: {error}") from error
