"""Closed forms: what a convolution costs, from its geometry alone."""

from __future__ import annotations

from dataclasses import dataclass, fields
from fractions import Fraction

import numpy as np
from numpy.typing import DTypeLike

from refconv.dtypes import Types
from refconv.geometry import Geometry


@dataclass(frozen=True, slots=True)
class Counts:
    """What a convolution costs. Each figure's unit:

    macs: multiply-accumulates, taps on padding cells counted.
    effective_macs: multiply-accumulates, taps on padding cells left out.
    multiplications, additions: operations of the sums, each of which starts from zero.
    bias_additions: additions, one for each output where there is a bias.
    parameters: elements of the weight and the bias.
    input_size, output_size: elements of x and of y.
    im2col_size: elements of the im2col matrices of the whole batch; of a pointwise layer, whose
        matrix is x itself, too.

    Counts add up, field by field: what two stages cost one after the other.
    """

    macs: int
    effective_macs: int
    multiplications: int
    additions: int
    bias_additions: int
    parameters: int
    input_size: int
    output_size: int
    im2col_size: int

    def __add__(self, other: Counts) -> Counts:
        if not isinstance(other, Counts):
            return NotImplemented
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Counts)))

    def __radd__(self, nothing: int) -> Counts:
        """`sum` begins with 0."""
        return self if nothing == 0 else NotImplemented

    @property
    def flops(self) -> int:
        """Floating-point operations: 2 * macs. Bias additions are not in it."""
        return 2 * self.macs

    def ratio_to(self, other: Counts) -> Fraction:
        """These macs over the other's, exactly.

        >>> standard = count(Geometry.of((1, 512, 14, 14), (512, 512, 3, 3), padding=1))
        >>> grouped = count(Geometry.of((1, 512, 14, 14), (512, 64, 3, 3), padding=1, groups=8))
        >>> grouped.ratio_to(standard)
        Fraction(1, 8)
        """
        if other.macs == 0:
            raise ValueError("other has 0 macs, so there is no ratio to it")
        return Fraction(self.macs, other.macs)

    def bytes(self, dtype: DTypeLike) -> int:
        """Bytes of input, parameters and output, each array once: operands of type `dtype`.

        The output has the type that convolving such operands returns.
        """
        operand = np.dtype(dtype)
        result = Types.of(operand, operand).result
        inputs = (self.input_size + self.parameters) * operand.itemsize
        return inputs + self.output_size * result.itemsize

    def intensity(self, dtype: DTypeLike) -> float:
        """FLOP per byte: `flops` over `bytes(dtype)`; 0 where there are no bytes."""
        size = self.bytes(dtype)
        return self.flops / size if size else 0.0


def count(geometry: Geometry, bias: bool = False) -> Counts:
    """The counts of one convolution, by formula.

    macs = N * F * OH * OW * Cg * KH * KW. The effective ones are a product too, since a tap lies in
    the image when its row does and its column does.

    >>> c = count(Geometry.of((1, 512, 14, 14), (512, 512, 3, 3), padding=1))
    >>> c.macs, c.effective_macs, c.parameters, c.im2col_size
    (462422016, 419430400, 2359296, 903168)

    Errors: `TypeError` for what is no geometry.
    """
    if not isinstance(geometry, Geometry):
        raise TypeError(f"geometry is of type {type(geometry).__name__}, but must be a Geometry")
    g = geometry
    outputs = g.N * g.F * g.OH * g.OW
    macs = outputs * g.K
    rows = _inside(g.H, g.KH, g.sh, g.dh, g.pt, g.OH)
    columns = _inside(g.W, g.KW, g.sw, g.dw, g.pl, g.OW)
    return Counts(
        macs=macs,
        effective_macs=g.N * g.F * g.Cg * rows * columns,
        multiplications=macs,
        additions=macs,
        bias_additions=outputs if bias else 0,
        parameters=g.F * g.K + (g.F if bias else 0),
        input_size=g.N * g.C * g.H * g.W,
        output_size=outputs,
        im2col_size=g.N * g.G * g.K * g.OH * g.OW,
    )


def _inside(size: int, kernel: int, stride: int, dilation: int, before: int, positions: int) -> int:
    """Along one axis: pairs of kernel position and kernel cell that fall inside the data.

    Cell k reads o*stride + k*dilation - before, so it falls before `end` for the positions
    o < (end + before - k*dilation) / stride, rounded up; inside is before `size`, and not before 0.

    >>> _inside(5, 3, 2, 1, 1, 3)
    7
    """

    def falling_before(end: int) -> int:
        reach = end + before
        # Cells 0 .. full-1 for all positions, cells full .. some-1 for some of them.
        full = min(kernel, max(0, (reach - (positions - 1) * stride - 1) // dilation + 1))
        some = min(kernel, max(0, (reach - 1) // dilation + 1))
        nearest = reach - (some - 1) * dilation
        rest = _floor_sum(max(0, some - full), stride, dilation, nearest + stride - 1)
        return full * positions + rest

    return falling_before(size) - falling_before(0)


def _floor_sum(n: int, m: int, a: int, b: int) -> int:
    """The sum of (a*i + b) // m over i < n, as Euclid's algorithm: in a few steps for any n.

    >>> _floor_sum(4, 10, 6, 3), sum((6 * i + 3) // 10 for i in range(4))
    (3, 3)
    """
    total = 0
    while True:
        total += n * (n - 1) // 2 * (a // m) + n * (b // m)
        a, b = a % m, b % m
        last = a * n + b
        if last < m:
            return total
        n, b = last // m, last % m
        m, a = a, m
