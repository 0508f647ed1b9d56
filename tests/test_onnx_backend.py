"""ONNX's own conformance cases for Conv and ConvInteger, every one that the package brings.

They come in two forms: case folders of a model and its data, made by PyTorch, and node cases, which
the package makes from Python. 1-D cases are run as 2-D of height 1. 3-D cases are outside this
library: they are found, counted, and left at that.
"""

import importlib
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from peers import float32_bound

from refconv import Geometry, conv2d
from refconv.conv import METHODS

DATA = Path(onnx.__file__).parent / "backend/test/data"
AUTO_PAD = {"SAME_UPPER": "same_upper", "SAME_LOWER": "same_lower", "VALID": "valid"}


class Example(NamedTuple):
    """A case: one node, with the arrays of its inputs and the output it must give."""

    name: str
    node: onnx.NodeProto
    inputs: list[np.ndarray]
    expected: np.ndarray

    @property
    def axes(self):
        """How many axes its images have: 1, 2 or 3."""
        return self.inputs[0].ndim - 2


def folder_examples():
    """The Conv cases among the folders that hold a model and its data sets."""
    for path in sorted(DATA.glob("*/*/model.onnx")):
        model = onnx.load(path)
        if [node.op_type for node in model.graph.node] == ["Conv"]:
            for data_set in sorted(path.parent.glob("test_data_set_*")):
                name = "/".join((*path.parent.parts[-2:], data_set.name))
                yield folder_example(name, model.graph, data_set)


def folder_example(name, graph, data_set):
    """A case from its folder: fed inputs come in the graph's order, weights may be inside it."""
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    fed = [value.name for value in graph.input if value.name not in arrays]
    for number, input_name in enumerate(fed):
        arrays[input_name] = read_tensor(data_set / f"input_{number}.pb")
    (node,) = graph.node
    inputs = [arrays[name] for name in node.input]
    return Example(name, node, inputs, read_tensor(data_set / "output_0.pb"))


def read_tensor(path):
    return numpy_helper.to_array(onnx.TensorProto.FromString(path.read_bytes()))


def node_examples(operator):
    """The cases that `onnx.backend.test.case.node` makes for an operator."""
    module = importlib.import_module(f"onnx.backend.test.case.node.{operator.lower()}")
    found = []

    def expect(node, inputs, outputs, name, **_):
        found.append(Example(f"node/{name}", node, [np.asarray(i) for i in inputs], outputs[0]))

    exports = vars(getattr(module, operator))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "expect", expect)
        for name in exports:
            if name.startswith("export"):
                getattr(getattr(module, operator), name)()
    return found


CONV = [*folder_examples(), *node_examples("Conv")]
CONV_INTEGER = node_examples("ConvInteger")
QUICK_METHODS = [method for method in METHODS if method != "loops"]
"""One case takes the Python loops a minute; "jit-loops" are the same ones, compiled."""

IN_SCOPE = [example for example in CONV if example.axes <= 2]


def options_of(node, axes):
    """The options of `conv2d` that the node's attributes mean, for images of 1 or 2 axes."""
    given: dict[str, Any] = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    lead = [0] * (2 - axes)  # a 1-D case has no height: stride 1, dilation 1, no padding
    befores, afters = np.reshape(given.get("pads", [0, 0] * axes), (2, axes)).tolist()
    pads = tuple(zip(lead + befores, lead + afters, strict=True))
    return {
        "stride": tuple([1] * len(lead) + list(given.get("strides", [1] * axes))),
        "dilation": tuple([1] * len(lead) + list(given.get("dilations", [1] * axes))),
        "padding": AUTO_PAD.get(given.get("auto_pad", b"NOTSET").decode(), pads),
        "groups": given.get("group", 1),
    }


def with_height(array, axes):
    """The array of a 1-D case as one of a 2-D case of height 1; that of a 2-D case as it is."""
    return array[:, :, None, :] if axes == 1 else array


def test_as_many_cases_as_were_known_are_found():
    """So that a package with its data elsewhere does not pass for one that has been reproduced."""
    found = Counter((example.name.split("/")[0], f"{example.axes}-D") for example in CONV)
    assert found[("node", "2-D")] >= 6
    assert found[("pytorch-converted", "1-D")] >= 8
    assert found[("pytorch-converted", "2-D")] >= 11
    assert found[("pytorch-converted", "3-D")] >= 7  # outside a 2-D library
    assert found[("pytorch-operator", "2-D")] >= 1
    assert len(IN_SCOPE) >= 26
    assert len(CONV_INTEGER) >= 2


@pytest.mark.parametrize("method", QUICK_METHODS)
@pytest.mark.parametrize("example", IN_SCOPE, ids=[example.name for example in IN_SCOPE])
def test_conv(example, method):
    """The expected values are float32 sums too, in an order of their own: twice the bound."""
    x, weight = (with_height(array, example.axes) for array in example.inputs[:2])
    bias = example.inputs[2] if len(example.inputs) > 2 else None
    options = options_of(example.node, example.axes)
    y = conv2d(x, weight, bias, **options, method=method)
    expected = with_height(example.expected, example.axes)
    assert (y.dtype, y.shape) == (expected.dtype, expected.shape)
    geometry = Geometry.of(x.shape, weight.shape, **options)
    bound = 2 * float32_bound(x, weight, bias, geometry)
    assert (np.abs(y.astype(np.float64) - expected) <= bound).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("example", CONV_INTEGER, ids=[example.name for example in CONV_INTEGER])
def test_conv_integer(example, method):
    """ONNX's rule: y is the sum of (x - zx) * (w - zw), and pads hold zx, so they add nothing.

    Here: sum of x * (w - zw) with pads of zx, less zx times the sum of all (w - zw).
    """
    x, weight = example.inputs[:2]
    zx, zw = (*example.inputs[2:], *[np.zeros((), np.int64)] * 2)[:2]
    centred = weight.astype(np.int64) - zw.astype(np.int64).reshape(-1, 1, 1, 1)
    bias = -int(zx) * centred.sum(axis=(1, 2, 3))
    options = options_of(example.node, axes=2)
    y = conv2d(x, centred, bias, pad_value=int(zx), **options, method=method)
    np.testing.assert_array_equal(y, example.expected)
