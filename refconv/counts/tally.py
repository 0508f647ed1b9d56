"""The definition, executed on numbers that count: the loops are not changed, the numbers are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from refconv import loops
from refconv.counts.closed import Counts
from refconv.geometry import Geometry, Layout
from refconv.im2col import im2col
from refconv.layout import nchw, oihw


@dataclass(slots=True)
class Ledger:
    """What has been executed so far."""

    multiplications: int = 0
    on_padding: int = 0
    additions: int = 0
    bias_additions: int = 0


@dataclass(slots=True, eq=False)
class Tally:
    """A number that writes each of its multiplications and additions into a ledger."""

    value: Any
    ledger: Ledger
    padding: bool = False
    bias: bool = False

    def __mul__(self, other: Tally) -> Tally:
        self.ledger.multiplications += 1
        self.ledger.on_padding += self.padding or other.padding
        return Tally(self.value * other.value, self.ledger)

    def __add__(self, other: Tally) -> Tally:
        return self._added_to(other.value, with_bias=self.bias or other.bias)

    def __radd__(self, start: int) -> Tally:
        """The first addition of a sum: to the plain zero that the output holds before it."""
        return self._added_to(start, with_bias=self.bias)

    def _added_to(self, value: Any, *, with_bias: bool) -> Tally:
        if with_bias:
            self.ledger.bias_additions += 1
        else:
            self.ledger.additions += 1
        return Tally(value + self.value, self.ledger)


def tally(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    layout: Layout = "NCHW",
) -> Counts:
    """The counts of a convolution, by running the seven loops of the definition on such numbers.

    x (N, C, H, W), weight (F, C//groups, KH, KW), bias (F,), or as `layout` says; options as in
    `conv2d`. Nothing in it knows a formula: operations are counted as they are executed, sizes are
    those of the arrays. About a microsecond for each operation, so for small layers.

    >>> counts = tally(np.ones((1, 2, 3, 4)), np.ones((6, 1, 2, 2)), groups=2, padding=(1, 0))
    >>> counts.macs, counts.effective_macs, counts.additions
    (288, 216, 288)

    Errors: those of `Geometry.of`.
    """
    x, weight = np.asarray(x), np.asarray(weight)
    g = Geometry.of(
        x.shape,
        weight.shape,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        layout=layout,
    )
    x, weight = nchw(x, layout), oihw(weight, layout)
    ledger = Ledger()
    numbers = tallies(x, ledger)
    biases = None if bias is None else tallies(np.asarray(bias), ledger, bias=True)
    if biases is not None and biases.shape != (g.F,):
        raise ValueError(f"bias has shape {biases.shape}, but must be ({g.F},)")

    y = np.empty(g.y_shape, object)
    pad_cell = Tally(0, ledger, padding=True)
    loops.convolve(numbers, tallies(weight, ledger), biases, y, g, pad_cell)
    return Counts(
        macs=ledger.multiplications,
        effective_macs=ledger.multiplications - ledger.on_padding,
        multiplications=ledger.multiplications,
        additions=ledger.additions,
        bias_additions=ledger.bias_additions,
        parameters=weight.size + (0 if biases is None else biases.size),
        input_size=x.size,
        output_size=y.size,
        im2col_size=im2col(x, g).size,
    )


def tallies(values: np.ndarray[Any, Any], ledger: Ledger, *, bias: bool = False) -> Any:
    """An object array of tallies of the values."""
    numbers = np.empty(values.shape, object)
    for index, value in enumerate(values.ravel().tolist()):
        numbers.flat[index] = Tally(value, ledger, bias=bias)
    return numbers
