"""What is known of the values of a model before it runs: shapes, and what the shapes come from.

Inference is ONNX's own, in its strict form, an operator at a time. What computes a shape (Shape,
Gather, Concat, ...) is executed, since inference alone loses such shapes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import onnx
from onnx import helper, numpy_helper, shape_inference
from onnx.checker import ValidationError
from onnx.reference import ReferenceEvaluator

from refconv.networks.onnx_model.opened import SMALL, find
from refconv.networks.onnx_model.words import domain_of, label, one_line, short

Shape: TypeAlias = tuple[int, ...]

SAME_DATA = frozenset({
    "Cast", "CastLike", "DequantizeLinear", "Flatten", "Identity", "QuantizeLinear", "Reshape",
    "Squeeze", "Transpose", "Unsqueeze",
})  # fmt: skip
"""Behind these, a weight is still the same weight."""

RANDOM = frozenset({
    "Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform",
})  # fmt: skip

INFERENCE_ERRORS = (
    onnx.defs.SchemaError,
    shape_inference.InferenceError,
    ValidationError,
    RuntimeError,
    ValueError,
)


class Shapes:
    """What is known of each value of a model, and the operators that run, in order.

    types: as ONNX writes them. elements: of small values that do not depend on data.
    weights: of each constant, the tensor that it is, maybe transposed or in another type.
    causes: why a shape is not known. aside: operators of bodies and branches that may not run,
    with the type of what holds them.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self.graph = model.graph
        self.types: dict[str, onnx.TypeProto] = {}
        self.elements: dict[str, np.ndarray[Any, Any]] = {}
        self.weights: dict[str, str] = {}
        self.causes: dict[str, str] = {}
        self.nodes: list[onnx.NodeProto] = []
        self.aside: list[tuple[onnx.NodeProto, str]] = []
        self._opsets = list(model.opset_import)
        self._ir_version = model.ir_version
        self._recorded: dict[str, onnx.TypeProto] = {}
        self._enter(model.graph)

    def shape(self, name: str) -> Shape | None:
        """The sizes of a tensor, if all are known."""
        sizes = _sizes(self.types.get(name))
        return None if sizes is None or None in sizes else tuple(size or 0 for size in sizes)

    def _enter(self, graph: onnx.GraphProto) -> None:
        self._recorded |= {v.name: v.type for v in (*graph.value_info, *graph.output)}
        self.types |= {v.name: v.type for v in graph.input}
        for tensor in graph.initializer:
            self._constant(tensor.name, tensor.data_type, tensor.dims)
            self._keep([tensor.name], partial(_array, tensor))
        for sparse in graph.sparse_initializer:
            self._constant(sparse.values.name, sparse.values.data_type, sparse.dims)
        for node in graph.node:
            branch = self._branch_taken(node)
            if branch is None:
                self._operator(node)
            else:
                self._enter(branch)
                self._hand_out(branch, node)

    def _constant(self, name: str, element: int, sizes: Iterable[int]) -> None:
        self.types[name] = helper.make_tensor_type_proto(element, list(sizes))
        self.weights[name] = name

    def _keep(self, names: list[str], compute: Callable[[], Sequence[Any]]) -> None:
        """Keep the elements of small values, or say why they are not known."""
        shapes = [self.shape(name) for name in names]
        if not all(shape is not None and math.prod(shape) <= SMALL for shape in shapes):
            return
        try:
            with np.errstate(all="ignore"):
                found = dict(zip(names, map(np.asarray, compute()), strict=True))
        except Exception as error:  # of any class: its data are elsewhere, or no operator fits it
            cause = f"{short(names[0])} cannot be computed ({one_line(error)})"
            self.causes |= dict.fromkeys(names, cause)
        else:
            self.elements |= {n: array for n, array in found.items() if array.dtype.kind in "biuf"}

    def _branch_taken(self, node: onnx.NodeProto) -> onnx.GraphProto | None:
        """The branch of an If whose condition is constant."""
        condition = self.elements.get(next(iter(node.input), ""))
        if node.op_type != "If" or domain_of(node) or condition is None:
            return None
        wanted = "then_branch" if condition.all() else "else_branch"
        return next((a.g for a in node.attribute if a.name == wanted), None)

    def _hand_out(self, branch: onnx.GraphProto, node: onnx.NodeProto) -> None:
        """What is known of the branch's outputs is known of the operator's."""
        for inner, outer in zip(branch.output, node.output, strict=False):
            tables: tuple[Any, ...] = (self.types, self.elements, self.weights, self.causes)
            for table in tables:
                if inner.name in table:
                    table[outer] = table[inner.name]

    def _operator(self, node: onnx.NodeProto) -> None:
        self.nodes.append(node)
        bodies = [part for a in node.attribute for part in find(a, onnx.GraphProto)]
        self.aside += [(inner, node.op_type) for body in bodies for inner in body.node]
        self._infer(node, has_body=bool(bodies))
        if any(node.output) and not bodies and node.op_type not in RANDOM:
            self._follow_weight(node)
            self._execute(node)

    def _infer(self, node: onnx.NodeProto, *, has_body: bool) -> None:
        cause = f"{label(node)} makes a size that depends on data"
        types: Mapping[str, onnx.TypeProto] = {}
        try:
            types = self._inferred(node, has_body=has_body)
        except INFERENCE_ERRORS as error:
            cause = f"{label(node)} cannot be inferred ({one_line(error)})"
        cause = next((self.causes[name] for name in node.input if name in self.causes), cause)
        for name in filter(None, node.output):
            known = _merged(types.get(name), self._recorded.get(name))
            if known is not None:
                self.types[name] = known
            if self.shape(name) is None:
                self.causes[name] = cause

    def _inferred(self, node: onnx.NodeProto, *, has_body: bool) -> Mapping[str, onnx.TypeProto]:
        """Types of the outputs, by ONNX's inference for the one operator."""
        domain = domain_of(node)
        version = next((o.version for o in self._opsets if domain_of(o) == domain), 1)
        inputs = [name for name in node.input if name]
        if missing := [name for name in inputs if name not in self.types]:
            raise ValueError(f"its input {short(missing[0])} is not known")
        return shape_inference.infer_node_outputs(
            onnx.defs.get_schema(node.op_type, version, domain),
            node,
            self.types if has_body else {name: self.types[name] for name in inputs},
            {
                name: numpy_helper.from_array(self.elements[name], name)
                for name in inputs
                if name in self.elements
            },
            opset_imports=self._opsets,
            ir_version=self._ir_version,
        )

    def _follow_weight(self, node: onnx.NodeProto) -> None:
        """What is computed of constants alone is constant; it may be the same weight still."""
        inputs = [name for name in node.input if name]
        if all(name in self.weights for name in inputs):
            same = inputs and node.op_type in SAME_DATA
            for name in filter(None, node.output):
                self.weights[name] = self.weights[inputs[0]] if same else name

    def _execute(self, node: onnx.NodeProto) -> None:
        """Keep the elements of the outputs, where those of all inputs are known."""
        inputs, outputs = ([n for n in names if n] for names in (node.input, node.output))
        if node.op_type == "Shape" and not domain_of(node):
            if inputs and (shape := self.shape(inputs[0])) is not None:
                ends = {a.name: a.i for a in node.attribute}
                part = np.array(shape[ends.get("start") : ends.get("end")], np.int64)
                self._keep(outputs, lambda: [part])
        elif all(name in self.elements for name in inputs) and not domain_of(node):
            self._keep(outputs, lambda: self._executed(node, inputs, outputs))

    def _executed(
        self, node: onnx.NodeProto, inputs: list[str], outputs: list[str]
    ) -> Sequence[Any]:
        def declared(names: list[str]) -> list[onnx.ValueInfoProto]:
            return [helper.make_value_info(name, self.types[name]) for name in names]

        graph = helper.make_graph([node], "one", declared(inputs), declared(outputs))
        model = helper.make_model(graph, opset_imports=self._opsets, ir_version=self._ir_version)
        feeds = {name: self.elements[name] for name in inputs}
        return list(ReferenceEvaluator(model).run(None, feeds))


def _sizes(type_: onnx.TypeProto | None) -> list[int | None] | None:
    """The sizes of a tensor, None for each that is not known; None where their number is not."""
    if type_ is None or not type_.HasField("tensor_type"):
        return None
    if not type_.tensor_type.HasField("shape"):
        return None
    dims = type_.tensor_type.shape.dim
    return [d.dim_value if d.HasField("dim_value") and d.dim_value >= 0 else None for d in dims]


def _merged(
    inferred: onnx.TypeProto | None, recorded: onnx.TypeProto | None
) -> onnx.TypeProto | None:
    """What inference found; where it does not know a size, what the file says of it."""
    here, there = _sizes(inferred), _sizes(recorded)
    if inferred is None or here is None:
        return recorded if there is not None or inferred is None else inferred
    if there is None or len(there) != len(here) or None not in here:
        return inferred
    sizes = [there[axis] if size is None else size for axis, size in enumerate(here)]
    return helper.make_tensor_type_proto(inferred.tensor_type.elem_type, sizes)


def _array(tensor: onnx.TensorProto) -> list[Any]:
    return [numpy_helper.to_array(tensor)]
