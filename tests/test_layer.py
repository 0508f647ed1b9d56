"""Conv2d: prepared once, and then conv2d."""

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import DTYPES, INTEGERS, Case, cases, geometries

from refconv import Conv2d, Geometry, conv2d
from refconv.conv import METHODS

GEOMETRY = Geometry.of((2, 4, 5, 7), (6, 2, 3, 2), groups=2, padding=((1, 0), (0, 2)))
WEIGHT = Case.of(GEOMETRY).weight


def same(y, expected):
    np.testing.assert_array_equal(y, expected, strict=True)


def layer_of(case, **options):
    return Conv2d(case.weight, case.bias, **case.options, **options)


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=40)
@given(case=cases(geometries(max_room=6), dtypes=DTYPES, pad_values=(0, 5)))
def test_equals_conv2d(case, method):
    same(layer_of(case, method=method)(case.x), case.run(method=method))


def test_one_layer_takes_images_of_any_size_and_number():
    case = Case.of(GEOMETRY)
    layer = layer_of(case)
    for shape in ((1, 4, 2, 3), (5, 4, 11, 2), (0, 4, 5, 7), (2, 4, 8, 13), (1, 4, 2, 3)):
        x = np.arange(np.prod(shape), dtype="f4").reshape(shape)
        same(layer(x), conv2d(x, case.weight, case.bias, **case.options))


@pytest.mark.parametrize("padding", ["same", "same_lower", "valid", 1, (1, 2)], ids=str)
def test_padding_by_name_is_that_of_each_image(padding):
    layer = Conv2d(WEIGHT, groups=2, stride=(3, 2), padding=padding)
    for shape in ((1, 4, 7, 9), (1, 4, 8, 10), (1, 4, 9, 11)):
        x = np.arange(np.prod(shape), dtype="f4").reshape(shape)
        same(layer(x), conv2d(x, WEIGHT, groups=2, stride=(3, 2), padding=padding))


def test_weight_and_bias_are_copied():
    case = Case.of(GEOMETRY)
    layer = layer_of(case)
    before = case.run()
    case.weight[...] = 0
    case.bias[...] = 0
    same(layer(case.x), before)


def test_a_call_changes_nothing_for_the_next():
    case = Case.of(GEOMETRY)
    layer = layer_of(case)
    first = layer(case.x)
    first[...] = 0
    same(layer(case.x), case.run())


@pytest.mark.parametrize("method", METHODS)
def test_out_is_filled_and_returned(method):
    case = Case.of(GEOMETRY)
    out = np.full(GEOMETRY.y_shape, 7, "f4")
    assert layer_of(case, method=method)(case.x, out=out) is out
    assert layer_of(case, method=method)(case.x, out) is out
    same(out, case.run())


def test_nhwc():
    case = Case.of(GEOMETRY)
    weight = case.weight.transpose(2, 3, 1, 0)
    layer = Conv2d(weight, case.bias, **case.options, layout="NHWC")
    same(layer(case.x.transpose(0, 2, 3, 1)), case.run().transpose(0, 2, 3, 1))


def test_lists_are_arrays():
    same(Conv2d([[[[1, 10]]]], [100])([[[[1, 2, 3]]]]), np.array([[[[121, 132]]]]))


def test_an_integer_layer_takes_images_of_every_integer_type():
    layer = Conv2d(np.array([[[[-2]]]], "int8"), np.array([7], "int8"))
    for dtype in INTEGERS:
        x = np.array([[[[127]]]], dtype)
        same(layer(x), conv2d(x, np.array([[[[-2]]]], "int8"), np.array([7], "int8")))


QUANTISED = {
    "zero point beyond the weight's type": ("uint8", {"padding": 1, "pad_value": 200}),
    "bias of the image's type": ("uint8", {"bias": np.array([9], "uint8")}),
    "bias of the sums' type": ("int16", {"bias": np.array([9], "int64")}),
}


@pytest.mark.parametrize(("dtype", "options"), QUANTISED.values(), ids=QUANTISED)
def test_what_some_image_takes_is_not_refused_at_construction(dtype, options):
    """The weight's type does not tell the image's: 8-bit ones mix, and all integers do."""
    x, weight = np.array([[[[255, 3]]]], dtype), np.array([[[[-2]]]], "int8")
    same(Conv2d(weight, **options)(x), conv2d(x, weight, **options))


BAD_LAYERS = {
    "no stride": ({"stride": 0}, ValueError, "stride is 0"),
    "fractional stride": ({"stride": 1.5}, TypeError, "stride is 1.5"),
    "negative padding": ({"padding": (1, -1)}, ValueError, "padding is -1"),
    "unknown padding": ({"padding": "full"}, ValueError, "padding is 'full'"),
    "no dilation": ({"dilation": (1, 0)}, ValueError, "dilation is 0"),
    "no group": ({"groups": 0}, ValueError, "groups is 0"),
    "groups that do not divide F": ({"groups": 5}, ValueError, "6 output channels, which 5 groups"),
    "fractional groups": ({"groups": 2.0}, TypeError, "groups is 2.0"),
    "unknown layout": ({"layout": "HWCN"}, ValueError, "layout is 'HWCN'"),
    "unknown method": ({"method": "fft"}, ValueError, "method is 'fft'"),
    "pad value of another type": ({"pad_value": 1j}, TypeError, "pad_value is 1j"),
    "pad value beyond the type": ({"pad_value": 1e39}, ValueError, r"pad_value is 1e\+39"),
    "long bias": ({"bias": np.ones(7, "f4")}, ValueError, r"bias has shape \(7,\)"),
    "bias of two axes": ({"bias": np.ones((6, 1), "f4")}, ValueError, r"bias has shape \(6, 1\)"),
    "bias of another type": ({"bias": np.ones(6)}, TypeError, "bias has type float64"),
    "weight of three axes": ({"weight": np.ones((6, 2, 3), "f4")}, ValueError, "weight has shape"),
    "empty kernel": ({"weight": np.ones((6, 2, 3, 0), "f4")}, ValueError, "empty kernel"),
    "weight of booleans": ({"weight": np.ones((6, 2, 3, 2), bool)}, TypeError, "has type bool"),
    "masked weight": ({"weight": np.ma.ones((6, 2, 3, 2))}, TypeError, "weight is a masked array"),
}


@pytest.mark.parametrize(("wrong", "error", "match"), BAD_LAYERS.values(), ids=BAD_LAYERS)
def test_what_no_image_could_mend_is_refused_at_construction(wrong, error, match):
    with pytest.raises(error, match=match):
        Conv2d(**{"weight": WEIGHT, "groups": 2, **wrong})


BAD_CALLS = {
    "channels": (
        np.ones((1, 6, 5, 7), "f4"),
        ValueError,
        "2 input channels per group, but x",
    ),
    "size": (np.ones((1, 4, 2, 7), "f4"), ValueError, "spans 3 cells along H"),
    "axes": (np.ones((4, 5, 7), "f4"), ValueError, "x has shape"),
    "type": (np.ones((1, 4, 5, 7)), TypeError, "x has type float64, but weight has type float32"),
}


@pytest.mark.parametrize(("x", "error", "match"), BAD_CALLS.values(), ids=BAD_CALLS)
def test_an_image_that_does_not_fit_is_refused_at_the_call(x, error, match):
    layer = Conv2d(WEIGHT, groups=2)
    with pytest.raises(error, match=match):
        layer(x)
    same(layer(np.ones((1, 4, 5, 7), "f4")), conv2d(np.ones((1, 4, 5, 7), "f4"), WEIGHT, groups=2))


def test_out_must_not_be_the_image():
    layer = Conv2d(np.ones((3, 3, 1, 1), "f4"))
    x = np.ones((2, 3, 5, 7), "f4")
    with pytest.raises(ValueError, match="out shares memory with x"):
        layer(x, out=x)


def test_repr_tells_every_option():
    layer = Conv2d(WEIGHT, groups=2, stride=(1, 2), padding="same", method="im2col")
    assert repr(layer) == (
        "Conv2d(weight=(6, 2, 3, 2) float32, bias=False, stride=(1, 2), padding='same', "
        "dilation=1, groups=2, layout='NCHW', pad_value=0, method='im2col')"
    )


def test_an_nhwc_weight_is_laid_out_once():
    """And not at every call: 30 ms of 33 on a wide layer."""
    weight = np.arange(3 * 2 * 4 * 6, dtype="f4").reshape(3, 2, 4, 6)
    layer = Conv2d(weight, layout="NHWC")
    assert layer._weight.shape == weight.shape
    assert layer._weight.transpose(3, 2, 0, 1).flags.c_contiguous
