"""Layers: convolutions prepared once and called many times, with their gradients.

`Conv2d` is one of them, standard, group or depthwise; `DepthwiseSeparableConv2d` is two in a row.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from refconv.arguments import Array, as_array, optional_array
from refconv.conv import channels_of, refuse_wide_kernel
from refconv.dtypes import Types
from refconv.geometry import WEIGHT_AXES, Layout, Padding, Pair
from refconv.gradients.call import Call, fill_bias_grad, fill_input_grad, fill_weight_grad
from refconv.layout import OIHW_TO_HWIO, nchw, oihw
from refconv.plan import (
    Method,
    Names,
    Operands,
    PackedWeight,
    Plan,
    refuse_layer,
)

PLANS = 64
"""So many sizes of images does a layer remember its plans for."""

LayerState: TypeAlias = tuple[Array, Array | None, tuple[Any, ...]]
"""A layer's weight, bias and options."""


class Gradients(NamedTuple):
    """What a layer's `backward` gives: the gradients by x, by the weight, and by the bias.

    `bias` is None where the layer has none.
    """

    x: Array
    weight: Array
    bias: Array | None


class SeparableGradients(NamedTuple):
    """The gradients of both stages; a bias that the layer does not have is None."""

    x: Array
    depthwise_weight: Array
    depthwise_bias: Array | None
    pointwise_weight: Array
    bias: Array | None


class Conv2d:
    """A convolution prepared once and called many times: `layer(x)` is `conv2d(x, weight, ...)`.

    Takes the arguments of `conv2d` but for `x` and `out`. The weights are copied, and once more in
    the order in which the compiled kernel reads them: changing the caller's array afterwards does
    not change the layer. What is checked and planned for one size of images is remembered.

    >>> layer = Conv2d(np.ones((2, 1, 3, 3), "float32"), padding=1, stride=2)
    >>> layer(np.ones((1, 1, 4, 6), "float32"))[0, 1].tolist()
    [[4.0, 6.0, 6.0], [6.0, 9.0, 9.0]]
    """

    _names = Names()
    """What the caller calls its operands."""

    def __init__(
        self,
        weight: ArrayLike,
        bias: ArrayLike | None = None,
        *,
        stride: Pair = 1,
        padding: Padding = 0,
        dilation: Pair = 1,
        groups: int = 1,
        layout: Layout = "NCHW",
        pad_value: complex = 0,
        method: Method = "auto",
    ) -> None:
        options = (stride, padding, dilation, groups, layout, pad_value, method)
        own_weight = _prepared(as_array(weight, self._names.weight), layout)
        own_bias = None if bias is None else as_array(bias, self._names.bias).copy()
        refuse_layer(own_weight, own_bias, options, self._names)
        self.__setstate__((own_weight, own_bias, _frozen(options)))

    def __getstate__(self) -> LayerState:
        """What a pickle or a copy takes along; not the packed weight, which is for this CPU."""
        return self._weight, self._bias, self._options

    def __setstate__(self, state: LayerState) -> None:
        self._weight, self._bias, self._options = state
        for array in (self._weight, self._bias):
            if array is not None:
                array.setflags(write=False)
        self._plans: dict[tuple[tuple[int, ...], np.dtype[Any]], Plan] = {}
        self._operands: dict[np.dtype[Any], Operands] = {}

    def __call__(self, x: ArrayLike, out: Array | None = None) -> Array:
        """Y for the images `x`, as `conv2d` would give it."""
        images = as_array(x, "x")
        plan = self._plan_for(images)
        return plan.run(images, out, {"x": images}, self._operands[plan.types.accumulator])

    def backward(self, x: ArrayLike, grad_y: ArrayLike) -> Gradients:
        """The gradients of sum(layer(x) * grad_y), by x, by the weight and by the bias.

        x (N, C, H, W), grad_y (N, F, OH, OW); each gradient has the shape of what it is by. Types
        are those of `conv2d`; a bias of the type that is summed in has a gradient of that type.

        >>> layer = Conv2d(np.array([[[[2, 3]]]]), np.array([5]))
        >>> by = layer.backward(np.array([[[[1, 2, 3]]]]), np.array([[[[1, 10]]]]))
        >>> by.x.tolist(), by.weight.tolist(), by.bias.tolist()
        ([[[[2, 23, 30]]]], [[[[21, 32]]]], [11])

        Errors: those of the layer for `x`; `ValueError` for the shape of `grad_y`, `TypeError` for
        its type, `OverflowError` where an integer sum of a gradient could leave its type.
        """
        names, images = self._names, as_array(x, self._names.x)
        gradients = as_array(grad_y, names.grad_y)
        plan = self._plan_for(images)
        call = Call(plan.geometry, plan.layout, plan.method)
        by_x = Types.of(
            # A layer's weight is what it is: where the types differ, grad_y is to be cast.
            self._weight.dtype,
            gradients.dtype,
            x_name=f"the layer's {names.weight}",
            weight_name=names.grad_y,
        )
        by_weight = Types.of(images.dtype, gradients.dtype)  # images and weight go together
        call.refuse_grad_y(gradients)
        return Gradients(
            fill_input_grad(
                call,
                by_x,
                gradients,
                self._weight,
                None,
                None,
                f"{names.grad_y} and {names.weight}",
            ),
            fill_weight_grad(
                call,
                by_weight,
                gradients,
                images,
                plan.pad_value,
                None,
                f"{names.grad_y} and {names.x}",
            ),
            self._bias_grad(nchw(gradients, call.layout)),
        )

    def _bias_grad(self, grad_y: Array) -> Array | None:
        """The bias gradient, which keeps what a half would lose where the bias itself does."""
        if self._bias is None:
            return None
        types = Types.of(grad_y.dtype, grad_y.dtype)
        if self._bias.dtype.newbyteorder("=") == types.accumulator:
            types = Types(types.accumulator, types.accumulator)
        return fill_bias_grad(types, grad_y, None, self._names.grad_y)

    def _plan_for(self, images: Array) -> Plan:
        """The plan for such images."""
        return self._plans.get((images.shape, images.dtype)) or self._new_plan(images)

    def _new_plan(self, images: Array) -> Plan:
        """The plan for such images, remembered: checking costs as much as a small layer."""
        plan = Plan.of(
            images.shape, images.dtype, self._weight, self._bias, self._options, self._names
        )
        if plan.types.accumulator not in self._operands:
            operands = plan.operands()
            packed = PackedWeight(operands.weight, plan.geometry.G)
            self._operands[plan.types.accumulator] = operands._replace(packed=packed)
        if len(self._plans) >= PLANS:
            self._plans.clear()
        self._plans[images.shape, images.dtype] = plan
        return plan

    def __repr__(self) -> str:
        stride, padding, dilation, groups, layout, pad_value, method = self._options
        return (
            f"Conv2d(weight={self._weight.shape} {self._weight.dtype.name}, "
            f"bias={self._bias is not None}, {stride=}, {padding=}, {dilation=}, {groups=}, "
            f"{layout=}, {pad_value=}, {method=})"
        )


class _Depthwise(Conv2d):
    """The first stage of a separable layer, under the names of its arguments."""

    _names = Names(
        "x", "depthwise_weight", "depthwise_bias", "the gradient of the depthwise output"
    )


class _Pointwise(Conv2d):
    """The second stage."""

    _names = Names("the depthwise output", "pointwise_weight", "bias")


class DepthwiseSeparableConv2d:
    """Depthwise, then pointwise, prepared once: `depthwise_separable_conv2d` without x and out.

    Takes the arguments of that function but for `x` and `out`; weights and biases are copied.
    Images may have any number of channels that divides the depthwise kernels.

    >>> layer = DepthwiseSeparableConv2d(np.ones((2, 1, 2, 2), int), [[[[1]], [[100]]]])
    >>> layer(np.arange(12).reshape(1, 2, 2, 3)).tolist()
    [[[[3208, 3612]]]]
    """

    def __init__(
        self,
        depthwise_weight: ArrayLike,
        pointwise_weight: ArrayLike,
        bias: ArrayLike | None = None,
        *,
        depthwise_bias: ArrayLike | None = None,
        stride: Pair = 1,
        padding: Padding = 0,
        dilation: Pair = 1,
        layout: Layout = "NCHW",
        pad_value: complex = 0,
        method: Method = "auto",
    ) -> None:
        pointwise = as_array(pointwise_weight, "pointwise_weight")
        refuse_wide_kernel(pointwise, "pointwise_weight", layout)
        weight = as_array(depthwise_weight, "depthwise_weight").copy()
        offsets = optional_array(depthwise_bias, "depthwise_bias")
        self._layout = layout
        self._first = (weight, None if offsets is None else offsets.copy())
        self._options: Any = {
            "stride": _frozen(stride), "padding": _frozen(padding), "dilation": _frozen(dilation),
            "layout": layout, "pad_value": pad_value, "method": method,
        }  # fmt: skip
        self._depthwise: dict[int, _Depthwise] = {}
        self._pointwise = _Pointwise(pointwise, bias, layout=layout, method=method)
        kernels = weight.shape[WEIGHT_AXES[layout].index("F")] if weight.ndim == 4 else 1
        self._layer_for(max(1, kernels))  # refuses now what would be refused for any images

    def __call__(self, x: ArrayLike, out: Array | None = None) -> Array:
        """Y for the images `x`, as `depthwise_separable_conv2d` would give it."""
        images = as_array(x, "x")
        first = self._layer_for(channels_of(images, self._layout))
        return self._pointwise(first(images), out)

    def backward(self, x: ArrayLike, grad_y: ArrayLike) -> SeparableGradients:
        """The gradients of sum(layer(x) * grad_y) by x, by both weights and by both biases.

        The output between the stages is computed again: a layer remembers no images.

        >>> layer = DepthwiseSeparableConv2d(np.array([[[[2]]]]), np.array([[[[5]]]]))
        >>> by = layer.backward(np.array([[[[3]]]]), np.array([[[[1]]]]))
        >>> by.x.item(), by.depthwise_weight.item(), by.pointwise_weight.item()
        (10, 15, 6)

        Errors: those of `Conv2d.backward`.
        """
        images = as_array(x, "x")
        first = self._layer_for(channels_of(images, self._layout))
        second = self._pointwise.backward(first(images), grad_y)
        by_first = first.backward(images, second.x)
        return SeparableGradients(
            by_first.x, by_first.weight, by_first.bias, second.weight, second.bias
        )

    def _layer_for(self, channels: int) -> _Depthwise:
        """The depthwise layer for images of so many channels, remembered."""
        if channels not in self._depthwise:
            weight, bias = self._first
            self._depthwise[channels] = _Depthwise(weight, bias, groups=channels, **self._options)
        return self._depthwise[channels]

    def __repr__(self) -> str:
        weight = self._first[0]
        return (
            f"DepthwiseSeparableConv2d(depthwise_weight={weight.shape} {weight.dtype.name}, "
            f"pointwise={self._pointwise!r})"
        )


def _frozen(option: Any) -> Any:
    """The option as nobody can change it afterwards: tuples for lists and arrays, all the way."""
    if isinstance(option, np.ndarray) and option.ndim:
        option = list(option)
    return tuple(map(_frozen, option)) if isinstance(option, (list, tuple)) else option


def _prepared(weight: Array, layout: str) -> Array:
    """A copy that lies in memory as the kernels read it, whatever the layout it is given in."""
    if weight.ndim != 4 or layout != "NHWC":
        return weight.copy()
    return oihw(weight, "NHWC").copy().transpose(OIHW_TO_HWIO)
