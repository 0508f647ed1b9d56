"""Numbers for test cases, from a seed: the same on every machine and with every NumPy.

The generator is SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
generators", 2014): number i of a stream is a mix of the bits of start + i*GOLDEN, in 64-bit integer
arithmetic. NumPy's own generators promise no such thing for their distributions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refconv.dtypes import largest_exact_integer

Array = np.ndarray[Any, Any]

GOLDEN = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1


def bits(seed: int, stream: int, count: int) -> Array:
    """`count` random 64-bit numbers; streams of one seed do not depend on each other.

    >>> [hex(number) for number in bits(0, 0, 2).tolist()]
    ['0xe220a8397b1dcdaf', '0x6e789e6aa1b965f4']
    """
    start = seed * GOLDEN * (1 << 32) + stream * 0xD1342543DE82EF95
    state = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GOLDEN) + np.uint64(start & MASK)
    z = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def integers(seed: int, stream: int, shape: tuple[int, ...], low: int, high: int) -> Array:
    """An int64 array of numbers from `low` to `high`, both included.

    >>> integers(7, 1, (2, 5), -9, 9).tolist()
    [[2, 1, 3, 6, 1], [4, -1, -2, -4, -1]]
    """
    span = high - low + 1
    drawn = bits(seed, stream, int(np.prod(shape, dtype=np.int64)))
    if span <= 1 << 40:
        drawn >>= np.uint64(11)  # the upper bits are enough
    return (drawn % np.uint64(span)).astype(np.int64).reshape(shape) + low


def reals(seed: int, stream: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Numbers of a float type between -1 and 1, with as many bits as the type has.

    >>> reals(7, 1, (2,), np.dtype("float16")).tolist()
    [0.376953125, -0.73095703125]
    """
    if dtype.kind == "c":
        part = np.dtype(f"float{4 * dtype.itemsize}")
        real, imaginary = (reals(seed, stream + n, shape, part) for n in (0, 100))
        return (real + 1j * imaginary).astype(dtype)
    ends = largest_exact_integer(dtype)
    whole = integers(seed, stream, shape, 1 - ends, ends - 1)
    return (whole.astype(np.float64) / ends).astype(dtype)
