"""What a layer's `backward` gives: the gradients that the functions give, of one or two stages."""

import numpy as np
import pytest
from gradient_cases import GradientCase, gradient_cases
from hypothesis import given, settings
from strategies import whole_numbers
from test_gradients import ODD, same

from refconv import (
    Conv2d,
    DepthwiseSeparableConv2d,
    conv2d_bias_grad,
    depthwise_separable_conv2d,
)


@settings(max_examples=60)
@given(gradient_cases(dtypes=("int64", "float32"), pad_values=(0, 3)))
def test_a_layers_gradients_are_the_functions(case):
    bias = np.arange(case.geometry.F).astype(case.x.dtype)
    found = Conv2d(case.weight, bias, **case.options).backward(case.x, case.grad_y)
    same(found.x, case.by_x())
    same(found.weight, case.by_weight())
    same(found.bias, conv2d_bias_grad(case.grad_y))
    assert Conv2d(case.weight, **case.options).backward(case.x, case.grad_y).bias is None


def test_a_layer_in_the_other_layout():
    case = GradientCase.of(ODD, "int64")
    layer = Conv2d(
        case.weight.transpose(2, 3, 1, 0), np.zeros(12, int), **case.options, layout="NHWC"
    )
    found = layer.backward(*(a.transpose(0, 2, 3, 1) for a in (case.x, case.grad_y)))
    same(found.x.transpose(0, 3, 1, 2), case.by_x())
    same(found.weight.transpose(3, 2, 0, 1), case.by_weight())
    same(found.bias, conv2d_bias_grad(case.grad_y))


def test_the_separable_layers_gradients_obey_the_law():
    """A small change of one operand changes <y, g> by <change, gradient>: exactly, it is linear."""
    rng = np.random.default_rng(0)
    shapes = {
        "x": (2, 3, 7, 8), "depthwise_weight": (6, 1, 3, 2), "depthwise_bias": (6,),
        "pointwise_weight": (5, 6, 1, 1), "bias": (5,),
    }  # fmt: skip
    given = {name: whole_numbers(rng, shape, "int64", 5) for name, shape in shapes.items()}
    options = {"stride": (2, 1), "padding": ((1, 0), (2, 1)), "dilation": (1, 2), "pad_value": 2}

    def product(**changed):
        return (depthwise_separable_conv2d(**{**given, **changed}, **options) * grad_y).sum()

    layer = DepthwiseSeparableConv2d(
        **{name: array for name, array in given.items() if name != "x"}, **options
    )
    y = layer(given["x"])
    same(y, depthwise_separable_conv2d(**given, **options))
    grad_y = whole_numbers(rng, y.shape, "int64", 5)
    found = layer.backward(given["x"], grad_y)
    assert found._fields == tuple(shapes)
    for name, gradient in found._asdict().items():
        assert gradient.shape == shapes[name]
        change = whole_numbers(rng, shapes[name], "int64", 5)
        changed = product(**{name: given[name] + change}) - product()
        assert (change * gradient).sum() == changed, name


def test_a_separable_layer_without_biases_on_images_of_other_channels():
    """Kernels that 2 and 3 channels divide: with multiplier 3 and 2."""
    layer = DepthwiseSeparableConv2d(np.ones((6, 1, 2, 2), int), np.ones((4, 6, 1, 1), int))
    for C in (2, 3, 6):
        x = np.arange(C * 3 * 4).reshape(1, C, 3, 4)
        same(
            layer(x),
            depthwise_separable_conv2d(x, *map(np.ones, ((6, 1, 2, 2), (4, 6, 1, 1)), (int, int))),
        )
        found = layer.backward(x, np.ones((1, 4, 2, 3), int))
        assert found.depthwise_bias is found.bias is None
        assert found.x.shape == x.shape


def test_a_separable_layer_keeps_its_own_arrays():
    depthwise, pointwise = np.ones((2, 1, 2, 2)), np.ones((3, 2, 1, 1))
    layer, x = DepthwiseSeparableConv2d(depthwise, pointwise), np.ones((1, 2, 3, 3))
    before = layer(x)
    depthwise[:] = pointwise[:] = 7
    same(layer(x), before)
    assert repr(layer).startswith(
        "DepthwiseSeparableConv2d(depthwise_weight=(2, 1, 2, 2) float64, "
    )


DEPTHWISE, POINTWISE = np.ones((6, 1, 3, 2)), np.ones((5, 6, 1, 1))
BAD = [
    ({"depthwise_weight": None}, TypeError, "depthwise_weight is None"),
    ({"pointwise_weight": None}, TypeError, "pointwise_weight is None"),
    ({"depthwise_weight": DEPTHWISE[0]}, ValueError, "depthwise_weight has shape .* 4 axes"),
    ({"pointwise_weight": np.ones((5, 6, 1, 2))}, ValueError, "pointwise_weight has a 1x2 kernel"),
    ({"depthwise_weight": DEPTHWISE.astype(bool)}, TypeError, "depthwise_weight has type bool"),
    (
        {"depthwise_bias": np.ones(5)},
        ValueError,
        r"depthwise_bias has shape \(5,\), but depthwise_",
    ),
    ({"bias": np.ones(6)}, ValueError, r"bias has shape \(6,\), but pointwise_weight has 5"),
    ({"stride": 0}, ValueError, "stride is 0"),
    ({"layout": "HWCN"}, ValueError, "layout is 'HWCN'"),
    ({"method": "magic"}, ValueError, "method is 'magic'"),
    ({"pad_value": "x"}, TypeError, "pad_value is 'x'"),
]


@pytest.mark.parametrize(("change", "error", "match"), BAD, ids=[str([*b[0]]) for b in BAD])
def test_a_separable_layer_that_cannot_be(change, error, match):
    good = {"depthwise_weight": DEPTHWISE, "pointwise_weight": POINTWISE}
    with pytest.raises(error, match=match):
        DepthwiseSeparableConv2d(**{**good, **change})


def test_a_separable_layer_says_which_images_it_takes():
    layer = DepthwiseSeparableConv2d(DEPTHWISE, POINTWISE)
    with pytest.raises(ValueError, match="depthwise_weight has 6 output channels, which 4 groups"):
        layer(np.ones((1, 4, 5, 5)))
    with pytest.raises(ValueError, match=r"grad_y has shape \(1, 5, 9, 9\), but y has shape"):
        layer.backward(np.ones((1, 6, 5, 5)), np.ones((1, 5, 9, 9)))
