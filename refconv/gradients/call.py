"""A checked call for a gradient, and how a method comes to fill it.

The geometry is always that of the *convolution*, whose gradient is taken: `x_shape` is the shape of
its input, which the input gradient has too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from refconv.arguments import Array, filled
from refconv.dtypes import Types, refuse_overflow
from refconv.geometry import Geometry, Layout
from refconv.layout import image_order, nchw, oihw, reordered, weight_order
from refconv.pad import ready
from refconv.plan import Method, geometry_stated, refuse_method

ROOMS: dict[Method, str] = {
    "auto": "refconv.jit.gradients",
    "jit": "refconv.jit.gradients",
    "jit-loops": "refconv.gradients.loops",
    "im2col": "refconv.gradients.im2col",
    "loops": "refconv.gradients.loops",
}
"""Where each method's functions are."""


class Call(NamedTuple):
    """The geometry of a convolution, and how its arrays lie."""

    geometry: Geometry
    layout: Layout
    method: Method

    @classmethod
    def of(
        cls,
        x_shape: Sequence[int],
        weight_shape: Sequence[int],
        options: tuple[Any, ...],
        x_name: str = "x",
        weight_name: str = "weight",
    ) -> Call:
        """The call for these shapes, which the caller calls by these names.

        options: stride, padding, dilation, groups, layout, pad_value, method, as a `Plan` has them.
        """
        stride, padding, dilation, groups, layout, _, method = options
        refuse_method(method)
        geometry = geometry_stated(
            x_shape, weight_shape, stride, padding, dilation, groups, layout, x_name, weight_name
        )
        return cls(geometry, layout, method)

    @property
    def x_shape(self) -> tuple[int, ...]:
        """The shape of the convolution's input, as the caller has it."""
        return reordered(self.geometry.x_shape, image_order(self.layout))

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """The shape of the weight, as the caller has it."""
        return reordered(self.geometry.weight_shape, weight_order(self.layout))

    def refuse_grad_y(self, grad_y: Array) -> None:
        """Raise where it has another shape than y."""
        y_shape = reordered(self.geometry.y_shape, image_order(self.layout))
        if grad_y.shape != y_shape:
            raise ValueError(f"grad_y has shape {grad_y.shape}, but y has shape {y_shape}")


def fill_input_grad(
    call: Call,
    types: Types,
    grad_y: Array,
    weight: Array,
    bias: Array | None,
    out: Array | None,
    names: str,
) -> Array:
    """The input gradient, plus a bias for each channel.

    `names` is what the caller calls grad_y and the weight.
    """
    g, accumulator = call.geometry, types.accumulator
    grad_y, weight = nchw(grad_y, call.layout), oihw(weight, call.layout)
    if accumulator.kind == "i":
        by_group = weight.reshape(g.G, g.Fg, g.Cg, g.KH * g.KW)
        # (G, Fg, Cg, KH*KW) -> (C, Fg, 1, KH*KW): all that one channel of x gains from
        of_channels = by_group.swapaxes(1, 2).reshape(g.C, g.Fg, 1, g.KH * g.KW)
        refuse_overflow(grad_y, of_channels, bias, 0, accumulator, names)

    def compute(grad_x: Array) -> None:
        offsets = None if bias is None else ready(bias, accumulator)
        if grad_x.size == 0 or grad_y.size == 0:
            grad_x[...] = 0 if offsets is None else offsets[:, None, None]
            return
        run = _method(call.method, "input_grad")
        run(ready(grad_y, accumulator), ready(weight, accumulator), offsets, grad_x, g)

    return filled(compute, g.x_shape, types, image_order(call.layout), out)


def fill_weight_grad(
    call: Call,
    types: Types,
    grad_y: Array,
    x: Array,
    pad_value: Any,
    out: Array | None,
    names: str,
) -> Array:
    """The weight gradient; `names` is what the caller calls grad_y and x."""
    g, accumulator = call.geometry, types.accumulator
    grad_y, x = nchw(grad_y, call.layout), nchw(x, call.layout)
    if accumulator.kind == "i":
        of_channels = grad_y.swapaxes(0, 1)  # (F, N, OH, OW): all that one kernel gains from
        padding = pad_value if g.padded else 0
        refuse_overflow(x, of_channels, None, padding, accumulator, names)

    def compute(grad_weight: Array) -> None:
        if grad_weight.size == 0 or grad_y.size == 0:
            grad_weight[...] = 0
            return
        run = _method(call.method, "weight_grad")
        run(ready(grad_y, accumulator), x, grad_weight, g, pad_value)

    return filled(compute, g.weight_shape, types, weight_order(call.layout), out)


def fill_bias_grad(types: Types, grad_y: Array, out: Array | None, name: str) -> Array:
    """The bias gradient of a grad_y in NCHW, which the caller calls `name`."""
    accumulator, channels = types.accumulator, grad_y.shape[1]
    if accumulator.kind == "i":
        ones = np.ones((1, 1), grad_y.dtype)  # a weight of 1 for each
        refuse_overflow(ones, grad_y.swapaxes(0, 1), None, 0, accumulator, name)

    def compute(grad_bias: Array) -> None:
        # One order of summation whatever the layout: NumPy's follows the strides.
        rows = ready(grad_y.swapaxes(0, 1), accumulator)
        rows = rows.reshape(channels, grad_y.size // max(1, channels))
        with np.errstate(all="ignore"):
            np.sum(rows, axis=1, out=grad_bias)

    return filled(compute, (channels,), types, None, out)


def _method(name: Method, gradient: str) -> Callable[..., None]:
    """The function behind the name; the compiled ones load Numba at first use."""
    module = import_module(ROOMS[name])
    function: Callable[..., None] = getattr(module, gradient)
    if name == "jit-loops":
        twin = getattr(import_module("refconv.jit.loops"), f"compiled_{gradient}_loops")
        return partial(function, loops=twin)
    return function
