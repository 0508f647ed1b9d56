"""The size arithmetic, told by what the sizes mean and not by the formulas that give them."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import KINDS, geometries

from refconv import Geometry, conv2d

X, WEIGHT = (2, 6, 9, 14), (4, 6, 3, 2)


def axes(g):
    """Along H, then W: cells of the padded image, of the dilated kernel, stride, positions."""
    yield g.pt + g.H + g.pb, span(g.KH, g.dh), g.sh, g.OH
    yield g.pl + g.W + g.pr, span(g.KW, g.dw), g.sw, g.OW


def span(kernel, dilation):
    """Cells from the first to the last that a dilated kernel reads."""
    cells = [k * dilation for k in range(kernel)]
    return cells[-1] - cells[0] + 1


@given(geometries())
def test_the_last_window_fits_and_one_more_would_not(g):
    for cells, span, stride, positions in axes(g):
        assert positions >= 1
        assert (positions - 1) * stride + span <= cells
        assert positions * stride + span > cells


@given(geometries())
def test_channels_and_taps_per_group_multiply_up(g):
    assert (g.Cg * g.G, g.Fg * g.G) == (g.C, g.F)
    assert np.empty(g.weight_shape, bool)[0].size == g.K


@given(geometries())
def test_a_geometry_is_its_shapes_and_options(g):
    again = Geometry.of(
        g.x_shape,
        g.weight_shape,
        stride=g.stride,
        padding=g.padding,
        dilation=g.dilation,
        groups=g.G,
    )
    assert again == g
    assert hash(again) == hash(g)


@given(geometries())
def test_shapes_in_nhwc(g):
    N, C, H, W = g.x_shape
    F, Cg, KH, KW = g.weight_shape
    options = {"stride": g.stride, "padding": g.padding, "dilation": g.dilation, "groups": g.G}
    assert Geometry.of((N, H, W, C), (KH, KW, Cg, F), layout="NHWC", **options) == g


@pytest.mark.parametrize("name", ["same", "same_upper", "same_lower"])
@given(g=geometries())
def test_same_padding(name, g):
    """ceil(size / stride) positions, no more padding than they take, the odd cell where named."""
    options = {"stride": g.stride, "dilation": g.dilation, "groups": g.G}
    same = Geometry.of(g.x_shape, g.weight_shape, padding=name, **options)
    for size, (before, after), (cells, width, stride, positions) in zip(
        (g.H, g.W), same.padding, axes(same), strict=True
    ):
        assert (positions - 1) * stride < size <= positions * stride
        assert before + after == 0 or (positions - 1) * stride + width == cells
        assert (before - after if name == "same_lower" else after - before) in (0, 1)


@pytest.mark.parametrize(
    ("name", "pads"),
    [("same_upper", ((2, 3), (1, 2))), ("same_lower", ((3, 2), (2, 1)))],
)
def test_same_padding_with_stride_and_dilation_together(name, pads):
    """Rows 0, 3, 6, 9 of 11 with a kernel of 7: 5 too few. Columns 0, 2, 4, 6 of 8: 3 too few."""
    g = Geometry.of((1, 1, 11, 8), (1, 1, 4, 3), stride=(3, 2), dilation=(2, 2), padding=name)
    assert (g.padding, g.y_shape) == (pads, (1, 1, 4, 4))


PADDINGS = {
    "one integer": (2, ((2, 2), (2, 2))),
    "zero": (0, ((0, 0), (0, 0))),
    "a pair": ((1, 2), ((1, 1), (2, 2))),
    "a list": ([1, 2], ((1, 1), (2, 2))),
    "both ends": (((1, 2), (3, 4)), ((1, 2), (3, 4))),
    "lists of both ends": ([[1, 2], [3, 4]], ((1, 2), (3, 4))),
    "an array": (np.array([[1, 2], [3, 4]]), ((1, 2), (3, 4))),
    "a pair as an array": (np.array([1, 2]), ((1, 1), (2, 2))),
    "a NumPy integer": (np.int8(2), ((2, 2), (2, 2))),
    "valid": ("valid", ((0, 0), (0, 0))),
}


@pytest.mark.parametrize(("padding", "expected"), PADDINGS.values(), ids=PADDINGS)
def test_every_form_of_padding(padding, expected):
    assert Geometry.of(X, WEIGHT, padding=padding).padding == expected


@pytest.mark.parametrize("number", [np.int8, np.uint16, np.int64, int], ids=lambda t: t.__name__)
def test_integers_of_every_type_are_taken_and_become_plain(number):
    g = Geometry.of(
        tuple(map(number, X)),
        tuple(map(number, (4, 3, 3, 2))),
        stride=(number(2), number(3)),
        padding=number(1),
        dilation=[number(2), number(1)],
        groups=number(2),
    )
    assert (g.stride, g.padding, g.dilation, g.G) == ((2, 3), ((1, 1), (1, 1)), (2, 1), 2)
    assert all(type(value) is int for value in dataclasses.astuple(g))


def test_one_integer_is_for_both_axes():
    g = Geometry.of(X, WEIGHT, stride=2, dilation=3)
    assert (g.stride, g.dilation) == ((2, 2), (3, 3))


@given(geometries(), st.sampled_from([f.name for f in dataclasses.fields(Geometry)]))
def test_a_geometry_does_not_change(g, name):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(g, name, 1)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_kinds(kind, data):
    g = data.draw(geometries(kinds=(kind,)))
    assert g.kind == kind


@pytest.mark.parametrize(
    ("x", "weight", "groups", "kind"),
    [
        ((1, 1, 5, 7), (3, 1, 3, 2), 1, "standard"),
        ((1, 1, 5, 7), (3, 1, 1, 1), 1, "pointwise"),
        ((1, 4, 5, 7), (8, 2, 1, 1), 2, "group"),
        ((1, 4, 5, 7), (8, 1, 1, 1), 4, "depthwise"),
        ((1, 4, 5, 7), (4, 4, 1, 2), 1, "standard"),
    ],
)
def test_kinds_at_their_borders(x, weight, groups, kind):
    assert Geometry.of(x, weight, groups=groups).kind == kind


@given(geometries())
def test_padded_says_whether_the_image_grows(g):
    grows = (g.pt + g.H + g.pb, g.pl + g.W + g.pr) != (g.H, g.W)
    assert g.padded is grows


@given(geometries())
def test_y_has_the_shape_that_the_geometry_says(g):
    x, weight = np.ones(g.x_shape, "f4"), np.ones(g.weight_shape, "f4")
    options = {"stride": g.stride, "padding": g.padding, "dilation": g.dilation, "groups": g.G}
    assert conv2d(x, weight, **options).shape == g.y_shape


EMPTY = {
    "no image": ((0, 6, 9, 14), WEIGHT, (0, 4, 7, 13)),
    "no output channel": (X, (0, 6, 3, 2), (2, 0, 7, 13)),
    "no input channel": ((2, 0, 9, 14), (4, 0, 3, 2), (2, 4, 7, 13)),
}


@pytest.mark.parametrize(("x", "weight", "y"), EMPTY.values(), ids=EMPTY)
def test_empty_axes_that_arithmetic_allows(x, weight, y):
    assert Geometry.of(x, weight).y_shape == y


BAD = {
    "kernel beyond the image": ({"padding": (0, 1), "dilation": (5, 1)}, "spans 11 cells along H"),
    "kernel beyond the width": ({"dilation": (1, 14)}, "spans 15 cells along W"),
    "groups that do not divide C": ({"groups": 4}, "6 channels, which 4 groups do not divide"),
    "groups that do not divide F": ({"groups": 3}, "4 output channels, which 3 groups do not"),
    "weight of all channels": ({"groups": 2}, "6 input channels per group, but x has 6 channels"),
    "no group": ({"groups": 0}, "groups is 0, but must be at least 1"),
    "negative padding": ({"padding": ((0, 1), (-1, 0))}, "padding is -1"),
    "unknown padding": ({"padding": "SAME"}, "padding is 'SAME'"),
    "padding of three": ({"padding": (1, 2, 3)}, r"padding is \(1, 2, 3\)"),
    "padding of one pair": ({"padding": ((1, 2), 3)}, "padding is"),
    "flat padding of four": ({"padding": (1, 2, 3, 4)}, "padding is"),
    "no stride": ({"stride": (1, 0)}, "stride is 0, but must be at least 1"),
    "stride of three": ({"stride": (1, 2, 3)}, "must be one integer or a pair"),
    "no dilation": ({"dilation": 0}, "dilation is 0"),
    "unknown layout": ({"layout": "CHWN"}, "layout is 'CHWN'"),
}


@pytest.mark.parametrize(("options", "match"), BAD.values(), ids=BAD)
def test_wrong_values_are_refused(options, match):
    with pytest.raises(ValueError, match=match):
        Geometry.of(X, WEIGHT, **options)


@pytest.mark.parametrize("option", ["stride", "padding", "dilation", "groups"])
@pytest.mark.parametrize("value", [1.0, True, None, np.float32(1), np.bool_(1)], ids=repr)
def test_wrong_types_are_refused(option, value):
    with pytest.raises(TypeError, match=f"{option} is .* but must be (an|one) integer"):
        Geometry.of(X, WEIGHT, **{option: value})


@pytest.mark.parametrize("value", [1.0, True, np.float64(1)], ids=repr)
def test_what_equals_an_integer_is_refused_after_that_integer_was_taken(value):
    """A geometry may be remembered, and True == 1.0 == 1."""
    x, weight = np.ones((1, 2, 5, 7), "f4"), np.ones((3, 2, 3, 2), "f4")
    for option in ("stride", "padding", "dilation", "groups"):
        conv2d(x, weight, **{option: 1})
        with pytest.raises(TypeError, match=f"{option} is .* but must be (an|one) integer"):
            conv2d(x, weight, **{option: value})


@pytest.mark.parametrize(
    ("x", "weight", "match"),
    [
        ((6, 9, 14), WEIGHT, r"x has shape \(6, 9, 14\), but must have 4 axes"),
        (X, (4, 6, 3), r"weight has shape \(4, 6, 3\), but must have 4 axes"),
        (X, (4, 6, 0, 2), "empty kernel: KH is 0"),
        (X, (4, 5, 3, 2), "5 input channels per group, but x has 6 channels$"),
        ((2, 6, -1, 14), WEIGHT, "H of x is -1"),
    ],
)
def test_wrong_shapes_are_refused(x, weight, match):
    with pytest.raises(ValueError, match=match):
        Geometry.of(x, weight)


def test_messages_use_the_callers_names():
    with pytest.raises(ValueError, match="kernels has 5 input channels per group, but photos has"):
        Geometry.of(X, (4, 5, 3, 2), x_name="photos", weight_name="kernels")


def test_a_shape_is_a_tuple_and_a_descriptor_a_string():
    with pytest.raises(TypeError, match=r"the shape of x is 5, but must be a tuple \(N, C, H"):
        Geometry.of(5, (1, 1, 1, 1))
    with pytest.raises(TypeError, match="descriptor is 5, but must be a string"):
        Geometry.from_descriptor(5)


def test_a_long_axis_may_be_said_with_a_numpy_integer():
    shape = (1, 1, np.int64(2**31 + 3), 1)
    assert Geometry.of(shape, (1, 1, 1, 1)) == Geometry.of(tuple(map(int, shape)), (1, 1, 1, 1))
