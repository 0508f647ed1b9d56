"""The generators reach every region that a convolution has, and no illegal one."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from strategies import DTYPES, KINDS, Case, arrays, cases, geometries, whole_numbers

from refconv import Geometry

COLLECT = settings(max_examples=1000, derandomize=True, database=None, phases=[Phase.generate])


def sample(strategy):
    """A thousand draws, the same on every run."""
    drawn = []

    @COLLECT
    @given(strategy)
    def collect(value):
        drawn.append(value)

    collect()
    return drawn


@pytest.fixture(scope="module")
def drawn_geometries():
    return sample(geometries())


@pytest.fixture(scope="module")
def drawn_cases():
    return sample(cases(dtypes=DTYPES, pad_values=(0, 5)))


def extents(g):
    """Cells that the dilated kernel spans, along H and W."""
    return g.dh * (g.KH - 1) + 1, g.dw * (g.KW - 1) + 1


def first_window_in_padding(g):
    return g.pt >= extents(g)[0] or g.pl >= extents(g)[1]


def last_window_in_padding(g):
    return (g.OH - 1) * g.sh >= g.pt + g.H or (g.OW - 1) * g.sw >= g.pl + g.W


def kernel_beyond_the_image(g):
    return extents(g)[0] > g.H or extents(g)[1] > g.W


def cells_that_no_window_reaches(g):
    return (g.OH - 1) * g.sh + extents(g)[0] < g.pt + g.H + g.pb


def cells_between_windows(g):
    return g.sh > extents(g)[0] and g.OH > 1


REGIONS = {
    **{f"is {kind}": lambda g, kind=kind: g.kind == kind for kind in KINDS},
    "several images": lambda g: g.N > 1,
    "multiplier over 1": lambda g: g.kind == "depthwise" and g.Fg > 1,
    "group with Fg != Cg": lambda g: g.kind == "group" and g.Fg != g.Cg,
    "group with a 1x1 kernel": lambda g: g.kind == "group" and g.KH == g.KW == 1,
    "depthwise with a 1x1 kernel": lambda g: g.kind == "depthwise" and g.KH == g.KW == 1,
    "pointwise with a stride": lambda g: g.kind == "pointwise" and max(g.stride) > 1,
    "one channel in, several out": lambda g: g.C == 1 < g.F,
    "taller than wide": lambda g: g.H > g.W,
    "wider than tall": lambda g: g.W > g.H,
    "kernel taller than wide": lambda g: g.KH > g.KW,
    "kernel wider than tall": lambda g: g.KW > g.KH,
    "kernel of one row": lambda g: g.KH == 1 < g.KW,
    "all four sizes distinct": lambda g: len({g.H, g.W, g.KH, g.KW}) == 4,
    "sh != sw": lambda g: g.sh != g.sw,
    "dh != dw": lambda g: g.dh != g.dw,
    "stride 4": lambda g: g.sw == 4 and g.OW > 1,
    "dilation 3 that matters": lambda g: g.dh == 3 and g.KH > 1,
    "dilation and stride on one axis": lambda g: g.dh > 1 < g.KH and g.sh > 1 < g.OH,
    "stride that divides the dilation": lambda g: g.dw > 1 < g.KW and g.sw > 1 and not g.dw % g.sw,
    "unequal pads on H": lambda g: g.pt != g.pb,
    "unequal pads on W": lambda g: g.pl != g.pr,
    "padding at one end alone": lambda g: g.pt == 0 < g.pb,
    "four distinct pads": lambda g: len({g.pt, g.pb, g.pl, g.pr}) == 4,
    "no padding": lambda g: not g.padded,
    "first window in padding": first_window_in_padding,
    "last window in padding": last_window_in_padding,
    "kernel beyond the image": kernel_beyond_the_image,
    "cells that no window reaches": cells_that_no_window_reaches,
    "cells between windows": cells_between_windows,
    "one output pixel": lambda g: g.OH == g.OW == 1,
    "a row of outputs": lambda g: g.OH == 1 < g.OW,
    "many outputs": lambda g: g.OH * g.OW > 50,
    "everything at once": lambda g: (
        min(g.G, g.Fg, *g.stride, *g.dilation) > 1 and g.pt != g.pb and g.pl != g.pr
    ),
}


@pytest.mark.parametrize("region", REGIONS.values(), ids=REGIONS)
def test_every_region_is_reached(drawn_geometries, region):
    assert any(map(region, drawn_geometries))


def test_images_are_never_square_and_kernels_only_where_they_are_1x1(drawn_geometries):
    assert all(g.H != g.W for g in drawn_geometries)
    assert all(g.KH != g.KW or g.KH == 1 for g in drawn_geometries)


@given(geometries(kinds=("depthwise",), max_images=1, max_groups=2, max_channels=2, max_kernel=2))
def test_limits_and_kinds_are_kept(g):
    assert g.kind == "depthwise"
    assert (g.N, g.G) == (1, 2)
    assert max(g.Fg, g.KH, g.KW) <= 2


def test_limits_can_be_raised():
    large = geometries(max_groups=8, max_channels=16, max_kernel=7, max_room=40)
    drawn = sample(large)
    assert max(g.G for g in drawn) == 8
    assert max(g.Cg for g in drawn) == max(g.Fg for g in drawn) == 16
    assert max(g.KH for g in drawn) == max(g.KW for g in drawn) == 7
    assert max(g.OW for g in drawn) > 30


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_is_drawn(drawn_cases, dtype):
    of_type = [case for case in drawn_cases if case.x.dtype == dtype]
    assert len(of_type) >= 10
    assert {case.bias is None for case in of_type} == {True, False}
    assert {case.options["pad_value"] for case in of_type} == {0, 5}


def test_arrays_fit_their_geometry(drawn_cases):
    for case in drawn_cases:
        assert case.x.shape == case.geometry.x_shape
        assert case.weight.shape == case.geometry.weight_shape
        assert case.bias is None or case.bias.shape == (case.geometry.F,)
        assert case.weight.dtype == case.x.dtype


def test_options_are_those_of_the_geometry(drawn_cases):
    for case in drawn_cases:
        options = {name: value for name, value in case.options.items() if name != "pad_value"}
        assert Geometry.of(case.x.shape, case.weight.shape, **options) == case.geometry


@pytest.mark.parametrize(
    ("dtype", "ends"), [("int8", (-9, 9)), ("uint8", (0, 9)), ("float16", (-9, 9))]
)
def test_numbers_fill_the_bound(dtype, ends):
    numbers = whole_numbers(np.random.default_rng(0), (40, 50), dtype, bound=9)
    assert numbers.dtype == dtype
    assert (numbers.min(), numbers.max()) == ends


def test_numbers_stop_where_their_type_does():
    numbers = whole_numbers(np.random.default_rng(0), (40, 50), "int8", bound=1000)
    assert (numbers.min(), numbers.max()) == (-128, 127)


def test_complex_numbers_have_both_parts():
    numbers = whole_numbers(np.random.default_rng(0), (40, 50), "complex64", bound=9)
    assert set(numbers.real.ravel()) == set(numbers.imag.ravel()) == set(range(-9, 10))


def test_a_case_is_its_seed():
    g = Geometry.of((1, 2, 5, 7), (4, 1, 3, 2), groups=2)
    once, again, other = (Case.of(g, "int16", seed=seed) for seed in (7, 7, 8))
    assert np.array_equal(once.x, again.x)
    assert not np.array_equal(once.x, other.x)
    assert "seed=7" in repr(once)


@given(arrays(Geometry.of((1, 2, 5, 7), (4, 1, 3, 2), groups=2), "int8", bound=3))
def test_arrays_can_be_drawn_for_one_geometry(drawn):
    x, weight, bias = drawn
    assert (x.shape, weight.shape, bias.shape) == ((1, 2, 5, 7), (4, 1, 3, 2), (4,))
    assert max(abs(a).max() for a in drawn) <= 3


@given(st.data())
def test_cases_of_chosen_geometries(data):
    case = data.draw(cases(geometries(kinds=("pointwise",)), dtypes=("int32",), biases=(True,)))
    assert case.geometry.kind == "pointwise"
    assert case.bias.dtype == np.int32
