"""How wide an accumulator of integers must be: for this data, and for any that may come.

A sum that is computed in any order never leaves [sum of its negative products, sum of its positive
ones], the bias counted with them. For any data, each product is at its worst end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from refconv.oracle.cases.case import Array, Case
from refconv.oracle.reference.gather import INT64_END, Problem, largest_sum


@dataclass(frozen=True, slots=True)
class Width:
    """The sums of some output channels lie between `least` and `most`; `channel` is the worst."""

    least: int
    most: int
    channel: int

    @property
    def bits(self) -> int:
        """Of a two's complement accumulator; of an unsigned one where nothing is negative.

        >>> [Width(least, most, 0).bits for least, most in ((-128, 127), (-129, 0), (0, 255))]
        [8, 9, 8]
        """
        return bits_for(self.least, self.most)


@dataclass(frozen=True, slots=True)
class Widths:
    """`data`: what this data needs, in any order of summation. `any_data`: what data of the
    declared range can need. `results`: what the sums themselves need. Each of the worst channel.
    """

    data: Width
    any_data: Width
    results: Width

    def document(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return {
            name: {"bits": w.bits, "least": w.least, "most": w.most, "channel": w.channel}
            for name, w in (
                ("results", self.results), ("data", self.data), ("any_data", self.any_data)
            )
        }  # fmt: skip


def accumulator_width(case: Case, x_range: tuple[int, int] | None = None) -> Widths:
    """The width of accumulator that an integer case needs.

    For any data it is an upper bound: every tap is counted, even if pads keep some from ever being
    read together.

    x_range: the least and the greatest number that an image may hold; left out, its type's.

    >>> case = Case([[[[1, 2, 3]]]], [[[[100, -100]]]])
    >>> widths = accumulator_width(case, x_range=(-128, 127))
    >>> widths.results.bits, widths.data.bits, widths.any_data.bits
    (8, 10, 16)

    Errors: `TypeError` where the case is not of integers; `ValueError` for a range that is none, or
    that the image is not within.
    """
    if case.of is not None:
        raise ValueError(f"case asks for the {case.of}, but a width is that of y")
    if case.types.accumulator.kind != "i":
        raise TypeError(f"x has type {case.x.dtype.name}, but a width is for integers")
    low, high = _range(case, x_range)
    bias = np.zeros(case.geometry.F, object) if case.bias is None else _python(case.bias)
    weight = _python(case.weight).reshape(case.geometry.F, case.geometry.K)
    ends = np.stack([weight * low, weight * high])
    if case.geometry.padded:
        ends = np.concatenate([ends, weight[None] * int(case.pad_value)])
    zero = np.zeros_like(ends[:1])
    least = np.concatenate([ends, zero]).min(0).sum(1) + np.minimum(bias, 0)
    most = np.concatenate([ends, zero]).max(0).sum(1) + np.maximum(bias, 0)
    negative, positive, sums = _of_data(case)
    return Widths(
        _worst(negative, positive), _worst(least, most), _worst(_ends(sums, min), _ends(sums, max))
    )


def bits_for(least: int, most: int) -> int:
    """Bits that hold all integers from `least` to `most`: signed ones if `least` is negative."""
    if least >= 0:
        return max(1, most.bit_length())
    return 1 + max((-least - 1).bit_length(), most.bit_length() if most > 0 else 0)


def _range(case: Case, x_range: tuple[int, int] | None) -> tuple[int, int]:
    info = np.iinfo(case.x.dtype)
    low, high = (int(info.min), int(info.max)) if x_range is None else map(int, x_range)
    if low > high:
        raise ValueError(f"x_range is ({low}, {high}), but must be the least and the greatest")
    if case.x.size and not (low <= case.x.min() and case.x.max() <= high):
        raise ValueError(
            f"x goes from {case.x.min()} to {case.x.max()}, beyond the x_range ({low}, {high})"
        )
    return low, high


def _python(a: Array) -> Array:
    """The same integers as Python's, which have no end."""
    return a.astype(object)


def _of_data(case: Case) -> tuple[Array, Array, Array]:
    """For each output channel: the least sum of negative products, the greatest of positive ones;
    and all sums.
    """
    problem = Problem.of(case)
    if largest_sum(case) >= INT64_END:
        bias = None if problem.bias is None else _python(problem.bias)
        problem = replace(problem, x=_python(case.x), weight=_python(case.weight), bias=bias)
    negative, positive = (np.zeros(problem.shape, problem.x.dtype) for _ in range(2))
    for read, weights in problem.taps():
        negative += np.minimum(read * weights, 0)
        positive += np.maximum(read * weights, 0)
    if problem.bias is not None:
        b = problem.bias[:, None, None]
        negative, positive = negative + np.minimum(b, 0), positive + np.maximum(b, 0)
    return _ends(negative, min), _ends(positive, max), problem.solve()


def _ends(a: Array, end: Any) -> Array:
    """For each output channel, the least or the greatest number, as Python's integers."""
    by_channel = a.swapaxes(0, 1).reshape(a.shape[1], a[:, :1].size)
    return np.array([int(end(row, default=0)) for row in by_channel.tolist()], object)


def _worst(least: Array, most: Array) -> Width:
    """The channel that needs the most bits."""
    if not len(least):
        return Width(0, 0, 0)
    bits = [bits_for(int(a), int(b)) for a, b in zip(least, most, strict=True)]
    f = int(np.argmax(bits))
    return Width(int(least[f]), int(most[f]), f)
