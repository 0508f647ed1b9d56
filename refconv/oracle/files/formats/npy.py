"""`.npy` files, NumPy's own format: always written; and read, without trusting anything in them.

There is one for each array that `case.json` lists, in the shape that it says (`description.py`).

The header is a small Python literal. It is held against the size of the file before memory is
asked for; there is no unpickling. The format: numpy.org/neps/nep-0001-npy-format.html.
"""

from __future__ import annotations

import ast
import io
import math
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from refconv.oracle.cases.case import Array
from refconv.oracle.files.formats.files import FolderError, opened, shown, write_new
from refconv.oracle.files.formats.vectors import Vectors, stored

LONGEST_HEADER = 4096
MAGIC = b"\x93NUMPY"
LENGTH_BYTES = {1: 2, 2: 4, 3: 4}
"""Of the header's length, by the format's version."""

TYPES = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248]|c8|c16|V2)")
"""Numbers; V2 is what NumPy calls bfloat16."""


class Header(NamedTuple):
    """What an array is said to be, and where in the file it begins."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran_order: bool
    offset: int


def write(vectors: Vectors, folder: Path) -> None:
    """A file for each operand, expected.npy and magnitude.npy."""
    for name, array in vectors.arrays.items():
        file = io.BytesIO()
        np.lib.format.write_array(file, stored(array), allow_pickle=False)
        write_new(folder, f"{name}.npy", file.getvalue())


def read(folder: Path, name: str, of: tuple[np.dtype[Any], tuple[int, ...]] | None = None) -> Array:
    """The array in a file, of native byte order; `of` is the type and shape that it must have.

    Errors: `FolderError` for a file that is not what it must be.
    """
    place = shown(folder, name)
    file, size = opened(folder, name)
    with file:
        header = _header(file.read(LONGEST_HEADER + 16), size, place)
        if of is not None:
            _require(header, of, place)
        file.seek(header.offset)
        array = np.fromfile(file, header.dtype, math.prod(header.shape))
    try:
        array = array.reshape(header.shape, order="F" if header.fortran_order else "C")
    except ValueError as error:
        raise FolderError(
            f"{place} has shape {header.shape}, but must have one that NumPy knows: {error}"
        ) from None
    return np.ascontiguousarray(array, header.dtype.newbyteorder("="))


def check(folder: Path, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    """Look at a file's header alone: whether it has this type and shape, and is as long as that."""
    file, size = opened(folder, name)
    with file:
        header = _header(file.read(LONGEST_HEADER + 16), size, shown(folder, name))
    _require(header, (dtype, shape), shown(folder, name))


def _require(header: Header, of: tuple[np.dtype[Any], tuple[int, ...]], place: str) -> None:
    dtype, shape = of
    if header.dtype.newbyteorder("=") != dtype.newbyteorder("="):
        raise FolderError(
            f"{place} has type {header.dtype.name}, but must have {dtype.name}, as case.json says"
        )
    if header.shape != shape:
        raise FolderError(
            f"{place} has shape {header.shape}, but must have {shape}, as case.json says"
        )


def _header(start: bytes, size: int, place: str) -> Header:
    """What the first bytes of a file of this size say."""
    if start[:6] != MAGIC or len(start) < 12:
        raise FolderError(f"{place} begins with {start[:6]!r}, but must with {MAGIC!r} and more")
    if start[6] not in LENGTH_BYTES:
        raise FolderError(f"{place} is of format version {start[6]}, but must be of 1, 2 or 3")
    first = 8 + LENGTH_BYTES[start[6]]
    length = int.from_bytes(start[8:first], "little")
    if length > LONGEST_HEADER:
        raise FolderError(
            f"{place} has a header of {length} bytes, but must have one of {LONGEST_HEADER} at most"
        )
    text = start[first : first + length].decode("latin-1")
    header = Header(*_said(text, place), first + length)
    required = header.offset + math.prod(header.shape) * header.dtype.itemsize
    if size != required:
        raise FolderError(
            f"{place} is {size} bytes long, but must be {required} for {header.dtype.name} numbers "
            f"of shape {header.shape}"
        )
    return header


def _said(text: str, place: str) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    """Type, shape and order, as the header's text says."""
    try:
        said = ast.literal_eval(text.strip())
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        said = None
    if not isinstance(said, dict) or set(said) != {"descr", "fortran_order", "shape"}:
        raise FolderError(
            f"{place} has the header {_short(text)}, but must have one of descr, fortran_order and "
            "shape"
        )
    descr, order, shape = said["descr"], said["fortran_order"], said["shape"]
    if not isinstance(descr, str) or not TYPES.fullmatch(descr):
        raise FolderError(f"{place} holds type {_short(str(descr))}, but must hold numbers")
    is_shape = isinstance(shape, tuple) and all(type(n) is int and 0 <= n < 2**63 for n in shape)
    if not is_shape or type(order) is not bool:
        raise FolderError(
            f"{place} has the header {_short(text)}, but must have one with True or False for the "
            "order, and a tuple of sizes"
        )
    return np.dtype(descr), shape, order


def _short(text: str) -> str:
    """Some text of a file, for one line."""
    return ascii(text if len(text) <= 100 else f"{text[:100]}...")
