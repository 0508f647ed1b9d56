"""Messages between the oracle and a target's process: a JSON header, and arrays as plain bytes.

Nothing is pickled, so nothing that a target sends can run anything here. A message is a mark, the
header's length, the header, and the bytes of its arrays one after the other. The pipes are
unbuffered: a buffer would be locked by the thread that waits for it.
"""

from __future__ import annotations

import json
from io import FileIO
from typing import Any

import numpy as np

from refconv.oracle.targets.adapters.adapter import Array, as_bfloat16

MARK = b"refconv\n"
LENGTH_BYTES = 8


class GarbledError(Exception):
    """What came is no message: somebody else has written into the pipe."""


def send(stream: FileIO, header: dict[str, Any], arrays: dict[str, Array]) -> None:
    """Write a message; `arrays` hold numbers, bfloat16 among them, in any order in memory."""
    described = {
        name: {"dtype": _name_of(array.dtype), "shape": array.shape}
        for name, array in arrays.items()
    }
    text = json.dumps(header | {"arrays": described}).encode()
    _write(stream, MARK + len(text).to_bytes(LENGTH_BYTES, "little") + text)
    for array in arrays.values():
        _write(stream, np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)


def receive(stream: FileIO) -> tuple[dict[str, Any], dict[str, Array]]:
    """Read a message: its header, and its arrays by name.

    Errors: `EOFError` where the other side is gone, `GarbledError` for what is no message.
    """
    start = _read(stream, bytearray(len(MARK) + LENGTH_BYTES))
    if not start.startswith(MARK):
        raise GarbledError(f"found {bytes(start)!r} where a message should begin")
    text = _read(stream, bytearray(int.from_bytes(start[len(MARK) :], "little")))
    header = json.loads(text)
    arrays = {}
    for name, description in header.pop("arrays").items():
        array = _empty(description["shape"], description["dtype"])
        _read(stream, array.reshape(-1).view(np.uint8).data)
        arrays[name] = array
    return header, arrays


def _write(stream: FileIO, data: Any) -> None:
    view = memoryview(data)
    while len(view):
        view = view[stream.write(view) :]


def _read(stream: FileIO, buffer: Any) -> Any:
    """The buffer, filled."""
    view = memoryview(buffer)
    filled = 0
    while filled < len(view):
        count = stream.readinto(view[filled:])
        if not count:
            raise EOFError
        filled += count
    return buffer


def _name_of(dtype: np.dtype[Any]) -> str:
    """With the order of bytes; bfloat16 has none, nor any code that NumPy would know again."""
    return dtype.name if dtype.name == "bfloat16" else dtype.str


def _empty(shape: list[int], name: str) -> Array:
    return as_bfloat16(np.empty(shape, np.uint16)) if name == "bfloat16" else np.empty(shape, name)
