"""Where the numbers lie never matters: layouts, strides, and the array that takes the answer."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import DTYPES, Case, cases, geometries

from refconv import (
    Geometry,
    conv2d,
    conv2d_input_grad,
    conv2d_weight_grad,
    depthwise_conv2d,
    group_conv2d,
    pointwise_conv2d,
)
from refconv.conv import METHODS

each_method = pytest.mark.parametrize("method", METHODS)
SMALL = geometries(max_room=6)
LAYER = Geometry.of((2, 4, 5, 7), (6, 2, 3, 2), groups=2, padding=((1, 0), (0, 2)), stride=(1, 2))


def same(y, expected):
    np.testing.assert_array_equal(y, expected, strict=True)


def channels_last(a):
    """(N, C, H, W) -> (N, H, W, C), a view."""
    return a.transpose(0, 2, 3, 1)


def kernel_first(weight):
    """(F, Cg, KH, KW) -> (KH, KW, Cg, F), a view."""
    return weight.transpose(2, 3, 1, 0)


def to_nhwc(case, arrange=np.asarray):
    """The same call in the other layout; `arrange` may copy what are views."""
    return replace(
        case,
        x=arrange(channels_last(case.x)),
        weight=arrange(kernel_first(case.weight)),
        options={**case.options, "layout": "NHWC"},
    )


@each_method
@pytest.mark.parametrize("arrange", [np.asarray, np.ascontiguousarray], ids=["view", "copy"])
@settings(max_examples=40)
@given(case=cases(SMALL, dtypes=DTYPES, pad_values=(0, 5)))
def test_nhwc_is_nchw_transposed(case, arrange, method):
    y = to_nhwc(case, arrange).run(method=method)
    assert y.flags.c_contiguous
    same(y, channels_last(case.run(method=method)))


@each_method
@pytest.mark.parametrize(
    ("function", "geometry"),
    [
        (group_conv2d, LAYER),
        (depthwise_conv2d, Geometry.of((2, 3, 5, 7), (6, 1, 3, 2), groups=3)),
        (pointwise_conv2d, Geometry.of((2, 4, 5, 7), (6, 2, 1, 1), groups=2)),
    ],
    ids=["group", "depthwise", "pointwise"],
)
def test_the_named_convolutions_in_nhwc(function, geometry, method):
    case = Case.of(geometry)
    options = {**to_nhwc(case).options, "method": method}
    if function is depthwise_conv2d:
        del options["groups"]
    y = function(channels_last(case.x), kernel_first(case.weight), case.bias, **options)
    same(y, channels_last(case.run(method=method)))


def reversed_in_memory(a):
    everywhere = (slice(None, None, -1),) * a.ndim
    return a[everywhere].copy()[everywhere]


def between_other_numbers(a):
    wider = np.full([2 * size + 1 for size in a.shape], 99, a.dtype)
    view = wider[(slice(1, None, 2),) * a.ndim]
    view[...] = a
    return view


def with_axes_moved(a):
    return np.moveaxis(np.moveaxis(a, 0, -1).copy(), -1, 0)


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


def unaligned(a):
    raw = np.empty(a.nbytes + 1, np.uint8)
    view = raw[1:].view(a.dtype).reshape(a.shape)
    view[...] = a
    return view


def fortran(a):
    return np.asfortranarray(a)


DISGUISES = [
    reversed_in_memory,
    between_other_numbers,
    with_axes_moved,
    read_only,
    unaligned,
    fortran,
]
each_disguise = pytest.mark.parametrize("disguise", DISGUISES, ids=lambda f: f.__name__)


@pytest.mark.parametrize("disguise", DISGUISES, ids=lambda f: f.__name__)
def test_a_disguise_changes_no_number_and_something_else(disguise):
    a = Case.of(LAYER).x
    same(disguise(a), a)
    assert (disguise(a).strides, disguise(a).flags.carray) != (a.strides, True)


@each_method
@each_disguise
@settings(max_examples=20)
@given(case=cases(SMALL, dtypes=("float32", "float16", "int16", "complex64"), biases=(True,)))
def test_inputs_of_any_strides_give_the_same_answer_and_are_not_written_to(case, disguise, method):
    disguised = replace(
        case, x=disguise(case.x), weight=disguise(case.weight), bias=disguise(case.bias)
    )
    same(disguised.run(method=method), case.run(method=method))
    same(disguised.x, case.x)
    same(disguised.weight, case.weight)
    same(disguised.bias, case.bias)


@each_method
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (3,), (2, 3), (0, 1, 2, 3)], ids=str)
def test_inputs_broadcast_with_zero_strides(axes, layout, method):
    case = Case.of(LAYER)
    case = case if layout == "NCHW" else to_nhwc(case, np.ascontiguousarray)
    alike = replace(case, x=repeated(case.x, axes), weight=repeated(case.weight, axes))
    copied = replace(alike, x=alike.x.copy(), weight=alike.weight.copy())
    assert 0 in alike.x.strides
    same(alike.run(method=method), copied.run(method=method))


def repeated(a, axes):
    """The array's first slice along the axes, seen once for each of the others."""
    first = tuple(slice(0, 1) if axis in axes else slice(None) for axis in range(a.ndim))
    return np.broadcast_to(a[first], a.shape)


@each_method
@pytest.mark.parametrize("kernel", [(3, 2), (1, 1)], ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_inputs_are_the_same_bytes_afterwards(dtype, kernel, method):
    """Plain arrays too, which a kernel might use as they are."""
    case = Case.of(Geometry.of((2, 4, 5, 7), (6, 4, *kernel)), dtype)
    before = [a.tobytes() for a in (case.x, case.weight, case.bias)]
    y = case.run(method=method)
    y[...] = 1
    assert [a.tobytes() for a in (case.x, case.weight, case.bias)] == before


@each_method
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_y_is_a_new_contiguous_array(layout, method):
    case = Case.of(LAYER) if layout == "NCHW" else to_nhwc(Case.of(LAYER))
    y = case.run(method=method)
    assert y.flags.c_contiguous
    assert y.flags.owndata
    assert y.flags.writeable


def test_one_array_may_be_both_operands():
    a = Case.of(Geometry.of((3, 3, 5, 4), (3, 3, 5, 4))).x
    same(conv2d(a, a), conv2d(a, a.copy()))


def test_lists_are_arrays():
    y = conv2d([[[[1, 2, 3]]]], [[[[1, 10]]]], [100])
    same(y, np.array([[[[121, 132]]]]))


def fills(out_in_disguise, case, method):
    """Check that `out`, whatever its strides, is filled with y and returned."""
    expected = case.run(method=method)
    out = out_in_disguise(np.full(expected.shape, 77, expected.dtype))
    out.flags.writeable = True
    assert case.run(out=out, method=method) is out
    same(out, expected)


@each_method
@each_disguise
@settings(max_examples=20)
@given(case=cases(SMALL, dtypes=DTYPES))
def test_out_is_filled_and_returned_whatever_its_strides(case, disguise, method):
    fills(disguise, case, method)


@each_method
@each_disguise
def test_out_in_nhwc(disguise, method):
    for dtype in ("float32", "float16", "int8"):
        fills(disguise, to_nhwc(Case.of(LAYER, dtype)), method)


@each_method
def test_what_lies_between_the_numbers_of_out_stays(method):
    case = Case.of(LAYER)
    out = between_other_numbers(np.zeros(LAYER.y_shape, "float32"))
    before = out.base.copy()
    case.run(out=out, method=method)
    before[(slice(1, None, 2),) * 4] = case.run(method=method)
    same(out.base, before)


@each_method
def test_out_of_the_other_byte_order(method):
    case = Case.of(LAYER)
    out = np.empty(LAYER.y_shape, ">f4")
    assert case.run(out=out, method=method) is out
    same(out.astype("=f4"), case.run(method=method))


@each_method
@pytest.mark.parametrize(("N", "F"), [(0, 3), (2, 0)])
def test_out_may_be_of_nothing(method, N, F):
    """NumPy gives an array of nothing strides of 0, as if its elements shared one place."""
    x, weight = np.ones((N, 2, 3, 4), "f4"), np.ones((F, 2, 2, 2), "f4")
    out = np.empty((N, F, 2, 3), "f4")
    assert conv2d(x, weight, out=out, method=method) is out
    grad_x, grad_weight = np.full_like(x, 7), np.full_like(weight, 7)
    assert conv2d_input_grad(out, weight, x.shape, out=grad_x, method=method) is grad_x
    assert conv2d_weight_grad(out, x, weight.shape, out=grad_weight, method=method) is grad_weight
    assert not grad_x.any()
    assert not grad_weight.any()


@each_method
def test_what_was_in_out_does_not_matter(method):
    case = Case.of(LAYER)
    same(case.run(out=np.full(LAYER.y_shape, np.nan, "f4"), method=method), case.run(method=method))


@each_method
def test_out_may_lie_between_the_numbers_of_an_input(method):
    case = Case.of(Geometry.of((2, 3, 5, 7), (3, 3, 1, 1)), bias=False)
    both = np.empty((2, 3, 5, 14), "f4")
    x, out = both[..., ::2], both[..., 1::2]
    x[...] = case.x
    same(replace(case, x=x).run(out=out, method=method), case.run(method=method))
    same(x, case.x)


def shared_with(name):
    """The case with `name` in a view of the array that is to be `out`."""
    case = Case.of(Geometry.of((2, 3, 5, 7), (3, 3, 1, 1)))
    out = np.zeros((2, 3, 5, 7), "f4")
    operand = getattr(case, name)
    view = out.reshape(-1)[: operand.size].reshape(operand.shape)
    view[...] = operand
    return replace(case, **{name: view}), out


@each_method
@pytest.mark.parametrize("name", ["x", "weight", "bias"])
def test_out_must_not_be_an_input(name, method):
    case, out = shared_with(name)
    before = out.copy()
    with pytest.raises(ValueError, match=f"out shares memory with {name}"):
        case.run(out=out, method=method)
    same(out, before)


BAD_OUTS = {
    "another shape": (np.empty((2, 6, 4, 3), "f4"), ValueError, "out has shape .* but y has shape"),
    "another layout": (np.empty((2, 4, 4, 6), "f4"), ValueError, "out has shape"),
    "another type": (np.empty(LAYER.y_shape, "f8"), TypeError, "float64, but y has type float32"),
    "a list": ([[[[0.0]]]], TypeError, "out is of type list, but must be a NumPy array"),
    "read-only": (read_only(np.empty(LAYER.y_shape, "f4")), ValueError, "out is read-only"),
}


@pytest.mark.parametrize(("out", "error", "match"), BAD_OUTS.values(), ids=BAD_OUTS)
def test_an_out_that_cannot_take_y_is_refused(out, error, match):
    with pytest.raises(error, match=match):
        Case.of(LAYER).run(out=out)


def test_out_of_halves_is_of_halves():
    out = np.empty(LAYER.y_shape, "float32")
    with pytest.raises(TypeError, match="out has type float32, but y has type float16"):
        Case.of(LAYER, "float16").run(out=out)


def test_masked_arrays_are_refused():
    case = Case.of(LAYER)
    for name in ("x", "weight", "bias"):
        masked = replace(case, **{name: np.ma.masked_array(getattr(case, name))})
        with pytest.raises(TypeError, match=f"{name} is a masked array"):
            masked.run()
