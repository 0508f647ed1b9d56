"""The forms in which a case is written: one small file each, and what they share.

`case.json` and the `.npy` files are always there, for without them nothing could be judged; the
other forms stand beside them.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from refconv.oracle.files.formats import c, description, hex, npy, onnx, raw
from refconv.oracle.files.formats.vectors import Vectors


def _fits(vectors: Vectors) -> str:
    return ""


class Format(NamedTuple):
    """How a form is written; its files; and why a case cannot be said in it, or "" where it can."""

    write: Callable[[Vectors, Path], None]
    files: tuple[str, ...]
    unfit: Callable[[Vectors], str] = _fits


OPERANDS = tuple(dict.fromkeys(chain.from_iterable(description.OPERANDS.values())))
"""Of any case."""

ARRAYS = (*OPERANDS, "expected", "magnitude")
ONNX_DATA = "test_data_set_0"
ONNX_INPUTS = max(map(len, description.OPERANDS.values()))

FORMATS = {
    "npy": Format(npy.write, tuple(f"{name}.npy" for name in ARRAYS)),
    "raw": Format(raw.write, ("case.txt", *(f"{name}.bin" for name in ARRAYS))),
    "c": Format(c.write, ("case.h",)),
    "hex": Format(hex.write, tuple(f"{name}.hex" for name in (*OPERANDS, "expected"))),
    "onnx": Format(
        onnx.write,
        (
            "model.onnx",
            "data.json",
            *(f"{ONNX_DATA}/input_{number}.pb" for number in range(ONNX_INPUTS)),
            f"{ONNX_DATA}/output_0.pb",
        ),
        onnx.unfit,
    ),
}

ACTUAL = ("actual.npy", "actual.bin")
"""What an implementer writes: one of them."""

FILES = frozenset(
    [description.NAME, *ACTUAL, *(name for form in FORMATS.values() for name in form.files)]
)
"""Every file that belongs into a case folder."""
