"""`.hex` files for Verilog's `$readmemh`: one number a line, as many digits as its type has bits/4.

Integers are in two's complement, floats are their IEEE bits; a complex number is two lines, its
real part first. `expected.hex` holds the outputs in the type of the result, rounded once: what an
accelerator would write. A comment says how many words there are, and of what.

Of a gradient, or a transpose, the files are those of the arrays that `raw.py` lists; the comment in
expected.hex has the shape that is asked for.
"""

from __future__ import annotations

from pathlib import Path

from refconv.oracle.cases.case import Array
from refconv.oracle.files.formats.files import write_new
from refconv.oracle.files.formats.vectors import Vectors, parts, stored


def write(vectors: Vectors, folder: Path) -> None:
    """A file for each operand, and expected.hex."""
    for name, array in {**vectors.operands, "expected": vectors.y}.items():
        write_new(folder, f"{name}.hex", text(name, array).encode())


def text(name: str, array: Array) -> str:
    """The lines of a file.

    >>> import numpy as np
    >>> print(text("x", np.array([[-1, 2]], np.int16)), end="")
    // x: 1 2 words of int16
    ffff
    0002
    """
    words = parts(stored(array))
    bits = words.view(f"<u{words.itemsize}").tolist()
    digits = 2 * words.itemsize
    of = f"{' '.join(map(str, array.shape))} words of {array.dtype.name}"
    return "".join([f"// {name}: {of}\n", *(f"{word:0{digits}x}\n" for word in bits)])
