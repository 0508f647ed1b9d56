"""Sizes for the axes that a file leaves open: the batch, and others by name."""

from __future__ import annotations

from collections.abc import Mapping

import onnx

from refconv.networks.onnx_model.opened import find
from refconv.networks.onnx_model.words import RefusedError, listed, short

UNNAMED = ("", "?")
"""What exporters write for an open axis that has no name."""


def set_sizes(model: onnx.ModelProto, batch: int, sizes: Mapping[str, int]) -> None:
    """Give the open axes of the inputs their sizes, there and wherever their names stand."""
    for name, size in (("batch", batch), *sizes.items()):
        if type(size) is not int or size < 1:
            raise RefusedError(f"{name} is {size!r}, but must be an integer from 1 on")
    first, others = _open_axes(model.graph)
    known = dict.fromkeys(first - others, batch) | dict(sizes)
    if batch != 1 and not first - others - sizes.keys():
        raise RefusedError(f"batch is {batch}, but no first axis of its inputs is open")
    if unknown := sizes.keys() - first - others:
        raise RefusedError(
            f"no open axis is called {listed(unknown)}, but {listed(first | others)}"
        )
    if missing := (first | others) - known.keys():
        raise RefusedError(f"open axes of its inputs need a size: {listed(missing)}")
    for dim in find(model, onnx.TensorShapeProto.Dimension):
        if dim.dim_param in known:
            dim.dim_value = known[dim.dim_param]


def _open_axes(graph: onnx.GraphProto) -> tuple[set[str], set[str]]:
    """Names of the inputs' open axes: of the first axes, and of the others.

    An axis without a name gets one. An input of a single axis says nothing of the batch.
    """
    first: set[str] = set()
    others: set[str] = set()
    constants = _constant_names(graph)
    for value in graph.input:
        if value.name in constants or not value.type.HasField("tensor_type"):
            continue
        if not value.type.tensor_type.HasField("shape"):
            raise RefusedError(f"input {short(value.name)} has no shape")
        dims = value.type.tensor_type.shape.dim
        for axis, dim in enumerate(dims):
            if not dim.HasField("dim_value") or dim.dim_value < 0:
                if dim.dim_param in UNNAMED:
                    dim.dim_param = f"{value.name}[{axis}]"
                (first if axis == 0 and len(dims) > 1 else others).add(dim.dim_param)
    return first, others


def _constant_names(graph: onnx.GraphProto) -> set[str]:
    """Names of the initializers; old files have them among the inputs, too."""
    return {t.name for t in graph.initializer} | {t.values.name for t in graph.sparse_initializer}
