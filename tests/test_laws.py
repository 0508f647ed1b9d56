"""What a convolution does, whoever computes it: laws that need no second implementation.

Each method keeps them all, on whole numbers, bit for bit.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import Case, cases, geometries, whole_numbers

from refconv import Geometry, conv2d, depthwise_conv2d, group_conv2d, pointwise_conv2d
from refconv.conv import METHODS

SMALL = {"max_images": 2, "max_room": 6}
TYPES = ("float64", "int32")
each_method = pytest.mark.parametrize("method", METHODS[1:])  # "auto" is the next one's name


def law(*kinds, max_examples=40, **limits):
    """Run the test on drawn cases of these kinds, by each method."""
    kinds = {"kinds": kinds} if kinds else {}
    drawn = cases(geometries(**kinds, **{**SMALL, **limits}), dtypes=TYPES)

    def decorate(test):
        return each_method(settings(max_examples=max_examples)(given(case=drawn)(test)))

    return decorate


def same(y, expected):
    """Equal in type, shape and every number."""
    np.testing.assert_array_equal(y, expected, strict=True)


def padded(x, padding, value=0):
    return np.pad(x, ((0, 0), (0, 0), *padding), constant_values=value)


@law()
def test_linear_in_the_image(case, method):
    other = whole_numbers(np.random.default_rng(1), case.x.shape, case.x.dtype, 9)
    plain = {**case.options, "method": method}
    left = conv2d(3 * case.x - 2 * other, case.weight, **plain)
    same(left, 3 * conv2d(case.x, case.weight, **plain) - 2 * conv2d(other, case.weight, **plain))


@law()
def test_linear_in_the_weight_and_the_bias(case, method):
    other = whole_numbers(np.random.default_rng(1), case.weight.shape, case.x.dtype, 9)
    bias = np.arange(case.geometry.F, dtype=case.x.dtype)
    plain = {**case.options, "method": method}
    left = conv2d(case.x, case.weight + 2 * other, 3 * bias, **plain)
    same(
        left, conv2d(case.x, case.weight, bias, **plain) + 2 * conv2d(case.x, other, bias, **plain)
    )


@law()
def test_the_bias_is_added_to_every_pixel_of_its_channel(case, method):
    bias = np.arange(1, case.geometry.F + 1, dtype=case.x.dtype)
    plain = {**case.options, "method": method}
    y = conv2d(case.x, case.weight, bias, **plain)
    same(y, conv2d(case.x, case.weight, **plain) + bias[:, None, None])


@law(max_pad=0)
def test_a_shift_of_the_image_by_a_stride_shifts_the_output_by_one(case, method):
    g = case.geometry
    y = case.run(method=method)
    for shift in ((g.sh, 0), (0, g.sw)):
        moved = padded(case.x, [(cells, 0) for cells in shift], value=7)
        ys = conv2d(moved, case.weight, case.bias, **case.options, method=method)
        same(ys[:, :, shift[0] // g.sh :, shift[1] // g.sw :], y)


@law("standard", "pointwise", max_stride=1, max_dilation=1)
def test_an_impulse_brings_out_the_kernel_turned_by_180_degrees(case, method):
    """Cross-correlation: the tap that meets the impulse moves against the window."""
    g = case.geometry
    ends = ((g.KH - 1, g.KH - 1), (g.KW - 1, g.KW - 1))
    for c in range(g.C):
        impulse = np.zeros((1, g.C, 1, 1), case.x.dtype)
        impulse[0, c] = 1
        y = conv2d(impulse, case.weight, padding=ends, method=method).astype(case.x.dtype)
        same(y[0], case.weight[:, c, ::-1, ::-1])


@law(max_pad=0)
def test_an_impulse_in_the_kernel_brings_out_the_image_not_turned(case, method):
    """A kernel whose one tap is (kh, kw) reads the image from (kh * dh, kw * dw) on."""
    g = case.geometry
    plain = {**case.options, "method": method}
    channels = case.x.reshape(g.N, g.G, g.Cg, g.H, g.W)
    for kh, kw in np.ndindex(g.KH, g.KW):
        weight = np.zeros_like(case.weight)
        weight[:, :, kh, kw] = 1
        seen = channels[..., kh * g.dh :: g.sh, kw * g.dw :: g.sw][..., : g.OH, : g.OW].sum(axis=2)
        y = conv2d(case.x, weight, **plain)
        same(y, np.repeat(seen, g.Fg, axis=1).astype(y.dtype))


@law("group", "depthwise")
def test_groups_are_split_convolved_and_concatenated(case, method):
    G = case.geometry.G
    options = {**case.options, "groups": 1, "method": method}
    parts = zip(np.split(case.x, G, axis=1), np.split(case.weight, G), strict=True)
    biases = [None] * G if case.bias is None else np.split(case.bias, G)
    ys = [conv2d(x, w, b, **options) for (x, w), b in zip(parts, biases, strict=True)]
    same(case.run(method=method), np.concatenate(ys, axis=1))


@law("group", "depthwise")
def test_groups_are_a_standard_convolution_with_a_block_diagonal_weight(case, method):
    g = case.geometry
    weight = np.zeros((g.F, g.C, g.KH, g.KW), case.weight.dtype)
    for f in range(g.F):
        first = f // g.Fg * g.Cg
        weight[f, first : first + g.Cg] = case.weight[f]
    y = conv2d(case.x, weight, case.bias, **{**case.options, "groups": 1}, method=method)
    same(case.run(method=method), y)


@law("group")
def test_group_conv2d_is_conv2d(case, method):
    same(
        group_conv2d(case.x, case.weight, case.bias, **case.options, method=method),
        case.run(method=method),
    )


@law("depthwise")
def test_depthwise_convolves_each_channel_by_itself(case, method):
    """Output channel c*M + m reads input channel c, with kernel c*M + m."""
    g = case.geometry
    options = {name: value for name, value in case.options.items() if name != "groups"}
    y = depthwise_conv2d(case.x, case.weight, case.bias, **options, method=method)
    for c, m in np.ndindex(g.C, g.Fg):
        f = c * g.Fg + m
        bias = None if case.bias is None else case.bias[f : f + 1]
        one = conv2d(case.x[:, [c]], case.weight[[f]], bias, **options, method=method)
        same(y[:, [f]], one)


@law("pointwise")
def test_pointwise_is_a_matrix_product(case, method):
    g = case.geometry
    options = {name: value for name, value in case.options.items() if name != "groups"}
    y = pointwise_conv2d(case.x, case.weight, case.bias, **options, method=method)
    pixels = padded(case.x, g.padding)[:, :, :: g.sh, :: g.sw]
    expected = np.einsum("nchw,fc->nfhw", pixels, case.weight[:, :, 0, 0], dtype=y.dtype)
    same(y, expected + (0 if case.bias is None else case.bias[:, None, None]))


@law()
def test_dilation_is_a_kernel_stuffed_with_zeros(case, method):
    g = case.geometry
    size = (g.F, g.Cg, g.dh * (g.KH - 1) + 1, g.dw * (g.KW - 1) + 1)
    stuffed = np.zeros(size, case.weight.dtype)
    stuffed[:, :, :: g.dh, :: g.dw] = case.weight
    y = conv2d(case.x, stuffed, case.bias, **{**case.options, "dilation": 1}, method=method)
    same(case.run(method=method), y)


@law()
def test_stride_leaves_out_outputs_of_stride_one(case, method):
    g = case.geometry
    dense = case.run(stride=1, method=method)
    same(case.run(method=method), np.ascontiguousarray(dense[:, :, :: g.sh, :: g.sw]))


@each_method
@settings(max_examples=25)
@given(case=cases(geometries(**SMALL), dtypes=TYPES, pad_values=(0, 5)))
def test_padding_is_a_larger_image(case, method):
    value = case.options["pad_value"]
    larger = padded(case.x, case.geometry.padding, value)
    y = conv2d(larger, case.weight, case.bias, **{**case.options, "padding": 0}, method=method)
    same(case.run(method=method), y)


@law()
def test_rows_and_columns_may_change_places(case, method):
    turned = {
        name: value[::-1] if isinstance(value, tuple) else value
        for name, value in case.options.items()
    }
    x, weight = case.x.swapaxes(2, 3), case.weight.swapaxes(2, 3)
    y = conv2d(x, weight, case.bias, **turned, method=method)
    same(case.run(method=method), np.ascontiguousarray(y.swapaxes(2, 3)))


@law()
def test_image_kernel_and_output_may_be_mirrored_together(case, method):
    """At stride 1 a mirrored image under a mirrored kernel is the mirrored output, pads swapped."""
    (pt, pb), (pl, pr) = case.geometry.padding
    mirrored = {**case.options, "stride": 1, "padding": ((pb, pt), (pr, pl)), "method": method}
    x, weight = case.x[:, :, ::-1, ::-1], case.weight[:, :, ::-1, ::-1]
    y = conv2d(x, weight, case.bias, **mirrored)
    same(case.run(stride=1, method=method), np.ascontiguousarray(y[:, :, ::-1, ::-1]))


@each_method
@given(st.permutations(range(5)))
@settings(max_examples=10)
def test_output_channels_follow_their_kernels(method, order):
    case = Case.of(Geometry.of((2, 3, 5, 7), (5, 3, 3, 2), padding=((1, 0), (2, 1))), seed=3)
    y = conv2d(case.x, case.weight[order], case.bias[order], **case.options, method=method)
    same(y, case.run(method=method)[:, order])


REAL = geometries(max_images=3, max_channels=9, max_room=6)


def check_images_one_by_one(case, dtype, method):
    """Bit for bit, in real numbers: what else is in the batch never reaches an image's sums."""
    rng = np.random.default_rng(case.x.size)
    x, weight = (rng.standard_normal(a.shape).astype(dtype) for a in (case.x, case.weight))
    options = {**case.options, "method": method}
    one_by_one = [conv2d(x[n : n + 1], weight, **options) for n in range(len(x))]
    assert conv2d(x, weight, **options).tobytes() == np.concatenate(one_by_one).tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "complex64"])
@each_method
@settings(max_examples=15)
@given(case=cases(REAL))
def test_a_batch_is_its_images_one_by_one(case, dtype, method):
    check_images_one_by_one(case, dtype, method)


@pytest.mark.parametrize(("channels", "F"), [(24, 40), (3, 9), (12, 12)])
@pytest.mark.parametrize("method", ["jit", "im2col"])
def test_a_batch_worth_several_threads_is_its_images_one_by_one(channels, F, method):
    """One image alone is cut into other tasks than the batch is."""
    groups = 12 if channels == F else 1
    g = Geometry.of((13, channels, 25, 31), (F, channels // groups, 3, 2), groups=groups)
    check_images_one_by_one(Case.of(g), "float32", method)
