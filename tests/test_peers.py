"""Other implementations give the same answers: NumPy, PyTorch, ONNX Runtime, JAX and SciPy.

On whole numbers, whose sums are exact in any order, equality is exact; on real numbers it is within
the proven bound. How a peer is called is told in `peers.py`.
"""

import numpy as np
import peers
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import cases, geometries

from refconv import (
    Geometry,
    conv2d,
    depthwise_conv2d,
    depthwise_separable_conv2d,
    pointwise_conv2d,
)

SAME_UPPER_AND_LOWER = {"same_upper": "SAME_UPPER", "same_lower": "SAME_LOWER"}

# PyTorch says that it copies where a kernel needs an odd number of pads. These are cases to test.
ignore_torchs_copy = pytest.mark.filterwarnings(
    "ignore:Using padding='same' with even kernel lengths:UserWarning"
)


@pytest.fixture(scope="module")
def torch():
    return installed("torch")


@pytest.fixture(scope="module")
def lax():
    return installed("jax").lax


@pytest.fixture(scope="module", params=peers.PEERS)
def peer(request):
    return peer_named(request.param)


@pytest.fixture(scope="module", params=["numpy", "torch", "scipy"])
def peer_of_many_types(request):
    return peer_named(request.param)


def peer_named(name):
    if name in ("torch", "jax"):
        installed(name)
    return peers.PEERS[name]


def installed(package):
    """The heavy peers may be missing; the others are in the extra `test`, and may not."""
    return pytest.importorskip(package, reason=f"{package} is not installed: see extra 'peers'")


def torch_case(torch, case):
    return [torch.from_numpy(a) for a in (case.x, case.weight, case.bias) if a is not None]


# --- pads by number -----------------------------------------------------------------------------


@settings(max_examples=50)
@given(case=cases())
def test_whole_numbers_are_equal(peer, case):
    y = peer(case.x, case.weight, case.bias, case.geometry)
    np.testing.assert_array_equal(y, case.run(), strict=True)


@settings(max_examples=25)
@given(geometry=geometries(), seed=st.integers(0, 2**16))
def test_real_numbers_are_within_the_bound(peer, geometry, seed):
    """Both are float32 sums in an order of their own: each is within the bound of the exact one."""
    rng, g = np.random.default_rng(seed), geometry
    shapes = (g.x_shape, g.weight_shape, (g.F,))
    arrays = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    y = conv2d(*arrays, stride=g.stride, padding=g.padding, dilation=g.dilation, groups=g.G)
    exact = peers.numpy_conv2d(*(a.astype(np.float64) for a in arrays), g)
    bound = peers.float32_bound(*arrays, g)
    assert (np.abs(y - exact) <= bound).all()
    assert (np.abs(peer(*arrays, g) - exact) <= bound).all()


@settings(max_examples=25)
@given(case=cases(dtypes=("float64", "complex64", "complex128")))
def test_wider_types_are_equal(peer_of_many_types, case):
    y = peer_of_many_types(case.x, case.weight, case.bias, case.geometry)
    np.testing.assert_array_equal(y, case.run(), strict=True)


@settings(max_examples=25)
@given(case=cases(dtypes=("uint8",)), zx=st.integers(0, 255), zw=st.integers(0, 255))
def test_quantised_sums_with_zero_points_are_equal(case, zx, zw):
    """ONNX Runtime's ConvInteger: pads hold the zero point of x, so they add nothing."""
    g = case.geometry
    zero_points = {"zx": np.array(zx, np.uint8), "zw": np.array(zw, np.uint8)}
    inputs = {"x": case.x, "w": case.weight, **zero_points}
    theirs = peers.run_node("ConvInteger", inputs, **peers.onnx_attributes(g))
    centred = case.weight.astype(np.int16) - np.int16(zw)
    offset = -zx * centred.sum(axis=(1, 2, 3), dtype=np.int64)
    ours = conv2d(case.x, centred, offset, **{**case.options, "pad_value": zx})
    np.testing.assert_array_equal(theirs, ours)


@settings(max_examples=25)
@given(case=cases())
def test_channels_last_is_equal(lax, case):
    """The other layout, against a peer that has it too."""
    x, weight = case.x.transpose(0, 2, 3, 1), case.weight.transpose(2, 3, 1, 0)
    g = case.geometry
    theirs = lax.conv_general_dilated(
        x,
        weight,
        window_strides=g.stride,
        padding=g.padding,
        rhs_dilation=g.dilation,
        feature_group_count=g.G,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    ours = conv2d(x, weight, **case.options, layout="NHWC")
    np.testing.assert_array_equal(theirs, ours, strict=True)


# --- pads by name -------------------------------------------------------------------------------


@ignore_torchs_copy
@settings(max_examples=40)
@given(case=cases(geometries(max_stride=1)))
def test_same_is_torchs_same(torch, case):
    """PyTorch has it for stride 1 only, with dilation; the odd cell goes to the end there too."""
    g = case.geometry
    theirs = torch.nn.functional.conv2d(
        *torch_case(torch, case), padding="same", dilation=g.dilation, groups=g.G
    )
    np.testing.assert_array_equal(theirs.numpy(), case.run(padding="same"), strict=True)


@pytest.mark.parametrize(("ours", "theirs"), SAME_UPPER_AND_LOWER.items())
@settings(max_examples=40)
@given(case=cases(geometries(max_dilation=1)))
def test_same_is_onnx_runtimes_same(ours, theirs, case):
    """ONNX Runtime refuses it together with dilation.

    It does not clamp a negative total of pads either, where a stride is wider than its kernel
    (report A02): version 1.32 reads the wrong cells there, and JAX, below, the right ones.
    """
    g = case.geometry
    for size, kernel, stride in ((g.H, g.KH, g.sh), (g.W, g.KW, g.sw)):
        assume((-(-size // stride) - 1) * stride + kernel >= size)
    attributes = {"strides": g.stride, "group": g.G, "auto_pad": theirs}
    y = peers.run_node("Conv", peers.operands(case.x, case.weight, case.bias), **attributes)
    np.testing.assert_array_equal(y, case.run(padding=ours), strict=True)


@pytest.mark.parametrize(
    ("ours", "theirs"), [("same", "SAME"), ("same_lower", "SAME_LOWER"), ("valid", "VALID")]
)
@settings(max_examples=25)
@given(data=st.data())
def test_same_is_jaxs_same(lax, ours, theirs, data):
    """With stride and dilation together."""
    no_pads = geometries(max_pad=0)  # so that VALID fits too
    case = data.draw(cases(no_pads, biases=(False,)))
    g = case.geometry
    y = lax.conv_general_dilated(
        case.x,
        case.weight,
        window_strides=g.stride,
        padding=theirs,
        rhs_dilation=g.dilation,
        feature_group_count=g.G,
    )
    np.testing.assert_array_equal(y, case.run(padding=ours), strict=True)


# --- forms --------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(case=cases(geometries(kinds=("depthwise",))))
def test_depthwise_is_torchs_with_as_many_groups_as_channels(torch, case):
    g = case.geometry
    options = {name: value for name, value in case.options.items() if name != "groups"}
    ours = depthwise_conv2d(case.x, case.weight, case.bias, **options)
    theirs = peers.torch_conv2d(case.x, case.weight, case.bias, g)
    np.testing.assert_array_equal(theirs, ours, strict=True)


@settings(max_examples=25)
@given(case=cases(geometries(kinds=("pointwise",), max_pad=0, max_stride=1, max_channels=9)))
def test_pointwise_is_a_matrix_product(case):
    ours = pointwise_conv2d(case.x, case.weight, case.bias)
    theirs = np.einsum("fc,nchw->nfhw", case.weight[:, :, 0, 0], case.x)
    np.testing.assert_array_equal(peers.with_bias(theirs, case.bias), ours, strict=True)


@settings(max_examples=25)
@given(case=cases(geometries(kinds=("depthwise",)), bound=4), F=st.integers(1, 7))
def test_separable_is_two_of_torchs(torch, case, F):
    """Whole numbers of at most 4, so that sums of sums are exact too."""
    g = case.geometry
    rng = np.random.default_rng(F)
    pointwise = rng.integers(-4, 5, (F, g.F, 1, 1)).astype(np.float32)
    bias = rng.integers(-4, 5, F).astype(np.float32)
    ours = depthwise_separable_conv2d(
        case.x,
        case.weight,
        pointwise,
        bias,
        depthwise_bias=case.bias,
        stride=g.stride,
        padding=g.padding,
        dilation=g.dilation,
    )
    middle = peers.torch_conv2d(case.x, case.weight, case.bias, g)
    theirs = peers.torch_conv2d(middle, pointwise, bias, Geometry.of(middle.shape, pointwise.shape))
    np.testing.assert_array_equal(theirs, ours, strict=True)
