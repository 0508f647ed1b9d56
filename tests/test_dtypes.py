"""The dtype table: what is taken, what it is summed in, what comes back, and what never leaks."""

import operator
import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import DTYPES, FLOATS, HALVES, INTEGERS, Case, cases, geometries

from refconv import Geometry, conv2d
from refconv.conv import METHODS
from refconv.loops import seven_loops
from refconv.pad import pad

BYTES = ("int8", "uint8")
REALS = (*HALVES, "float32", "float64")
WIDE = tuple(name for name in INTEGERS if name not in BYTES)
each_method = pytest.mark.parametrize("method", METHODS)


def row(values, dtype):
    """An image of one pixel, whose channels hold the values."""
    return np.array(values, dtype).reshape(1, -1, 1, 1)


def dot(values, weights, dtype="int64", bias=None, **options):
    """The one output that is the dot product of the two lists."""
    return conv2d(row(values, dtype), row(weights, dtype), bias, **options)[0, 0, 0, 0]


def in_whole_numbers(case):
    """The answer of the definition in Python's integers, which no sum leaves."""
    g = case.geometry
    xp = pad(case.x, g, case.options["pad_value"], case.x.dtype).astype(object)
    y = np.zeros(g.y_shape, object)
    seven_loops(xp, case.weight.astype(object), y, g.stride, g.dilation, g.G)
    return y if case.bias is None else y + case.bias.astype(object)[:, None, None]


def same(y, expected):
    np.testing.assert_array_equal(y, expected, strict=True)


RESULTS = {
    **{(name, name): name for name in (*FLOATS, *HALVES)},
    **dict.fromkeys(product(INTEGERS, INTEGERS), "int64"),
    **dict.fromkeys(product(BYTES, BYTES), "int32"),
}


UNLIKE = [types for types in product(DTYPES, DTYPES) if types not in RESULTS]


@pytest.mark.parametrize("types", RESULTS, ids="-".join)
def test_what_comes_back(types):
    x, weight = np.ones((1, 2, 3, 4), types[0]), np.ones((3, 2, 2, 1), types[1])
    y = conv2d(x, weight)
    assert y.dtype == RESULTS[types]
    assert (y == 4).all()


@pytest.mark.parametrize("types", UNLIKE, ids="-".join)
def test_unlike_types_are_refused_with_both_names_and_a_cast_that_helps(types):
    operands = {"x": row([1, 2], types[0]), "weight": row([3, 4], types[1])}
    found = f"x has type {types[0]}, but weight has type {types[1]}: cast "
    with pytest.raises(TypeError, match=found) as raised:
        conv2d(**operands)
    name, cast = re.search(r"cast (\w+) with \.astype\('(\w+)'\)", str(raised.value)).groups()
    operands[name] = operands[name].astype(cast)
    assert conv2d(**operands).item() == 11


@pytest.mark.parametrize("dtype", ["bool", "object", "U3", "S3", "uint64", "m8[s]"])
def test_other_types_are_refused(dtype):
    bad, good = np.zeros((1, 1, 1, 1), dtype), np.zeros((1, 1, 1, 1), "f4")
    found = f"has type {re.escape(bad.dtype.name)}, which no convolution here takes: cast it with"
    with pytest.raises(TypeError, match=f"x {found}"):
        conv2d(bad, good)
    with pytest.raises(TypeError, match=f"weight {found}"):
        conv2d(good, bad)


@pytest.mark.parametrize("dtype", [d for d in DTYPES if "complex" not in d])
@settings(max_examples=20)
@given(case=cases(geometries(max_images=1, max_room=5), pad_values=(0, 5)))
def test_every_type_gives_the_whole_number_rounded_once(case, dtype):
    case = Case.of(case.geometry, dtype, pad_value=case.options["pad_value"])
    y = case.run()
    exact = in_whole_numbers(case).astype("float64")
    same(y, exact.astype("float32").astype(y.dtype) if dtype in HALVES else exact.astype(y.dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_scalar_of_the_operands_type_may_fill_the_pads(dtype):
    case = Case.of(Geometry.of((1, 2, 3, 4), (3, 2, 2, 1), padding=((1, 0), (0, 2))), dtype)
    same(case.run(pad_value=case.x.dtype.type(3)), case.run(pad_value=3))


@each_method
@pytest.mark.parametrize("types", list(product(BYTES, BYTES)), ids="-".join)
def test_bytes_over_their_whole_range(types, method):
    g = Geometry.of((2, 4, 5, 7), (6, 2, 3, 2), groups=2, padding=((1, 0), (0, 2)))
    of_x, of_weight = (Case.of(g, t, bound=255, pad_value=100) for t in types)
    case = replace(of_x, weight=of_weight.weight)
    same(case.run(method=method), in_whole_numbers(case).astype("int32"))


@each_method
@pytest.mark.parametrize(
    ("types", "extremes"),
    [
        (("int16", "uint16"), (-(2**15), 2**16 - 1)),
        (("uint32", "int32"), (2**32 - 1, -(2**31))),
        (("uint32", "int16"), (2**32 - 1, 2**15 - 1)),
        (("int64", "int8"), (-(2**55), -128)),
    ],
    ids=str,
)
def test_mixed_integers_at_their_extremes(types, extremes, method):
    x, weight = row([extremes[0]], types[0]), row([extremes[1]], types[1])
    assert conv2d(x, weight, method=method).item() == extremes[0] * extremes[1]


@each_method
@pytest.mark.parametrize("dtype", HALVES)
def test_halves_are_summed_in_float32(dtype, method):
    """4096 ones are 4096, where float16 would stop at 2048 and bfloat16 at 256."""
    assert dot([1] * 4096, [1] * 4096, dtype, method=method) == 4096
    assert dot([2048, 1, -2048], [1, 1, 1], dtype, method=method) == 1


@each_method
@pytest.mark.parametrize(("dtype", "digits"), [("float16", 11), ("bfloat16", 8)])
def test_halves_are_rounded_once_after_the_bias(dtype, digits, method):
    one_beyond = [2**digits, 1]
    assert dot(one_beyond, [1, 1], dtype, method=method) == 2**digits
    bias = np.array([1], "float32")
    assert dot(one_beyond, [1, 1], dtype, bias, method=method) == 2**digits + 2


@pytest.mark.parametrize(("dtype", "unit"), [("float16", 2.0**-11), ("bfloat16", 2.0**-8)])
@settings(max_examples=40)
@given(case=cases(geometries(max_channels=12)))
def test_real_halves_are_within_float32_sums_and_one_rounding(case, dtype, unit):
    rng = np.random.default_rng(case.x.size)
    x, weight = (rng.standard_normal(a.shape).astype(dtype) for a in (case.x, case.weight))
    y = conv2d(x, weight, **case.options).astype("f8")
    x, weight = x.astype("f8"), weight.astype("f8")
    exact = conv2d(x, weight, **case.options)
    sums = (case.geometry.K + 1) * 2.0**-24 * conv2d(abs(x), abs(weight), **case.options)
    assert (abs(y - exact) <= 1.01 * sums + unit * abs(exact) + 2.0**-25).all()


LIMIT = 2**63 - 1
FITS = {
    "a product at the limit": ([1], [LIMIT]),
    "a sum at the limit": ([3, 3], [LIMIT // 3 - 5, 5]),
    "signs that cancel": ([-(2**31), 2**31 - 1], [2**31, -(2**30)]),
    "nothing times the least": ([-(2**63)], [0]),
}
COULD_LEAVE = {
    "a product beyond": ([2], [2**62]),
    "the least, which has no opposite": ([1], [-(2**63)]),
    "the least in x": ([-(2**63)], [1]),
    "a sum beyond": ([2**31, 2**31], [2**31, 2**31]),
    "a sum that would cancel": ([2**31, 2**31], [2**32, -(2**32)]),
}


@each_method
@pytest.mark.parametrize(("x", "weight"), FITS.values(), ids=FITS)
def test_sums_up_to_the_limit_are_exact(x, weight, method):
    assert int(dot(x, weight, method=method)) == sum(map(operator.mul, x, weight))


@each_method
@pytest.mark.parametrize(("x", "weight"), COULD_LEAVE.values(), ids=COULD_LEAVE)
def test_sums_that_could_leave_int64_are_refused_before_any_work(x, weight, method):
    out = np.full((1, 1, 1, 1), 7, "int64")
    with pytest.raises(OverflowError, match=rf"could reach \d+, but int64 ends at {LIMIT}"):
        dot(x, weight, out=out, method=method)
    assert out == 7


@each_method
def test_the_bias_counts_towards_the_limit(method):
    assert dot([1], [LIMIT - 5], bias=np.array([5]), method=method) == LIMIT
    with pytest.raises(OverflowError, match=f"could reach {LIMIT + 1}"):
        dot([1], [LIMIT - 5], bias=np.array([6]), method=method)


@each_method
def test_the_pads_count_towards_the_limit_where_there_are_any(method):
    assert dot([1], [2**61], pad_value=4, method=method) == 2**61
    with pytest.raises(OverflowError, match=f"could reach {2**63}"):
        dot([1], [2**61], pad_value=4, padding=1, method=method)
    with pytest.raises(OverflowError, match=f"could reach {2**63}"):
        dot([1], [2**61], pad_value=-4, padding=1, method=method)


def test_the_limit_is_for_each_output_channel_alone():
    weight = np.array([LIMIT, LIMIT]).reshape(2, 1, 1, 1)
    y = conv2d(row([1], "int64"), weight)
    assert y.ravel().tolist() == [LIMIT, LIMIT]


@each_method
def test_bytes_that_could_leave_int32_are_refused(method):
    taps = (2**31 - 1) // 255**2
    full = [255] * taps
    assert dot(full, full, "uint8", method=method) == taps * 255**2
    with pytest.raises(OverflowError, match="int32 ends at 2147483647"):
        dot([*full, 255], [*full, 255], "uint8", method=method)


@pytest.mark.parametrize("dtype", [*FLOATS, "float16", *WIDE])
def test_big_endian_operands_give_the_native_answer(dtype):
    case = Case.of(Geometry.of((2, 4, 5, 7), (6, 2, 3, 2), groups=2, padding=1), dtype)
    swapped = np.dtype(dtype).newbyteorder(">")
    x, weight, bias = (a.astype(swapped) for a in (case.x, case.weight, case.bias))
    for method in METHODS:
        y = conv2d(x, weight, bias, **case.options, method=method)
        assert y.dtype.isnative
        same(y, case.run())


BIASES = {
    ("float32", "float32"): ("float32",),
    ("complex64", "complex64"): ("complex64",),
    ("float16", "float16"): ("float16", "float32"),
    ("bfloat16", "bfloat16"): ("bfloat16", "float32"),
    ("int8", "uint8"): ("int8", "uint8", "int32"),
    ("int16", "uint32"): ("int16", "uint32", "int64"),
}


@pytest.mark.parametrize("types", BIASES, ids="-".join)
def test_a_bias_has_the_operands_type_or_the_accumulators(types):
    x, weight = row([3], types[0]), row([3], types[1])
    for bias in DTYPES:
        if bias in BIASES[types]:
            assert conv2d(x, weight, np.array([3], bias)).item() == 12
        else:
            with pytest.raises(TypeError, match=f"bias has type {bias}, but .*: cast bias with"):
                conv2d(x, weight, np.array([3], bias))


@each_method
@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("dtype", REALS)
def test_infinity_times_zero_is_nan_in_silence(dtype, groups, method):
    """At the outputs that read it, and nowhere else."""
    x = np.ones((1, 3, 5, 21), dtype)
    x[0, 1, 2, 9] = np.inf
    y = conv2d(x, np.zeros((9, 3 // groups, 3, 2), dtype), groups=groups, method=method)
    reads = np.zeros(y.shape, bool)
    reads[:, slice(3, 6) if groups == 3 else slice(9), :, 8:10] = True
    same(np.isnan(y), reads)


@each_method
@pytest.mark.parametrize("groups", [1, 3])
def test_a_zero_pad_times_an_infinite_weight_is_nan(groups, method):
    x, weight = np.ones((1, 3, 4, 5), "f4"), np.full((3, 3 // groups, 3, 1), np.inf, "f4")
    y = conv2d(x, weight, padding=((1, 0), (0, 0)), groups=groups, method=method)
    assert np.isnan(y[:, :, 0]).all()
    assert (y[:, :, 1:] == np.inf).all()


@each_method
@pytest.mark.parametrize(
    ("dtype", "large"), [("float16", 6e4), ("float32", 3e38), ("float64", 1e308)]
)
def test_a_float_beyond_its_type_is_infinite_in_silence(dtype, large, method):
    assert dot([large, large], [1, 1], dtype, method=method) == np.inf


@each_method
@pytest.mark.parametrize("dtype", REALS)
def test_the_smallest_numbers_are_not_flushed_to_zero(dtype, method):
    tiny = np.nextafter(np.array(0, dtype), np.array(1, dtype))
    assert dot([tiny, tiny], [1, 2], dtype, method=method) == 3 * float(tiny)
