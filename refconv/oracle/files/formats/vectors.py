"""What every format writes: the arrays of a case, the right outputs, and their magnitude."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from refconv.oracle.cases.case import Array, Case
from refconv.oracle.reference.certified import Reference, reference_of


@dataclass(frozen=True, slots=True)
class Vectors:
    """A case with its reference.

    `arrays` are the case's operands that are arrays, in their order; expected, in the shape of the
    answer (float64, int64 or complex128); and magnitude (int64 or float64: of each output, the sum
    of |x*w|, and |bias|). All are contiguous and little-endian.
    """

    case: Case
    reference: Reference
    arrays: dict[str, Array]

    @classmethod
    def of(cls, case: Case) -> Vectors:
        """Those of this case."""
        reference = reference_of(case)
        integral = case.types.accumulator.kind == "i"
        kinds = {"i": np.int64, "c": np.complex128, "f": np.float64}
        arrays = dict(case.arrays)
        arrays["expected"] = reference.y.astype(kinds[case.types.accumulator.kind])
        arrays["magnitude"] = np.broadcast_to(reference.magnitude, reference.y.shape).astype(
            np.int64 if integral else np.float64
        )
        return cls(case, reference, {name: little_endian(a) for name, a in arrays.items()})

    @property
    def operands(self) -> dict[str, Array]:
        """The arrays that a target is given."""
        return {name: self.arrays[name] for name in self.case.arrays}

    @property
    def y(self) -> Array:
        """The right outputs in the type of the result, rounded once."""
        with np.errstate(over="ignore"):
            return little_endian(self.arrays["expected"].astype(self.case.types.result))


def little_endian(array: Array) -> Array:
    """Contiguous, the least byte first; a type that only ml_dtypes knows has no byte order."""
    if array.dtype.name == "bfloat16":
        return np.ascontiguousarray(array)
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<"))


def stored_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type that files hold: bfloat16 is stored as its bits, in uint16.

    >>> stored_type(np.dtype(">f4")).str
    '<f4'
    """
    if dtype.name == "bfloat16":
        return np.dtype("<u2")
    return dtype.newbyteorder("<")


def stored(array: Array) -> Array:
    """The array as files hold it."""
    return array.view(stored_type(array.dtype))


def restored(array: Array, dtype: np.dtype[Any]) -> Array:
    """The array of this type that was stored so."""
    native = array.astype(array.dtype.newbyteorder("="), copy=False)
    return native.view(dtype) if dtype.name == "bfloat16" else native


def parts(array: Array) -> Array:
    """The numbers in a row; of complex ones, the real part, then the imaginary one."""
    flat = array.ravel()
    return flat.view(flat.real.dtype) if flat.dtype.kind == "c" else flat
