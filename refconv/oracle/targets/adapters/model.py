"""The ONNX model of one convolution, for every library that runs ONNX models.

Floats are asked for with Conv; int8 and uint8 with ConvInteger, whose sums are int32, and an Add
for the bias, which is exact there. Other types are refused: no operator takes them, and a library
that does not look computes something all the same. Weight and bias are constants, as they are in a
network: a library may rearrange them when it loads the model.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refconv.oracle.targets.adapters.adapter import HALVES, Array, Question, RefusedError, library

FLOATS = (*HALVES, "float32", "float64")
BYTES = ("int8", "uint8")

OPSET, OPSET_OF_BFLOAT16 = 17, 22
IR_VERSION, IR_VERSION_OF_BFLOAT16 = 8, 10
"""As old as the operators allow, for the libraries that know only old ones."""


def model_of(q: Question) -> Any:
    """A model that computes y from x; a `RefusedError` for types that ONNX has no operator for."""
    helper = library("onnx.helper")
    x, weight = q.x.dtype.name, q.weight.dtype.name
    if not (x in BYTES and weight in BYTES) and not (x in FLOATS and weight == x):
        raise RefusedError(
            f"onnx has no convolution of {x} with {weight}: its Conv takes floats of one type, its "
            "ConvInteger 8 bits"
        )
    (pt, pb), (pl, pr) = q.padding
    attributes = {
        "strides": q.stride, "pads": [pt, pl, pb, pr], "dilations": q.dilation, "group": q.groups
    }  # fmt: skip
    if x in BYTES:
        nodes = [helper.make_node("ConvInteger", ["x", "weight"], ["sums"], **attributes)]
        constants, result = {"weight": q.weight}, np.dtype(np.int32)
        if q.bias is None:
            nodes[0].output[0] = "y"
        else:
            nodes.append(helper.make_node("Add", ["sums", "bias"], ["y"]))
            constants["bias"] = q.bias.astype(np.int32)[:, None, None]
    else:
        constants = {"weight": q.weight} | ({} if q.bias is None else {"bias": q.bias})
        nodes = [helper.make_node("Conv", ["x", *constants], ["y"], **attributes)]
        result = q.x.dtype
    return _model(helper, nodes, q.x, constants, result)


def transposing_model_of(
    x: Array, weight: Array, bias: Array | None, *,
    stride: Any, padding: Any, output_padding: Any, dilation: Any, groups: int,
) -> Any:  # fmt: skip
    """A model of one ConvTranspose; a `RefusedError` for types that it does not take."""
    helper = library("onnx.helper")
    if x.dtype.name not in FLOATS or weight.dtype != x.dtype:
        raise RefusedError(
            f"onnx has no transposed convolution of {x.dtype.name} with {weight.dtype.name}: its "
            "ConvTranspose takes floats of one type"
        )
    (pt, pb), (pl, pr) = padding
    constants = {"weight": weight} | ({} if bias is None else {"bias": bias})
    node = helper.make_node(
        "ConvTranspose", ["x", *constants], ["y"], strides=stride, pads=[pt, pl, pb, pr],
        output_padding=output_padding, dilations=dilation, group=groups,
    )  # fmt: skip
    return _model(helper, [node], x, constants, x.dtype)


def _model(
    helper: Any, nodes: list[Any], x: Array, constants: dict[str, Array], result: np.dtype[Any]
) -> Any:
    """The nodes with their input, their constants and their output, whose shape is not told."""
    number = helper.np_dtype_to_tensor_dtype
    from_array = library("onnx.numpy_helper").from_array
    graph = helper.make_graph(
        nodes,
        "conv",
        [helper.make_tensor_value_info("x", number(x.dtype), x.shape)],
        [helper.make_tensor_value_info("y", number(result), None)],
        [from_array(array, name) for name, array in constants.items()],
    )
    is_new = x.dtype.name == "bfloat16"
    opset = helper.make_opsetid("", OPSET_OF_BFLOAT16 if is_new else OPSET)
    ir_version = IR_VERSION_OF_BFLOAT16 if is_new else IR_VERSION
    return helper.make_model(graph, opset_imports=[opset], ir_version=ir_version)
