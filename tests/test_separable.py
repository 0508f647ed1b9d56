"""Depthwise separable convolution: two calls and nothing else."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import DTYPES, Case, cases, geometries, whole_numbers

from refconv import (
    Geometry,
    conv2d,
    depthwise_conv2d,
    depthwise_separable_conv2d,
    pointwise_conv2d,
)
from refconv.conv import METHODS

each_method = pytest.mark.parametrize("method", METHODS)


def same(y, expected):
    np.testing.assert_array_equal(y, expected, strict=True)


@dataclass(frozen=True)
class Separable:
    """A depthwise case, and the weight and bias of the pointwise stage after it."""

    depthwise: Case
    weight: np.ndarray
    bias: np.ndarray | None

    @classmethod
    def of(cls, case, F, *, bias=True):
        """The pointwise numbers are of the type that the depthwise stage returns."""
        rng = np.random.default_rng(F)
        dtype = case.run().dtype
        weight = whole_numbers(rng, (F, case.geometry.F, 1, 1), dtype, 9)
        return cls(case, weight, whole_numbers(rng, (F,), dtype, 9) if bias else None)

    @property
    def options(self):
        return {name: value for name, value in self.depthwise.options.items() if name != "groups"}

    def run(self, **options):
        first = self.depthwise
        return depthwise_separable_conv2d(
            first.x,
            first.weight,
            self.weight,
            self.bias,
            depthwise_bias=first.bias,
            **{**self.options, **options},
        )

    def in_two_calls(self, method):
        first = self.depthwise
        between = depthwise_conv2d(first.x, first.weight, first.bias, **self.options, method=method)
        return pointwise_conv2d(between, self.weight, self.bias, method=method)


def separables(dtypes=("float32",), **kinds):
    """Each bias may be there or not. Weights are small, so that two stages stay exact."""
    depthwise = cases(
        geometries(kinds=("depthwise",), max_room=6, **kinds),
        dtypes=dtypes,
        bound=3,
        pad_values=(0, 2),
    )
    return st.builds(Separable.of, depthwise, st.integers(1, 5), bias=st.booleans())


LAYER = Separable.of(
    Case.of(
        Geometry.of((2, 3, 5, 7), (6, 1, 3, 2), groups=3, stride=(2, 1), padding=((1, 0), (0, 2))),
        bound=3,
    ),
    F=4,
)


@each_method
@settings(max_examples=40)
@given(layer=separables(DTYPES))
def test_equals_two_calls(layer, method):
    same(layer.run(method=method), layer.in_two_calls(method))


@settings(max_examples=60)
@given(separables())
def test_equals_a_standard_convolution_with_the_product_of_the_weights(layer):
    """weight[f, c] is the sum over m of pointwise[f, c*M + m] * depthwise[c*M + m]."""
    g = layer.depthwise.geometry
    kernels = layer.depthwise.weight.reshape(g.C, g.Fg, g.KH, g.KW)
    mix = layer.weight.reshape(-1, g.C, g.Fg)
    weight = np.einsum("fcm,cmhw->fchw", mix, kernels)
    y = conv2d(layer.depthwise.x, weight, layer.bias, **layer.options)
    if layer.depthwise.bias is not None:
        y = y + (layer.weight[:, :, 0, 0] @ layer.depthwise.bias)[:, None, None]
    same(layer.run(), y)


@each_method
def test_each_bias_belongs_to_its_stage(method):
    """The depthwise bias is mixed by the pointwise weight, the other one is added as it is."""
    x, depthwise = np.zeros((1, 2, 3, 4), "f4"), np.ones((2, 1, 2, 2), "f4")
    mix = np.array([[1, 10], [2, 20], [3, 30]], "f4").reshape(3, 2, 1, 1)
    y = depthwise_separable_conv2d(
        x,
        depthwise,
        mix,
        np.array([100, 200, 300], "f4"),
        depthwise_bias=np.array([1, 2], "f4"),
        method=method,
    )
    same(y, np.broadcast_to(np.array([[[121]], [[242]], [[363]]], "f4"), (1, 3, 2, 3)))


def test_the_third_array_without_a_name_is_the_pointwise_bias():
    first = LAYER.depthwise
    y = depthwise_separable_conv2d(first.x, first.weight, LAYER.weight, LAYER.bias, **LAYER.options)
    unbiased = replace(LAYER, depthwise=replace(first, bias=None))
    same(y, unbiased.run())


@given(separables())
def test_stride_padding_and_dilation_belong_to_the_depthwise_stage_only(layer):
    N, F, OH, OW = layer.run().shape
    g = layer.depthwise.geometry
    assert (N, OH, OW) == (g.N, g.OH, g.OW)
    assert len(layer.weight) == F


@each_method
@settings(max_examples=25)
@given(layer=separables(("float32", "float16", "int8")))
def test_nhwc_is_nchw_transposed(layer, method):
    first = layer.depthwise
    y = depthwise_separable_conv2d(
        first.x.transpose(0, 2, 3, 1),
        first.weight.transpose(2, 3, 1, 0),
        layer.weight.transpose(2, 3, 1, 0),
        layer.bias,
        depthwise_bias=first.bias,
        layout="NHWC",
        method=method,
        **layer.options,
    )
    same(y, layer.run(method=method).transpose(0, 2, 3, 1))


@each_method
def test_out_is_filled_and_returned(method):
    expected = LAYER.run(method=method)
    out = np.full((*expected.shape[:3], 2 * expected.shape[3]), 7, "f4")[..., ::2]
    assert LAYER.run(out=out, method=method) is out
    same(out, expected)


@pytest.mark.parametrize(
    "name", ["x", "depthwise_weight", "depthwise_bias", "pointwise_weight", "bias"]
)
def test_out_must_not_be_an_input(name):
    memory = np.ones(16, "f4")
    operands = {
        "x": np.ones((1, 4, 2, 2), "f4"),
        "depthwise_weight": np.ones((4, 1, 1, 1), "f4"),
        "depthwise_bias": np.ones(4, "f4"),
        "pointwise_weight": np.ones((4, 4, 1, 1), "f4"),
        "bias": np.ones(4, "f4"),
    }
    shape = operands[name].shape
    operands[name] = memory[: np.prod(shape)].reshape(shape)
    with pytest.raises(ValueError, match=f"out shares memory with {name}"):
        depthwise_separable_conv2d(**operands, out=memory.reshape(1, 4, 2, 2))
    assert (memory == 1).all()


BAD = {
    "wide pointwise kernel": (
        {"pointwise_weight": np.ones((4, 6, 1, 2), "f4")},
        ValueError,
        "pointwise_weight has a 1x2 kernel, but a pointwise one is 1x1",
    ),
    "too few channels between": (
        {"pointwise_weight": np.ones((4, 3, 1, 1), "f4")},
        ValueError,
        "pointwise_weight has 3 input channels per group, but the depthwise output has 6 channels",
    ),
    "depthwise weight of all channels": (
        {"depthwise_weight": np.ones((6, 3, 3, 2), "f4")},
        ValueError,
        "depthwise_weight has 3 input channels per group, but x has 3 channels",
    ),
    "multiplier that is not whole": (
        {"depthwise_weight": np.ones((7, 1, 3, 2), "f4")},
        ValueError,
        "depthwise_weight has 7 output channels, which 3 groups do not divide",
    ),
    "long depthwise bias": (
        {"depthwise_bias": np.ones(7, "f4")},
        ValueError,
        r"depthwise_bias has shape \(7,\), but depthwise_weight has 6 output channels",
    ),
    "long bias": (
        {"bias": np.ones(5, "f4")},
        ValueError,
        r"bias has shape \(5,\), but pointwise_weight has 4 output channels",
    ),
    "depthwise weight of another type": (
        {"depthwise_weight": np.ones((6, 1, 3, 2), "f8")},
        TypeError,
        "x has type float32, but depthwise_weight has type float64",
    ),
    "pointwise weight of another type": (
        {"pointwise_weight": np.ones((4, 6, 1, 1), "f8")},
        TypeError,
        "the depthwise output has type float32, but pointwise_weight has type float64",
    ),
    "out of another shape": (
        {"out": np.ones((2, 6, 2, 8), "f4")},
        ValueError,
        "out has shape .* but y has shape",
    ),
    "x of three axes": ({"x": np.ones((3, 5, 7), "f4")}, ValueError, "x has shape"),
}


@pytest.mark.parametrize(("wrong", "error", "match"), BAD.values(), ids=BAD)
def test_messages_name_the_argument_that_the_caller_passed(wrong, error, match):
    first = LAYER.depthwise
    operands = {
        "x": first.x,
        "depthwise_weight": first.weight,
        "pointwise_weight": LAYER.weight,
        "bias": LAYER.bias,
        "depthwise_bias": first.bias,
    }
    with pytest.raises(error, match=match):
        depthwise_separable_conv2d(**{**operands, **wrong}, **LAYER.options)
