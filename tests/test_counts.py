"""The closed forms, the definition run on numbers that count, and ones counting ones: all equal."""

import dataclasses
from fractions import Fraction
from functools import partial
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import DTYPES, Case, cases, geometries

from refconv import Counts, Geometry, count, count_by_ones, count_gradient, loops, tally
from refconv.conv import METHODS
from refconv.counts.closed import _inside
from refconv.counts.tally import Ledger, Tally
from refconv.loops import seven_loops

SMALL = geometries(max_room=6)
FIELDS = [field.name for field in dataclasses.fields(Counts)]


def tallied(case):
    options = {name: value for name, value in case.options.items() if name != "pad_value"}
    return tally(case.x, case.weight, case.bias, **options)


@settings(max_examples=100)
@given(cases(SMALL))
def test_the_closed_forms_are_what_executing_the_definition_counts(case):
    assert count(case.geometry, bias=case.bias is not None) == tallied(case)


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=40)
@given(g=geometries(max_room=6))
def test_the_closed_forms_are_what_ones_count(g, method):
    c = count(g)
    assert count_by_ones(g, method=method) == (c.macs, c.effective_macs)


@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=15)
@given(g=SMALL)
def test_ones_of_every_type_count_the_same(g, dtype):
    assert count_by_ones(g, dtype=dtype) == count_by_ones(g)


@given(cases(SMALL))
def test_sizes_are_those_of_the_arrays(case):
    c = count(case.geometry, bias=case.bias is not None)
    arrays = [case.weight] if case.bias is None else [case.weight, case.bias]
    assert c.parameters == sum(a.size for a in arrays)
    assert (c.input_size, c.output_size) == (case.x.size, case.run(method="im2col").size)
    assert c.bias_additions == (0 if case.bias is None else c.output_size)


@given(geometries())
def test_macs_are_the_taps_of_every_output(g):
    c = count(g)
    assert c.macs == c.multiplications == c.additions == c.output_size * g.K
    assert c.macs == c.im2col_size * g.Fg
    assert c.flops == 2 * c.macs


@given(geometries())
def test_taps_on_padding_are_left_out_of_the_effective_macs(g):
    c = count(g)
    assert 0 <= c.effective_macs <= c.macs
    assert g.padded or c.effective_macs == c.macs


@given(geometries(max_groups=5, max_channels=4))
def test_a_group_convolution_costs_one_gth(g):
    """Of the standard one with the same channels, sizes and options, exactly."""
    standard = Geometry.of(
        g.x_shape,
        (g.F, g.C, g.KH, g.KW),
        stride=g.stride,
        padding=g.padding,
        dilation=g.dilation,
    )
    assert count(g).ratio_to(count(standard)) == Fraction(1, g.G)
    assert Fraction(count(g).parameters, count(standard).parameters) == Fraction(1, g.G)


@given(geometries(kinds=("standard",)))
def test_a_separable_convolution_costs_one_fth_and_one_kernelth(g):
    standard, separable = count(g), sum_of(*separable_stages(g))
    assert separable.ratio_to(standard) == Fraction(1, g.F) + Fraction(1, g.KH * g.KW)
    assert separable.macs == g.N * g.C * g.OH * g.OW * (g.KH * g.KW + g.F)


def separable_stages(g):
    """The depthwise and the pointwise stage that stand in for a standard convolution."""
    options = {"stride": g.stride, "padding": g.padding, "dilation": g.dilation}
    depthwise = Geometry.of(g.x_shape, (g.C, 1, g.KH, g.KW), groups=g.C, **options)
    return depthwise, Geometry.of(depthwise.y_shape, (g.F, g.C, 1, 1))


def sum_of(first, second):
    return count(first) + count(second)


@given(geometries(), geometries())
def test_counts_add_up_field_by_field(a, b):
    total = sum_of(a, b)
    for name in FIELDS:
        assert getattr(total, name) == getattr(count(a), name) + getattr(count(b), name)
    assert total.flops == count(a).flops + count(b).flops


def test_counts_add_to_counts_only():
    with pytest.raises(TypeError, match="unsupported operand"):
        count(LAYER) + 1


def test_what_is_no_geometry_is_not_counted():
    for counter in (count, lambda shape: count_gradient(shape, "input-grad")):
        with pytest.raises(TypeError, match="geometry is of type tuple, but must be a Geometry"):
            counter((1, 3, 5, 7))


def test_no_ratio_to_nothing():
    nothing = count(Geometry.of((0, 3, 5, 7), (4, 3, 3, 2)))
    assert nothing.ratio_to(count(LAYER)) == 0
    with pytest.raises(ValueError, match="other has 0 macs"):
        count(LAYER).ratio_to(nothing)


LAYER = Geometry.of((1, 512, 14, 14), (512, 512, 3, 3), padding=1)
"""MobileNetV1's layer 512 -> 512 at 14x14; 1704.04861, table 3."""


def grouped(G):
    return Geometry.of((1, 512, 14, 14), (512, 512 // G, 3, 3), padding=1, groups=G)


def test_golden_mobilenet_layer():
    standard, separable = count(LAYER), sum_of(*separable_stages(LAYER))
    assert (standard.macs, standard.parameters) == (462_422_016, 2_359_296)
    assert (separable.macs, separable.parameters) == (52_283_392, 266_752)


@pytest.mark.parametrize(
    ("counts", "intensity"),
    [
        (count(LAYER), 90.3),
        (count(grouped(8)), 58.3),
        (count(grouped(32)), 26.3),
        (count(grouped(512)), 2.2),
        (count(separable_stages(LAYER)[1]), 55.5),
        (sum_of(*separable_stages(LAYER)), 39.1),
    ],
    ids=["standard", "8 groups", "32 groups", "depthwise", "pointwise", "separable"],
)
def test_golden_intensities(counts, intensity):
    """FLOP per byte in float32, each array once."""
    assert round(counts.intensity("float32"), 1) == intensity


def test_golden_effective_flops():
    """As benchdnn and XLA count: taps on padding left out."""
    conv1 = count(Geometry.of((1, 3, 224, 224), (64, 3, 7, 7), stride=2, padding=3))
    layer = count(Geometry.of((1, 64, 56, 56), (64, 64, 3, 3), padding=1))
    assert (2 * conv1.effective_macs, conv1.flops) == (232_429_056, 236_027_904)
    assert round(2 * layer.effective_macs / 1e9, 6) == 0.225739


def test_golden_im2col_matrix():
    """AlexNet's first layer: 363 x 3025."""
    assert count(Geometry.of((1, 3, 227, 227), (96, 3, 11, 11), stride=4)).im2col_size == 1_098_075


@pytest.mark.parametrize(
    ("dtype", "operand", "result"),
    [("float32", 4, 4), ("float16", 2, 2), ("int8", 1, 4), ("int16", 2, 8), ("complex128", 16, 16)],
)
def test_bytes_of_each_array_once(dtype, operand, result):
    c = count(Geometry.of((2, 6, 5, 7), (9, 2, 3, 2), groups=3), bias=True)
    assert c.bytes(dtype) == (c.input_size + c.parameters) * operand + c.output_size * result
    assert c.intensity(dtype) == c.flops / c.bytes(dtype)


def test_nothing_has_no_intensity():
    assert count(Geometry.of((0, 3, 5, 7), (0, 3, 3, 2))).intensity("float32") == 0


def test_numbers_that_count_are_still_numbers():
    ledger = Ledger()
    total = 0 + Tally(2, ledger) * Tally(3, ledger) + Tally(4, ledger, bias=True)
    assert total.value == 10
    assert ledger == Ledger(multiplications=1, additions=1, bias_additions=1)


def test_a_product_with_a_padding_cell_is_on_padding_and_its_sum_is_not():
    ledger = Ledger()
    0 + Tally(0, ledger, padding=True) * Tally(3, ledger) + Tally(1, ledger) * Tally(1, ledger)
    assert ledger == Ledger(multiplications=2, on_padding=1, additions=2)


def drop_a_tap(xp, weight, y, *options):
    seven_loops(xp, weight[..., :-1], y, *options)


def take_every_tap_twice(xp, weight, y, *options):
    seven_loops(xp, weight, y, *options)
    seven_loops(xp, weight, y, *options)


def skip_the_first_row_of_x(xp, weight, y, *options):
    xp = xp.copy()
    xp[:, :, 0] = xp[0, 0, 0, 0] * 0
    seven_loops(xp, weight, y, *options)


@pytest.mark.parametrize("fault", [drop_a_tap, take_every_tap_twice], ids=lambda f: f.__name__)
def test_a_wrong_kernel_is_caught_by_numbers_that_count(monkeypatch, fault):
    case = Case.of(Geometry.of((1, 2, 4, 5), (3, 2, 2, 3), padding=((1, 0), (0, 2))))
    assert tallied(case).macs == count(case.geometry).macs
    monkeypatch.setattr(loops, "convolve", partial(loops.convolve, loops=fault))
    assert tallied(case).macs != count(case.geometry).macs


@pytest.mark.parametrize(
    "fault", [drop_a_tap, take_every_tap_twice, skip_the_first_row_of_x], ids=lambda f: f.__name__
)
def test_a_wrong_kernel_is_caught_by_ones(monkeypatch, fault):
    g = Geometry.of((1, 2, 4, 5), (3, 2, 2, 3))
    assert count_by_ones(g, method="loops")[0] == count(g).macs
    monkeypatch.setattr(loops, "convolve", partial(loops.convolve, loops=fault))
    assert count_by_ones(g, method="loops")[0] != count(g).macs


@pytest.mark.parametrize(("dtype", "largest"), [("float16", 2048), ("bfloat16", 256)])
def test_ones_refuse_a_type_that_cannot_hold_the_number_of_taps(dtype, largest):
    fits = Geometry.of((1, largest, 1, 2), (1, largest, 1, 1))
    assert count_by_ones(fits, dtype=dtype)[0] == 2 * largest
    beyond = Geometry.of((1, largest + 1, 1, 2), (1, largest + 1, 1, 1))
    with pytest.raises(OverflowError, match=f"{dtype} counts to {largest}, but an output has"):
        count_by_ones(beyond, dtype=dtype)


def test_tally_refuses_what_the_geometry_does_and_a_wrong_bias():
    x, weight = np.ones((1, 2, 3, 4)), np.ones((3, 2, 2, 2))
    with pytest.raises(ValueError, match="spans 4 cells along H"):
        tally(x, weight, dilation=3)
    with pytest.raises(ValueError, match=r"bias has shape \(4,\), but must be \(3,\)"):
        tally(x, weight, np.ones(4))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
def test_ones_of_narrow_integers_are_counted_in_wide_sums(dtype):
    g = Geometry.of((1, 40_000, 1, 2), (1, 40_000, 1, 1))
    assert count_by_ones(g, dtype=dtype)[0] == 80_000


@pytest.mark.parametrize("kernel", [1, 2, 5])
@pytest.mark.parametrize("dilation", [1, 3])
def test_taps_inside_are_those_that_a_loop_finds(kernel, dilation):
    for size, stride, before, after in product(range(1, 8), range(1, 5), range(5), (0, 1, 3)):
        positions = (size + before + after - dilation * (kernel - 1) - 1) // stride + 1
        cells = product(range(max(0, positions)), range(kernel))
        looped = sum(0 <= o * stride + k * dilation - before < size for o, k in cells)
        if positions > 0:
            assert _inside(size, kernel, stride, dilation, before, positions) == looped


def test_the_count_of_a_huge_kernel_takes_no_loop():
    huge = Geometry.from_descriptor("ic1ih9000000000iw1oc1kh3000000000kw1")
    assert count(huge).effective_macs == count(huge).macs == 3_000_000_000 * 6_000_000_001
