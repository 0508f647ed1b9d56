"""The gradients: their law, every method and type, every way to be called, what others give."""

import inspect

import numpy as np
import pytest
from gradient_cases import GradientCase, gradient_cases
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import DTYPES

from refconv import (
    Geometry,
    conv2d,
    conv2d_bias_grad,
    conv2d_input_grad,
    conv2d_weight_grad,
    count,
    get_threads,
    set_threads,
)
from refconv.bench.layers import LAYERS
from refconv.conv import METHODS
from refconv.gradients.im2col import col2im
from refconv.im2col import im2col
from refconv.jit import scatter
from refconv.jit.gradients import phases_of
from refconv.oracle.strategies import geometries

each_method = pytest.mark.parametrize("method", METHODS[1:])  # "auto" is the next one's name

# N 2, C 6, H 12, W 13, F 12, KH 3, KW 2, OH 4, OW 8: no two alike, and no two pads
ODD = Geometry.of(
    (2, 6, 12, 13),
    (12, 2, 3, 2),
    stride=(3, 2),
    dilation=(2, 1),
    padding=((2, 1), (0, 3)),
    groups=3,
)
WIDE = Geometry.of((2, 20, 9, 11), (40, 20, 3, 5), padding=((0, 2), (3, 1)), stride=(1, 2))
NARROW = Geometry.of((2, 12, 9, 40), (24, 1, 3, 5), padding=((0, 2), (3, 1)), groups=12)


def same(actual, expected):
    """Equal in type, shape and every number."""
    np.testing.assert_array_equal(actual, expected, strict=True)


# --- the law that says what a gradient is ---------------------------------------------------------


@each_method
@settings(max_examples=60)
@given(case=gradient_cases(geometries(max_room=8)))
def test_the_adjoint_law(case, method):
    """<conv(x, w), g> = <x, input_grad(g, w)> = <w, weight_grad(g, x)>, to the unit."""
    product = (case.y() * case.grad_y).sum()
    assert (case.x * case.by_x(method=method)).sum() == product
    assert (case.weight * case.by_weight(method=method)).sum() == product


@each_method
def test_each_cell_and_each_weight_has_its_own_gradient(method):
    """The law for one cell at a time: its gradient is <conv of that cell alone, g>."""
    case = GradientCase.of(ODD, "int64")
    by_x, by_weight = case.by_x(method=method), case.by_weight(method=method)
    for shape, gradient, operand in (
        (ODD.x_shape, by_x, "x"),
        (ODD.weight_shape, by_weight, "weight"),
    ):
        places = np.ndindex(shape)
        expected = np.zeros(shape, np.int64)
        for place in places:
            one = np.zeros(shape, np.int64)
            one[place] = 1
            expected[place] = (case.y(**{operand: one}, method="im2col") * case.grad_y).sum()
        same(gradient, expected)


def test_a_pad_value_counts_for_the_weight_and_not_for_x():
    case = GradientCase.of(ODD, "int64", pad_value=7)
    padded = np.pad(case.x, ((0, 0), (0, 0), *ODD.padding), constant_values=7)
    options = {**case.options, "padding": 0, "pad_value": 0}
    same(case.by_weight(), conv2d_weight_grad(case.grad_y, padded, ODD.weight_shape, **options))
    same(case.by_x(), case.by_x(pad_value=0))


@pytest.mark.parametrize("pad_value", [-3, 300, 0.5, 1j, np.int8(-3)])
def test_the_input_gradient_takes_any_pad_value_for_it_knows_no_x(pad_value):
    """A grad_y of uint8 goes with an x of int8, whose zero point may be -3."""
    grad_y, weight = np.ones((1, 1, 1, 3), np.uint8), np.ones((1, 1, 1, 2), np.int8)
    found = conv2d_input_grad(grad_y, weight, (1, 1, 1, 4), pad_value=pad_value)
    same(found, np.array([[[[1, 2, 2, 1]]]], np.int32))


@settings(max_examples=20)
@given(gradient_cases(geometries(max_room=6), dtypes=("float64",), pad_values=(0, 2)))
def test_the_numerical_derivative_agrees(case):
    """Central differences of the float64 convolution, in a direction drawn at random."""
    rng = np.random.default_rng(0)
    step = 1e-3
    for operand, gradient in (("x", case.by_x()), ("weight", case.by_weight())):
        start, way = getattr(case, operand), rng.standard_normal(gradient.shape)
        ahead, behind = (
            (case.y(**{operand: start + sign * step * way}) * case.grad_y).sum() for sign in (1, -1)
        )
        expected = (gradient * way).sum()
        size = np.abs(gradient * way).sum() + 1
        assert abs((ahead - behind) / (2 * step) - expected) <= 1e-6 * size


# --- methods, types, sizes ------------------------------------------------------------------------


@settings(max_examples=200)
@given(gradient_cases(dtypes=DTYPES, pad_values=(0, 5)))
def test_every_method_gives_the_same_bits(case):
    for gradient in (case.by_x, case.by_weight):
        expected = gradient(method="loops")
        for method in METHODS:
            actual = gradient(method=method)
            assert actual.dtype == expected.dtype
            np.testing.assert_array_equal(actual, expected, err_msg=method)


@settings(max_examples=80)
@given(
    gradient_cases(
        geometries(max_channels=40, max_kernel=9, max_room=40),
        dtypes=("float32", "float64"),
        pad_values=(0, 3),
    )
)
def test_the_compiled_ones_give_the_same_bits_on_larger_layers(case):
    for gradient in (case.by_x, case.by_weight):
        same(gradient(), gradient(method="im2col"))


@pytest.mark.parametrize("OW", [*range(1, 36), 511, 512, 513, 1030, 4100])
@pytest.mark.parametrize("Fg", [1, 5, 33])
def test_every_output_width(OW, Fg):
    """Tails of vectors, and rows longer than a piece, in each kernel and at each stride."""
    for sw in (1, 2, 3):
        W = (OW - 1) * sw + 3 - 2
        g = Geometry.of((1, 4, 3, W), (2 * Fg, 2, 2, 3), padding=(0, 1), stride=(1, sw), groups=2)
        assert g.OW == OW
        case = GradientCase.of(g, "float32", bound=3)
        same(case.by_weight(), case.by_weight(method="im2col"))
        same(case.by_x(), case.by_x(method="im2col"))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("Cg", [1, 3, 4, 5, 8, 9, 17])
@pytest.mark.parametrize("Fg", [1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 33, 49])
def test_every_number_of_channels(Cg, Fg, dtype):
    """Tiles that are full and tiles that are not, in each kernel; kernels wider than a tile."""
    for kernel in ((1, 1), (3, 2), (2, 9)):
        g = Geometry.of((3, 2 * Cg, 4, 12), (2 * Fg, Cg, *kernel), padding=(1, 0), groups=2)
        case = GradientCase.of(g, dtype)
        same(case.by_weight(), case.by_weight(method="im2col"))
        same(case.by_x(), case.by_x(method="im2col"))


@pytest.mark.parametrize(("operand", "result"), [("int8", "int32"), ("uint16", "int64")])
def test_integers_widen_and_halves_are_rounded_once(operand, result):
    case = GradientCase.of(ODD, operand)
    assert case.by_x().dtype == case.by_weight().dtype == result
    assert conv2d_bias_grad(case.grad_y).dtype == result
    ones = np.ones((1, 1, 1, 2048 + 1), np.float16)  # halves of which a float16 sum stops at 2048
    assert conv2d_bias_grad(ones).tolist() == [2048]  # 2049, rounded to a half that ends even
    three = conv2d_weight_grad(ones, ones * 3, (1, 1, 1, 1))
    assert (three.dtype, three.item()) == (np.float16, np.float16(3 * 2049))


def test_complex_numbers_are_not_conjugated():
    case = GradientCase.of(ODD, "complex128")
    product = (case.y() * case.grad_y).sum()
    assert (case.x * case.by_x()).sum() == (case.weight * case.by_weight()).sum() == product


def test_the_bias_gradient_is_the_sum_over_all_but_the_channels():
    case = GradientCase.of(ODD, "int64")
    same(conv2d_bias_grad(case.grad_y), case.grad_y.sum(axis=(0, 2, 3)))
    nhwc = np.ascontiguousarray(case.grad_y.transpose(0, 2, 3, 1))
    same(conv2d_bias_grad(nhwc, layout="NHWC"), case.grad_y.sum(axis=(0, 2, 3)))
    one = np.zeros(ODD.F, np.int64)
    for f in range(ODD.F):
        one[:] = 0
        one[f] = 1
        with_bias = conv2d(case.x, case.weight, one, **case.options) - case.y()
        assert (with_bias * case.grad_y).sum() == conv2d_bias_grad(case.grad_y)[f]


# --- layouts, views, out, threads -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("geometry", "method"),
    [
        (ODD, "loops"),
        *((g, m) for g in (ODD, WIDE, NARROW) for m in ("jit", "jit-loops", "im2col")),
    ],
    ids=str,
)
def test_channels_last_is_the_transpose(geometry, method):
    case = GradientCase.of(geometry, "float64")
    grad_y, x = (a.transpose(0, 2, 3, 1) for a in (case.grad_y, case.x))
    weight = case.weight.transpose(2, 3, 1, 0)
    options = {**case.options, "layout": "NHWC", "method": method}
    by_x = conv2d_input_grad(grad_y, weight, x.shape, **options)
    by_weight = conv2d_weight_grad(grad_y, x, weight.shape, **options)
    assert by_x.flags.c_contiguous
    assert by_weight.flags.c_contiguous
    same(by_x.transpose(0, 3, 1, 2), case.by_x())
    same(by_weight.transpose(3, 2, 0, 1), case.by_weight())


def views(a):
    """The array in memory of other strides, and read-only."""
    yield a[:, :, ::-1, ::-1].copy()[:, :, ::-1, ::-1]
    yield np.asfortranarray(a)
    wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
    wide[..., ::2] = a
    yield wide[..., ::2]
    raw = bytearray(a.nbytes + 1)
    odd = np.frombuffer(raw, a.dtype, a.size, offset=1).reshape(a.shape)
    odd[...] = a
    yield odd
    frozen = a.copy()
    frozen.flags.writeable = False
    yield frozen


@pytest.mark.parametrize("geometry", [ODD, WIDE, NARROW], ids=["odd", "wide", "narrow"])
@pytest.mark.parametrize("method", ["im2col", "jit"])
def test_views_give_the_same_and_are_not_written_to(geometry, method):
    case = GradientCase.of(geometry)
    by_x, by_weight = case.by_x(), case.by_weight()
    for grad_y, x, weight in zip(*map(views, (case.grad_y, case.x, case.weight)), strict=True):
        before = [a.copy() for a in (grad_y, x, weight)]
        options = {**case.options, "method": method}
        same(conv2d_input_grad(grad_y, weight, geometry.x_shape, **options), by_x)
        same(conv2d_weight_grad(grad_y, x, geometry.weight_shape, **options), by_weight)
        same(conv2d_bias_grad(grad_y), case.grad_y.sum(axis=(0, 2, 3)))
        for array, old in zip((grad_y, x, weight), before, strict=True):
            same(array, old)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("dtype", ["float32", "float16", "int8"])
def test_out_is_filled_and_returned(dtype, layout):
    case = GradientCase.of(ODD, dtype, bound=2)
    options = {**case.options, "layout": layout}
    grad_y, x, weight = case.grad_y, case.x, case.weight
    if layout == "NHWC":
        grad_y, x, weight = (
            a.transpose(order)
            for a, order in ((grad_y, (0, 2, 3, 1)), (x, (0, 2, 3, 1)), (weight, (2, 3, 1, 0)))
        )
    for function, other, shape in (
        (conv2d_input_grad, weight, x.shape),
        (conv2d_weight_grad, x, weight.shape),
    ):
        expected = function(grad_y, other, shape, **options)
        for out in (np.full_like(expected, 77), np.full_like(expected.T, 77).T):
            assert function(grad_y, other, shape, out=out, **options) is out
            same(out, expected)
    expected = conv2d_bias_grad(grad_y, layout=layout)
    out = np.full_like(expected, 77)
    assert conv2d_bias_grad(grad_y, layout=layout, out=out) is out
    same(out, expected)


@pytest.mark.parametrize("geometry", [ODD, WIDE, NARROW], ids=["odd", "wide", "narrow"])
def test_the_same_bits_on_any_number_of_threads(geometry):
    """On real numbers, whose sums depend on their order."""
    large = Geometry.of(
        (3, geometry.C, 40, 41), geometry.weight_shape, groups=geometry.G, padding=(1, 2)
    )
    rng = np.random.default_rng(0)
    grad_y, x, weight = (
        rng.standard_normal(s).astype("float32")
        for s in (large.y_shape, large.x_shape, large.weight_shape)
    )
    options = {"groups": large.G, "padding": (1, 2)}
    threads, found = get_threads(), []
    try:
        for count in (1, 2, 3, 7):
            set_threads(count)
            found.append(
                (
                    conv2d_input_grad(grad_y, weight, large.x_shape, **options),
                    conv2d_weight_grad(grad_y, x, large.weight_shape, **options),
                )
            )
    finally:
        set_threads(threads)
    for other in found[1:]:
        same(other[0], found[0][0])
        same(other[1], found[0][1])
    alone = conv2d_input_grad(grad_y[1:2], weight, (1, *large.x_shape[1:]), **options)
    same(alone, found[0][0][1:2])  # whatever else is in the batch


@each_method
@settings(max_examples=150)
@given(
    geometry=geometries(max_channels=20, max_kernel=9, max_stride=9, max_images=9),
    dtype=st.sampled_from(("float32", "float64", "complex64")),
)
def test_an_image_does_not_depend_on_the_size_of_its_batch(method, geometry, dtype):
    """Bits of real numbers, which depend on the order of sums, and so on the way that is taken."""
    if method == "loops" and count(geometry).macs > 3000:
        return  # they take one image after the other, in plain sight
    rng = np.random.default_rng(0)
    grad_y, weight = (
        rng.standard_normal(shape).astype(dtype)
        for shape in (geometry.y_shape, geometry.weight_shape)
    )
    options = {
        "stride": geometry.stride, "padding": geometry.padding, "dilation": geometry.dilation,
        "groups": geometry.G, "method": method,
    }  # fmt: skip
    whole = conv2d_input_grad(grad_y, weight, geometry.x_shape, **options)
    for n in (0, geometry.N - 1):
        alone = conv2d_input_grad(grad_y[n : n + 1], weight, (1, *geometry.x_shape[1:]), **options)
        same(whole[n : n + 1], alone)


def test_an_image_does_not_depend_on_its_neighbours():
    """Not even on a NaN there: bits of real numbers, which depend on the order of sums."""
    g = Geometry.of((2, 16, 6, 6), (64, 16, 3, 3), padding=1)
    rng = np.random.default_rng(0)
    grad_y, weight = (rng.standard_normal(s).astype("float32") for s in (g.y_shape, g.weight_shape))
    clean = conv2d_input_grad(grad_y, weight, g.x_shape, padding=1)
    grad_y[1, 0, 0, 0] = np.nan
    same(conv2d_input_grad(grad_y, weight, g.x_shape, padding=1)[0], clean[0])


# --- the ways of the input gradient ---------------------------------------------------------------

MOSTLY_PADS = {
    "a kernel as large as the image": Geometry.of((1, 8, 32, 32), (16, 8, 32, 32)),
    "a fully connected layer": Geometry.of((2, 64, 7, 7), (512, 64, 7, 7)),
    "the first layer of a generator": Geometry.of((8, 64, 4, 4), (100, 64, 4, 4)),
    "a long kernel": Geometry.of((1, 4, 1, 4096), (8, 4, 1, 4096)),
    "a long stride": Geometry.of((1, 1, 1002, 1002), (1, 1, 3, 3), stride=700),
    "patches": Geometry.of((1, 3, 448, 448), (48, 3, 32, 32), stride=32),
}


@pytest.mark.parametrize("name", MOSTLY_PADS)
def test_where_phases_would_multiply_mostly_pads_there_are_none(name):
    g = MOSTLY_PADS[name]
    assert not phases_of(g)
    case = GradientCase.of(g, "float32", bound=2)
    same(case.by_x(), case.by_x(method="im2col"))


@pytest.mark.parametrize("name", LAYERS)
def test_the_phases_of_usual_layers_execute_little_more_than_what_is_counted(name):
    g = Geometry.from_descriptor(LAYERS[name])
    executed = sum(count(p.geometry).macs for p in phases_of(g) if p.geometry is not None)
    assert 0 < executed <= 1.1 * count(g).macs


@settings(max_examples=150)
@given(gradient_cases(geometries(max_channels=20, max_kernel=9), dtypes=("float32", "float64")))
def test_the_scattered_sums_are_the_same(case):
    g = case.geometry
    grad_x, bias = np.empty(g.x_shape, case.x.dtype), np.arange(g.C).astype(case.x.dtype)
    scatter.input_grad(case.grad_y, case.weight, bias, grad_x, g, threads=2)
    same(grad_x, case.by_x(method="im2col") + bias[:, None, None])


# --- numbers that are none ------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("geometry", [ODD, WIDE, NARROW], ids=["odd", "wide", "narrow"])
@pytest.mark.parametrize("operand", ["x", "weight", "grad_y"])
def test_no_product_that_the_definition_does_not_have(operand, geometry, value):
    """An infinity meets the cells that it is multiplied by, and no pad that a kernel brings."""
    case = GradientCase.of(geometry, "float64")
    array = getattr(case, operand)
    array.flat[array.size // 2] = value
    array.flat[0] = value
    for gradient in (case.by_x, case.by_weight):
        expected = gradient(method="jit-loops")
        same(gradient(method="jit"), expected)
        same(gradient(method="im2col"), expected)


@each_method
@pytest.mark.parametrize(
    ("x_shape", "weight_shape", "groups"),
    [
        ((0, 4, 5, 6), (2, 2, 3, 2), 2),
        ((3, 4, 5, 6), (0, 4, 3, 2), 1),
        ((3, 0, 5, 6), (2, 0, 3, 2), 1),
        ((2, 3, 0, 6), (5, 3, 1, 2), 1),
    ],
    ids=["no images", "no outputs", "no channels", "no rows"],
)
def test_empty_is_legal(x_shape, weight_shape, groups, method):
    options = {"groups": groups, "padding": (1, 0), "method": method}
    g = Geometry.of(x_shape, weight_shape, groups=groups, padding=(1, 0))
    grad_y = np.ones(g.y_shape)
    by_x = conv2d_input_grad(grad_y, np.ones(weight_shape), x_shape, **options)
    by_weight = conv2d_weight_grad(grad_y, np.ones(x_shape), weight_shape, pad_value=2, **options)
    same(by_x, np.zeros(x_shape))
    # Without rows in x there are pads still, which every weight meets.
    outputs = g.N * g.OH * g.OW if x_shape[2] == 0 else 0
    same(by_weight, np.full(weight_shape, 2.0 * outputs))
    same(conv2d_bias_grad(grad_y), np.full(g.F, 1.0 * g.N * g.OH * g.OW))


# --- the matrix products --------------------------------------------------------------------------


@given(geometries(max_room=8), st.integers(0, 99))
def test_col2im_is_the_transpose_of_im2col(geometry, seed):
    """<im2col(x), m> = <x, col2im(m)>."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-9, 10, geometry.x_shape)
    matrices = im2col(x, geometry)
    m = rng.integers(-9, 10, matrices.shape)
    assert (matrices * m).sum() == (x * col2im(m, geometry)).sum()


def test_col2im_says_what_shape_it_wants():
    with pytest.raises(
        ValueError, match=r"matrices have shape \(2, 3\), but must be \(N, 3, 12, 32\)"
    ):
        col2im(np.ones((2, 3)), ODD)


# --- what others give -----------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(case=gradient_cases(dtypes=("float64", "float32")))
def test_torch_gives_the_same(case):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    g = case.geometry
    (pt, pb), (pl, pr) = g.padding
    x, weight, grad_y = map(torch.tensor, (case.x, case.weight, case.grad_y))
    x.requires_grad_()
    weight.requires_grad_()
    padded = torch.nn.functional.pad(x, (pl, pr, pt, pb))
    y = torch.nn.functional.conv2d(padded, weight, None, g.stride, 0, g.dilation, g.G)
    y.backward(grad_y)
    same(case.by_x(), x.grad.numpy())
    same(case.by_weight(), weight.grad.numpy())


@settings(max_examples=25, deadline=None)
@given(case=gradient_cases(dtypes=("float32",)))
def test_jax_gives_the_same(case):
    jax = pytest.importorskip("jax", reason="jax is not installed")
    g = case.geometry

    def convolve(x, weight):
        return jax.lax.conv_general_dilated(
            x, weight, g.stride, g.padding, rhs_dilation=g.dilation, feature_group_count=g.G
        )

    _, pull_back = jax.vjp(convolve, case.x, case.weight)
    by_x, by_weight = pull_back(case.grad_y)
    same(case.by_x(), np.asarray(by_x))
    same(case.by_weight(), np.asarray(by_weight))


# --- how calls are refused ------------------------------------------------------------------------

GRAD_Y, X, WEIGHT = (
    np.ones(shape, np.float32) for shape in (ODD.y_shape, ODD.x_shape, ODD.weight_shape)
)
CALLS = {
    "input": (
        conv2d_input_grad,
        {"grad_y": GRAD_Y, "weight": WEIGHT, "x_shape": ODD.x_shape},
    ),
    "weight": (
        conv2d_weight_grad,
        {"grad_y": GRAD_Y, "x": X, "weight_shape": ODD.weight_shape},
    ),
    "bias": (conv2d_bias_grad, {"grad_y": GRAD_Y}),
}
OPTIONS = {
    "stride": (3, 2), "dilation": (2, 1), "padding": ((2, 1), (0, 3)), "groups": 3,
}  # fmt: skip
SHARED = np.ones(ODD.x_shape, np.float32)
LARGE = np.full(ODD.y_shape, 2**40)

BAD = [
    ("input", {"grad_y": None}, TypeError, "grad_y is None, but must be an array"),
    ("weight", {"x": None}, TypeError, "x is None, but must be an array"),
    (
        "input",
        {"grad_y": GRAD_Y[:, :, :, 1:]},
        ValueError,
        r"grad_y has shape \(2, 12, 4, 7\), but y has shape \(2, 12, 4, 8\)",
    ),
    (
        "weight",
        {"grad_y": GRAD_Y[1:]},
        ValueError,
        r"grad_y has shape \(1, 12, 4, 8\), but y has shape",
    ),
    ("input", {"x_shape": (2, 6, 12)}, ValueError, "x_shape has shape .*, but must have 4 axes"),
    ("input", {"x_shape": 7}, TypeError, r"x_shape is 7, but must be a tuple \(N, C, H, W\)"),
    ("input", {"x_shape": {2, 6, 12, 13}}, TypeError, r"x_shape is \{.*\}, but must be a tuple"),
    (
        "input",
        {"x_shape": (2, 6, 12.0, 13)},
        TypeError,
        "H of x_shape is 12.0, but must be an integer",
    ),
    (
        "input",
        {"x_shape": (2, 5, 12, 13)},
        ValueError,
        "x_shape has 5 channels, which 3 groups do not divide",
    ),
    (
        "weight",
        {"weight_shape": (12, 3, 3, 2)},
        ValueError,
        "weight_shape has 3 input channels per group, but x has 6 channels in 3",
    ),
    ("weight", {"weight_shape": (12, 2, 0, 2)}, ValueError, "weight_shape has an empty kernel"),
    ("weight", {"weight_shape": (12, 2, 30, 2)}, ValueError, "weight_shape spans 59 cells along H"),
    ("input", {"stride": 0}, ValueError, "stride is 0, but must be at least 1"),
    ("weight", {"padding": -1}, ValueError, "padding is -1, but must be at least 0"),
    ("input", {"groups": 1.0}, TypeError, "groups is 1.0, but must be an integer"),
    ("weight", {"layout": "NHCW"}, ValueError, "layout is 'NHCW', but must be 'NCHW' or 'NHWC'"),
    ("bias", {"layout": "NHCW"}, ValueError, "layout is 'NHCW', but must be 'NCHW' or 'NHWC'"),
    ("input", {"method": "fft"}, ValueError, "method is 'fft', but must be one of"),
    ("weight", {"pad_value": "0"}, TypeError, "pad_value is '0', but x has type float32"),
    ("weight", {"pad_value": 1j}, TypeError, "pad_value is 1j, but x has type float32"),
    ("input", {"pad_value": "0"}, TypeError, "pad_value is '0', but must be a number"),
    ("input", {"pad_value": True}, TypeError, "pad_value is True, but must be a number"),
    (
        "input",
        {"x_shape": X},
        TypeError,
        r"^x_shape is an array, but must be a shape: pass x\.shape$",
    ),
    (
        "weight",
        {"weight_shape": WEIGHT},
        TypeError,
        r"^weight_shape is an array, but must be a shape: pass weight\.shape$",
    ),
    (
        "input",
        {"pading": 1},
        TypeError,
        r"conv2d_input_grad\(\) got an unexpected keyword argument 'pading'",
    ),
    (
        "weight",
        {"pading": 1},
        TypeError,
        r"conv2d_weight_grad\(\) got an unexpected keyword argument 'pading'",
    ),
    (
        "bias",
        {"stride": 1},
        TypeError,
        r"conv2d_bias_grad\(\) got an unexpected keyword argument 'stride'",
    ),
    (
        "input",
        {"grad_y": GRAD_Y.astype("float64")},
        TypeError,
        "grad_y has type float64, but weight has type float32: cast weight with ",
    ),
    ("weight", {"grad_y": GRAD_Y.astype(bool)}, TypeError, "grad_y has type bool"),
    ("bias", {"grad_y": GRAD_Y.astype(object)}, TypeError, "grad_y has type object"),
    (
        "bias",
        {"grad_y": GRAD_Y[0]},
        ValueError,
        r"grad_y has shape \(12, 4, 8\), but must have 4 axes",
    ),
    (
        "input",
        {"grad_y": LARGE, "weight": np.full(ODD.weight_shape, 2**30)},
        OverflowError,
        "cast grad_y and weight with",
    ),
    (  # 4 of the 24 taps reach a cell at most, at stride 3 and 2: the bound is of all
        "input",
        {"grad_y": np.full(ODD.y_shape, 2**59), "weight": np.ones(ODD.weight_shape, int)},
        OverflowError,
        "a sum over 24 taps could reach",
    ),
    (
        "weight",
        {"grad_y": LARGE, "x": np.full(ODD.x_shape, 2**30)},
        OverflowError,
        "cast grad_y and x with",
    ),
    (
        "bias",
        {"grad_y": np.full(ODD.y_shape, 2**62)},
        OverflowError,
        "a sum over 64 taps could reach .* cast grad_y with",
    ),
    (
        "input",
        {"out": np.ones((2, 6, 12, 12), np.float32)},
        ValueError,
        "out has shape .*, but the gradient of x has shape",
    ),
    (
        "weight",
        {"out": np.ones(ODD.weight_shape)},
        TypeError,
        "out has type float64, but the gradient of weight has type float32",
    ),
    ("bias", {"out": [0.0] * 12}, TypeError, "out is of type list, but must be a NumPy array"),
    (
        "input",
        {"out": SHARED, "weight": SHARED.ravel()[: WEIGHT.size].reshape(WEIGHT.shape)},
        ValueError,
        "out shares memory with weight, but inputs are never written to",
    ),
]


@pytest.mark.parametrize(
    ("call", "change", "error", "match"),
    BAD,
    ids=[f"{b[0]} {n} {[*b[1]]}" for n, b in enumerate(BAD)],
)
def test_bad_calls(call, change, error, match):
    function, good = CALLS[call]
    arguments = {**good, **({} if call == "bias" else OPTIONS)}
    function(**arguments)
    with pytest.raises(error, match=match):
        function(**{**arguments, **change})


@pytest.mark.parametrize("function", [conv2d_input_grad, conv2d_weight_grad])
def test_the_signature_says_which_options_there_are(function):
    """Those of `conv2d`, with its defaults, in its order."""

    def options(of):
        parameters = inspect.signature(of).parameters.values()
        return [p for p in parameters if p.kind is not p.POSITIONAL_OR_KEYWORD]

    assert options(function) == options(conv2d)
