"""Public reports of wrong convolutions elsewhere, A01 to A28: padding, groups, stride and dilation.

A test is named after its row in the project's list of reports; the right values come from the
report, or from plain NumPy arithmetic here. `test_public_limits.py` has the other rows.
"""

import numpy as np
import pytest
from by_hand import each_method, pad, ramp, shifted_sums, whole

from refconv import Geometry, conv2d, depthwise_conv2d, depthwise_separable_conv2d

NAN, INF = float("nan"), float("inf")


# --- padding ------------------------------------------------------------------------------------


@each_method
@pytest.mark.parametrize(
    ("padding", "expected"), [("same_upper", 8), ("same", 8), ("same_lower", 24), (1, 24)]
)
def test_a01_same_puts_the_odd_cell_behind_the_data(method, padding, expected):
    x, weight = np.ones((1, 2, 2, 1), np.float32), ramp(3, 3, 1, 1)
    y = conv2d(x, weight, stride=2, padding=padding, layout="NHWC", method=method)
    assert y.tolist() == [[[[expected]]]]


@each_method
def test_a01_same_of_a_single_cell(method):
    y = conv2d(np.ones((1, 1, 1, 1)), ramp(1, 1, 3, 3, dtype=float), padding="same", method=method)
    assert y.tolist() == [[[[4]]]]


@pytest.mark.parametrize(
    ("size", "kernel", "pads"), [(96, 7, (2, 3)), (6, 3, (0, 1)), (1, 3, (1, 1))]
)
def test_a01_same_pads_of_stride_two(size, kernel, pads):
    g = Geometry.of((1, 3, size, size + 2), (5, 3, kernel, kernel), stride=2, padding="same")
    assert g.padding[0] == pads


@each_method
def test_a01_same_rounds_the_size_up(method):
    y = conv2d(
        ramp(1, 1, 7, 5), np.ones((1, 1, 3, 3), "f4"), stride=2, padding="same", method=method
    )
    assert y[0, 0].tolist() == [[12, 27, 24], [63, 108, 81], [123, 198, 141], [112, 177, 124]]


@each_method
def test_a02_same_never_pads_by_a_negative_total(method):
    column = np.array([1.0, 1.1, 1.2]).reshape(1, 1, 3, 1)
    one = np.ones((1, 1, 1, 1))
    assert conv2d(column, one, stride=(3, 1), padding="same", method=method).tolist() == [[[[1.0]]]]
    square = ramp(1, 1, 4, 4, dtype=float, start=1)
    y = conv2d(square, one, stride=2, padding="same", method=method)
    assert y.ravel().tolist() == [1, 3, 9, 11]


@each_method
@pytest.mark.parametrize("stride", [6, 10**9, 2**31 - 1])
def test_a02_a_stride_beyond_the_image_reads_one_window(method, stride):
    x, weight = whole(1, 2, 4, 5), whole(3, 2, 2, 3)
    y = conv2d(x, weight, stride=stride, method=method)
    assert y.ravel().tolist() == [(x[0, :, :2, :3] * kernel).sum() for kernel in weight]


@each_method
def test_a05_same_counts_the_dilated_kernel(method):
    impulse, weight = np.zeros((1, 4, 22, 27), "f4"), ramp(2, 4, 3, 3, start=1)
    impulse[0, 2, 9, 13] = 1
    y = conv2d(impulse, weight, padding="same_upper", dilation=2, method=method)
    assert y.shape == (1, 2, 22, 27)
    np.testing.assert_array_equal(y[0, :, 7:12:2, 11:16:2], weight[:, 2, ::-1, ::-1])
    assert y.sum() == weight[:, 2].sum()


@each_method
def test_a07_asymmetric_pads_stay_at_their_ends(method):
    x, weight = ramp(1, 128, 16, 16, start=1), np.zeros((128, 1, 5, 5), "f4")
    weight[:, :, 0, 0] = 1
    y = depthwise_conv2d(x, weight, stride=2, padding=((1, 2), (1, 2)), method=method)
    np.testing.assert_array_equal(y, pad(x, 1, 2, 1, 2)[:, :, :15:2, :15:2])
    assert not y[:, :, 0].any()
    assert y[:, :, 1:, 1:].all()


@each_method
def test_a10_pads_may_be_wider_than_what_is_left_of_the_image(method):
    x, weight = whole(1, 1, 1, 50), whole(1, 1, 1, 14)
    y = conv2d(x, weight, padding=((0, 0), (13, 13)), dilation=(1, 3), method=method)
    assert y.shape[-1] == 37
    np.testing.assert_array_equal(
        y, shifted_sums(pad(x, 0, 0, 13, 13), weight, 1, 37, dilation=(1, 3))
    )


@each_method
def test_a10_an_image_of_one_cell_under_a_wide_kernel(method):
    x, weight, bias = whole(1, 4, 1, 1), whole(6, 4, 5, 5), whole(6)
    y = conv2d(x, weight, bias, padding=2, method=method)
    np.testing.assert_array_equal(y[0, :, 0, 0], weight[:, :, 2, 2] @ x[0, :, 0, 0] + bias)


@each_method
def test_a10_a_depthwise_image_of_two_cells(method):
    x, weight = whole(1, 128, 2, 1), whole(128, 1, 3, 3)
    y = depthwise_conv2d(x, weight, padding=1, method=method)
    upper, lower = x[0, :, 0, 0], x[0, :, 1, 0]
    above, centre, below = weight[:, 0, :, 1].T
    np.testing.assert_array_equal(y[0, :, 0, 0], centre * upper + below * lower)
    np.testing.assert_array_equal(y[0, :, 1, 0], above * upper + centre * lower)


@each_method
@pytest.mark.parametrize(
    ("C", "F", "groups"),
    [*((C, 1, 1) for C in range(1, 7)), (4, 4, 4), (4, 8, 4), (4, 4, 2), (4, 36, 1)],
)
def test_a11_a_padding_cell_is_a_real_cell(method, C, F, groups):
    x, weight = ramp(1, C, 4, 4, start=1), np.ones((F, C // groups, 3, 3), "f4")
    weight[:, 0, 0, 0] = -INF
    expected = np.full((4, 4), -INF, "f4")
    expected[0, :] = expected[:, 0] = NAN  # -inf times a zero of the padding
    y = conv2d(x, weight, padding=1, groups=groups, method=method)
    np.testing.assert_array_equal(y, np.broadcast_to(expected, y.shape))
    y = conv2d(x, weight, padding=1, groups=groups, pad_value=1, method=method)
    np.testing.assert_array_equal(y, np.full(y.shape, -INF, "f4"))


@each_method
def test_a11_an_infinite_cell_under_a_zero_weight_is_nan(method):
    x, weight = np.array([[[[1, INF, 3]]]], "f4"), np.array([[[[0, 2]]]], "f4")
    np.testing.assert_array_equal(conv2d(x, weight, method=method), [[[[INF, NAN]]]])


# --- groups and depthwise -----------------------------------------------------------------------


@each_method
def test_a16_depthwise_may_have_more_outputs_than_groups(method):
    x, weight = whole(1, 2, 5, 6), np.zeros((32, 1, 3, 3), "f4")
    weight[:, 0, 1, 1] = np.arange(1, 33)
    y = depthwise_conv2d(x, weight, padding=1, method=method)
    for f in range(32):
        np.testing.assert_array_equal(y[0, f], (f + 1) * x[0, f // 16])


@each_method
def test_a17_output_channel_is_input_channel_times_multiplier_plus_m(method):
    x, weight = whole(1, 4, 4, 4), whole(2, 2, 4, 2)  # (N, H, W, C) and (KH, KW, C, M)
    y = depthwise_conv2d(x, weight.reshape(2, 2, 1, 8), layout="NHWC", method=method)
    for c, m in np.ndindex(4, 2):
        channel, kernel = x[None, :, :, :, c], weight[None, None, :, :, c, m]
        np.testing.assert_array_equal(y[..., c * 2 + m], shifted_sums(channel, kernel, 3, 3)[0])


# --- stride, dilation, size ---------------------------------------------------------------------


@each_method
@pytest.mark.parametrize(
    ("size", "dilation", "padding", "pads", "expected"),
    [
        ((136, 136), (3, 3), "valid", (0, 0, 0, 0), (65, 65)),
        ((14, 14), (3, 1), "same", (2, 3, 0, 1), (7, 7)),
        ((128, 128), (3, 3), "same", (2, 3, 2, 3), (64, 64)),
    ],
)
def test_a22_depthwise_takes_stride_and_dilation_together(
    method, size, dilation, padding, pads, expected
):
    x, weight = whole(1, 2, *size), whole(2, 1, 3, 3)
    y = depthwise_conv2d(x, weight, stride=2, padding=padding, dilation=dilation, method=method)
    assert y.shape[2:] == expected
    sums = shifted_sums(pad(x, *pads), weight, *expected, stride=(2, 2), dilation=dilation)
    np.testing.assert_array_equal(y, sums)


@each_method
def test_a23_dilation_is_not_stride(method):
    x, weight = whole(1, 1, 10, 10), whole(1, 1, 3, 3)
    y = conv2d(x, weight, dilation=2, method=method)
    assert y.shape[2:] == (6, 6)
    np.testing.assert_array_equal(y, shifted_sums(x, weight, 6, 6, dilation=(2, 2)))


def test_a23_the_size_counts_the_dilation():
    assert Geometry.of((1, 1, 256, 512), (1, 1, 3, 3), dilation=2).y_shape == (1, 1, 252, 508)


@each_method
def test_a23_a_dilated_padded_output_is_written(method):
    out = np.full((1, 3, 5, 5), NAN, "f4")
    conv2d(
        np.ones((1, 4, 5, 5), "f4"),
        np.ones((3, 4, 3, 3), "f4"),
        np.ones(3, "f4"),
        padding=2,
        dilation=2,
        method=method,
        out=out,
    )
    inside = np.array([2, 2, 3, 2, 2])  # taps of each row, or column, that meet the image
    np.testing.assert_array_equal(out, np.broadcast_to(1 + 4 * np.outer(inside, inside), out.shape))


@each_method
def test_a24_the_width_does_not_depend_on_the_kernels_height(method):
    x, weight = whole(1, 1, 9, 11), whole(1, 1, 5, 2)
    y = conv2d(x, weight, method=method)
    assert y.shape == (1, 1, 5, 10)
    np.testing.assert_array_equal(y, shifted_sums(x, weight, 5, 10))


@each_method
def test_a25_the_pointwise_stage_has_no_stride(method):
    x, depthwise, pointwise = whole(1, 2, 1, 1000), whole(2, 1, 1, 9), whole(3, 2, 1, 1)
    y = depthwise_separable_conv2d(
        x, depthwise, pointwise, stride=(1, 3), padding=(0, 4), method=method
    )
    assert y.shape == (1, 3, 1, 334)
    middle = shifted_sums(pad(x, 0, 0, 4, 4), depthwise, 1, 334, stride=(1, 3))
    np.testing.assert_array_equal(y[0, :, 0], pointwise[:, :, 0, 0] @ middle[0, :, 0])


@each_method
def test_a26_a_position_that_does_not_fit_is_left_out(method):
    x, weight = whole(1, 1, 1, 224), whole(1, 1, 1, 7)
    y = conv2d(x, weight, stride=2, padding=((0, 0), (3, 3)), method=method)
    assert y.shape[-1] == 112
    np.testing.assert_array_equal(
        y, shifted_sums(pad(x, 0, 0, 3, 3), weight, 1, 112, stride=(1, 2))
    )


@each_method
def test_a27_every_pixel_of_a_strided_layer(method):
    x, weight = whole(1, 20, 14, 14), whole(42, 20, 3, 3)
    y = conv2d(x, weight, stride=2, padding="same", method=method)
    each = pad(x, 0, 1, 0, 1)
    for f in range(42):
        terms = shifted_sums(each, weight[f][:, None], 7, 7, stride=(2, 2))
        np.testing.assert_array_equal(y[0, f], terms[0].sum(axis=0))


@each_method
def test_a28_the_kernel_is_not_flipped(method):
    y = conv2d(ramp(1, 1, 1, 6, start=1), ramp(1, 1, 1, 3, start=1), method=method)
    assert y.ravel().tolist() == [14, 20, 26, 32]
    impulse = np.zeros((1, 1, 5, 5), "f4")
    impulse[0, 0, 2, 2] = 1
    y = conv2d(impulse, ramp(1, 1, 3, 3, start=1), method=method)
    assert y.ravel().tolist() == [9, 8, 7, 6, 5, 4, 3, 2, 1]
