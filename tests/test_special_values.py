"""NaN, infinity, denormals and signed zeros reach the outputs that read them, and no others.

In every mode of the compiled kernels, whose tiles compute numbers that are not stored, from memory
that the image has no part in. `test_dtypes.py` has small cases of every type and method.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modes import MODES, VECTOR_TYPES
from strategies import Case, geometries, whole_numbers

from refconv import Conv2d, Geometry, conv2d

SPECIAL = (np.nan, np.inf, -np.inf)
each_mode = pytest.mark.parametrize("name", MODES)
each_type = pytest.mark.parametrize("dtype", VECTOR_TYPES)


def check(case, **options):
    """The definition's answer, NaN for NaN and sign for sign; prepared or not."""
    expected = case.run(**options, method="jit-loops")
    layer = Conv2d(case.weight, case.bias, **{**case.options, **options})
    for y in (case.run(**options), layer(case.x)):
        np.testing.assert_array_equal(y, expected, strict=True)
        assert (np.signbit(y) == np.signbit(expected))[expected == 0].all()
    return expected


def small_case(name, dtype, **options):
    """A mode's layer on whole numbers without a zero: infinity times zero is NaN."""
    case = Case.of(MODES[name].slim_geometry(dtype), dtype, bound=3, **options)
    for array in (case.x, case.weight):
        array[array == 0] = 1
    return case


def corners_and_middle(H, W):
    """Cells where a window, a row or a tile begins or ends."""
    return [(0, 0), (0, W - 1), (H - 1, 0), (H - 1, W - 1), (H // 2, W // 2), (1, W - 1), (2, 0)]


@each_type
@each_mode
def test_special_cells_of_an_image(name, dtype):
    case = small_case(name, dtype, pad_value=2)
    g = case.geometry
    first = (g.G - 1) * g.Cg  # the last group's
    for n, (h, w) in enumerate(corners_and_middle(g.H, g.W)):
        case.x[-1, first + n % g.Cg, h, w] = SPECIAL[n % len(SPECIAL)]
    y = check(case)
    assert np.isfinite(y[:-1]).all()
    assert np.isfinite(y[:, : -g.Fg]).all()


@each_type
@each_mode
@pytest.mark.parametrize("value", SPECIAL, ids=str)
def test_special_pads(name, value, dtype):
    check(small_case(name, dtype, pad_value=value))


@each_type
@each_mode
def test_special_weights(name, dtype):
    """Channels of special outputs beside ordinary ones; pads of zero make NaN of infinity."""
    case = small_case(name, dtype)
    g = case.geometry
    special = [0, g.F // 2, g.F - 1]
    case.weight[special, -1, -1, 0] = SPECIAL
    y = check(case)
    assert np.isfinite(np.delete(y, special, axis=1)).all()


@each_type
@each_mode
def test_a_special_bias(name, dtype):
    case = small_case(name, dtype)
    case.bias[[0, -1]] = np.nan, -np.inf
    y = check(case)
    assert np.isfinite(y[:, 1:-1]).all()


@each_type
@each_mode
@pytest.mark.parametrize("value", SPECIAL, ids=str)
def test_an_image_of_nothing_else_leaves_the_next_one_alone(name, value, dtype):
    """A band is used again, for the next image and the next group."""
    case = small_case(name, dtype, pad_value=1)
    g = case.geometry
    ordinary = case.run()
    for n in (0, 1):
        x = case.x.copy()
        x[n] = value
        y = conv2d(x, case.weight, case.bias, **case.options)
        np.testing.assert_array_equal(y[1 - n], ordinary[1 - n])
    for group in range(g.G if g.G > 1 else 0):
        x = case.x.reshape(g.N, g.G, g.Cg, g.H, g.W).copy()
        x[:, group] = value
        y = conv2d(x.reshape(g.x_shape), case.weight, case.bias, **case.options)
        others = np.arange(g.F) // g.Fg != group
        np.testing.assert_array_equal(y[:, others], ordinary[:, others])


@each_type
@settings(max_examples=150)
@given(
    g=geometries(max_channels=12, max_room=40),
    seed=st.integers(0, 2**16),
    pad_value=st.sampled_from((0, 1, *SPECIAL)),
    share=st.sampled_from((0.5, 0.05)),
)
def test_special_values_anywhere(g, seed, pad_value, share, dtype):
    rng = np.random.default_rng(seed)
    case = Case.of(g, dtype, seed=seed, pad_value=pad_value)
    for array in (case.x, case.weight, case.bias):
        special = rng.random(array.shape) < share / array[0].size
        array[special] = rng.choice(SPECIAL, special.sum())
    check(case)


@each_type
@each_mode
def test_denormals_are_not_flushed(name, dtype):
    """Neither where they are read nor where they are made: whole numbers of the smallest one."""
    case = small_case(name, dtype, bias=False)
    tiny = np.finfo(dtype).smallest_subnormal
    expected = case.run(method="im2col") * tiny
    assert expected.any()
    assert (abs(expected) < np.finfo(dtype).smallest_normal).all()
    y = conv2d(case.x * tiny, case.weight, **case.options)
    np.testing.assert_array_equal(y, expected)
    y = Conv2d(case.weight * tiny, **case.options)(case.x)
    np.testing.assert_array_equal(y, expected)


@each_type
@each_mode
def test_products_of_normal_numbers_become_denormals(name, dtype):
    case = small_case(name, dtype, bias=False)
    tiny = np.finfo(dtype).smallest_subnormal
    half = np.ldexp(tiny / tiny, np.frexp(tiny)[1] // 2)
    rest = tiny / half
    assert half * rest == tiny
    expected = case.run(method="im2col") * tiny
    y = conv2d(case.x * half, case.weight * rest, **case.options)
    np.testing.assert_array_equal(y, expected)


@each_type
@each_mode
def test_a_sum_of_zeros_is_positive_as_in_the_definition(name, dtype):
    """0 + -0 is 0: a negative zero is none any more once it is added up."""
    case = small_case(name, dtype, bias=False)
    rng = np.random.default_rng(0)
    case.x[...] = rng.choice([0.0, -0.0], case.x.shape)
    y = check(case)
    assert not np.signbit(y).any()


@each_type
@settings(max_examples=60)
@given(g=geometries(max_channels=9), seed=st.integers(0, 2**16), pad_value=st.sampled_from((0, 1)))
def test_signs_of_zeros_anywhere(g, seed, pad_value, dtype):
    rng = np.random.default_rng(seed)
    case = Case.of(g, dtype, bias=False, pad_value=pad_value)
    for array in (case.x, case.weight):
        array[...] = whole_numbers(rng, array.shape, dtype, 1) * rng.choice([1, -1], array.shape)
    check(case)


def test_nothing_is_said_of_special_values():
    """Warnings are errors in these tests, and the helpers' threads have flags of their own."""
    g = Geometry.of((2, 12, 31, 33), (24, 12, 3, 3), padding=1)
    case = Case.of(g)
    case.x[:, 0] = (np.nan,)
    case.x[:, 1], case.weight[0] = np.inf, 0
    case.x[:, 2], case.weight[1] = 3e38, 3e38
    with np.errstate(all="raise"):
        case.run()
