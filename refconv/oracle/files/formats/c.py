"""`case.h`: a case as a C99 header, for programs that read no files.

Sizes and options are `#define`s: CASE_N, CASE_C, ..., CASE_SH, ..., CASE_HAS_BIAS. Arrays are
`static const`, flat, in the order of their shape: case_x, case_weight, case_bias, case_expected and
case_magnitude; and case_pointwise_weight where CASE_POINTWISE is not 0 (see `raw.py`). Every number
is exact. What C has no type for is stored otherwise: float16 and bfloat16 as their bits in
uint16_t; a complex number as two, the real part first; an array of nothing as one zero, for C has
no empty array. Its size is then still said to be 0.

Of a gradient, or a transpose, CASE_OF is what is asked for, a string, and one of CASE_INPUT_GRAD,
CASE_WEIGHT_GRAD, CASE_BIAS_GRAD and CASE_TRANSPOSE is 1. The letters are the convolution's, and
CASE_OPH and CASE_OPW the output padding; which array has which shape in them is said in `raw.py`.
"""

from __future__ import annotations

import math
import textwrap
from pathlib import Path

import numpy as np

from refconv.oracle.cases.case import Array, Case
from refconv.oracle.files.formats.files import write_new
from refconv.oracle.files.formats.raw import numbers
from refconv.oracle.files.formats.vectors import Vectors, parts, stored

IN_LINE = 8
"""Numbers in a line."""

READABLE = 1 << 24
"""Smaller whole floats are written as such: every float type holds them exactly."""


def write(vectors: Vectors, folder: Path) -> None:
    """case.h, and nothing else."""
    write_new(folder, "case.h", header(vectors).encode())


def header(vectors: Vectors) -> str:
    """The text of case.h."""
    case = vectors.case
    lines = [
        *textwrap.wrap(f"{case!r}", 100, initial_indent="/* ", subsequent_indent="   "),
        f"   result: {case.types.result.name}, summed in {case.types.accumulator.name} */",
        "#ifndef REFCONV_CASE_H",
        "#define REFCONV_CASE_H",
        "",
        "#include <math.h>",
        "#include <stdint.h>",
        "",
        *_asked(case),
        *(f"#define CASE_{name.upper()} {value}" for name, value in numbers(case).items()),
        f"#define CASE_HAS_BIAS {int(case.bias is not None)}",
        *_pad_value(case),
    ]
    for name, array in vectors.arrays.items():
        lines += ["", *_array(name, array)]
    return "\n".join([*lines, "", "#endif", ""])


def _asked(case: Case) -> list[str]:
    """What is asked for, to be printed and to be tested."""
    if case.of is None:
        return []
    name = case.of.upper().replace("-", "_")
    return [f'#define CASE_OF "{case.of}"', f"#define CASE_{name} 1"]


def _pad_value(case: Case) -> list[str]:
    """The pads' number, stored as one of x."""
    words = parts(stored(np.array([case.pad_value]).astype(case.x.dtype)))
    value = ", ".join(literals(words))
    return [f"#define CASE_PAD_VALUE {value}"]


def _array(name: str, array: Array) -> list[str]:
    """The size and the definition of one array."""
    words = parts(_c_type_of(array))
    values = literals(words) or ["0"]
    of = f"({', '.join(map(str, array.shape))}) of {array.dtype.name}"
    return [
        f"#define CASE_{name.upper()}_SIZE {words.size}",
        f"static const {_type_name(words)} case_{name}[{max(1, words.size)}] = {{ /* {of} */",
        *(f"  {', '.join(values[i : i + IN_LINE])}," for i in range(0, len(values), IN_LINE)),
        "};",
    ]


def _c_type_of(array: Array) -> Array:
    return array.view(np.uint16) if array.dtype == np.float16 else stored(array)


def _type_name(words: Array) -> str:
    if words.dtype.kind == "f":
        return "float" if words.itemsize == 4 else "double"
    return f"{words.dtype.name}_t"


def literals(words: Array) -> list[str]:
    """Each number as C writes it, exactly.

    >>> literals(np.array([-3, 0.1, np.nan], np.float32))
    ['-3.0f', '0x1.99999ap-4f', 'NAN']
    >>> literals(np.array([-(2**63)]))
    ['-INT64_C(9223372036854775807) - 1']
    """
    if words.dtype.kind != "f":
        return [_integer(number, words.itemsize) for number in words.tolist()]
    suffix = "f" if words.itemsize == 4 else ""
    return [_float(number, suffix) for number in words.tolist()]


def _integer(number: int, size: int) -> str:
    if size < 8:
        return str(number)
    if number == -(2**63):  # whose positive twin is none of its type
        return f"-INT64_C({2**63 - 1}) - 1"
    return f"-INT64_C({-number})" if number < 0 else f"INT64_C({number})"


def _float(number: float, suffix: str) -> str:
    if math.isnan(number):
        return "NAN"
    if math.isinf(number):
        return "INFINITY" if number > 0 else "-INFINITY"
    if number.is_integer() and abs(number) < READABLE:
        return f"{number:.1f}{suffix}"
    mantissa, exponent = number.hex().split("p")
    return f"{mantissa.rstrip('0').removesuffix('.')}p{exponent}{suffix}"
