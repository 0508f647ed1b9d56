"""Views of larger arrays, which the compiled kernels read in place where the columns follow.

What lies around the view is NaN here: it must not be seen. `test_layout_and_out.py` has small
arrays of any strides in every method; that no copy is made is measured in `test_kernel_memory.py`.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modes import MODES, VECTOR_TYPES, geometry_of
from strategies import Case, geometries

from refconv import Conv2d, conv2d

each_type = pytest.mark.parametrize("dtype", VECTOR_TYPES)


def view_of(x, larger, where):
    """The numbers of `x` at `where` in an array of this size, which is NaN elsewhere."""
    base = np.full(larger, np.nan, x.dtype)
    view = base[where]
    view[...] = x
    return view


def crop(x):
    N, C, H, W = x.shape
    return view_of(x, (N + 1, C, H + 3, W + 5), np.s_[1:, :, 2:-1, 3:-2])


def rows_cropped(x):
    N, C, H, W = x.shape
    return view_of(x, (N, C, H + 3, W), np.s_[:, :, 2:-1])


def columns_cropped(x):
    N, C, H, W = x.shape
    return view_of(x, (N, C, H, W + 1), np.s_[..., :-1])


def every_second_channel(x):
    N, C, H, W = x.shape
    return view_of(x, (N, 2 * C, H, W), np.s_[:, ::2])


def every_third_image(x):
    N, C, H, W = x.shape
    return view_of(x, (3 * N, C, H, W), np.s_[2::3])


def every_second_row(x):
    N, C, H, W = x.shape
    return view_of(x, (N, C, 2 * H, W), np.s_[:, :, 1::2])


def every_second_column(x):
    N, C, H, W = x.shape
    return view_of(x, (N, C, H, 2 * W), np.s_[..., ::2])


def rows_reversed(x):
    return view_of(x, x.shape, np.s_[:, :, ::-1])


def columns_reversed(x):
    return view_of(x, x.shape, np.s_[..., ::-1])


def all_but_columns_reversed(x):
    N, C, H, W = x.shape
    return view_of(x, (N, 2 * C, H, W + 3), np.s_[::-1, -1:0:-2, ::-1, 2:-1])


def channels_and_images_swapped(x):
    N, C, H, W = x.shape
    base = np.full((C, N, H, W), np.nan, x.dtype)
    base[...] = x.swapaxes(0, 1)
    return base.swapaxes(0, 1)


def columns_last_of_three(x):
    """As an image of interleaved channels, seen as planes."""
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


def at_an_odd_address(x):
    """One byte beside: whole elements lie nowhere."""
    raw = np.full(x.nbytes + 1, 255, np.uint8)
    view = raw[1:].view(x.dtype).reshape(x.shape)
    view[...] = x
    return view


def an_element_further(x):
    return view_of(x.ravel(), x.size + 2, np.s_[1:-1]).reshape(x.shape)


def fields_of_records(x):
    """Strides that are no whole number of elements."""
    N, C, H, W = x.shape
    rows = np.zeros((N, C, H), np.dtype([("before", "u1"), ("row", x.dtype, (W,))]))
    rows["row"] = x
    return rows["row"]


def read_only_crop(x):
    view = crop(x)
    view.flags.writeable = False
    return view


def of_the_other_byte_order(x):
    return crop(x.astype(x.dtype.newbyteorder()))


VIEWS = [
    crop,
    rows_cropped,
    columns_cropped,
    every_second_channel,
    every_third_image,
    every_second_row,
    every_second_column,
    rows_reversed,
    columns_reversed,
    all_but_columns_reversed,
    channels_and_images_swapped,
    columns_last_of_three,
    at_an_odd_address,
    an_element_further,
    fields_of_records,
    read_only_crop,
    of_the_other_byte_order,
    np.asfortranarray,
]
each_view = pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)


def check(case, view):
    seen = view(case.x)
    np.testing.assert_array_equal(seen, case.x)
    expected = case.run(method="im2col")
    y = conv2d(seen, case.weight, case.bias, **case.options)
    np.testing.assert_array_equal(y, expected, strict=True)
    y = Conv2d(case.weight, case.bias, **case.options)(seen)
    np.testing.assert_array_equal(y, expected, strict=True)


@each_view
@pytest.mark.parametrize("name", MODES)
def test_a_view_in_every_mode(name, view):
    for dtype in VECTOR_TYPES:
        check(Case.of(MODES[name].slim_geometry(dtype), dtype, bound=5, pad_value=2), view)


@each_view
@each_type
@settings(max_examples=25)
@given(g=geometries(max_images=3, max_channels=9, max_room=20), seed=st.integers(0, 2**16))
def test_a_view_under_any_geometry(g, seed, view, dtype):
    check(Case.of(g, dtype, seed=seed, pad_value=2), view)


@each_view
@pytest.mark.parametrize("axis", ["H", "W", "both"])
@pytest.mark.parametrize("N", [1, 2])
def test_a_view_of_axes_of_one(N, axis, view):
    """NumPy takes the strides of such axes for anything."""
    out = {"H": (1, 70), "W": (70, 1), "both": (1, 1)}[axis]
    for Cg, Fg, kernel, pads in ((9, 9, (1, 1), 0), (1, 1, (1, 1), 0), (9, 9, (3, 3), 1)):
        for G in (1, 2):
            geometry = geometry_of(kernel, out, N=N, G=G, Cg=Cg, Fg=Fg, pads=((pads, pads),) * 2)
            check(Case.of(geometry, "float32"), view)


@each_type
@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (3,), (0, 1), (0, 1, 2)], ids=str)
@pytest.mark.parametrize("name", MODES)
def test_broadcast_images(name, axes, dtype):
    case = Case.of(MODES[name].slim_geometry(dtype), dtype, bound=5)
    one = case.x[tuple(slice(0, 1) if axis in axes else slice(None) for axis in range(4))]
    repeated = np.broadcast_to(one, case.x.shape)
    y = conv2d(repeated, case.weight, case.bias, **case.options)
    expected = conv2d(repeated.copy(), case.weight, case.bias, **case.options, method="im2col")
    np.testing.assert_array_equal(y, expected, strict=True)


@each_type
def test_windows_of_one_image_as_a_batch(dtype):
    """Images that overlap: strides along N smaller than an image."""
    x = np.random.default_rng(0).integers(-5, 6, (9, 40, 61)).astype(dtype)
    case = Case.of(geometry_of((3, 3), (14, 59), N=5, Cg=9, Fg=9), dtype)
    windows = np.lib.stride_tricks.sliding_window_view(x, 16, axis=1)[:, ::5]  # C, N, W, H
    batch = windows.transpose(1, 0, 3, 2)
    assert batch.shape == case.x.shape
    y = conv2d(batch, case.weight, case.bias)
    expected = conv2d(batch.copy(), case.weight, case.bias, method="im2col")
    np.testing.assert_array_equal(y, expected, strict=True)
