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
    """
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

    Cell k reads o*stride + k*dilation - before, which is inside for a range of o.
    """
    total = 0
    for k in range(kernel):
        offset = k * dilation - before
        first = max(0, -(offset // stride))  # the least o with o*stride + offset >= 0
        end = -((offset - size) // stride)  # the least o with o*stride + offset >= size
        total += max(0, min(positions, end) - first)
    return total
