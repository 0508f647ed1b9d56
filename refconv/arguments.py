"""What a caller passes, checked: arrays, the pad value, `out`. Sizes are for `geometry.py`."""

from __future__ import annotations

import cmath
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from refconv.dtypes import Types

Array: TypeAlias = np.ndarray[Any, Any]

_INTEGERS = (int, np.integer)
_REALS = (*_INTEGERS, float, np.floating)
_NUMBERS: dict[str, Any] = {
    "i": _INTEGERS,
    "f": _REALS,
    "c": (*_REALS, complex, np.complexfloating),
}


def as_array(operand: Any, name: str) -> Array:
    """The operand as an array, which a message calls `name`."""
    if operand is None:
        raise TypeError(f"{name} is None, but must be an array")
    if isinstance(operand, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array: fill it with .filled(value)")
    try:
        return np.asarray(operand)
    except ValueError as error:
        ragged = "inhomogeneous" in str(error)
        why = "its rows differ in length or depth" if ragged else str(error).rstrip(".")
        raise ValueError(f"{name} is no array: {why}") from error


def optional_array(operand: Any, name: str) -> Array | None:
    """The operand as an array, or None where there is none."""
    return None if operand is None else as_array(operand, name)


def pad_number(value: Any, dtype: np.dtype[Any]) -> Any:
    """`value` as a number of the operands' type: padding cells are cells of `x`."""
    integral = dtype.kind in "iu"
    kind = "i" if integral else "c" if dtype.kind == "c" else "f"
    numbers: Any = (*_NUMBERS[kind], dtype.type)
    if isinstance(value, bool) or not isinstance(value, numbers):
        raise TypeError(f"pad_value is {value!r}, but x has type {dtype.name}")
    if integral:
        info = np.iinfo(dtype)
        if not info.min <= value <= info.max:
            raise ValueError(
                f"pad_value is {value}, but {dtype.name} ends at {info.min} and {info.max}"
            )
        return int(value)
    if value == 0:
        return dtype.type(0)
    try:
        with np.errstate(over="ignore"):
            number = dtype.type(value)
        beyond = cmath.isfinite(complex(value)) and not cmath.isfinite(complex(number))
    except OverflowError:  # an integer that is too large for any float
        beyond = True
    if beyond:
        raise ValueError(f"pad_value is {value}, but that is beyond {dtype.name}")
    return number


def refuse_no_number(pad_value: Any, dtype: np.dtype[Any]) -> None:
    """Raise where it is no number at all: for a call that has no `x`, and so does not use it."""
    if isinstance(pad_value, bool) or not isinstance(pad_value, (*_NUMBERS["c"], dtype.type)):
        raise TypeError(f"pad_value is {pad_value!r}, but must be a number")


def refuse_out(
    out: Any,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    name: str,
    inputs: Mapping[str, Array | None],
) -> None:
    """Raise where `out` cannot take an array of this shape and type, or is one of the inputs.

    `name` is what that array is called: y, or the gradient of something.
    """
    if not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray):
        raise TypeError(f"out is of type {type(out).__name__}, but must be a NumPy array")
    if out.shape != shape:
        raise ValueError(f"out has shape {out.shape}, but {name} has shape {shape}")
    if out.dtype.newbyteorder("=") != dtype:
        raise TypeError(f"out has type {out.dtype.name}, but {name} has type {dtype.name}")
    if not out.flags.writeable:
        raise ValueError("out is read-only, but must be writeable")
    # Of an array of nothing, strides say nothing: NumPy makes them 0.
    if out.size and any(s == 0 and n > 1 for s, n in zip(out.strides, out.shape, strict=True)):
        raise ValueError("out has several elements in one place: it must have a place for each")
    for input_name, array in inputs.items():
        if array is not None and _share_memory(out, array):
            raise ValueError(
                f"out shares memory with {input_name}, but inputs are never written to"
            )


def filled(
    compute: Callable[[Array], None],
    shape: tuple[int, ...],
    types: Types,
    order: tuple[int, ...] | None,
    out: Array | None,
) -> Array:
    """What `compute` fills, in a new array or in `out`.

    `compute` fills a C-contiguous array of `shape` and of the accumulator's type: `out` itself, if
    it is one. `order` are the axes in the order in which the caller has them; None is as they are.
    """
    plain = order is None and types.result == types.accumulator
    fits = plain and (out is None or (out.flags.carray and out.dtype.isnative))
    y: Array = np.empty(shape, types.accumulator) if out is None or not fits else out
    compute(y)
    if fits:
        return y
    result = y if order is None else y.transpose(order)
    if out is None:
        out = np.empty(result.shape, types.result)
    with np.errstate(all="ignore"):  # a half rounds to infinity without a word
        out[...] = result
    return out


def _share_memory(a: Array, b: Array) -> bool:
    if not np.may_share_memory(a, b):
        return False
    try:
        return np.shares_memory(a, b, max_work=10_000)  # type: ignore[arg-type]  # stub knows two
    except np.exceptions.TooHardError:
        return True  # undecided: refused, to be safe
