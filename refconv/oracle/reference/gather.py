"""A convolution by gathering, in NumPy: for each kernel cell, what it reads, times its weights.

It shares no code with the methods of `refconv.conv2d`, so that each can vouch for the other. And it
asks less: any first cell, any distances, any size of the output, for cells outside the image are
padding wherever they are. So it also computes what a *faulty* implementation would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from refconv.oracle.cases.case import Case

Array = np.ndarray[Any, Any]

EXACT_FLOAT = 1 << 53
INT64_END = 2.0**63


@dataclass(frozen=True, slots=True)
class Problem:
    """What is computed: output (oh, ow) reads cell oh*sh + kh*dh - pt, ow*sw + kw*dw - pl.

    `corner` is (pt, pl), `size` is (OH, OW); `ends`, (pb, pr), matter for `natural_size` only. The
    arrays are (N, C, H, W), (F, Cg, KH, KW) and (F,). With `pointwise`, a matrix, its product with
    the channels of each output follows, and the bias is added then.
    """

    x: Array
    weight: Array
    bias: Array | None
    stride: tuple[int, int]
    corner: tuple[int, int]
    ends: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    size: tuple[int, int]
    pad_value: Any
    pointwise: Array | None = None
    pointwise_stride: tuple[int, int] = (1, 1)

    @classmethod
    def of(cls, case: Case) -> Problem:
        """The case's own problem, its numbers in a type that sums are computed in."""
        g = case.geometry
        wide = working_type(case)
        bias = None if case.bias is None else case.bias.astype(wide)
        pointwise = None
        if case.pointwise_weight is not None:
            pointwise = case.pointwise_weight.astype(wide).reshape(len(case.pointwise_weight), -1)
        return cls(
            case.x.astype(wide), case.weight.astype(wide), bias,
            g.stride, (g.pt, g.pl), (g.pb, g.pr), g.dilation, g.G, (g.OH, g.OW), case.pad_value,
            pointwise,
        )  # fmt: skip

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """The shape of y."""
        F = len(self.weight if self.pointwise is None else self.pointwise)
        OH, OW = (-(-n // s) for n, s in zip(self.size, self.pointwise_stride, strict=True))
        return len(self.x), F, OH, OW

    @property
    def pads(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """((pt, pb), (pl, pr))."""
        return tuple(zip(self.corner, self.ends, strict=True))  # type: ignore[return-value]

    @property
    def operands(self) -> tuple[Array, Array, Array | None]:
        """What products are made of, and the bias."""
        return self.x, self.weight, self.bias

    def with_operands(self, x: Array, weight: Array, bias: Array | None) -> Problem:
        """The same problem, of other numbers."""
        return replace(self, x=x, weight=weight, bias=bias)

    def natural_size(self) -> tuple[int, int]:
        """The size of the output that these pads, strides and dilations give; below 1 for none."""
        image, kernel = self.x.shape[2:], self.weight.shape[2:]
        axes = zip(image, kernel, self.pads, self.stride, self.dilation, strict=True)
        rows, columns = ((i + sum(p) - d * (k - 1) - 1) // s + 1 for i, k, p, s, d in axes)
        return rows, columns

    def solve(self) -> Array:
        """The y of this problem, (N, F, OH, OW), of the arrays' type."""
        N, F, (OH, OW) = len(self.x), len(self.weight), self.size
        Cg, G = self.weight.shape[1], self.groups
        y = np.zeros((N, G, F // G, OH * OW), np.result_type(self.x, self.weight))
        with np.errstate(all="ignore"):  # NaN and infinity are ordinary results
            if y.size and Cg:
                for kh, kw, cells in self.reads():
                    weights = self.weight[:, :, kh, kw].reshape(G, F // G, Cg)
                    read = cells.reshape(N, G, Cg, OH * OW)
                    # A product of matrices that are 1 wide is slow, group by group.
                    y += weights * read if Cg == 1 else weights @ read
            y = y.reshape(N, F, OH, OW)
            if self.pointwise is not None:
                sh, sw = self.pointwise_stride
                y = y[:, :, ::sh, ::sw]
                y = (self.pointwise @ y.reshape(N, F, -1)).reshape(self.shape)
            if self.bias is not None:
                y += self.bias[:, None, None]
        return y

    def reads(self) -> Iterator[tuple[int, int, Array]]:
        """For each kernel cell kh, kw: what it reads for the outputs, (N, C, OH, OW)."""
        xp, top, left = self._padded()
        OH, OW = self.size
        for kh in range(self.weight.shape[2]):
            rows = _positions(top + kh * self.dilation[0], self.stride[0], OH)
            for kw in range(self.weight.shape[3]):
                columns = _positions(left + kw * self.dilation[1], self.stride[1], OW)
                yield kh, kw, xp[:, :, rows, columns]

    def taps(self, *, channels_first: bool = False) -> Iterator[tuple[Array, Array]]:
        """For each term of the sums, what it reads, (N, F, OH, OW), and its weights, (F, 1, 1).

        The input channels go by for each kernel cell, or the kernel cells for each channel.
        """
        F, Cg = self.weight.shape[:2]
        first = np.arange(F) // max(1, F // self.groups) * Cg
        reads, channels = list(self.reads()), range(Cg)
        order = product(channels, reads) if channels_first else _turned(product(reads, channels))
        for cg, (kh, kw, read) in order:
            yield read[:, first + cg], self.weight[:, cg, kh, kw][:, None, None]

    def summed_one_by_one(
        self,
        hold: Callable[[Array], Array],
        *,
        channels_first: bool,
        bias_first: bool,
        hold_products: bool = False,
    ) -> Array:
        """The outputs if every partial sum is held as `hold` gives it, in a narrow type perhaps."""
        bias = np.zeros(1) if self.bias is None else self.bias
        held_bias = bias[:, None, None]
        total = np.zeros(self.shape)
        if bias_first:
            total = total + hold(held_bias)
        for read, weights in self.taps(channels_first=channels_first):
            term = read * weights
            total = hold(total + (hold(term) if hold_products else term))
        return total if bias_first else hold(total + held_bias)

    def _padded(self) -> tuple[Array, int, int]:
        """The image with all cells around it that are read, and the first cell read in that."""
        pads, first = [], []
        for axis in (0, 1):
            n, s, d = self.size[axis], self.stride[axis], self.dilation[axis]
            span = (n - 1) * s + (self.weight.shape[2 + axis] - 1) * d
            before = max(0, self.corner[axis])
            pads.append((before, max(0, span - self.corner[axis] + 1 - self.x.shape[2 + axis])))
            first.append(before - self.corner[axis])
        if pads == [(0, 0), (0, 0)]:
            return self.x, first[0], first[1]
        N, C, H, W = self.x.shape
        (pt, pb), (pl, pr) = pads
        xp = np.full((N, C, pt + H + pb, pl + W + pr), self.pad_value, self.x.dtype)
        xp[:, :, pt : pt + H, pl : pl + W] = self.x
        return xp, first[0], first[1]


def _turned(pairs: Iterable[tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
    return ((second, first) for first, second in pairs)


def _positions(first: int, step: int, count: int) -> slice:
    """`count` positions from `first` on, `step` apart."""
    return slice(first, first + step * (count - 1) + 1, step)


def working_type(case: Case) -> np.dtype[Any]:
    """float64 (complex128), which holds products of float32 exactly; int64 for large integers."""
    if case.types.accumulator.kind == "c":
        return np.dtype(np.complex128)
    if case.types.accumulator.kind == "i" and largest_sum(case) >= EXACT_FLOAT:
        return np.dtype(np.int64)
    return np.dtype(np.float64)


def largest_sum(case: Case) -> float:
    """No partial sum of any order is larger: taps * max|x| * max|w| + max|bias|."""
    first, second, pads = map(_largest, (*case.factors, np.asarray(case.pad_value)))
    bias = 0.0 if case.bias is None else _largest(case.bias)
    # The pads are around the image, which is the first factor, or that of grad_y.
    pairs = ((first, second), (pads, second if case.of is None else first))
    sums = case.longest_sum * max(a * b for a, b in pairs)
    if case.pointwise_weight is not None:
        sums *= max(1.0, case.geometry.F * _largest(case.pointwise_weight))
    return sums + bias


def _largest(array: Array) -> float:
    """The largest absolute value; 0 of nothing. Python's own numbers do not wrap around."""
    if not array.size:
        return 0.0
    if array.dtype.kind in "iu":
        return float(max(abs(int(array.min())), abs(int(array.max()))))
    return float(np.abs(array.astype(np.complex128 if array.dtype.kind == "c" else float)).max())
