"""What a gradient is: the sums of a convolution, turned around.

The convolution reads cells of x and adds them to y, each times a weight. Here the very same reads
are made, but on the *indices* of the cells, and tell where a product is to be added. So whatever
`gather.py` can compute, a faulty convolution too, is differentiated by one formula. It shares no
code with `refconv.gradients`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Any, TypeAlias

import numpy as np

from refconv.oracle.cases.case import Case
from refconv.oracle.cases.gradient_case import GradientCase
from refconv.oracle.reference.gather import Problem, working_type

Array = np.ndarray[Any, Any]
Posed: TypeAlias = "Problem | Adjoint"


@dataclass(frozen=True, slots=True)
class Adjoint:
    """A gradient of `convolution`, or its transpose: `of` says which one.

    The convolution's x, where that is what the gradient is by, holds indices, from 1 on; 0 is a
    cell whose gradient nobody asks for, as those of the pads. So does its weight, in a weight
    gradient. Its bias is that of the transpose, (C,). `shape` is the result's.
    """

    of: str
    convolution: Problem
    grad_y: Array
    shape: tuple[int, ...]

    @classmethod
    def of_case(cls, case: GradientCase) -> Adjoint:
        """The case's own, its numbers in a type that sums are computed in."""
        g = case.geometry
        wide = working_type(case)
        by_weight = case.of == "weight-grad"
        problem = Problem(
            case.x.astype(wide) if by_weight else indices(g.x_shape),
            indices(g.weight_shape) if by_weight else case.weight.astype(wide),
            None if case.bias is None else case.bias.astype(wide),
            g.stride, (g.pt, g.pl), (g.pb, g.pr), g.dilation, g.G, (g.OH, g.OW), case.pad_value,
        )  # fmt: skip
        return cls(str(case.of), problem, case.grad_y.astype(wide), case.answer_shape)

    @property
    def bias(self) -> Array | None:
        """That of a transpose."""
        return self.convolution.bias

    @property
    def operands(self) -> tuple[Array, Array, Array | None]:
        """What products are made of, and the bias."""
        if self.of == "bias-grad":
            return self.grad_y, np.ones((1, 1, 1, 1), self.grad_y.dtype), None
        p = self.convolution
        return self.grad_y, p.x if self.of == "weight-grad" else p.weight, p.bias

    def with_operands(self, grad_y: Array, other: Array, bias: Array | None) -> Adjoint:
        """The same gradient, of other numbers."""
        convolution = replace(self.convolution, bias=bias)
        if self.of == "weight-grad":
            convolution = replace(convolution, x=other)
        elif self.of != "bias-grad":
            convolution = replace(convolution, weight=other)
        return replace(self, grad_y=grad_y, convolution=convolution)

    def terms(self) -> Array:
        """Products in each sum: those on padding zeros are none."""
        grad_y, other, _ = self.operands
        ones = self.with_operands(np.ones(grad_y.shape), np.ones(other.shape), None)
        return ones.padded_with(float(self.convolution.pad_value != 0)).solve()

    def padded_with(self, pad_value: Any) -> Adjoint:
        """The same gradient, with something else in the pads: only that of a weight reads them."""
        return replace(self, convolution=replace(self.convolution, pad_value=pad_value))

    def solve(self) -> Array:
        """The gradient, of the arrays' type."""
        with np.errstate(all="ignore"):  # NaN and infinity are ordinary results
            if self.of == "bias-grad":
                return np.asarray(self.grad_y.sum((0, 2, 3)))
            sums = self._weight_grad() if self.of == "weight-grad" else self._input_grad()
            bias = self.convolution.bias
            return sums if bias is None else sums + bias[:, None, None]

    def products(self) -> list[tuple[Array, Array]]:
        """For each kernel cell, row by row: indices of x that it reads, (N, C, OH, OW), and what is
        to be added there.
        """
        p = self.convolution
        N, F, OH, OW = self.grad_y.shape
        Cg, G = p.weight.shape[1], p.groups
        rows = self.grad_y.reshape(N, G, F // G, OH * OW)
        found = []
        for kh, kw, cells in p.reads():
            weights = p.weight[:, :, kh, kw].reshape(G, F // G, Cg).swapaxes(1, 2)
            found.append((cells, (weights @ rows).reshape(N, G * Cg, OH, OW)))
        return found

    def _input_grad(self) -> Array:
        """Each product of grad_y and a weight, added to the cell of x that was read for it."""
        sums = self._zeros()
        for cells, products in self.products():
            np.add.at(sums, cells.ravel(), products.ravel())
        return sums[1:].reshape(self.shape)

    def _weight_grad(self) -> Array:
        """Each product of grad_y and a cell of x, added to the weight that it was read for."""
        p, sums = self.convolution, self._zeros()
        N, F, OH, OW = self.grad_y.shape
        Cg, G = p.weight.shape[1], p.groups
        rows = self.grad_y.reshape(N, G, F // G, OH * OW)
        for kh, kw, cells in p.reads():
            read = cells.reshape(N, G, Cg, OH * OW)
            products = (rows @ read.swapaxes(2, 3)).sum(0)  # (G, Fg, Cg)
            np.add.at(sums, p.weight[:, :, kh, kw].ravel(), products.ravel())
        return sums[1:].reshape(self.shape)

    def addends(self) -> Iterator[Array]:
        """The products, in the order of plain loops: arrays of the result's shape, to be added one
        after the other. Over kernel cells and output channels, or over images and places.
        """
        p, (N, F, OH, OW) = self.convolution, self.grad_y.shape
        Fg = F // max(1, p.groups)
        if self.of in ("input-grad", "transpose"):
            for fg in range(Fg):
                of_one = np.where((np.arange(F) % Fg == fg)[:, None, None, None], p.weight, 0)
                for cells, products in self.with_operands(self.grad_y, of_one, None).products():
                    sums = self._zeros()
                    sums[cells.ravel()] = products.ravel()  # no two windows share a cell of these
                    yield sums[1:].reshape(self.shape)
            return
        reads = [] if self.of == "bias-grad" else [cells for *_, cells in p.reads()]
        for n, oh, ow in np.ndindex(N, OH, OW):
            rows = self.grad_y[n, :, oh, ow]
            if self.of == "bias-grad":
                yield rows
                continue
            read = np.stack([cells[n, :, oh, ow] for cells in reads], -1)  # (C, KH*KW)
            read = np.repeat(read.reshape(p.groups, 1, *self.shape[1:]), Fg, 1)
            yield rows[:, None, None, None] * read.reshape(self.shape)

    def _zeros(self) -> Array:
        """One for each cell of the result, behind one for what nobody asks for."""
        return np.zeros(1 + prod(self.shape), np.result_type(*self.operands[:2]))


def indices(shape: tuple[int, ...]) -> Array:
    """An array of this shape in which each cell holds its own number, from 1 on."""
    return np.arange(1, 1 + prod(shape)).reshape(shape)


def posed(case: Case) -> Posed:
    """What the case asks for, as something that can be solved, and altered before."""
    return Adjoint.of_case(case) if isinstance(case, GradientCase) else Problem.of(case)
