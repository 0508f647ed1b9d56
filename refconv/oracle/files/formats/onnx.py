"""`model.onnx` and `test_data_set_0/`, as ONNX's own backend test runner expects them.

Floats become a Conv (two for a separable case), bytes a ConvInteger with the bias added after it; a
pad value other than zero becomes a Pad before. A transpose of floats becomes a ConvTranspose, and
so does an input gradient, which maps grad_y (N, F, OH, OW) to (N, C, H, W): the output padding says
which H and W are meant. ONNX has no operator for the other gradients, nor a transpose of integers.

`data.json` tells the runner how far an output may be off: not at all for whole numbers, else the
proven bound of the worst output.

The runner loads a whole suite, a test from each folder: `load_model_tests(parent, name)`. So a
suite that is written as onnx alone leaves out what ONNX cannot say.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from refconv.dtypes import BYTES
from refconv.oracle.cases.case import Array, Case
from refconv.oracle.cases.gradient_case import output_padding
from refconv.oracle.files.formats.files import write_new
from refconv.oracle.files.formats.vectors import Vectors
from refconv.oracle.judging import bounds
from refconv.oracle.judging.comparison import Terms, allowed, is_exact

if TYPE_CHECKING:
    import onnx

FLOATS = ("float16", "bfloat16", "float32", "float64")
OPSET, IR = 13, 8
BFLOAT16_OPSET, BFLOAT16_IR = 22, 10
"""The first in which a Conv may be of bfloat16."""

TRANSPOSING = ("input-grad", "transpose")
"""What a ConvTranspose computes."""


def unfit(vectors: Vectors) -> str:
    """Why this case cannot be said so; nothing where it can."""
    case = vectors.case
    kinds = {a.dtype.name for a in case.factors}
    if case.of not in (None, *TRANSPOSING):
        return f"ONNX has no operator for the {case.of}"
    if case.of is not None and not kinds <= set(FLOATS):
        return "ONNX's ConvTranspose takes floats, and nothing else"
    if not kinds <= set(FLOATS) and not kinds <= set(BYTES):
        return "ONNX convolves floats, or bytes, and nothing else"
    if kinds <= set(FLOATS) and case.bias is not None and {case.bias.dtype.name} != kinds:
        operator = "Conv" if case.of is None else "ConvTranspose"
        return f"ONNX's {operator} has a bias of its operands' type only"
    return ""


def write(vectors: Vectors, folder: Path) -> None:
    """model.onnx, data.json, and the data set: input_0.pb and so on, output_0.pb."""
    from onnx import numpy_helper

    rtol, atol = tolerances(vectors)
    write_new(folder, "data.json", json.dumps({"rtol": rtol, "atol": atol}).encode())
    write_new(folder, "model.onnx", model(vectors).SerializeToString(deterministic=True))
    data = folder / "test_data_set_0"
    data.mkdir()
    for number, (name, array) in enumerate(vectors.operands.items()):
        tensor = numpy_helper.from_array(array, name)
        write_new(data, f"input_{number}.pb", tensor.SerializeToString(deterministic=True))
    tensor = numpy_helper.from_array(vectors.y, "y")
    write_new(data, "output_0.pb", tensor.SerializeToString(deterministic=True))


def tolerances(vectors: Vectors) -> tuple[float, float]:
    """The relative and the absolute one, for NumPy's `assert_allclose`."""
    terms = Terms.of(vectors.case)
    if is_exact(vectors.case, vectors.reference, terms):
        return 0.0, 0.0
    bound = allowed(vectors.case, vectors.reference, terms)
    # The expected output was itself rounded to its type.
    return bounds.ROUNDOFF[vectors.case.types.result.name], float(
        np.max(bound[np.isfinite(bound)], initial=0)
    )


def model(vectors: Vectors) -> onnx.ModelProto:
    """The model: the operands are fed, nothing but small constants is inside."""
    from onnx import helper, numpy_helper

    case = vectors.case
    types = {name: _onnx_type(array) for name, array in vectors.operands.items()}
    nodes, constants = _nodes(case)
    graph = helper.make_graph(
        nodes,
        "refconv",
        [
            helper.make_tensor_value_info(name, type_, vectors.arrays[name].shape)
            for name, type_ in types.items()
        ],
        [helper.make_tensor_value_info("y", _onnx_type(vectors.y), vectors.y.shape)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
        doc_string=repr(case),
    )
    narrow = case.factors[0].dtype.name == "bfloat16"
    return helper.make_model(
        graph,
        producer_name="refconv",
        opset_imports=[helper.make_opsetid("", BFLOAT16_OPSET if narrow else OPSET)],
        ir_version=BFLOAT16_IR if narrow else IR,
    )


def _nodes(case: Case) -> tuple[list[Any], dict[str, Array]]:
    """The nodes, and the constants that they need."""
    from onnx import TensorProto, helper

    g = case.geometry
    nodes, constants, image = [], {}, "x"
    options: dict[str, Any] = {
        "kernel_shape": [g.KH, g.KW], "strides": g.stride, "dilations": g.dilation,
        "pads": (g.pt, g.pl, g.pb, g.pr), "group": g.G,
    }  # fmt: skip
    if case.of is not None:
        options["output_padding"] = output_padding(g)
        return [helper.make_node("ConvTranspose", [*case.arrays], ["y"], **options)], {}
    if g.padded and case.pad_value:
        nodes.append(helper.make_node("Pad", ["x", "pads", "pad_value"], ["padded"]))
        constants["pads"] = np.array([0, 0, g.pt, g.pl, 0, 0, g.pb, g.pr], np.int64)
        constants["pad_value"] = np.array(case.pad_value).astype(case.x.dtype)
        image, options["pads"] = "padded", (0, 0, 0, 0)
    bias = [] if case.bias is None else ["bias"]
    if case.pointwise_weight is not None:
        nodes += [
            helper.make_node("Conv", [image, "weight"], ["between"], **options),
            helper.make_node("Conv", ["between", "pointwise_weight", *bias], ["y"]),
        ]
        return nodes, constants
    if case.x.dtype.name not in BYTES:
        nodes.append(helper.make_node("Conv", [image, "weight", *bias], ["y"], **options))
        return nodes, constants
    sums = "sums" if bias else "y"
    nodes.append(helper.make_node("ConvInteger", [image, "weight"], [sums], **options))
    if bias:
        constants["bias_shape"] = np.array([g.F, 1, 1], np.int64)
        nodes += [
            helper.make_node("Cast", ["bias"], ["wide_bias"], to=TensorProto.INT32),
            helper.make_node("Reshape", ["wide_bias", "bias_shape"], ["channel_bias"]),
            helper.make_node("Add", ["sums", "channel_bias"], ["y"]),
        ]
    return nodes, constants


def _onnx_type(array: Array) -> int:
    from onnx import helper

    return int(helper.np_dtype_to_tensor_dtype(array.dtype))
