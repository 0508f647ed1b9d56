"""The dtype table: what operands may be, what a sum is accumulated in, what is returned.

It also says where an integer sum could leave its accumulator. No array is changed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

FLOATS = ("float32", "float64", "complex64", "complex128")
HALVES = ("float16", "bfloat16")
BYTES = ("int8", "uint8")
INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64")


@dataclass(frozen=True, slots=True)
class Types:
    """The types of one call: `accumulator` of every sum, `result` of `y`.

    >>> Types.of(np.dtype("int8"), np.dtype("uint8"))
    Types(accumulator=dtype('int32'), result=dtype('int32'))
    >>> Types.of(np.dtype("float16"), np.dtype("float16"))
    Types(accumulator=dtype('float32'), result=dtype('float16'))
    """

    accumulator: np.dtype[Any]
    result: np.dtype[Any]

    @classmethod
    @lru_cache(maxsize=256)  # a dtype's name takes microseconds to ask for
    def of(
        cls,
        x: np.dtype[Any],
        weight: np.dtype[Any],
        bias: np.dtype[Any] | None = None,
        *,
        x_name: str = "x",
        weight_name: str = "weight",
        bias_name: str = "bias",
    ) -> Types:
        """The types for these operands, or a `TypeError` naming both and the cast to use."""
        for name, dtype in ((x_name, x), (weight_name, weight)):
            if dtype.name not in (*FLOATS, *HALVES, *INTEGERS):
                raise TypeError(
                    f"{name} has type {dtype.name}, which no convolution here takes: cast it with "
                    f".astype({_nearest(dtype)!r})"
                )
        types = _accumulated(x, weight)
        if types is None:
            # The narrower one is cast, unless it is no argument of the caller's.
            narrow = _rank(weight) < _rank(x) or not x_name.isidentifier()
            a, b = (weight_name, x) if narrow else (x_name, weight)
            raise TypeError(
                f"{x_name} has type {x.name}, but {weight_name} has type {weight.name}: "
                f"cast {a} with .astype({b.name!r})"
            )
        if bias is not None and bias.name not in {x.name, weight.name, types.accumulator.name}:
            operands = {f"{x_name} has type {x.name}", f"{weight_name} has type {weight.name}"}
            raise TypeError(
                f"{bias_name} has type {bias.name}, but {' and '.join(sorted(operands))}: "
                f"cast {bias_name} with .astype({types.accumulator.name!r})"
            )
        return types


def _accumulated(x: np.dtype[Any], weight: np.dtype[Any]) -> Types | None:
    """The table itself; None where the two do not go together."""
    both = {x.name, weight.name}
    if both <= set(BYTES):
        return Types(np.dtype(np.int32), np.dtype(np.int32))
    if both <= set(INTEGERS):
        return Types(np.dtype(np.int64), np.dtype(np.int64))
    if len(both) > 1:
        return None
    native = x.newbyteorder("=")
    return Types(np.dtype(np.float32) if x.name in HALVES else native, native)


def _rank(dtype: np.dtype[Any]) -> int:
    """Position in the order in which one type is cast up to another."""
    return (*INTEGERS, *HALVES, *FLOATS).index(dtype.name)


def _nearest(dtype: np.dtype[Any]) -> str:
    """The supported type to suggest for an unsupported one."""
    suggestions = {"b": "uint8", "u": "int64", "c": "complex128"}
    return suggestions.get(dtype.kind, "float64")


def largest_exact_integer(dtype: np.dtype[Any]) -> int:
    """Up to which integer the type holds every one.

    >>> [largest_exact_integer(np.dtype(name)) for name in ("float16", "float32", "int8")]
    [2048, 16777216, 127]
    """
    if dtype.kind in "iu":
        return int(np.iinfo(dtype).max)
    bits: dict[str, int] = {"bfloat16": 8, "float16": 11, "float32": 24, "complex64": 24}
    return 1 << bits.get(dtype.name, 53)


def refuse_overflow(
    x: np.ndarray[Any, Any],
    weight: np.ndarray[Any, Any],
    bias: np.ndarray[Any, Any] | None,
    pad_value: int,
    accumulator: np.dtype[Any],
    names: str = "x and weight",
) -> None:
    """Raise `OverflowError` where an integer sum of these operands could leave `accumulator`.

    The bound is max|x| * sum|w| + |bias| over each output channel's taps: any order of summation
    stays inside it. `weight` is (F, Cg, KH, KW). Sizes and types often settle it without a look
    at the data. `names` is what the caller calls the operands.
    """
    limit = int(np.iinfo(accumulator).max)
    taps = weight[:1].size
    by_type = _peak_of(x.dtype) * _peak_of(weight.dtype) * taps
    if by_type + (_peak_of(bias.dtype) if bias is not None else 0) <= limit:
        return
    x_peak = max(_peak(x), abs(pad_value))
    biases = [0] * len(weight) if bias is None else [abs(int(b)) for b in bias]
    sums = _absolute_sums(weight.reshape(len(weight), taps))
    bound = max((x_peak * total + b for total, b in zip(sums, biases, strict=True)), default=0)
    if bound > limit:
        raise OverflowError(
            f"a sum over {taps} tap{'s' if taps > 1 else ''} could reach {bound}, but "
            f"{accumulator.name} ends at {limit}: cast {names} with .astype('float64'), or scale "
            "them down"
        )


def _peak_of(dtype: np.dtype[Any]) -> int:
    """The largest magnitude of the type."""
    info = np.iinfo(dtype)
    return max(-int(info.min), int(info.max))


def _peak(a: np.ndarray[Any, Any]) -> int:
    """The largest magnitude in the array."""
    return max(-int(a.min()), int(a.max())) if a.size else 0


def _absolute_sums(rows: np.ndarray[Any, Any]) -> list[int]:
    """Sum |row| of each row, exact: as 32-bit halves, whose sums fit in 64 bits."""
    # |int64 min| does not fit int64; read as unsigned, its two's complement is right.
    magnitudes = np.abs(rows.astype(np.int64)).view(np.uint64)
    high = (magnitudes >> np.uint64(32)).sum(axis=1, dtype=np.uint64)
    low = (magnitudes & np.uint64(0xFFFFFFFF)).sum(axis=1, dtype=np.uint64)
    return [(int(h) << 32) + int(rest) for h, rest in zip(high, low, strict=True)]
