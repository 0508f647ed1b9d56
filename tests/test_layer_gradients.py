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
    conv2d,
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


# --- options and arrays that the caller changes afterwards ----------------------------------------


def test_a_layer_keeps_its_own_options():
    """Lists are the caller's; the plan of one size of images must hold for the next."""
    weight = np.ones((2, 1, 3, 2))
    stride, dilation, padding = [1, 2], np.array([1, 1]), [[0, 1], [2, 0]]
    layer = Conv2d(weight, stride=stride, dilation=dilation, padding=padding)
    separable = DepthwiseSeparableConv2d(
        weight, np.ones((1, 2, 1, 1)), stride=stride, dilation=dilation, padding=padding
    )
    stride[1], dilation[1], padding[1][0] = 1, 2, 0
    options = {"stride": (1, 2), "dilation": (1, 1), "padding": ((0, 1), (2, 0))}
    x = np.arange(2.0 * 5 * 7).reshape(2, 1, 5, 7)
    same(layer(x), conv2d(x, weight, **options))
    for C in (1, 2):  # each number of channels makes a layer of its own
        images = np.ones((1, C, 5, 7))
        expected = depthwise_separable_conv2d(images, weight, np.ones((1, 2, 1, 1)), **options)
        same(separable(images), expected)


# --- the bias gradient's type ---------------------------------------------------------------------


@pytest.mark.parametrize("bias_type", ["float16", "float32", ">f4"])
def test_a_bias_of_the_sums_type_has_a_gradient_of_that_type(bias_type):
    """160000 is beyond float16, and is what a float32 bias of a float16 layer gains."""
    weight, x = np.ones((1, 1, 1, 1), np.float16), np.ones((1, 1, 400, 400), np.float16)
    found = Conv2d(weight, np.zeros(1, bias_type)).backward(x, x)
    native = np.dtype(bias_type).newbyteorder("=")
    same(found.bias, np.array([np.inf if native == np.float16 else 160_000], native))
    assert found.x.dtype == found.weight.dtype == np.float16


def test_the_bias_gradients_of_a_separable_layer_of_halves():
    ones = np.ones((1, 1, 1, 1), np.float16)
    layer = DepthwiseSeparableConv2d(
        ones, ones, np.zeros(1, np.float32), depthwise_bias=np.zeros(1, np.float32)
    )
    x = np.ones((1, 1, 400, 400), np.float16)
    found = layer.backward(x, x)
    same(found.bias, np.array([160_000], np.float32))
    same(found.depthwise_bias, np.array([160_000], np.float32))


# --- how backward is refused: by the names that the caller knows ----------------------------------

HALF = np.ones((1, 6, 5, 5), np.float16)
PLAIN = Conv2d(np.ones((4, 3, 3, 2), np.float16), groups=2)
STAGES = DepthwiseSeparableConv2d(DEPTHWISE.astype(np.float16), POINTWISE.astype(np.float16))
HUGE = Conv2d(np.full((1, 1, 1, 2), 2**40))
HUGE_STAGES = DepthwiseSeparableConv2d(np.full((1, 1, 1, 1), 2**40), np.full((1, 1, 1, 1), 2))
LAYER_CALLS = {
    "plain": (PLAIN, HALF, np.ones((1, 4, 3, 4), np.float16)),
    "separable": (STAGES, HALF, np.ones((1, 5, 3, 4), np.float16)),
}
BAD_BACKWARD = [
    ("plain", {"x": None}, TypeError, "^x is None"),
    ("plain", {"grad_y": None}, TypeError, "^grad_y is None"),
    (
        "plain",
        {"x": HALF[:, :4]},
        ValueError,
        "^weight has 3 input channels per group, but x has 4 channels in 2 groups of 2$",
    ),
    (
        "separable",
        {"x": HALF[:, :4]},
        ValueError,
        "^depthwise_weight has 6 output channels, which 4 groups do not divide$",
    ),
    ("plain", {"x": HALF.astype(float)}, TypeError, "^x has type float64, but weight has type"),
    (
        "separable",
        {"x": HALF.astype(float)},
        TypeError,
        "^x has type float64, but depthwise_weight has type float16",
    ),
    (
        "plain",
        {"grad_y": np.ones((1, 4, 3, 4), np.float32)},
        TypeError,
        "^the layer's weight has type float16, but grad_y has type float32: "
        r"cast grad_y with \.astype\('float16'\)$",
    ),
    (
        "separable",
        {"grad_y": np.ones((1, 5, 3, 4), np.float32)},
        TypeError,
        "^the layer's pointwise_weight has type float16, but grad_y has type float32: cast grad_y",
    ),
    ("plain", {"grad_y": np.ones((1, 4, 3, 4), bool)}, TypeError, "^grad_y has type bool"),
    (
        "plain",
        {"grad_y": HALF},
        ValueError,
        r"^grad_y has shape \(1, 6, 5, 5\), but y has shape \(1, 4, 3, 4\)$",
    ),
    (
        "separable",
        {"grad_y": HALF},
        ValueError,
        r"^grad_y has shape \(1, 6, 5, 5\), but y has shape \(1, 5, 3, 4\)$",
    ),
]


@pytest.mark.parametrize(
    ("call", "change", "error", "match"),
    BAD_BACKWARD,
    ids=[f"{b[0]} {n} {[*b[1]]}" for n, b in enumerate(BAD_BACKWARD)],
)
def test_bad_calls_of_backward(call, change, error, match):
    layer, x, grad_y = LAYER_CALLS[call]
    good = {"x": x, "grad_y": grad_y}
    layer.backward(**good)
    with pytest.raises(error, match=match):
        layer.backward(**{**good, **change})


@pytest.mark.parametrize(
    ("layer", "x", "grad_y", "match"),
    [
        (HUGE, np.ones((1, 1, 1, 2), int), np.full((1, 1, 1, 1), 2**30), "cast grad_y and weight"),
        (
            Conv2d(np.ones((1, 1, 1, 2), int)),
            np.full((1, 1, 1, 2), 2**40),
            np.full((1, 1, 1, 1), 2**30),
            "cast grad_y and x with",
        ),
        (
            Conv2d(np.ones((1, 1, 1, 1), int), np.ones(1, int)),
            np.zeros((1, 1, 1, 2), int),
            np.full((1, 1, 1, 2), 2**62),
            "cast grad_y with",
        ),
        (
            HUGE_STAGES,
            np.ones((1, 1, 1, 1), int),
            np.full((1, 1, 1, 1), 2**22),
            "cast the gradient of the depthwise output and depthwise_weight with",
        ),
    ],
    ids=["weight", "x", "bias", "stages"],
)
def test_sums_of_backward_that_could_leave_their_type(layer, x, grad_y, match):
    with pytest.raises(OverflowError, match=match):
        layer.backward(x, grad_y)
