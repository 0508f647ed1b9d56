"""From operators to layers; and the list of those that are left out, with the reasons."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import onnx
from onnx import helper

from refconv.networks.network import Form, Layer
from refconv.networks.onnx_model.geometries import (
    as_matrices,
    convolution,
    gemm,
    integers,
    product,
    transposed,
    transposed_convolution,
)
from refconv.networks.onnx_model.opened import find
from refconv.networks.onnx_model.operators import (
    GEMM,
    IN_A_BODY,
    IN_A_BRANCH,
    MATMUL,
    UNKNOWN,
    is_counted,
    operands,
    verdict,
)
from refconv.networks.onnx_model.shapes import Shape, Shapes
from refconv.networks.onnx_model.words import (
    NotCountedError,
    RefusedError,
    domain_of,
    label,
    name_of,
    one_line,
    short,
)
from refconv.text import some


@dataclass(frozen=True)
class NotCounted:
    """Operators of one type that are left out for one reason; `names` in the order of the file.

    matters: whether they may hold multiplications worth counting. Those that do a few operations
    for each element, or none, do not.

    >>> str(NotCounted("LSTM", "recurrent: its steps are not counted", ("a", "b"), matters=True))
    'LSTM x2: recurrent: its steps are not counted (a, b)'
    """

    type: str
    reason: str
    names: tuple[str, ...]
    matters: bool

    def __str__(self) -> str:
        return f"{self.type} x{len(self.names)}: {self.reason} ({some(self.names)})"


class Layers:
    """The layers of a model, and what is left out."""

    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes
        self._layers: list[Layer] = []
        self._left_out: dict[tuple[str, str, bool], list[str]] = {}
        self._inputs = {value.name for value in shapes.graph.input}
        self._counted_weights: set[str] = set()
        self._absorbed: set[str] = set()
        self._readers = {name: node for node in shapes.nodes for name in node.input}
        self._uses = Counter(
            [n for node in find(shapes.graph, onnx.NodeProto) for n in node.input]
            + [v.name for graph in find(shapes.graph, onnx.GraphProto) for v in graph.output]
        )

    def all(self) -> tuple[tuple[Layer, ...], tuple[NotCounted, ...]]:
        """The layers in order; what is left out, by type and reason."""
        for node in self._shapes.nodes:
            if not self._absorbed.intersection(node.output):
                self._add(node)
        self._check_that_any_is_known()
        for node, holder in self._shapes.aside:
            reason, matters = verdict(node)
            if matters:
                reason = IN_A_BRANCH if holder == "If" else IN_A_BODY
            self._leave_out(node, reason, matters)
        groups = [
            NotCounted(kind, reason, tuple(names), matters)
            for (kind, reason, matters), names in self._left_out.items()
        ]
        return tuple(self._layers), tuple(sorted(groups, key=lambda group: not group.matters))

    def _add(self, node: onnx.NodeProto) -> None:
        """Add the operator's layer, or the reason why it has none."""
        if not is_counted(node):
            self._leave_out(node, *verdict(node))
            return
        try:
            self._layers.append(self._layer(node))
        except NotCountedError as error:
            self._leave_out(node, str(error), True)
        except (ValueError, TypeError) as error:
            raise RefusedError(f"{label(node)}: {one_line(error)}") from error

    def _leave_out(self, node: onnx.NodeProto, reason: str, matters: bool) -> None:
        kind = f"{node.domain}.{node.op_type}" if domain_of(node) else node.op_type
        self._left_out.setdefault((kind, reason, matters), []).append(name_of(node))

    def _check_that_any_is_known(self) -> None:
        """Refuse a model that has something to count, all of it of unknown shape."""
        unknown = [
            (len(names), reason)
            for (_, reason, _), names in self._left_out.items()
            if reason.startswith(UNKNOWN)
        ]
        if unknown and not self._layers:
            total = sum(number for number, _ in unknown)
            raise RefusedError(
                f"the shape of none of its {total} convolutions and matrix products is known: "
                f"{unknown[0][1].removeprefix(UNKNOWN)}"
            )

    def _layer(self, node: onnx.NodeProto) -> Layer:
        if node.op_type in MATMUL:
            return self._matmul(node)
        x, weight, bias = operands(node)
        options = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        x_shape = self._known(x)
        weight_shape = self._weight_shape(node, weight, options)
        form: Form = "convolution"
        if node.op_type in GEMM:
            form, geometry = "matrix", gemm(x_shape, weight_shape, options)
        elif node.op_type == "ConvTranspose":
            form, geometry = "transposed", transposed_convolution(x_shape, weight_shape, options)
        else:
            geometry = convolution(x_shape, weight_shape, options)
        is_owner = self._is_first(weight, may_be_fed=True)
        layer = Layer(name_of(node), geometry, form=form, owns_weight=is_owner)
        layer = replace(layer, bias=self._has_bias(node, bias, layer.channels_out))
        return self._with_followers(layer, node.output[0], channel_axis=1)

    def _matmul(self, node: onnx.NodeProto) -> Layer:
        a, b, _ = operands(node)
        a_shape, b_shape = as_matrices(self._known(a), self._known(b))
        weights = self._shapes.weights
        is_left = a in weights and b not in weights
        if is_left:  # the same product transposed has its weight on the right
            geometry = product(transposed(b_shape), transposed(a_shape), stacked=True)
        else:
            geometry = product(a_shape, b_shape, stacked=b in weights)
        is_owner = self._is_first(a if is_left else b, may_be_fed=False)
        layer = Layer(name_of(node), geometry, form="matrix", owns_weight=is_owner)
        return self._with_followers(layer, node.output[0], channel_axis=-2 if is_left else -1)

    def _known(self, name: str) -> Shape:
        """The shape of a value, without which its operator is not counted."""
        shape = self._shapes.shape(name)
        if shape is None:
            cause = self._shapes.causes.get(name, f"{short(name)} has none in the file")
            raise NotCountedError(f"{UNKNOWN}{cause}")
        return shape

    def _weight_shape(self, node: onnx.NodeProto, weight: str, options: dict[str, Any]) -> Shape:
        """The weight's own, or, where it is not known, what the kernel and the images tell."""
        shape = self._shapes.shape(weight)
        kernel = tuple(integers(options, "kernel_shape"))
        if shape is not None:
            if kernel and shape[2:] != kernel:
                raise ValueError(f"kernel_shape is {kernel}, but the weight has {shape[2:]}")
            return shape
        x, y = (self._shapes.shape(name) for name in (node.input[0], node.output[0]))
        if not kernel or x is None or y is None or not 2 < len(x) == len(y):
            return self._known(weight)
        G = max(options.get("group", 1), 1)
        if node.op_type == "ConvTranspose":
            return (x[1], y[1] // G, *kernel)
        return (y[1], x[1] // G, *kernel)

    def _is_first(self, weight: str, *, may_be_fed: bool) -> bool:
        """Whether the weight is constant, and not counted yet.

        One that is fed is taken for a weight too, but where the other factor could be it.
        """
        fed = weight if may_be_fed and weight in self._inputs else None
        constant = self._shapes.weights.get(weight, fed)
        if constant is None or constant in self._counted_weights:
            return False
        self._counted_weights.add(constant)
        return True

    def _has_bias(self, node: onnx.NodeProto, bias: str, channels: int) -> bool:
        if not bias:
            return False
        shape = self._shapes.shape(bias)
        if shape is None or math.prod(shape) == channels:
            return True
        if node.op_type not in GEMM:
            raise ValueError(f"the bias has shape {shape}, but must be ({channels},)")
        self._leave_out(node, "its C is no bias: it is added, which is not counted", False)
        return False

    def _with_followers(self, layer: Layer, output: str, channel_axis: int) -> Layer:
        """With the bias and the batch normalisation that alone read its output."""
        reader = self._only_reader(output)
        if reader and reader.op_type == "Add" and not layer.bias and layer.owns_weight:
            others = [name for name in reader.input if name != output]
            if others and self._is_bias(others[0], output, layer.channels_out, channel_axis):
                layer, output = replace(layer, bias=True), reader.output[0]
                self._absorbed.add(output)
                reader = self._only_reader(output)
        shape = self._shapes.shape(output)
        if (
            reader
            and reader.op_type == "BatchNormalization"
            and reader.input[0] == output
            and shape is not None
            and shape[1:2] == (layer.channels_out,)
        ):
            layer = replace(layer, batch_norm=True)
        return layer

    def _only_reader(self, name: str) -> onnx.NodeProto | None:
        reader = self._readers.get(name)
        if reader is None or not reader.output or domain_of(reader) or self._uses[name] > 1:
            return None
        return reader

    def _is_bias(self, name: str, output: str, channels: int, channel_axis: int) -> bool:
        """Whether a constant has one element for each channel of the output, along its axis."""
        shape, whole = self._shapes.shape(name), self._shapes.shape(output)
        if name not in self._shapes.weights or not shape or not whole or len(whole) < 2:
            return False
        wanted = [1] * len(whole)
        wanted[channel_axis] = channels
        return [1] * (len(whole) - len(shape)) + list(shape) == wanted
