"""Public reports of wrong convolutions elsewhere, A30 to A38: memory layout, refusals, range, size.

A test is named after its row in the project's list of reports; the right values come from the
report, or from plain NumPy arithmetic here. `test_public_bugs.py` has the other rows.
"""

import numpy as np
import pytest
from by_hand import each_method, pad, ramp, shifted_sums, whole

from refconv import conv2d

# --- layout and strides -------------------------------------------------------------------------


@each_method
def test_a30_equal_axes_do_not_hide_the_layout(method):
    x, weight = ramp(1, 4, 4, 4), np.ones((2, 4, 3, 3), "f4")
    first_row = [424, 648, 672, 456]
    assert conv2d(x, weight, padding=1, method=method)[0, 1, 0].tolist() == first_row
    channels_last = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    view = channels_last.transpose(0, 3, 1, 2)  # the same image, in another order in memory
    assert conv2d(view, weight, padding=1, method=method)[0, 1, 0].tolist() == first_row
    y = conv2d(channels_last, weight.transpose(2, 3, 1, 0), padding=1, layout="NHWC", method=method)
    assert y[0, 0, :, 1].tolist() == first_row


@each_method
def test_a31_a_weight_of_one_channel_in_any_order_in_memory(method):
    x, weight = whole(1, 1, 10, 11), whole(64, 3, 3, 1).transpose(0, 3, 1, 2)
    y = conv2d(x, weight, padding=1, method=method)
    for f in range(64):
        np.testing.assert_array_equal(
            y[:, f : f + 1], shifted_sums(pad(x, 1, 1, 1, 1), weight[f : f + 1], 10, 11)
        )


@each_method
def test_a31_slices_of_a_wider_weight_and_of_a_wider_output(method):
    x, wider_weight = whole(1, 1, 6, 8), whole(1, 1, 5, 3, 2)
    wider_y = np.full((1, 1, 4, 14), np.nan, np.float32)
    for k in range(5):
        weight, out = wider_weight[:, :, k], wider_y[..., ::2]
        assert conv2d(x, weight, out=out, method=method) is out
        np.testing.assert_array_equal(out, shifted_sums(x, weight, 4, 7))
    assert np.isnan(wider_y[..., 1::2]).all()


# --- validation and empty shapes ----------------------------------------------------------------


@each_method
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": 0}, "groups is 0"),
        ({"groups": -2}, "groups is -2"),
        ({"dilation": 0}, "dilation is 0"),
        ({"stride": 0}, "stride is 0"),
        ({"groups": 3}, "x has 4 channels, which 3 groups do not divide"),
        ({"groups": 2}, "weight has 5 output channels, which 2 groups do not divide"),
        ({"groups": 1}, "weight has 2 input channels per group, but x has 4 channels"),
    ],
    ids=str,
)
def test_a34_options_that_make_no_sense_are_refused(method, options, message):
    with pytest.raises(ValueError, match=message):
        conv2d(whole(1, 4, 9, 8), whole(5, 2, 3, 3), method=method, **options)


@each_method
@pytest.mark.parametrize("padding", [-1, (0, -1), ((0, 0), (-1, 0))], ids=str)
def test_a35_padding_does_not_crop(method, padding):
    with pytest.raises(ValueError, match="padding is -1, but must be at least 0"):
        conv2d(whole(1, 1, 5, 6), whole(1, 1, 3, 3), padding=padding, method=method)


@each_method
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "spans 3 cells along H .* x has 2 "),
        ({"padding": (1, 0), "dilation": (1, 4)}, "spans 9 cells along W .* x has 7 "),
    ],
    ids=["size", "dilation"],
)
def test_a35_a_kernel_beyond_the_image_is_refused(method, options, message):
    with pytest.raises(ValueError, match=message):
        conv2d(whole(1, 1, 2, 7), whole(1, 1, 3, 3), method=method, **options)


@each_method
@pytest.mark.parametrize(("groups", "Cg"), [(1, 4), (2, 2), (4, 1)])
def test_a36_no_images_give_no_outputs(method, groups, Cg):
    y = conv2d(np.ones((0, 4, 5, 7)), np.ones((8, Cg, 3, 2)), groups=groups, method=method)
    assert y.shape == (0, 8, 3, 6)


@each_method
def test_a36_no_kernels_give_no_outputs(method):
    assert conv2d(np.ones((2, 4, 5, 7)), np.ones((0, 4, 3, 2)), method=method).shape == (2, 0, 3, 6)


@each_method
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "float16", "complex64", "int8"])
def test_a36_a_sum_over_no_channels_is_the_bias(method, groups, dtype):
    x, weight = np.ones((2, 0, 5, 6), dtype), np.ones((4, 0, 3, 3), dtype)
    bias = np.arange(1, 5).astype(dtype)
    y = conv2d(x, weight, bias, groups=groups, padding=1, method=method)
    np.testing.assert_array_equal(y, np.broadcast_to(bias[:, None, None], (2, 4, 5, 6)))
    assert not conv2d(x, weight, groups=groups, method=method).any()


@each_method
def test_a36_a_kernel_of_no_cells_is_refused(method):
    with pytest.raises(ValueError, match="weight has an empty kernel: KH is 0 and KW is 2"):
        conv2d(whole(1, 2, 5, 6), np.ones((3, 2, 0, 2), "f4"), method=method)


# --- size and range -----------------------------------------------------------------------------


def zeros_or_skip(shape, dtype):
    """Zeros, of which memory holds only those that are written to."""
    try:
        return np.zeros(shape, dtype)
    except MemoryError:
        # A system that promises no memory that it may not have: the fault cannot show there.
        pytest.skip(f"this machine has no room for zeros of shape {shape}")


@pytest.mark.parametrize("method", ["jit", "jit-loops", "im2col"])
def test_a37_more_than_2_to_the_31_bytes_of_int64(method):
    x = zeros_or_skip((1, 1, 300_000, 1000), np.int64)
    places = [
        (0, 0),
        (268_435, 990),
        (268_437, 0),
        (299_999, 495),
    ]  # row 268436 starts at 2**31 / 8
    for number, (row, column) in enumerate(places, start=1):
        x[0, 0, row, column] = number
    y = conv2d(x, np.full((1, 1, 1, 1), 10), stride=(1, 495), method=method)
    expected = np.zeros((300_000, 3), np.int64)
    for number, (row, column) in enumerate(places, start=1):
        expected[row, column // 495] = number * 10
    np.testing.assert_array_equal(y[0, 0], expected)


@each_method
@pytest.mark.parametrize("F", [1, 9], ids=["planes", "products"])
def test_a37_more_than_2_to_the_31_elements_of_float32(method, F):
    side, step = 2**14, (2**13, 2**12)  # nine images: 2.4 billion cells, of which few are touched
    x = zeros_or_skip((9, 1, side, side), np.float32)
    assert x.size > 2**31
    weight, upper, lower = whole(F, 1, 2, 1), whole(9, 1, 2, 4), whole(9, 1, 2, 4)[::-1]
    x[:, :, 0 :: step[0], :: step[1]] = upper
    x[:, :, 1 :: step[0], :: step[1]] = lower
    y = conv2d(x, weight, stride=step, method=method)
    np.testing.assert_array_equal(
        y, weight[:, 0, 0, :, None] * upper + weight[:, 0, 1, :, None] * lower
    )


@each_method
@pytest.mark.parametrize(
    ("dtype", "image", "kernel", "expected"),
    [
        ("int8", [100, 100], [100, 100], 20_000),
        ("int8", [-128] * 9, [-128] * 9, 147_456),
        ("uint8", [200, 200], [3, 3], 1200),
        ("uint8", [200, 200], [200, 200], 80_000),
        ("uint16", [1000] * 9, [1000] * 9, 9_000_000),
        ("uint32", [2**32 - 1], [2**31 - 1], (2**32 - 1) * (2**31 - 1)),
        ("int32", [-(2**31), 7], [2**31 - 1, 1], -(2**31) * (2**31 - 1) + 7),
        ("int64", [2**31, 1], [2**31, -5], 2**62 - 5),
    ],
)
def test_a38_a_sum_does_not_wrap(method, dtype, image, kernel, expected):
    x, weight = (np.array(row, dtype).reshape(1, 1, 1, -1) for row in (image, kernel))
    assert conv2d(x, weight, method=method).tolist() == [[[[expected]]]]


@each_method
def test_a38_signed_and_unsigned_bytes_are_mixed_by_value(method):
    x, weight = np.array([[[[255, 128]]]], np.uint8), np.array([[[[-128, 127]]]], np.int8)
    assert conv2d(x, weight, method=method).item() == 255 * -128 + 128 * 127
    assert conv2d(weight, x, method=method).item() == 255 * -128 + 128 * 127


@each_method
def test_a38_a_sum_beyond_int64_is_refused(method):
    with pytest.raises(OverflowError, match=f"could reach {2**80}, but int64 ends at {2**63 - 1}"):
        conv2d([[[[2**40]]]], [[[[2**40]]]], method=method)


@each_method
def test_a38_the_last_sum_that_int64_holds(method):
    """Refused is what could leave the type, not what ends exactly at its end."""
    x, one = np.full((1, 1, 1, 1), 2**63 - 1), np.ones((1, 1, 1, 1), np.int64)
    assert conv2d(x, one, [0], method=method).item() == 2**63 - 1
    with pytest.raises(OverflowError, match=f"could reach {2**63}, but int64 ends at"):
        conv2d(x, one, [1], method=method)
