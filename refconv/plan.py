"""A checked call: everything that can be refused is refused before anything is computed.

A `Plan` holds a call's geometry, types, weight and options; `Plan.run` takes the images through the
chosen method to `y`. What a method does lives in `loops.py`, `im2col.py` and `jit/`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import import_module
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from refconv.arguments import Array, filled, pad_number, refuse_out
from refconv.dtypes import INTEGERS, Types, refuse_overflow
from refconv.geometry import WEIGHT_AXES, Geometry, Layout
from refconv.layout import image_order, nchw, oihw, reordered
from refconv.pad import ready

Method: TypeAlias = Literal["auto", "jit", "jit-loops", "im2col", "loops"]

METHODS: tuple[Method, ...] = ("auto", "jit", "jit-loops", "im2col", "loops")


@dataclass(frozen=True, slots=True)
class Names:
    """What the caller calls the operands, for the messages."""

    x: str = "x"
    weight: str = "weight"
    bias: str = "bias"
    grad_y: str = "grad_y"


class PackedWeight:
    """The weight as `jit/products.py` packs it, packed at the first call that wants it."""

    def __init__(self, weight: Array, groups: int) -> None:
        self._weight, self._groups = weight, groups
        self._packed: Array | None = None

    def __call__(self) -> Array:
        """The packed weight."""
        if self._packed is None:
            from refconv.jit.products import pack_weight

            self._packed = pack_weight(self._weight, self._groups)
        return self._packed


class Operands(NamedTuple):
    """Weight (F, Cg, KH, KW) and bias as the kernels read them: contiguous, of the sums' type."""

    weight: Array
    bias: Array | None
    packed: PackedWeight | None = None


class Plan(NamedTuple):
    """A checked call that has not been run: nothing but its data can be wrong any more.

    A named tuple, as `Operands` is: they are made at every call, twice as fast as a frozen class.
    """

    geometry: Geometry
    types: Types
    weight: Array
    bias: Array | None
    layout: Layout
    pad_value: Any
    method: Method
    names: Names

    @classmethod
    def of(
        cls,
        x_shape: tuple[int, ...],
        x_dtype: np.dtype[Any],
        weight: Array,
        bias: Array | None,
        options: tuple[Any, ...],
        names: Names = Names(),
    ) -> Plan:
        *_, layout, pad_value, method = options
        types = Types.of(
            x_dtype,
            weight.dtype,
            None if bias is None else bias.dtype,
            x_name=names.x,
            weight_name=names.weight,
            bias_name=names.bias,
        )
        geometry = _checked_geometry(x_shape, weight, bias, options, names)
        value = pad_number(pad_value, x_dtype)
        return cls(geometry, types, weight, bias, layout, value, method, names)

    @property
    def y_shape(self) -> tuple[int, ...]:
        """The shape of y in the caller's layout."""
        return reordered(self.geometry.y_shape, image_order(self.layout))

    def refuse_out(self, out: Any, inputs: Mapping[str, Array | None]) -> None:
        """Raise where `out` cannot take y, or is one of the inputs."""
        if out is not None:
            refuse_out(out, self.y_shape, self.types.result, "y", inputs)

    def operands(self) -> Operands:
        """The weight and the bias as the kernels read them."""
        accumulator = self.types.accumulator
        bias = None if self.bias is None else ready(self.bias, accumulator)
        return Operands(ready(oihw(self.weight, self.layout), accumulator), bias)

    def run(
        self,
        x: Array,
        out: Array | None,
        inputs: Mapping[str, Array | None],
        operands: Operands | None = None,
    ) -> Array:
        """y, in a new array or in `out`; `operands`, where they are at hand, are the plan's own."""
        if out is not None:
            own = {self.names.weight: self.weight, self.names.bias: self.bias}
            self.refuse_out(out, {**inputs, **own})
        x = nchw(x, self.layout)
        if operands is None:
            operands = self.operands()
        accumulator = self.types.accumulator
        if accumulator.kind == "i":
            pad_value = self.pad_value if self.geometry.padded else 0
            weight = oihw(self.weight, self.layout)
            refuse_overflow(x, weight, self.bias, pad_value, accumulator)

        convolve = _method(self.method)
        if operands.packed is not None and self.method in ("auto", "jit"):
            convolve = partial(convolve, packed=operands.packed)

        def compute(y: Array) -> None:
            convolve(x, operands.weight, operands.bias, y, self.geometry, self.pad_value)

        order = image_order(self.layout)
        return filled(compute, self.geometry.y_shape, self.types, order, out)


def refuse_layer(
    weight: Array, bias: Array | None, options: tuple[Any, ...], names: Names = Names()
) -> None:
    """Raise where a layer of this weight is wrong, whatever the images may be."""
    *_, groups, layout, pad_value, _ = options
    integral = weight.dtype.name in INTEGERS
    # Integers of all types go together; any other image has the weight's type.
    bias_dtype = None if bias is None or (integral and bias.dtype.name in INTEGERS) else bias.dtype
    Types.of(
        weight.dtype,
        weight.dtype,
        bias_dtype,
        x_name=names.weight,
        weight_name=names.weight,
        bias_name=names.bias,
    )
    size = 2**40  # no array has it, and no kernel is larger
    axes = WEIGHT_AXES["NHWC" if layout == "NHWC" else "NCHW"]
    Cg = weight.shape[axes.index("Cg")] if weight.ndim == len(axes) else 1
    C = int(Cg * groups) if isinstance(groups, int | np.integer) else 1
    shape = (1, size, size, C) if layout == "NHWC" else (1, C, size, size)
    _checked_geometry(shape, weight, bias, options, names)
    pad_number(pad_value, np.dtype(np.int64) if integral else weight.dtype)


def refuse_method(method: Any) -> None:
    """Raise where it is none of the methods."""
    if not isinstance(method, str) or method not in METHODS:
        raise ValueError(f"method is {method!r}, but must be one of {METHODS}")


def _checked_geometry(
    x_shape: tuple[int, ...],
    weight: Array,
    bias: Array | None,
    options: tuple[Any, ...],
    names: Names,
) -> Geometry:
    """The geometry, where the shapes and options go together."""
    stride, padding, dilation, groups, layout, _, method = options
    refuse_method(method)
    geometry = geometry_of(
        x_shape, weight.shape, stride, padding, dilation, groups, layout, names.x, names.weight
    )
    if bias is not None and bias.shape != (geometry.F,):
        raise ValueError(
            f"{names.bias} has shape {bias.shape}, but {names.weight} has {geometry.F} output "
            f"channels: it must be ({geometry.F},)"
        )
    return geometry


def geometry_of(x_shape: tuple[int, ...], weight_shape: tuple[int, ...], *options: Any) -> Geometry:
    """The geometry; remembered where the options are plain, for a layer is called many times."""
    plain = {*map(type, options)} <= {int, str} or _is_plain(options)
    return (_remembered if plain else _make_geometry)(x_shape, weight_shape, *options)


def geometry_stated(x_shape: Any, weight_shape: Any, *options: Any) -> Geometry:
    """The same of shapes that are no array's own, and may be anything."""
    known = _is_plain((x_shape, weight_shape))
    return (geometry_of if known else _make_geometry)(x_shape, weight_shape, *options)


def _is_plain(options: tuple[Any, ...]) -> bool:
    """Whether they are of integers and strings only: True and 1.0 equal 1, but are refused."""
    pending = list(options)
    while pending:
        argument = pending.pop()
        if type(argument) is tuple:
            pending += argument
        elif type(argument) is not int and type(argument) is not str:
            return False
    return True


def _make_geometry(
    x_shape: tuple[int, ...],
    weight_shape: tuple[int, ...],
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: Any,
    layout: str,
    x_name: str,
    weight_name: str,
) -> Geometry:
    return Geometry.of(
        x_shape,
        weight_shape,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        layout=layout,
        x_name=x_name,
        weight_name=weight_name,
    )


_remembered = lru_cache(maxsize=1024)(_make_geometry)


def _method(name: Method) -> Callable[..., None]:
    """The function behind the name; the compiled ones load Numba at first use."""
    if name in ("auto", "jit"):
        return _module("refconv.jit").convolve  # type: ignore[no-any-return]
    if name == "im2col":
        return _module("refconv.im2col").convolve  # type: ignore[no-any-return]
    loops = _module("refconv.loops")
    if name == "loops":
        return loops.convolve  # type: ignore[no-any-return]
    return partial(loops.convolve, loops=_module("refconv.jit.loops").compiled_seven_loops)


_module = lru_cache(maxsize=len(METHODS))(import_module)
