"""The transposed convolution: its sizes, what it adds where, what others give, how calls fail."""

import numpy as np
import pytest
from gradient_cases import gradient_cases
from hypothesis import given, settings
from hypothesis import strategies as st
from peers import operands, run_node
from strategies import whole_numbers

from refconv import Geometry, conv2d, conv2d_input_grad, conv_transpose2d
from refconv.conv import METHODS
from refconv.oracle.strategies import geometries

each_method = pytest.mark.parametrize("method", METHODS[1:])

# N 2, C 6, H 4, W 5, F 9, KH 3, KW 2: no two alike
X = np.arange(2 * 6 * 4 * 5, dtype=np.float32).reshape(2, 6, 4, 5) % 13
WEIGHT = np.arange(6 * 3 * 3 * 2, dtype=np.float32).reshape(6, 3, 3, 2) % 7 - 3
BIAS = np.arange(9, dtype=np.float32)
GOOD = {
    "x": X, "weight": WEIGHT, "bias": BIAS, "groups": 3, "stride": (3, 2), "dilation": (2, 1),
    "padding": ((2, 1), (0, 1)), "output_padding": (2, 1),
}  # fmt: skip


def by_hand(x, weight, bias, stride, padding, output_padding, dilation, groups):
    """Each cell adds its kernel to a large enough array, of which the pads are cut off."""
    N, C, H, W = x.shape
    _, Fg, KH, KW = weight.shape
    (sh, sw), (dh, dw), ((pt, pb), (pl, pr)) = stride, dilation, padding
    rows = (H - 1) * sh + dh * (KH - 1) + 1
    columns = (W - 1) * sw + dw * (KW - 1) + 1
    y = np.zeros((N, groups * Fg, rows + output_padding[0], columns + output_padding[1]), x.dtype)
    for n, c, h, w in np.ndindex(x.shape):
        g = c // (C // groups)
        for fg, kh, kw in np.ndindex(weight.shape[1:]):
            y[n, g * Fg + fg, h * sh + kh * dh, w * sw + kw * dw] += (
                x[n, c, h, w] * weight[c, fg, kh, kw]
            )
    y = y[:, :, pt : y.shape[2] - pb, pl : y.shape[3] - pr]
    return y if bias is None else y + bias[:, None, None]


@each_method
def test_each_cell_adds_its_kernel(method):
    y = conv_transpose2d(**GOOD, method=method)
    np.testing.assert_array_equal(y, by_hand(**GOOD), strict=True)
    # OH = 3*3 - 2 - 1 + 2*2 + 1 + 2 = 13, OW = 4*2 - 0 - 1 + 1*1 + 1 + 1 = 10
    assert y.shape == (2, 9, 13, 10)


@settings(max_examples=100)
@given(case=gradient_cases(geometries(max_room=9)), method=st.sampled_from(METHODS))
def test_it_is_the_input_gradient_of_the_convolution_that_it_transposes(case, method):
    g = case.geometry
    rest = tuple(
        (size + before + after - dilation * (kernel - 1) - 1) % stride
        for size, (before, after), dilation, kernel, stride in zip(
            (g.H, g.W), g.padding, g.dilation, (g.KH, g.KW), g.stride, strict=True
        )
    )
    options = {k: v for k, v in case.options.items() if k != "pad_value"}
    y = conv_transpose2d(case.grad_y, case.weight, output_padding=rest, method=method, **options)
    np.testing.assert_array_equal(y, case.by_x(), strict=True)


@given(
    st.integers(1, 9), st.integers(1, 5), st.integers(1, 4), st.integers(1, 3), st.integers(0, 2),
    st.integers(0, 2), st.data(),
)  # fmt: skip
def test_a_convolution_of_y_has_the_size_of_x(H, KH, sh, dh, pt, pb, data):
    """What defines the size: the convolution with the same options maps it back to x's."""
    more = data.draw(st.integers(0, sh - 1))
    OH = (H - 1) * sh - pt - pb + dh * (KH - 1) + 1 + more
    options = {"stride": (sh, 1), "dilation": (dh, 1), "padding": ((pt, pb), (0, 0))}
    shapes = (1, 2, H, 3), (2, 1, KH, 1)
    if OH < 0:
        with pytest.raises(
            ValueError, match=f"padding is {pt} and {pb} along H, but there are only"
        ):
            Geometry.transposing(*shapes, output_padding=(more, 0), **options)
        return
    g = Geometry.transposing(*shapes, output_padding=(more, 0), **options)
    assert g.x_shape == (1, 1, OH, 3)
    assert g.y_shape == shapes[0]
    if OH + pt + pb >= dh * (KH - 1) + 1:
        assert Geometry.of(g.x_shape, (2, 1, KH, 1), **options).y_shape == shapes[0]


@pytest.mark.parametrize("padding", ["same", "same_upper", "same_lower"])
@pytest.mark.parametrize(("KH", "KW"), [(1, 2), (3, 4), (5, 2)])
@pytest.mark.parametrize("stride", [(1, 1), (2, 3)])
def test_same_is_as_many_cells_as_steps(padding, KH, KW, stride):
    x, weight = np.ones((1, 2, 4, 5)), np.arange(2.0 * 3 * KH * KW).reshape(2, 3, KH, KW)
    y = conv_transpose2d(x, weight, stride=stride, padding=padding)
    assert y.shape == (1, 3, 4 * stride[0], 5 * stride[1])
    grad = conv2d_input_grad(x, weight, y.shape, stride=stride, padding=padding)
    np.testing.assert_array_equal(y, grad)
    assert conv2d(y, weight, stride=stride, padding=padding).shape == x.shape


@each_method
def test_channels_last(method):
    x, weight = X.transpose(0, 2, 3, 1), WEIGHT.transpose(2, 3, 1, 0)
    y = conv_transpose2d(**{**GOOD, "x": x, "weight": weight}, layout="NHWC", method=method)
    np.testing.assert_array_equal(y.transpose(0, 3, 1, 2), by_hand(**GOOD))


@pytest.mark.parametrize("dtype", ["float16", "int8", "complex64", "float64"])
def test_types(dtype):
    rng = np.random.default_rng(0)
    x, weight, bias = (whole_numbers(rng, a.shape, dtype, 3) for a in (X, WEIGHT, BIAS))
    wide = {"int8": "int32"}.get(dtype, dtype)
    expected = by_hand(**{**GOOD, "x": x.astype(wide), "weight": weight.astype(wide), "bias": bias})
    y = conv_transpose2d(**{**GOOD, "x": x, "weight": weight, "bias": bias})
    assert y.dtype == wide
    np.testing.assert_array_equal(y, expected)


@each_method
def test_no_images_and_no_channels(method):
    y = conv_transpose2d(
        np.ones((2, 0, 4, 5)), np.ones((0, 3, 3, 2)), np.arange(3.0), method=method
    )
    np.testing.assert_array_equal(y, np.broadcast_to(np.arange(3.0)[:, None, None], (2, 3, 6, 6)))
    assert conv_transpose2d(np.ones((0, 2, 4, 5)), np.ones((2, 3, 3, 2))).shape == (0, 3, 6, 6)
    assert conv_transpose2d(np.ones((1, 2, 4, 5)), np.ones((2, 0, 3, 2))).shape == (1, 0, 6, 6)


def test_out_is_filled():
    out = np.full((2, 9, 13, 10), 77, np.float32)
    assert conv_transpose2d(**GOOD, out=out) is out
    np.testing.assert_array_equal(out, by_hand(**GOOD))


# --- what others give -----------------------------------------------------------------------------


@st.composite
def calls(draw, *, symmetric=False, dtypes=("float32",)):
    """Arguments of a transposed convolution whose y has a cell at least; sums are exact."""
    case = draw(gradient_cases(geometries(max_room=8), dtypes=dtypes))
    g = case.geometry
    more = tuple(draw(st.integers(0, step - 1)) for step in g.stride)
    pads = []
    for size, step, dilation, kernel, cells in zip(
        (g.OH, g.OW), g.stride, g.dilation, (g.KH, g.KW), more, strict=True
    ):
        spare = (size - 1) * step + dilation * (kernel - 1) + cells  # all but one of y's cells
        before = draw(st.integers(0, spare // 2 if symmetric else spare))
        after = before if symmetric else draw(st.integers(0, spare - before))
        pads.append((before, after))
    return {
        "x": case.grad_y, "weight": case.weight, "bias": np.arange(g.C).astype(case.x.dtype),
        "stride": g.stride, "padding": tuple(pads), "output_padding": more,
        "dilation": g.dilation, "groups": g.G,
    }  # fmt: skip


def ours_is(expected, call):
    """Refconv gives the same, to the bit."""
    np.testing.assert_array_equal(conv_transpose2d(**call), expected, strict=True)


@settings(max_examples=150, deadline=None)
@given(call=calls(symmetric=True, dtypes=("float64", "float32")))
def test_torch_gives_the_same(call):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    x, weight, bias = (torch.tensor(call[name]) for name in ("x", "weight", "bias"))
    (ph, _), (pw, _) = call["padding"]
    y = torch.nn.functional.conv_transpose2d(
        x, weight, bias, call["stride"], (ph, pw), call["output_padding"], call["groups"],
        call["dilation"],
    )  # fmt: skip
    ours_is(y.numpy(), call)


@settings(max_examples=60, deadline=None)
@given(call=calls())
def test_onnxruntime_gives_the_same(call):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    (pt, pb), (pl, pr) = call["padding"]
    y = run_node(
        "ConvTranspose",
        operands(call["x"], call["weight"], call["bias"]),
        strides=call["stride"],
        pads=(pt, pl, pb, pr),
        output_padding=call["output_padding"],
        dilations=call["dilation"],
        group=call["groups"],
    )
    ours_is(y, call)


@settings(max_examples=25, deadline=None)
@given(call=calls())
def test_jax_gives_the_same(call):
    """As a convolution of x with zeros between its cells, and the kernel turned."""
    jax = pytest.importorskip("jax", reason="jax is not installed")
    C, Fg, KH, KW = call["weight"].shape
    G = call["groups"]
    by_group = call["weight"].reshape(G, C // G, Fg, KH, KW).swapaxes(1, 2)
    turned = by_group.reshape(G * Fg, C // G, KH, KW)[:, :, ::-1, ::-1]
    pads = [
        (dilation * (kernel - 1) - before, dilation * (kernel - 1) - after + more)
        for dilation, kernel, (before, after), more in zip(
            call["dilation"], (KH, KW), call["padding"], call["output_padding"], strict=True
        )
    ]
    y = jax.lax.conv_general_dilated(
        call["x"], turned, (1, 1), pads, call["stride"], call["dilation"], feature_group_count=G
    )
    ours_is(np.asarray(y) + call["bias"][:, None, None], call)


def test_same_with_a_stride_longer_than_the_kernel_is_onnxs_and_not_onnxruntimes():
    """A kernel of 2 cells at stride 3 leaves a third cell of y that nothing reaches.

    refconv keeps it, so that OH = H*sh always, as Keras has it; onnxruntime stops after the
    last kernel. Where this fails, onnxruntime has changed: then say so in the docstring.
    """
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    x, weight = np.ones((1, 1, 4, 5), np.float32), np.ones((1, 1, 2, 2), np.float32)
    ours = conv_transpose2d(x, weight, stride=3, padding="same_upper")
    theirs = run_node(
        "ConvTranspose", operands(x, weight, None), strides=(3, 3), auto_pad="SAME_UPPER"
    )
    assert (ours.shape, theirs.shape) == ((1, 1, 12, 15), (1, 1, 11, 14))
    np.testing.assert_array_equal(ours[:, :, :11, :14], theirs)
    assert not ours[:, :, 11].any()
    assert not ours[:, :, :, 14].any()


def test_torch_takes_an_output_padding_below_the_dilation_too():
    """Cells that no kernel reaches, whatever they are for; a convolution never maps them back."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    x, weight = np.ones((1, 1, 4, 5)), np.ones((1, 1, 2, 2))
    options = {"stride": 1, "dilation": 3, "output_padding": 2}
    y = torch.nn.functional.conv_transpose2d(torch.tensor(x), torch.tensor(weight), **options)
    assert tuple(y.shape) == (1, 1, 9, 10)
    with pytest.raises(ValueError, match="output_padding is 2 along H, but must be below the"):
        conv_transpose2d(x, weight, **options)


BAD = [
    ({"x": None}, TypeError, "x is None, but must be an array"),
    ({"x": X[0]}, ValueError, r"x has shape \(6, 4, 5\), but must have 4 axes"),
    ({"x": X[:, :, :0]}, ValueError, "x is 0x5, but a transposed convolution needs at least one"),
    ({"weight": WEIGHT[:5]}, ValueError, "weight has 5 input channels, but x has 6"),
    ({"weight": WEIGHT[:, :, :0]}, ValueError, "weight has an empty kernel: KH is 0 and KW is 2"),
    ({"groups": 4}, ValueError, "x has 6 channels, which 4 groups do not divide"),
    ({"groups": 0}, ValueError, "groups is 0, but must be at least 1"),
    ({"bias": BIAS[1:]}, ValueError, r"bias has shape \(8,\), but weight has 9 output channels"),
    ({"bias": BIAS.astype(int)}, TypeError, "bias has type int64, but"),
    ({"weight": WEIGHT.astype("float64")}, TypeError, "x has type float32, but weight has type"),
    (
        {"output_padding": 3},
        ValueError,
        "output_padding is 3 along H, but must be below the stride",
    ),
    ({"output_padding": -1}, ValueError, "output_padding is -1, but must be at least 0"),
    ({"output_padding": (0.0, 1)}, TypeError, "output_padding is 0.0, but must be an integer"),
    ({"padding": "same"}, ValueError, "output_padding is .*, but must be 0: padding 'same' sa"),
    ({"padding": "full"}, ValueError, "padding is 'full', but must be one of"),
    ({"padding": ((9, 9), 0)}, ValueError, "padding is .*, but must be one integer"),
    ({"padding": (9, 0)}, ValueError, "padding is 9 and 9 along H, but there are only 16 cells"),
    ({"stride": 0}, ValueError, "stride is 0, but must be at least 1"),
    ({"layout": "CHWN"}, ValueError, "layout is 'CHWN', but must be 'NCHW' or 'NHWC'"),
    ({"method": "col2im"}, ValueError, "method is 'col2im', but must be one of"),
    (
        {"pad_value": 1},
        TypeError,
        r"conv_transpose2d\(\) got an unexpected keyword argument 'pad_value'",
    ),
    (
        {"pading": 1},
        TypeError,
        r"conv_transpose2d\(\) got an unexpected keyword argument 'pading'",
    ),
    ({"out": np.ones((2, 9, 13, 9), np.float32)}, ValueError, "out has shape .*, but y has shape"),
    ({"out": X, "x": X}, ValueError, "out has shape"),
    (
        {"x": np.full(X.shape, 2**40), "weight": np.full(WEIGHT.shape, 2**30), "bias": None},
        OverflowError,
        "cast x and weight with",
    ),
]


@pytest.mark.parametrize(("change", "error", "match"), BAD, ids=[str([*b[0]]) for b in BAD])
def test_bad_calls(change, error, match):
    with pytest.raises(error, match=match):
        conv_transpose2d(**{**GOOD, **change})
