"""Counting the gradients: closed forms, and two counts that execute them and must come out equal.

Each gradient runs through the convolution's own products, once each: so its multiply-accumulates
are those of the convolution, whatever the groups, and both together are twice as many.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np

from refconv.counts.closed import Counts, count
from refconv.counts.tally import Ledger, Tally, tallies
from refconv.geometry import Geometry
from refconv.gradients import conv2d_input_grad, conv2d_weight_grad, loops
from refconv.im2col import im2col
from refconv.plan import Method

Gradient: TypeAlias = Literal["input-grad", "weight-grad", "bias-grad", "transpose"]
GRADIENTS: tuple[Gradient, ...] = ("input-grad", "weight-grad", "bias-grad", "transpose")


def count_gradient(geometry: Geometry, of: Gradient, bias: bool = False) -> Counts:
    """The counts of one gradient of the convolution of this geometry, by formula.

    of: "input-grad" reads grad_y and the weight; "weight-grad" reads grad_y and x; "bias-grad"
    reads grad_y; "transpose" is the input gradient as a layer of its own (the geometry is what
    `Geometry.transposing` gives), which may have a bias. `macs` counts the products that fall on
    padding, or come from there; `effective_macs` does not. `parameters` are those that are read,
    `im2col_size` is that of the matrices that col2im adds up, or that the product reads.

    >>> g = Geometry.of((1, 8, 8, 8), (8, 2, 3, 3), padding=1, groups=4)
    >>> [count_gradient(g, of).macs for of in ("input-grad", "weight-grad")], count(g).macs
    ([9216, 9216], 9216)

    Errors: `ValueError` where `of` is none of them, or a bias goes with none.
    """
    forward, g = _checked(geometry, of, bias), geometry
    outputs = g.N * g.F * g.OH * g.OW
    cells, weights = g.N * g.C * g.H * g.W, g.F * g.K
    if of == "bias-grad":
        return _sums(outputs, additions=outputs, channels=g.F)
    by_weight = of == "weight-grad"
    return Counts(
        macs=forward.macs,
        effective_macs=forward.effective_macs,
        multiplications=forward.macs,
        additions=forward.macs,
        bias_additions=cells if bias else 0,
        parameters=0 if by_weight else weights + (g.C if bias else 0),
        input_size=outputs + cells if by_weight else outputs,
        output_size=weights if by_weight else cells,
        im2col_size=forward.im2col_size,
    )


def tally_gradient(geometry: Geometry, of: Gradient, bias: bool = False) -> Counts:
    """The same counts, by running the loops of the definition on numbers that count.

    The numbers are ones, so that the sums say how many products reached x. About a microsecond for
    each operation, so for small layers.

    >>> g = Geometry.of((1, 2, 3, 4), (6, 1, 2, 2), groups=2, padding=(1, 0))
    >>> [tally_gradient(g, of) == count_gradient(g, of) for of in GRADIENTS]
    [True, True, True, True]

    Errors: those of `count_gradient`.
    """
    _checked(geometry, of, bias)
    g, ledger = geometry, Ledger()
    grad_y, weight, x = (
        tallies(np.ones(shape, np.int64), ledger)
        for shape in (g.y_shape, g.weight_shape, g.x_shape)
    )
    if of == "bias-grad":
        grad_bias = np.zeros(g.F, object)
        for n, f, oh, ow in np.ndindex(g.y_shape):
            grad_bias[f] += grad_y[n, f, oh, ow]
        return _sums(grad_y.size, ledger.additions, grad_bias.size)
    biases = tallies(np.ones(g.C, np.int64), ledger, bias=True) if bias else None
    if of == "weight-grad":
        gradient = np.zeros(g.weight_shape, object)
        loops.weight_grad(grad_y, x, gradient, g, Tally(0, ledger, padding=True))
        effective = ledger.multiplications - ledger.on_padding
        read, parameters = grad_y.size + x.size, 0
    else:
        gradient = np.zeros(g.x_shape, object)
        loops.input_grad(grad_y, weight, biases, gradient, g)
        reached = sum(cell.value for cell in gradient.flat if isinstance(cell, Tally))
        effective = reached - (gradient.size if bias else 0)
        read, parameters = grad_y.size, weight.size + (0 if biases is None else biases.size)
    return Counts(
        macs=ledger.multiplications,
        effective_macs=effective,
        multiplications=ledger.multiplications,
        additions=ledger.additions,
        bias_additions=ledger.bias_additions,
        parameters=parameters,
        input_size=read,
        output_size=gradient.size,
        im2col_size=im2col(np.empty(g.x_shape, np.int8), g).size,
    )


def count_gradient_by_ones(
    geometry: Geometry, of: Gradient, *, method: Method = "auto"
) -> tuple[int, int]:
    """(macs, effective_macs) of a gradient, counted by executing it on ones, in int64.

    >>> g = Geometry.of((1, 2, 5, 4), (3, 2, 3, 2), padding=((1, 1), (0, 1)))
    >>> count_gradient_by_ones(g, "input-grad"), count_gradient_by_ones(g, "weight-grad")
    ((720, 546), (720, 546))

    Errors: `ValueError` where `of` is none of them.
    """
    _checked(geometry, of, bias=False)
    if of == "bias-grad":
        return 0, 0
    g = geometry
    options: Any = {"stride": g.stride, "dilation": g.dilation, "groups": g.G}
    grad_y = np.ones(g.y_shape, np.int64)
    if of == "weight-grad":
        x = np.ones(g.x_shape, np.int64)
        totals = [
            conv2d_weight_grad(
                grad_y, x, g.weight_shape, padding=g.padding, pad_value=value, method=method,
                **options,
            )
            for value in (1, 0)
        ]  # fmt: skip
    else:
        weight = np.ones(g.weight_shape, np.int64)
        padded = (g.N, g.C, g.pt + g.H + g.pb, g.pl + g.W + g.pr)  # here pads are cells of x
        totals = [
            conv2d_input_grad(grad_y, weight, shape, padding=pads, method=method, **options)
            for shape, pads in ((padded, 0), (g.x_shape, g.padding))
        ]
    macs, effective = (int(total.sum()) for total in totals)
    return macs, effective


def _sums(outputs: int, additions: int, channels: int) -> Counts:
    """The counts of a bias gradient: nothing is multiplied."""
    return Counts(
        macs=0, effective_macs=0, multiplications=0, additions=additions, bias_additions=0,
        parameters=0, input_size=outputs, output_size=channels, im2col_size=0,
    )  # fmt: skip


def _checked(geometry: Geometry, of: str, bias: bool) -> Counts:
    """The counts of the convolution itself, where the question makes sense."""
    if of not in GRADIENTS:
        raise ValueError(f"of is {of!r}, but must be one of {GRADIENTS}")
    if bias and of != "transpose":
        raise ValueError(f"a bias goes with of='transpose', but of is {of!r}")
    return count(geometry)
