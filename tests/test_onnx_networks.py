"""Networks from ONNX files: each layer is found, what it multiplies is counted, nothing is lost.

Truth comes from outside: sums of ones that another library convolved, torch's flop counter, and the
shapes that ONNX Runtime meets when it runs a model.
"""

import importlib.util
import math
import random
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from refconv.networks import onnx_model
from refconv.networks.files import NetworkError

FLOAT, INT64, UINT8, BOOL = (getattr(TensorProto, n) for n in ("FLOAT", "INT64", "UINT8", "BOOL"))


def node(operator, inputs, outputs="y", name="", **attributes):
    """An operator; its inputs and outputs are words of a string, and "-" is a left-out one."""
    words = ([word.strip("-") for word in text.split()] for text in (inputs, outputs))
    return helper.make_node(operator, *words, name=name, **attributes)


def model(nodes, inputs, weights=None, *, outputs="y", element=FLOAT, opset=17, **more):
    """A model; a weight is an array, or a shape and then full of ones."""
    tensors = [
        numpy_helper.from_array(
            value if isinstance(value, np.ndarray) else np.ones(value, np.float32), name
        )
        for name, value in (weights or {}).items()
    ]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, element, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs.split()],
        tensors,
        value_info=more.pop("value_info", []),
    )
    domains = [helper.make_opsetid("", opset), helper.make_opsetid("own", 1)]
    domains.append(helper.make_opsetid("com.microsoft", 1))
    return helper.make_model(graph, opset_imports=domains, ir_version=9, **more)


@pytest.fixture
def found(tmp_path):
    """Saves a model and reads it."""

    def read(made, **options):
        onnx.save(made, tmp_path / "made.onnx")
        return onnx_model.read(tmp_path / "made.onnx", **options)

    return read


def left_out(found_):
    """What is not counted and may matter: type, reason, number."""
    return [(n.type, n.reason, len(n.names)) for n in found_.not_counted if n.matters]


def run(made, inputs):
    """The model's outputs, by ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # no pool to start and stop for each small model
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    providers = ["CPUExecutionProvider"]
    return onnxruntime.InferenceSession(made.SerializeToString(), options, providers).run(
        None, inputs
    )


# Operators by themselves: on ones, the sum of the outputs is the number of taps in the image.

ONE = {
    "plain": (node("Conv", "x w"), (2, 3, 7, 5), (4, 3, 3, 2)),
    "uneven pads": (node("Conv", "x w", pads=[2, 0, 1, 3]), (1, 3, 7, 5), (4, 3, 3, 2)),
    "grouped": (
        node("Conv", "x w", group=3, strides=[3, 2], dilations=[2, 1], pads=[2, 0, 1, 3]),
        (2, 6, 12, 13),
        (12, 2, 3, 2),
    ),
    "depthwise": (node("Conv", "x w", group=5, pads=[1, 1, 1, 1]), (1, 5, 4, 6), (10, 1, 3, 3)),
    "kernel stated": (node("Conv", "x w", kernel_shape=[3, 2]), (1, 2, 6, 5), (3, 2, 3, 2)),
    "same upper": (
        node("Conv", "x w", auto_pad="SAME_UPPER", strides=[2, 3]),
        (1, 2, 8, 7),
        (3, 2, 3, 4),
    ),
    "same lower": (
        node("Conv", "x w", auto_pad="SAME_LOWER", strides=[2, 3]),
        (1, 2, 8, 7),
        (3, 2, 3, 4),
    ),
    "valid": (node("Conv", "x w", auto_pad="VALID"), (1, 2, 8, 7), (3, 2, 3, 4)),
    "one axis": (node("Conv", "x w", pads=[2, 1], strides=[2]), (2, 6, 11), (4, 6, 5)),
    "one axis, same": (
        node("Conv", "x w", auto_pad="SAME_UPPER", strides=[2]),
        (2, 6, 12),
        (4, 6, 5),
    ),
    "transposed": (node("ConvTranspose", "x w"), (2, 6, 5, 4), (6, 5, 3, 2)),
    "transposed in groups": (
        node(
            "ConvTranspose",
            "x w",
            group=2,
            strides=[2, 3],
            pads=[1, 0, 0, 2],
            output_padding=[1, 2],
            dilations=[1, 2],
        ),
        (2, 6, 5, 4),
        (6, 5, 3, 2),
    ),
    "transposed, one axis": (node("ConvTranspose", "x w", strides=[3]), (2, 6, 5), (6, 4, 2)),
    "transposed, same": (
        node("ConvTranspose", "x w", auto_pad="SAME_UPPER", strides=[2, 1]),
        (1, 3, 5, 4),
        (3, 2, 5, 2),
    ),
    "transposed, valid": (
        node("ConvTranspose", "x w", auto_pad="VALID", strides=[2, 1]),
        (1, 3, 5, 4),
        (3, 2, 3, 2),
    ),
    "transposed to a size": (
        node("ConvTranspose", "x w", output_shape=[9, 13], strides=[2, 3]),
        (1, 3, 5, 4),
        (3, 2, 4, 4),
    ),
    "matrices": (node("Gemm", "x w"), (3, 5), (5, 7)),
    "matrices transposed": (node("Gemm", "x w", transA=1, transB=1), (5, 3), (7, 5)),
    "tokens": (node("MatMul", "x w"), (2, 3, 5), (5, 7)),
    "a weight for each": (node("MatMul", "x w"), (4, 3, 5), (4, 5, 7)),
    "weights for all rows": (node("MatMul", "x w"), (3, 5), (4, 5, 7)),
    "weights that broadcast": (node("MatMul", "x w"), (2, 1, 3, 5), (4, 5, 7)),
    "a weight on the left": (node("MatMul", "w x"), (2, 5, 3), (7, 5)),
    "a vector": (node("MatMul", "x w"), (2, 3, 5), (5,)),
    "a vector on the left": (node("MatMul", "x w"), (5,), (5, 7)),
}


@pytest.mark.parametrize(("operator", "x", "weight"), ONE.values(), ids=ONE)
def test_one_operator(found, operator, x, weight):
    made = model([operator], {"x": x}, {"w": weight})
    (layer,) = found(made).network.layers
    (y,) = run(made, {"x": np.ones(x, np.float32)})
    assert layer.counts.effective_macs == y.sum()
    assert layer.counts.parameters == layer.weights == math.prod(weight)
    assert layer.counts.output_size == y.size
    assert (layer.name, layer.bias, layer.batch_norm) == ("y", False, False)


PADS = {
    "stated": ({"pads": [2, 0, 1, 3]}, ((2, 1), (0, 3))),
    "same upper": ({"auto_pad": "SAME_UPPER"}, ((1, 1), (1, 2))),
    "same lower": ({"auto_pad": "SAME_LOWER"}, ((1, 1), (2, 1))),
    "to a size": ({"output_shape": [9, 11]}, ((2, 1), (2, 1))),
    "to a size, upper": ({"output_shape": [9, 13], "auto_pad": "SAME_UPPER"}, ((1, 2), (0, 1))),
}


@pytest.mark.parametrize(("options", "pads"), PADS.values(), ids=PADS)
def test_which_ends_a_transposed_convolution_cuts_off(found, options, pads):
    """The first output of an input that is 1 at its first cell is the first of the weight kept."""
    operator = node("ConvTranspose", "x w", strides=[2, 3], **options)
    weight = np.arange(20, dtype=np.float32).reshape(1, 1, 4, 5)[:, :, :, ::-1] + 1
    if "pads" not in options and "output_shape" not in options:
        weight = np.concatenate([weight, weight[..., :1] + 50], axis=3)  # 6 columns: 3 too many
    made = model([operator], {"x": (1, 1, 5, 4)}, {"w": np.ascontiguousarray(weight)})
    (layer,) = found(made).network.layers
    x = np.zeros((1, 1, 5, 4), np.float32)
    x[0, 0, 0, 0] = 1
    (y,) = run(made, {"x": x})
    (pt, _), (pl, _) = layer.geometry.padding
    assert layer.geometry.padding == pads
    assert layer.geometry.x_shape == y.shape
    assert y[0, 0, 0, 0] == weight[0, 0, pt, pl]


KINDS = {
    "grouped": "group",
    "depthwise": "depthwise",
    "one axis": "standard",
    "tokens": "fully connected",
    "transposed in groups": "transposed",
    "a weight for each": "fully connected",
}


@pytest.mark.parametrize(("case", "kind"), KINDS.items(), ids=KINDS)
def test_kinds(found, case, kind):
    operator, x, weight = ONE[case]
    (layer,) = found(model([operator], {"x": x}, {"w": weight})).network.layers
    assert layer.kind == kind


def test_macs_count_padding_cells_and_a_transposed_layer_counts_by_its_input(found):
    operator, x, weight = ONE["grouped"]
    network = found(model([operator], {"x": x}, {"w": weight})).network
    assert network.macs == (2 * 12 * 4 * 8) * (2 * 3 * 2)
    operator, x, weight = ONE["transposed in groups"]
    network = found(model([operator], {"x": x}, {"w": weight})).network
    assert network.macs == (2 * 6 * 5 * 4) * (5 * 3 * 2)


def quantised(operator, inputs, x, weight):
    """An operator on bytes, its scales and zero points being scalars of 1 and 0."""
    scalars = {"s": np.float32(1), "z": np.uint8(0)}
    arrays = {name: np.asarray(value) for name, value in scalars.items()}
    arrays |= {"w": np.ones(weight, np.uint8), "b": np.zeros(weight[0], np.int32)}
    return model([operator], {"x": x}, {n: arrays[n] for n in arrays if n in inputs.split()},
                 element=UINT8)  # fmt: skip


BYTES = {
    "ConvInteger": ("x w", (1, 2, 5, 6), (3, 2, 2, 3), 3 * 4 * 4 * 12, False),
    "QLinearConv": ("x s z w s z s z b", (1, 2, 5, 6), (3, 2, 2, 3), 3 * 4 * 4 * 12, True),
    "MatMulInteger": ("x w z z", (2, 3, 5), (5, 7), 2 * 3 * 5 * 7, False),
    "QLinearMatMul": ("x s z w s z s z", (2, 3, 5), (5, 7), 2 * 3 * 5 * 7, False),
}


@pytest.mark.parametrize("operator", BYTES)
def test_operators_on_bytes(found, operator):
    inputs, x, weight, macs, has_bias = BYTES[operator]
    (layer,) = found(quantised(node(operator, inputs), inputs, x, weight)).network.layers
    assert (layer.counts.macs, layer.weights) == (macs, math.prod(weight))
    assert layer.bias is has_bias


def test_operators_of_onnx_runtimes_own(found):
    nodes = [
        node("FusedConv", "x w b", "h", "fused", domain="com.microsoft", activation="Relu"),
        node("QGemm", "q s z v s z c", "y", "bytes", domain="com.microsoft", transB=1),
    ]
    arrays = {"s": np.float32(1), "z": np.uint8(0), "v": np.ones((7, 5), np.uint8)}
    weights = {name: np.asarray(value) for name, value in arrays.items()}
    weights |= {"w": (4, 3, 2, 3), "b": (4,), "c": np.zeros(7, np.int32)}
    made = model(nodes, {"x": (1, 3, 5, 6)}, weights)
    made.graph.input.append(helper.make_tensor_value_info("q", UINT8, (3, 5)))
    fused, matrices = found(made).network.layers
    assert (fused.counts.macs, fused.bias) == (4 * 4 * 4 * 18, True)
    assert (matrices.counts.macs, matrices.bias) == (3 * 5 * 7, True)


# Weights, biases, batch norms.


def test_a_shared_weight_counts_once(found):
    nodes = [
        node("Conv", "x w", "a", pads=[1, 1, 1, 1]),
        node("Identity", "w", "again"),
        node("Conv", "a again", "y", pads=[1, 1, 1, 1]),
    ]
    first, second = found(model(nodes, {"x": (1, 3, 4, 5)}, {"w": (3, 3, 3, 3)})).network.layers
    assert (first.owns_weight, second.owns_weight) == (True, False)
    assert (first.counts.parameters, second.counts.parameters) == (81, 0)
    assert first.counts.macs == second.counts.macs == 3 * 20 * 27


BEHIND = {
    "Constant": [
        node("Constant", "", "v", value=numpy_helper.from_array(np.ones((5, 3, 2, 4), np.float32)))
    ],
    "Identity": [node("Identity", "w", "v")],
    "DequantizeLinear": [node("DequantizeLinear", "bytes s z", "v")],
    "quantised and back": [
        node("QuantizeLinear", "w s z", "q"), node("DequantizeLinear", "q s z", "v")
    ],
    "Transpose and Reshape": [
        node("Transpose", "w", "t", perm=[3, 2, 1, 0]), node("Reshape", "t shape", "v")
    ],
    "computed of constants": [node("Mul", "w s", "v")],
}  # fmt: skip


@pytest.mark.parametrize("nodes", BEHIND.values(), ids=BEHIND)
def test_a_weight_is_found_behind_other_operators(found, nodes):
    arrays = {
        "w": np.ones((5, 3, 2, 4), np.float32),
        "bytes": np.ones((5, 3, 2, 4), np.uint8),
        "s": np.asarray(np.float32(1)),
        "z": np.asarray(np.uint8(0)),
        "shape": np.array([5, 3, 2, 4]),
    }
    made = model([*nodes, node("Conv", "x v")], {"x": (1, 3, 6, 7)}, arrays)
    (layer,) = found(made).network.layers
    assert layer.counts.parameters == 5 * 3 * 2 * 4
    assert layer.counts.macs == 5 * 5 * 4 * 24


def test_a_product_of_two_computed_matrices_has_no_weight(found):
    nodes = [node("Relu", "a", "r"), node("MatMul", "r b")]
    (layer,) = found(model(nodes, {"a": (4, 3, 5), "b": (4, 5, 7)})).network.layers
    assert (layer.owns_weight, layer.counts.parameters) == (False, 0)
    assert layer.counts.macs == 4 * 3 * 5 * 7


def test_a_convolution_by_a_computed_weight_has_none_and_by_a_fed_one_has(found):
    nodes = [node("Sigmoid", "v", "w"), node("Conv", "x w")]
    inputs = {"x": (1, 3, 6, 7), "v": (5, 3, 2, 4)}
    (computed,) = found(model(nodes, inputs)).network.layers
    (fed,) = found(model([node("Conv", "x v")], inputs)).network.layers
    assert computed.counts.macs == fed.counts.macs == 5 * 5 * 4 * 24
    assert (computed.counts.parameters, fed.counts.parameters) == (0, 120)


def test_weights_that_old_files_list_among_the_inputs(found):
    made = model(
        [node("Conv", "x w")], {"x": ("N", 3, 6, 7), "w": (5, 3, 2, 4)}, {"w": (5, 3, 2, 4)}
    )
    (layer,) = found(made, batch=2).network.layers
    assert (layer.geometry.N, layer.counts.parameters) == (2, 120)


IMAGES = {"x": (2, 3, 5, 5)}
SEQUELS = {
    "a bias": ([node("Conv", "x w b")], True, False),
    "a batch norm": (
        [node("Conv", "x w", "h"), node("BatchNormalization", "h f f f f")],
        False,
        True,
    ),
    "an added bias": ([node("Conv", "x w", "h"), node("Add", "h c")], True, False),
    "a bias in front": ([node("Conv", "x w", "h"), node("Add", "c h")], True, False),
    "an added bias, a batch norm": (
        [
            node("Conv", "x w", "h"),
            node("Add", "h c", "k"),
            node("BatchNormalization", "k f f f f"),
        ],
        True,
        True,
    ),
    "a relu between": (
        [node("Conv", "x w", "h"), node("Relu", "h", "k"), node("BatchNormalization", "k f f f f")],
        False,
        False,
    ),
    "another reader": (
        [
            node("Conv", "x w", "h"),
            node("BatchNormalization", "h f f f f", "k"),
            node("Mul", "h k"),
        ],
        False,
        False,
    ),
    "added twice": (
        [node("Conv", "x w", "h"), node("Add", "h c", "k"), node("Mul", "h k")],
        False,
        False,
    ),
    "a constant along the width": ([node("Conv", "x w", "h"), node("Add", "h f")], False, False),
    "a bias, and another": ([node("Conv", "x w b", "h"), node("Add", "h c")], True, False),
    "a scalar": ([node("Conv", "x w", "h"), node("Add", "h one")], False, False),
    "something computed": (
        [node("Relu", "x", "r"), node("Conv", "x w", "h"), node("Add", "h r")],
        False,
        False,
    ),
}


@pytest.mark.parametrize(("nodes", "bias", "norm"), SEQUELS.values(), ids=SEQUELS)
def test_what_belongs_to_a_layer(found, nodes, bias, norm):
    """As many channels as columns: an addition along the wrong axis would fit too."""
    weights = {"w": (3, 3, 1, 1), "b": (3,), "f": (3,), "c": (3, 1, 1), "one": (1,)}
    if any(list(n.input) == ["h", "f"] for n in nodes):
        weights["f"] = (5,)
    result = found(model(nodes, IMAGES, weights))
    (layer,) = result.network.layers
    assert (layer.bias, layer.batch_norm) == (bias, norm)
    assert layer.trainable == 9 + 3 * bias + 6 * norm
    listed = {n.type: len(n.names) for n in result.not_counted}
    added = sum(n.op_type == "Add" for n in nodes)
    is_added = bias and not any("b" in n.input for n in nodes)
    assert listed.get("Add", 0) == added - is_added
    assert listed.get("BatchNormalization", 0) == sum("Batch" in n.op_type for n in nodes)


def test_an_output_of_the_graph_is_a_reader_too(found):
    nodes = [node("Conv", "x w", "h"), node("BatchNormalization", "h f f f f")]
    made = model(nodes, IMAGES, {"w": (3, 3, 1, 1), "f": (3,)}, outputs="y h")
    (layer,) = found(made).network.layers
    assert not layer.batch_norm


def test_biases_of_matrices(found):
    nodes = [
        node("Gemm", "x w b", "g"), node("Gemm", "g v r", "h"),
        node("MatMul", "h u", "m"), node("Add", "m c"),
    ]  # fmt: skip
    weights = {"w": (5, 4), "b": (4,), "v": (4, 6), "u": (6, 7), "c": (7,)}
    made = model(nodes, {"x": (3, 5), "r": (3, 6)}, weights)
    result = found(made)
    assert [layer.bias for layer in result.network.layers] == [True, False, True]
    assert "its C is no bias" in " ".join(n.reason for n in result.not_counted)


@pytest.mark.parametrize(("shape", "bias"), [((7, 1), True), ((7,), False)])
def test_the_bias_of_a_weight_on_the_left_lies_along_its_rows(found, shape, bias):
    nodes = [node("MatMul", "w x", "h"), node("Add", "h c")]
    (layer,) = found(model(nodes, {"x": (2, 5, 7)}, {"w": (7, 5), "c": shape})).network.layers
    assert layer.bias is bias


# Open axes.


def test_the_batch_and_sizes_by_name(found):
    made = model([node("Conv", "x w")], {"x": ("N", 3, "rows", None)}, {"w": (4, 3, 2, 3)})
    sizes = {"rows": 7, "x[3]": 9}
    one, five = (found(made, batch=b, sizes=sizes).network for b in (1, 5))
    assert one.layers[0].geometry.x_shape == (1, 3, 7, 9)
    assert five.layers[0].geometry.x_shape == (5, 3, 7, 9)
    assert found(made, sizes=sizes | {"N": 6}).network.layers[0].geometry.N == 6


def test_unnamed_axes_of_old_exporters_are_different_ones(found):
    made = model([node("Conv", "x w")], {"x": (-1, 3, "?", "?")}, {"w": (4, 3, 2, 3)})
    (layer,) = found(made, batch=2, sizes={"x[2]": 7, "x[3]": 9}).network.layers
    assert layer.geometry.x_shape == (2, 3, 7, 9)


def test_an_axis_that_is_also_another_is_not_the_batch(found):
    nodes = [node("MatMul", "x w", "h"), node("Add", "h mask")]
    made = model(nodes, {"mask": ("tokens", 1), "x": ("N", "tokens", 3)}, {"w": (3, 5)})
    (layer,) = found(made, batch=2, sizes={"tokens": 7}).network.layers
    assert layer.counts.macs == 2 * 7 * 3 * 5
    with pytest.raises(NetworkError, match=r"need a size: 'tokens'$"):
        found(made, batch=2)


def test_an_input_of_one_axis_says_nothing_of_the_batch(found):
    made = model([node("MatMul", "x w"), node("Relu", "ids", "z")], {"x": ("N", 3), "ids": ("L",)},
                 {"w": (3, 5)})  # fmt: skip
    assert found(made, batch=2, sizes={"L": 7}).network.macs == 2 * 3 * 5
    with pytest.raises(NetworkError, match="need a size: 'L'"):
        found(made, batch=2)


def test_a_fixed_batch_is_left_as_it_is(found):
    made = model([node("Conv", "x w")], {"x": (4, 3, 6, 7)}, {"w": (5, 3, 2, 4)})
    assert found(made).network.layers[0].geometry.N == 4
    with pytest.raises(NetworkError, match="batch is 2, but no first axis of its inputs is open"):
        found(made, batch=2)


def test_shapes_that_are_computed(found):
    """A reshape to what Shape, Gather, Div and Concat make, as in x.view(n, c // 2, -1)."""
    nodes = [
        node("Shape", "x", "s"), node("Gather", "s zero", "n"), node("Gather", "s one", "c"),
        node("Div", "c two", "half"), node("Concat", "n half minus", "to", axis=0),
        node("Reshape", "x to", "h"), node("Conv", "h w"),
    ]  # fmt: skip
    constants = {"zero": [0], "one": [1], "two": [2], "minus": [-1]}
    weights = {name: np.array(value) for name, value in constants.items()}
    made = model(nodes, {"x": ("N", 6, 5, 4)}, weights | {"w": (7, 3, 9)})
    (layer,) = found(made, batch=2).network.layers
    assert layer.geometry.x_shape == (2, 3, 1, 40)


def test_recorded_shapes_help_where_inference_cannot(found):
    nodes = [node("Blur", "x", "h", domain="own"), node("Conv", "h w")]
    said = [helper.make_tensor_value_info("h", FLOAT, ("N", 3, 6, 7))]
    made = model(nodes, {"x": ("N", 3, 8, 9)}, {"w": (5, 3, 2, 4)}, value_info=said)
    result = found(made, batch=2)
    assert result.network.layers[0].geometry.x_shape == (2, 3, 6, 7)
    assert left_out(result) == [("own.Blur", "domain 'own' is not known here", 1)]


def test_recorded_sizes_help_where_inference_knows_some(found):
    nodes = [node("NonZero", "x", "n"), node("Cast", "n", "c", to=FLOAT), node("MatMul", "c w")]
    said = [helper.make_tensor_value_info("n", INT64, (2, 9))]
    made = model(nodes, {"x": (3, 4)}, {"w": (9, 5)}, value_info=said)
    assert found(made).network.macs == 2 * 9 * 5


@pytest.mark.parametrize(
    ("operator", "y"), [("Conv", (1, 8, 4, 6)), ("ConvTranspose", (1, 8, 8, 8))]
)
def test_a_kernel_is_stated_where_the_weights_shape_is_not_known(found, operator, y):
    nodes = [
        node("Made", "seed", "w", domain="own"),
        node(operator, "x w", "h", kernel_shape=[3, 2], group=2),
        node("Relu", "h"),
    ]
    said = [helper.make_tensor_value_info("h", FLOAT, y)]
    made = model(nodes, {"x": (1, 6, 6, 7), "seed": (1,)}, value_info=said)
    (layer,) = found(made).network.layers
    pixels = math.prod(y[1:]) * 3 if operator == "Conv" else 6 * 6 * 7 * 4
    assert (layer.counts.macs, layer.owns_weight) == (pixels * 6, False)


# What is not counted.


def body(nodes, inputs=(), outputs=("inner",)):
    return helper.make_graph(
        nodes,
        "body",
        [helper.make_tensor_value_info(*given) for given in inputs],
        [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs],
    )


def branches():
    then = body([node("Conv", "x w", "inner", "in_then")])
    other = body([node("Conv", "x v", "a"), node("Conv", "a v", "b"), node("Relu", "b", "inner")])
    return node("If", "condition", "h", then_branch=then, else_branch=other)


WEIGHTS = {"w": (5, 3, 3, 1), "v": (3, 3, 1, 1)}


BRANCHES = [(True, 5 * 6 * 7 * 9 + 5 * 6 * 7 * 2), (False, 2 * 3 * 8 * 7 * 3 + 3 * 8 * 7 * 2)]


@pytest.mark.parametrize(("condition", "macs"), BRANCHES)
def test_the_branch_of_an_if_whose_condition_is_constant_is_counted(found, condition, macs):
    """The product behind it has rows of the branch's shape."""
    weights = WEIGHTS | {"condition": np.array(condition), "m": (7, 2)}
    made = model([branches(), node("MatMul", "h m")], {"x": (1, 3, 8, 7)}, weights)
    result = found(made)
    assert (result.network.macs, left_out(result)) == (macs, [])


def test_branches_that_may_not_run_are_listed(found):
    made = model([branches(), node("Conv", "x w")], {"x": (1, 3, 8, 7)}, WEIGHTS)
    made.graph.input.append(helper.make_tensor_value_info("condition", BOOL, ()))
    result = found(made)
    assert [layer.name for layer in result.network.layers] == ["y"]
    assert left_out(result) == [("Conv", "in a branch of an If: whether it runs is not known", 3)]


def test_what_a_loop_repeats_is_listed(found):
    loop = body(
        [node("Conv", "state v", "inner", "step"), node("Identity", "go", "on")],
        [("i", INT64, ()), ("go", BOOL, ()), ("state", FLOAT, (1, 3, 8, 7))],
        ("on", "inner"),
    )
    nodes = [node("Loop", "times - x", "h", body=loop), node("Conv", "x w")]
    made = model(nodes, {"x": (1, 3, 8, 7)}, WEIGHTS | {"times": np.array(4)})
    result = found(made)
    assert result.network.macs == 5 * 6 * 7 * 9
    assert left_out(result) == [
        ("Conv", "in the body of an operator: how often it runs is not known", 1)
    ]


LEFT_OUT = {
    "3-D": (
        [node("Conv", "x d", "z")],
        {"x": (1, 3, 8, 7, 6)},
        ("Conv", "3-D: this library has images of two axes", 1),
    ),
    "two alike": (
        [
            node("Einsum", "a a", "i", equation="ij,jk"),
            node("Einsum", "a i", "z", equation="ij,jk"),
        ],
        {"a": (4, 4)},
        ("Einsum", "its products are not counted", 2),
    ),
    "recurrent": (
        [node("LSTM", "s lw lr", "z", hidden_size=2)],
        {"s": (5, 1, 3)},
        ("LSTM", "recurrent: its steps are not counted", 1),
    ),
    "of another domain": (
        [node("Conv", "x d", "z", domain="own")],
        {"x": (1, 3, 8, 7)},
        ("own.Conv", "domain 'own' is not known here", 1),
    ),
    "not known": (
        [node("Novelty", "x", "z")],
        {"x": (1, 3, 8, 7)},
        ("Novelty", "not known here", 1),
    ),
    "of unknown shape": (
        [
            node("NonZero", "x", "n"),
            node("Cast", "n", "c", to=FLOAT),
            node("MatMul", "c k", "z", "odd"),
        ],
        {"x": (3, 4), "k": (5, 6)},
        ("MatMul", "its shape is not known: NonZero 'n' makes a size that depends on data", 1),
    ),
}


@pytest.mark.parametrize(("nodes", "inputs", "line"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_nothing_is_dropped_in_silence(found, nodes, inputs, line):
    weights = {"d": (5, 3, 2, 2, 2), "lw": (1, 8, 3), "lr": (1, 8, 2), "e": (3, 5)}
    made = model([*nodes, node("MatMul", "g e")], {**inputs, "g": (2, 3)}, weights)
    result = found(made)
    assert (left_out(result), result.network.macs) == ([line], 2 * 3 * 5)
    assert result.not_counted[0].matters


def test_cheap_operators_are_listed_once_by_type(found):
    nodes = [
        node("Relu", "x", "a", "r1"), node("Reshape", "a to", "b", "move"),
        node("Relu", "b", "c", "r2"), node("MatMul", "c w", "y", "m"),
    ]  # fmt: skip
    result = found(model(nodes, {"x": (3, 4)}, {"to": np.array([2, 6]), "w": (6, 5)}))
    assert [(n.type, n.names, n.matters) for n in result.not_counted] == [
        ("Relu", ("r1", "r2"), False),
        ("Reshape", ("move",), False),
    ]


def test_what_is_left_out_is_a_sentence_with_a_few_names():
    names = tuple(f"n{number}" for number in range(300))
    item = onnx_model.NotCounted("LSTM", "recurrent: its steps are not counted", names, True)
    assert str(item) == (
        "LSTM x300: recurrent: its steps are not counted (n0, n1, n2, n3 and 296 more)"
    )


# Local functions.


def function(name, nodes, inputs=("a",), outputs=("b",)):
    domains = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    return helper.make_function("own", name, inputs, outputs, nodes, domains)


def test_local_functions_are_put_in_place_of_their_calls(found):
    twice = function("Twice", [node("Once", "a k", "m", domain="own"),
                               node("Once", "m k", "b", domain="own")], ("a", "k"))  # fmt: skip
    once = function("Once", [node("Conv", "a k", "h"), node("Relu", "h", "b")], ("a", "k"))
    made = model(
        [node("Twice", "x w", domain="own")],
        {"x": (1, 3, 6, 7)},
        {"w": (3, 3, 2, 1)},
        functions=[twice, once],
    )
    result = found(made)
    assert [layer.geometry.OH for layer in result.network.layers] == [5, 4]
    assert result.network.weights == 18
    assert left_out(result) == []


def test_functions_that_call_each_other_without_end_or_to_billions_are_refused(found):
    recursive = function("F", [node("F", "a", "b", domain="own")])
    made = model([node("F", "x", domain="own")], {"x": (2, 3)}, functions=[recursive])
    with pytest.raises(NetworkError, match=r"function 'F' calls itself$"):
        found(made)
    chain = [function(f"F{n}", [node(f"F{n + 1}", "a", "b", domain="own")]) for n in range(3000)]
    made = model([node("F0", "x", domain="own")], {"x": (2, 3)}, functions=chain)
    with pytest.raises(NetworkError, match="its functions cannot be inlined: maximum recursion"):
        found(made)
    tower = [
        function(f"F{n}", [node(f"F{n + 1}", "a", f"v{i}", domain="own") for i in range(9)]
                 + [node("Relu", "v8", "b")])
        for n in range(10)
    ]  # fmt: skip
    tower.append(function("F10", [node("Relu", "a", "b")]))
    made = model([node("F0", "x", domain="own")], {"x": (2, 3)}, functions=tower)
    with pytest.raises(NetworkError, match=r"make .* operators, but at most 1,000,000 are read$"):
        found(made)


# Files that cannot be, and hostile ones.


def conv(x=(1, 4, 6, 7), w=(6, 2, 3, 2), **attributes):
    return model([node("Conv", "x w", name="conv1", **attributes)], {"x": x}, {"w": w})


def without_shape():
    made = conv(group=2)
    made.graph.input[0].type.tensor_type.ClearField("shape")
    return made


def unknown_weight():
    return model(
        [node("Blur", "x", "h", domain="own"), node("Conv", "h w")], IMAGES, {"w": (4, 3, 2, 2)}
    )


BAD = {
    "groups that do not divide": (
        conv(group=3),
        {},
        "Conv 'conv1': x has 4 channels, which 3 groups",
    ),
    "groups that the weight has not": (
        conv(group=1),
        {},
        "Conv 'conv1': weight has 2 input channels",
    ),
    "no groups": (conv(group=0), {}, "Conv 'conv1': groups is 0"),
    "a kernel beyond the image": (conv((1, 4, 2, 7), group=2), {}, "weight spans 3 cells along H"),
    "a stride of 0": (
        conv(group=2, strides=[0, 1]),
        {},
        "Conv 'conv1': strides has 0, but must be at least 1",
    ),
    "strides of one axis": (
        conv(group=2, strides=[1]),
        {},
        "strides has 1 entries, but the images",
    ),
    "pads of one axis": (
        conv(group=2, pads=[1, 1]),
        {},
        "pads has 2 entries, but the images have 2",
    ),
    "negative pads": (
        conv(group=2, pads=[-1, 0, 0, 0]),
        {},
        "padding is -1, but must be at least 0",
    ),
    "strides of a fraction": (
        conv(group=2, strides=[1.5, 1.0]),
        {},
        r"strides is \[1.5, 1.0\], but",
    ),
    "an unknown auto_pad": (conv(group=2, auto_pad="SAME"), {}, "auto_pad is b'SAME', but must be"),
    "two kernels": (
        conv(group=2, kernel_shape=[3, 3]),
        {},
        r"kernel_shape is \(3, 3\), but the weight",
    ),
    "no image": (conv((1, 4), (6, 4)), {}, r"x has shape \(1, 4\), but must have images"),
    "a weight of other axes": (
        conv(w=(6, 4, 3)),
        {},
        r"the weight has shape \(6, 4, 3\), but x has",
    ),
    "no weight": (
        model([node("Conv", "x")], IMAGES),
        {},
        "Conv 'y': it has 1 inputs, but must have 2",
    ),
    "a long bias": (
        model([node("Conv", "x w b")], IMAGES, {"w": (4, 3, 2, 2), "b": (5,)}),
        {},
        r"Conv 'y': the bias has shape \(5,\), but must be \(4,\)",
    ),
    "transposed channels": (
        model([node("ConvTranspose", "x w")], IMAGES, {"w": (4, 3, 2, 2)}),
        {},
        "ConvTranspose 'y': the weight has 4 input channels, but x has 3",
    ),
    "transposed groups": (
        model([node("ConvTranspose", "x w", group=2)], IMAGES, {"w": (3, 3, 2, 2)}),
        {},
        "ConvTranspose 'y': x has 3 channels, which 2 groups do not divide",
    ),
    "factors that do not meet": (
        model([node("MatMul", "x w")], {"x": (2, 3)}, {"w": (4, 5)}),
        {},
        "MatMul 'y': the left factor has rows of 3, but the right one has 4 rows",
    ),
    "factors that do not broadcast": (
        model([node("MatMul", "x w")], {"x": (2, 3, 4)}, {"w": (3, 4, 5)}),
        {},
        "MatMul 'y': shape mism",
    ),
    "Gemm of three axes": (
        model([node("Gemm", "x w")], {"x": (2, 3, 4)}, {"w": (4, 5)}),
        {},
        "but must have 2 axes",
    ),
    "an input without a shape": (without_shape(), {}, "input 'x' has no shape$"),
    "no known shape": (
        unknown_weight(),
        {},
        "shape of none of its 1 convolutions and matrix products is known: Blur 'h' cannot be inf",
    ),
    "an open axis": (conv((1, 4, "H", "W"), group=2), {}, "inputs need a size: 'H', 'W'$"),
    "an axis that is not": (
        conv((1, 4, "H", 7), group=2),
        {"sizes": {"H": 6, "rows": 6}},
        "no open axis is called 'rows', but 'H'$",
    ),
    "an axis where none is open": (conv(group=2), {"sizes": {"H": 6}}, "is called 'H', but none$"),
    "no batch": (conv(group=2), {"batch": 0}, "batch is 0, but must be an integer from 1 on$"),
    "half a size": (
        conv((1, 4, "H", 7), group=2),
        {"sizes": {"H": 6.5}},
        "H is 6.5, but must be an integer from 1",
    ),
}


@pytest.mark.parametrize(("made", "options", "match"), BAD.values(), ids=BAD)
def test_models_that_cannot_be_are_one_line(found, tmp_path, made, options, match):
    with pytest.raises(NetworkError, match=match) as caught:
        found(made, **options)
    message = str(caught.value)
    assert message.startswith(repr(str(tmp_path / "made.onnx")) + ": ")
    assert message.isprintable()


NO_MODEL = {
    "empty": (b"", "no ONNX model: it has no graph"),
    "text": (b"ic3ih224oc64kh7\n" * 9, "it cannot be decoded$"),
    "zeros": (b"\0" * 5000, "it cannot be decoded$"),
    "cut off": (conv(group=2).SerializeToString()[:-40], "it cannot be decoded$"),
    "a name that is no text": (
        conv(group=2).SerializeToString().replace(b"conv1", b"con\xff1"),
        "its onnx.NodeProto.name is not UTF-8 text$",
    ),
    "another message": (
        numpy_helper.from_array(np.ones(3)).SerializeToString(), "no ONNX model",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "match"), NO_MODEL.values(), ids=NO_MODEL)
def test_files_that_are_no_model(tmp_path, content, match):
    (tmp_path / "made.onnx").write_bytes(content)
    with pytest.raises(NetworkError, match=match) as caught:
        onnx_model.read(tmp_path / "made.onnx")
    assert str(caught.value).isprintable()


def test_100_mb_that_are_no_model_a_folder_and_nothing(tmp_path):
    with (tmp_path / "long.onnx").open("wb") as sparse:
        sparse.truncate(100_000_000)
    with pytest.raises(NetworkError, match=r"it cannot be decoded$"):
        onnx_model.read(tmp_path / "long.onnx")
    with (tmp_path / "long.onnx").open("wb") as sparse:
        sparse.truncate(2**31)
    with pytest.raises(NetworkError, match="has 2,147,483,648 bytes, but at most 2,147,483,647"):
        onnx_model.read(tmp_path / "long.onnx")
    with pytest.raises(NetworkError, match=r"is not a file$"):
        onnx_model.read(tmp_path)
    with pytest.raises(NetworkError, match="cannot be read: No such file"):
        onnx_model.read(tmp_path / "none.onnx")


def with_data_at(location, made=None):
    made = made or conv(group=2)
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return made


def test_data_in_a_file_beside_are_not_needed(found):
    """There is no such file: it would be missed if it were opened."""
    assert found(with_data_at("data/weights.bin")).network == found(conv(group=2)).network


ELSEWHERE = [
    "/etc/passwd", "../weights.bin", "data/../../weights.bin", "..\\weights.bin", "C:\\weights.bin",
    "C:weights.bin", "\\\\host\\share", "link/weights.bin", "file-link", "nul\0byte",
]  # fmt: skip


@pytest.mark.parametrize("location", ELSEWHERE)
def test_data_outside_the_folder_are_refused(tmp_path, location):
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    (folder / "file-link").symlink_to(tmp_path / "weights.bin")
    onnx.save(with_data_at(location), folder / "made.onnx")
    with pytest.raises(NetworkError, match=r"tensor 'w' has its data at .*, outside the folder of"):
        onnx_model.read(folder / "made.onnx")


def test_hidden_data_outside_the_folder_are_refused_too(found):
    """In an attribute of an operator, in a branch."""
    value = numpy_helper.from_array(np.ones((2, 3), np.float32), "v")
    value.ClearField("raw_data")
    value.data_location = TensorProto.EXTERNAL
    value.external_data.add(key="location", value="/etc/passwd")
    then = body([node("Constant", "", "inner", value=value)])
    other = body([node("Relu", "x", "inner")])
    made = model([node("If", "c", then_branch=then, else_branch=other)], {"x": (2, 3)})
    made.graph.input.append(helper.make_tensor_value_info("c", BOOL, ()))
    with pytest.raises(NetworkError, match="tensor 'v' has its data at '/etc/passwd'"):
        found(made)


def test_a_tensor_that_claims_a_negative_size(found):
    made = conv(group=2)
    made.graph.initializer[0].dims[0] = -6
    with pytest.raises(NetworkError, match=r"tensor 'w' has a size below 0$"):
        found(made)


def test_a_small_shape_in_a_file_beside_is_not_read(found, tmp_path, monkeypatch):
    nodes = [node("Reshape", "x to", "h"), node("Conv", "h w"), node("Conv", "x w", "z")]
    made = model(nodes, {"x": (1, 3, 6, 7)}, {"to": np.array([1, 3, 7, 6]), "w": (5, 3, 2, 2)})
    monkeypatch.chdir(tmp_path)
    Path("shapes.bin").write_bytes(np.array([1, 3, 7, 6]).tobytes())
    result = found(with_data_at("shapes.bin", made))
    assert len(result.network.layers) == 1
    ((kind, reason, number),) = left_out(result)
    assert (kind, number) == ("Conv", 1)
    assert "its shape is not known: 'to' cannot be computed" in reason


def test_damaged_files_are_read_or_refused(tmp_path):
    """Bytes changed, cut out and doubled, by chance: never another exception."""
    nodes = [node("Conv", "x w", "h", pads=[1, 0, 1, 2], group=2), node("Shape", "h", "s"),
             node("Reshape", "h s", "r"), branches(), node("ConvTranspose", "r w")]  # fmt: skip
    arrays = {"w": (4, 2, 3, 2), "v": (4, 4, 1, 1), "condition": np.array(False)}
    whole = model(nodes, {"x": (1, 4, 6, 7)}, arrays).SerializeToString()
    file, chance = tmp_path / "made.onnx", random.Random(1)
    file.write_bytes(whole)
    assert len(onnx_model.read(file).network.layers) == 4
    refused = read = 0
    for _ in range(600):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(damaged))
            end = at + chance.randint(0, 5)
            damaged[at:end] = chance.randbytes(chance.randint(0, 5)) or damaged[at:end] * 2
        file.write_bytes(damaged)
        try:
            onnx_model.read(file)
        except NetworkError as error:
            refused += str(error).isprintable()
        else:
            read += 1
    assert refused + read == 600
    assert min(refused, read) > 10


# Whole models: those of a public package, and torch's own layers.


def counted_by_running(made, inputs):
    """(operators, MACs) of a model by the shapes of the arrays that occur when it is run."""
    kinds = ("Conv", "ConvTranspose", "MatMul", "Gemm")
    nodes = [n for n in made.graph.node if n.op_type in kinds]
    arrays = {t.name: numpy_helper.to_array(t) for t in made.graph.initializer} | inputs
    wanted = {name for n in nodes for name in (*n.input[:2], n.output[0])} - arrays.keys()
    wanted = sorted(wanted)
    watched = onnx.ModelProto()
    watched.CopyFrom(made)
    del watched.graph.output[:]
    watched.graph.output.extend(onnx.ValueInfoProto(name=name) for name in wanted)
    arrays |= dict(zip(wanted, run(watched, inputs), strict=True))
    total = 0
    for n in nodes:
        x, weight, y = (arrays[name] for name in (*n.input[:2], n.output[0]))
        total += {
            "Conv": y.size * math.prod(weight.shape[1:]),
            "ConvTranspose": x.size * math.prod(weight.shape[1:]),
            "MatMul": y.size * x.shape[-1],
            "Gemm": y.size * x.size // y.shape[0] if y.ndim == 2 else 0,
        }[n.op_type]
    return len(nodes), total


def public_models():
    """Paths of the models in the package; it is not imported, so nothing it needs is needed."""
    spec = importlib.util.find_spec("rapidocr_onnxruntime")
    return sorted((Path(spec.origin).parent / "models").glob("*.onnx")) if spec else []


PUBLIC = {
    "det": ((1, 3, 96, 64), {"p2o.DynamicDimension.1": 96, "p2o.DynamicDimension.2": 64}, 64, 14),
    "rec": ((2, 3, 48, 80), {"x[2]": 48, "p2o.DynamicDimension.1": 80}, 51, 14),
    "cls": ((3, 3, 48, 96), {"x[2]": 48, "x[3]": 96}, 54, 11),
}
"""By a part of the name: an input's shape, its open sizes, how many layers, how many depthwise."""


def public_model(part):
    """The path of a model in the package, which is not imported: it would need much else."""
    spec = importlib.util.find_spec("rapidocr_onnxruntime")
    if spec is None:
        # Megabytes of models that nothing else needs; CI has them, and fails where this is skipped.
        pytest.skip("needs rapidocr-onnxruntime: pip install --no-deps rapidocr-onnxruntime==1.4.4")
    (path,) = (Path(spec.origin).parent / "models").glob(f"*_{part}_*.onnx")
    return path


@pytest.mark.parametrize("part", PUBLIC)
def test_models_of_a_public_package(part):
    """Separable networks that find, turn and read text; written by Paddle, with open axes."""
    path = public_model(part)
    shape, sizes, operators, depthwise = PUBLIC[part]
    result = onnx_model.read(path, batch=shape[0], sizes=sizes)
    x = np.random.default_rng(1).standard_normal(shape, np.float32)
    assert counted_by_running(onnx.load(path), {"x": x}) == (operators, result.network.macs)
    kinds = [layer.kind for layer in result.network.layers]
    assert (len(kinds), kinds.count("depthwise")) == (operators, depthwise)
    assert left_out(result) == []


def test_a_public_models_parameters():
    """All its numbers but single ones and the statistics of batch norms belong to a layer."""
    path = public_model("cls")
    nodes = onnx.load(path).graph.node
    floats = {n.output[0]: n.attribute[0].t for n in nodes if n.op_type == "Constant"}
    sizes = {
        name: math.prod(tensor.dims)
        for name, tensor in floats.items()
        if tensor.data_type == FLOAT and math.prod(tensor.dims) > 1
    }
    for n in nodes:
        if n.op_type == "BatchNormalization":
            for name in n.input[3:]:
                del sizes[name]
    network = onnx_model.read(path, sizes=PUBLIC["cls"][1]).network
    assert network.trainable == sum(sizes.values()) == 129_356


def mobilenet(torch):
    """Separable blocks as MobileNetV1 has them, and a classifier."""
    nn = torch.nn

    def conv(C, F, kernel, stride=1, groups=1):
        layer = nn.Conv2d(C, F, kernel, stride, kernel // 2, groups=groups, bias=False)
        return nn.Sequential(layer, nn.BatchNorm2d(F), nn.ReLU())

    return nn.Sequential(
        conv(3, 8, 3, stride=2),
        *(conv(8, 8, 3, groups=8), conv(8, 12, 1)),
        *(conv(12, 12, 3, stride=2, groups=12), conv(12, 20, 1)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(20, 7)),
    )


def residual(torch):
    """A block of ResNeXt, and a transposed convolution in groups behind it."""
    nn = torch.nn

    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.narrow = nn.Conv2d(6, 12, 1)
            self.group = nn.Conv2d(12, 12, (3, 5), (2, 1), (2, 4), dilation=(2, 3), groups=4)
            self.wide = nn.Conv2d(12, 24, 1)
            self.beside = nn.Conv2d(6, 24, 1, (2, 1))
            self.enlarge = nn.ConvTranspose2d(24, 10, (3, 2), (2, 3), (1, 0), (1, 2), groups=2)

        def forward(self, x):
            y = self.wide(self.group(self.narrow(x).relu()).relu())
            beside = self.beside(x)[:, :, :, : y.shape[3]]
            return self.enlarge((y + beside[:, :, : y.shape[2]]).relu())

    return Residual()


def attention(torch):
    """Attention over tokens, and a linear layer over each of them."""
    nn = torch.nn

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = nn.MultiheadAttention(12, 3, batch_first=True)
            self.linear = nn.Linear(12, 5)

        def forward(self, x):
            return self.linear(self.attention(x, x, x, need_weights=False)[0])

    return Attention()


TORCH = {
    "mobilenet": (mobilenet, (2, 3, 33, 41), 6),
    "residual": (residual, (2, 6, 11, 14), 5),
    "attention": (attention, (2, 7, 12), 5),
}
"""A module, its input's shape, and its layers: those of attention are two products more."""


def exported(torch, module, x, path, *, new):
    """Write the module as torch.onnx does, by its old or its new exporter, batch norms apart."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the old exporter: that there is a new one
        if new:
            shapes = ({0: torch.export.Dim.DYNAMIC},)
            torch.onnx.export(
                module, (x,), path, dynamo=True, input_names=["x"], dynamic_shapes=shapes,
                optimize=False, verbose=False,
            )  # fmt: skip
        else:
            torch.onnx.export(
                module, (x,), path, dynamo=False, input_names=["x"],
                dynamic_axes={"x": {0: "batch"}}, do_constant_folding=False,
                training=torch.onnx.TrainingMode.PRESERVE,
            )  # fmt: skip


@pytest.mark.parametrize("new", [False, True], ids=["old exporter", "new exporter"])
@pytest.mark.parametrize("case", TORCH)
def test_models_that_torch_exports(tmp_path, case, new):
    """Twice the MACs are what torch's counter finds; the parameters are those of the module."""
    torch = pytest.importorskip("torch", reason="needs torch: pip install 'refconv[peers]'")
    if new:
        pytest.importorskip("onnxscript", reason="needs onnxscript: pip install onnxscript")
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    build, shape, layers = TORCH[case]
    module, x = build(torch), torch.zeros(shape)
    for parameter in module.parameters():
        torch.nn.init.uniform_(parameter, 0.5, 1)  # a bias of zeros would be left out
    # Its counter does not know the fused attention of CPUs.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        module.train(not new)(x)
    exported(torch, module, x, tmp_path / "torch.onnx", new=new)
    result = onnx_model.read(tmp_path / "torch.onnx", batch=shape[0])
    assert 2 * result.network.macs == counter.get_total_flops()
    # The new exporter, where it does not optimise, writes zeros for a bias that is not there.
    zeros = sum(
        layer.out_channels
        for layer in module.modules()
        if new and isinstance(layer, torch.nn.Conv2d) and layer.bias is None
    )
    numbers = sum(parameter.numel() for parameter in module.parameters())
    assert result.network.trainable == numbers + zeros
    assert len(result.network.layers) == layers
    assert left_out(result) == []
    halved = onnx_model.read(tmp_path / "torch.onnx").network
    assert 2 * halved.macs == result.network.macs
