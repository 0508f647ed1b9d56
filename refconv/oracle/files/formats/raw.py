"""`.bin` files: nothing but the numbers, C order, the least byte first; and `case.txt` beside them.

`case.txt` says the sizes and options for programs that have no reader of JSON: two words a line, a
name and its value. Letters are those of the contract: N C H W F Cg KH KW OH OW G, and sh sw dh dw
pt pb pl pr. `pointwise` is 0, or as many output channels as a pointwise stage behind the depthwise
one has: pointwise_weight.bin is its weight then, and the bias is added behind that. A type is said
of each array that the program is given, and of `actual`; of a bias that there is not, it is `none`.

Of a gradient, or a transpose, there is a line `of`, and the letters are the convolution's still: so
the shape of its x is N C H W, of its weight F Cg KH KW, of its y N F OH OW. `oph` and `opw` are the
output padding, rows and columns of the padded x that are behind the last window. The files:

    of            given                                                  asked for
    input-grad    grad_y (N, F, OH, OW), weight (F, Cg, KH, KW)          actual (N, C, H, W)
    weight-grad   grad_y (N, F, OH, OW), x (N, C, H, W)                  actual (F, Cg, KH, KW)
    bias-grad     grad_y (N, F, OH, OW)                                  actual (F,)
    transpose     x (N, F, OH, OW), weight (F, Cg, KH, KW), bias (C,)    actual (N, C, H, W)
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from refconv.oracle.cases.case import Array, Case
from refconv.oracle.cases.gradient_case import output_padding
from refconv.oracle.files.formats.files import FolderError, opened, shown, write_new
from refconv.oracle.files.formats.vectors import Vectors, restored, stored, stored_type

SIZES = ("N", "C", "H", "W", "F", "Cg", "KH", "KW", "OH", "OW", "G")
OPTIONS = ("sh", "sw", "dh", "dw", "pt", "pb", "pl", "pr")


def write(vectors: Vectors, folder: Path) -> None:
    """A .bin file for each .npy file, and case.txt."""
    for name, array in vectors.arrays.items():
        write_new(folder, f"{name}.bin", stored(array).tobytes())
    write_new(folder, "case.txt", listed(vectors.case).encode())


def listed(case: Case) -> str:
    """The lines of case.txt."""
    values = {} if case.of is None else {"of": case.of}
    values |= {name: str(number) for name, number in numbers(case).items()}
    values["pad_value"] = str(case.pad_value).replace(" ", "")
    for name, operand in case.operands.items():
        if operand is None or (isinstance(operand, np.ndarray) and name != "pointwise_weight"):
            values[name] = "none" if operand is None else operand.dtype.name
    values["actual"] = case.types.result.name
    return "".join(f"{name} {value}\n" for name, value in values.items())


def numbers(case: Case) -> dict[str, int]:
    """Sizes and options, by the contract's letters, and `pointwise`; of a gradient, `oph opw`."""
    found = {name: getattr(case.geometry, name) for name in SIZES + OPTIONS}
    if case.of is not None:
        found["oph"], found["opw"] = output_padding(case.geometry)
    return {**found, "pointwise": 0 if case.pointwise_weight is None else case.F}


def read(folder: Path, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    """The array of this type and shape in a file, which must be just as long as that."""
    kept = stored_type(dtype)
    count = math.prod(shape)
    file, size = opened(folder, name)
    with file:
        if size != count * kept.itemsize:
            raise FolderError(
                f"{shown(folder, name)} is {size} bytes long, but must be {count * kept.itemsize} "
                f"for {dtype.name} numbers of shape {shape}"
            )
        array = np.fromfile(file, kept, count)
    return restored(array.reshape(shape), dtype)
