"""Laws of the judge: its reference is right, its bounds are what they say, and it is fair.

Fair means: a right answer is never called wrong, whatever order it was summed in, and one that is
not right is never called so where the data could show it.
"""

import re
from fractions import Fraction
from math import log, sqrt

import ml_dtypes
import numpy as np
import pytest
from faulty import cells, convolve, cut, padded, room, stepwise
from hypothesis import given, settings
from hypothesis import strategies as st

from refconv import conv2d
from refconv.oracle import Case, check, judge
from refconv.oracle.cases.suite import core
from refconv.oracle.judging import bounds
from refconv.oracle.reference.certified import reference_of
from refconv.oracle.strategies import cases, geometries

TYPES = (
    "float32", "float64", "float16", "bfloat16", "complex64", "complex128",
    "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64",
)  # fmt: skip
SMALL = geometries(max_images=2, max_groups=2, max_kernel=3, max_stride=3, max_room=4)
GROUPED = "g2mb2ic4ih5iw6oc6oh3ow4kh3kw2sh2dh0dw1ph1pw0"
LONG = "ic512ih8iw9oc16kh3kw3"
"""4608 terms a sum, as layers of networks have."""


def answer(case, method="auto"):
    return conv2d(case.x, case.weight, case.bias, **case.options, method=method)


# --- the reference -------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", TYPES)
@settings(max_examples=30)
@given(data=st.data())
def test_the_reference_is_the_library_to_the_bit_on_whole_numbers(dtype, data):
    case = data.draw(cases(SMALL, dtypes=(dtype,), bound=5))
    reference = reference_of(case)
    for method in ("im2col", "jit"):
        np.testing.assert_array_equal(reference.y, answer(case, method).astype(reference.y.dtype))


def exact_sums(case):
    """For each output: y, and sum |x*w| + |bias|, in rational numbers."""
    g = case.geometry
    xp = padded(case.x, g.padding).astype(np.float64)
    weight = case.weight.astype(np.float64)
    for n, f, oh, ow in np.ndindex(g.N, g.F, g.OH, g.OW):
        y = Fraction(0) if case.bias is None else Fraction(float(case.bias[f]))
        magnitude = abs(y)
        for cg, kh, kw in np.ndindex(g.Cg, g.KH, g.KW):
            read = xp[n, f // g.Fg * g.Cg + cg, oh * g.sh + kh * g.dh, ow * g.sw + kw * g.dw]
            product = Fraction(read) * Fraction(weight[f, cg, kh, kw])
            y, magnitude = y + product, magnitude + abs(product)
        yield (n, f, oh, ow), y, magnitude


@settings(max_examples=30)
@given(case=cases(SMALL, dtypes=("float64", "float32"), data=("reals", "positive", "tiny")))
def test_the_reference_is_within_its_own_error_of_the_exact_sums(case):
    reference = reference_of(case)
    error = np.broadcast_to(reference.error, reference.y.shape)
    for index, y, magnitude in exact_sums(case):
        assert abs(Fraction(reference.y[index]) - y) <= Fraction(error[index])
        # The magnitude is a float64 sum itself; it is off by a few units in the last place.
        few = magnitude * Fraction(1, 2**45) + Fraction(100, 2**1074)
        assert abs(Fraction(reference.magnitude[index]) - magnitude) <= few


@given(case=cases(SMALL, dtypes=("float64",), data=("reals",)))
def test_the_reference_for_float64_is_better_than_float64_sums(case):
    """Else it could not judge them: its error is that of one rounding, not of n."""
    reference = reference_of(case)
    one_rounding = 2.0**-53 * np.abs(reference.y) + 2.0**-90 * reference.magnitude
    assert (reference.error <= one_rounding + 1e-300).all()


@given(case=cases(SMALL))
def test_the_terms_of_a_sum_are_the_taps_inside_the_image(case):
    g = case.geometry
    inside = padded(np.ones((1, 1, g.H, g.W)), g.padding)
    taps = sum(read for *_, read in cells(inside, (g.KH, g.KW), g.stride, g.dilation, (g.OH, g.OW)))
    np.testing.assert_array_equal(reference_of(case).terms, g.Cg * taps)


# --- the bounds ----------------------------------------------------------------------------------


def test_tier_1_is_n_plus_1_roundings_of_the_magnitude():
    """E = (9 + 1) * 2^-24 * 32 + 9 * 2^-149, with u = 2^-24 and eta = 2^-149."""
    assert bounds.accumulation(9, 32.0, "float32") == 320 * 2.0**-24 + 9 * 2.0**-149
    assert bounds.accumulation(3, 1.0, "float16") == 4 * 2.0**-11 + 3 * 2.0**-24


def test_a_rounded_result_adds_a_rounding():
    """B = u*(|y| + E) + E, and the smallest number of the type: 2^-11 * (8 + 2) + 2^-24 + 2."""
    assert bounds.rounded_output(-8.0, 2.0, "float16") == 10 * 2.0**-11 + 2.0**-24 + 2


def test_rounded_operands_add_two_roundings_and_their_product():
    """(1+u)^2 - 1 = 2u + u^2, of 4: u = 2^-8."""
    assert bounds.rounded_operands(4.0, "bfloat16") == 4 * (2.0**-7 + 2.0**-16)


def test_tier_2_grows_with_the_root_of_n():
    """By sqrt(2 ln(2 n N / delta)): n = 99, and 1 for the bias; N = 50, delta = 1e-12."""
    factor = sqrt(2 * log(2 * 99 * 50 / 1e-12))
    expected = factor * 10 * 2.0**-24 * 7 + 99 * 2.0**-149
    assert bounds.probable(99, 7.0, "float32", 50) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("n", "accumulator", "seen"),
    [
        (4608, "float32", True),
        (4608, "float16", False),
        (20, "float16", True),
        (20, "bfloat16", True),
    ],
)
def test_tier_3_sees_a_dropped_tap_unless_u_is_too_large(n, accumulator, seen):
    """1/(n*u)^2 > 0.4*n: 4608 terms of float16 are 0.2 > 1843, which is not so."""
    assert bounds.aggregate_sees_a_dropped_tap(n, accumulator) is seen


def test_unit_roundoffs_are_those_of_the_types():
    for name in ("float64", "float32", "float16"):
        assert bounds.ROUNDOFF[name] == np.finfo(name).eps / 2
        assert bounds.SMALLEST[name] == np.finfo(name).smallest_subnormal
        assert bounds.LARGEST[name] == np.finfo(name).max
    assert bounds.ROUNDOFF["bfloat16"] == float(ml_dtypes.finfo(ml_dtypes.bfloat16).eps) / 2


# --- right answers -------------------------------------------------------------------------------


def summed_in(case, order):
    """A right answer: products and sums in the accumulator's type, tap after tap in this order."""
    g, wide = case.geometry, case.types.accumulator
    xp = padded(case.x, g.padding).astype(wide)
    size = room(xp, case.weight, g.stride, g.dilation)
    reads = {(kh, kw): read for kh, kw, read in cells(xp, (g.KH, g.KW), g.stride, g.dilation, size)}
    weight = case.weight.astype(wide)
    terms = [(cg, kh, kw) for cg in range(g.Cg) for kh, kw in reads]
    channels = np.arange(g.F) // g.Fg * g.Cg
    y = np.zeros((g.N, g.F, *size), wide)
    if case.bias is not None:
        terms.append(None)
    for term in (terms[i] for i in order(len(terms))):
        if term is None:
            y += case.bias.astype(wide)[:, None, None]
        else:
            cg, kh, kw = term
            y += reads[kh, kw][:, channels + cg] * weight[:, cg, kh, kw][:, None, None]
    return y.astype(case.types.result)


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "float16", "bfloat16", "complex64", "complex128"]
)
@settings(max_examples=60)
@given(data=st.data())
def test_a_right_answer_is_never_wrong(dtype, data):
    case = data.draw(cases(SMALL, dtypes=(dtype,), data=("integers", "reals", "positive", "tiny")))
    seed = data.draw(st.integers(0, 2**16))
    order = np.random.default_rng(seed).permutation
    verdict = judge(case, summed_in(case, order))
    assert verdict.status in ("exact", "within-bound", "unjudged")


def test_outputs_without_a_product_are_no_evidence():
    """Six outputs have two products and the bias, thirty the bias alone, which rounds nothing."""
    few = "g2mb1ic4ih2iw3oc6oh3ow2kh1kw1sh2sw3dh0dw0ph3pw2"
    case = Case.from_descriptor(few, seed=7628, data="positive")
    y = summed_in(case, np.random.default_rng(8).permutation)
    assert judge(case, y).status == "within-bound"


@settings(max_examples=40)
@given(case=cases(SMALL, dtypes=("float32",)), data=st.data())
def test_one_flipped_bit_is_wrong_where_sums_are_exact(case, data):
    y = answer(case)
    where = data.draw(st.integers(0, y.size - 1))
    bit = data.draw(st.integers(0, 31))
    flipped = y.copy()
    flipped.reshape(-1).view(np.uint32)[where] ^= np.uint32(1 << bit)
    same = np.array_equal(flipped, y)  # the sign of a zero
    verdict = judge(case, flipped)
    assert verdict.status == ("exact" if same else "wrong")
    if not same:
        assert verdict.wrong_outputs == 1
        assert verdict.worst[0].index == np.unravel_index(where, y.shape)


def test_summing_backwards_is_not_suspicious_at_4608_terms():
    case = Case.from_descriptor(LONG, seed=3, data="reals")
    y = stepwise(
        case.x, case.weight, case.bias, **case.options, order="backwards",
        add=lambda total, product: (total + product).astype(np.float32),
    )  # fmt: skip
    assert judge(case, y.astype(np.float32)).status == "within-bound"


# --- what is no answer ---------------------------------------------------------------------------

CASE = Case.from_descriptor(GROUPED, seed=5)
RIGHT = answer(CASE)


class Awkward:
    """Raises when it is made an array."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("not today")


@pytest.mark.parametrize(
    ("actual", "says"),
    [
        pytest.param(None, "None instead of an array", id="None"),
        pytest.param("y", "no numbers", id="a string"),
        pytest.param([["a", 1.0]], "no numbers", id="strings in lists"),
        pytest.param({"y": RIGHT}, "no numbers", id="a dictionary"),
        pytest.param(RIGHT.astype(object), "no numbers", id="objects"),
        pytest.param(Awkward(), "not today", id="refuses to be an array"),
        pytest.param([[1.0], [1.0, 2.0]], "no array", id="a ragged list"),
        pytest.param(RIGHT.astype("datetime64[s]"), "no numbers", id="dates"),
        pytest.param(1.0, r"shape \(\)", id="a number"),
        pytest.param([], r"shape \(0,\)", id="an empty list"),
        pytest.param(RIGHT[0], "has shape", id="three axes"),
        pytest.param(RIGHT[None], "has shape", id="five axes"),
        pytest.param(RIGHT[:, :, :0], "has shape", id="no rows"),
        pytest.param(np.full_like(RIGHT, np.nan), "", id="NaN"),
        pytest.param(np.full_like(RIGHT, np.inf), "", id="infinity"),
        pytest.param(RIGHT > 0, "", id="booleans"),
        pytest.param(RIGHT + 1j, "", id="complex numbers"),
        pytest.param(np.full(RIGHT.shape, 2**63, np.uint64), "", id="uint64 beyond int64"),
        pytest.param(np.full(RIGHT.shape, 1e300), "", id="1e300"),
    ],
)
def test_what_is_no_answer_is_wrong_and_no_exception(actual, says):
    verdict = judge(CASE, actual)
    assert verdict.status == "wrong"
    assert re.search(says, verdict.explanation)
    assert str(verdict).startswith("wrong")


@pytest.mark.parametrize("form", ["a list", "float64", "int64", "Fortran order", "longdouble"])
def test_a_right_answer_may_come_in_any_form(form):
    forms = {"a list": np.ndarray.tolist, "Fortran order": np.asfortranarray}
    make = forms.get(form) or (lambda y: y.astype(form))
    assert judge(CASE, make(RIGHT)).status == "exact"


# --- what the bounds cannot see ------------------------------------------------------------------


def test_a_vacuous_bound_is_said():
    """577 roundings of 2^-8 are more than the sum itself: anything would pass."""
    case = Case.from_descriptor("ic64ih6iw7oc3kh3kw3", dtype="bfloat16", data="reals")
    verdict = judge(case, answer(case), accumulator="bfloat16")
    assert verdict.status == "unjudged"
    assert "too wide" in verdict.explanation


def test_the_same_case_is_judged_where_sums_are_kept_in_float32():
    case = Case.from_descriptor("ic64ih6iw7oc3kh3kw3", dtype="float16", data="reals")
    assert judge(case, answer(case)).status == "within-bound"


# --- NaN and infinities --------------------------------------------------------------------------


def infinite_weight():
    """Padding under an infinite weight; every other number is finite."""
    case = Case.from_descriptor("ic2ih4iw5oc3oh4ow7kh3kw3ph1pw2", seed=2)
    weight = case.weight.copy()
    weight[1, 0, 0, 0] = -np.inf
    return Case(case.x, weight, case.bias, **case.options)


def padding_skipped(case):
    """What an implementation gives that leaves taps over padding out."""
    g = case.geometry
    y = np.zeros((g.N, g.F, g.OH, g.OW), np.float32) + case.bias[:, None, None]
    for n, f, oh, ow in np.ndindex(y.shape):
        for c, kh, kw in np.ndindex(g.C, g.KH, g.KW):
            h, w = oh * g.sh + kh * g.dh - g.pt, ow * g.sw + kw * g.dw - g.pl
            if 0 <= h < g.H and 0 <= w < g.W:
                with np.errstate(invalid="ignore"):
                    y[n, f, oh, ow] += case.x[n, c, h, w] * case.weight[f, c, kh, kw]
    return y


def test_padding_is_multiplied_by_the_contract():
    case = infinite_weight()
    y = answer(case)
    assert np.isnan(y[0, 1]).any()
    assert judge(case, y).status == "exact"


def test_padding_may_be_skipped_as_a_convention():
    case = infinite_weight()
    verdict = judge(case, padding_skipped(case))
    assert (verdict.status, verdict.diagnosis) == ("convention", "nonfinite-convention")
    assert verdict.is_good


def test_a_fault_is_not_hidden_by_the_convention():
    case = infinite_weight()
    y = padding_skipped(case)
    y[0, 0, 2, 3] += 1
    verdict = judge(case, y)
    assert verdict.status == "wrong"
    assert verdict.wrong_outputs == 1


@pytest.mark.parametrize(
    ("value", "instead_of"),
    [(np.nan, np.isfinite), (np.inf, np.isfinite), (np.inf, np.isnan), (0.0, np.isnan)],
    ids=["NaN for a number", "inf for a number", "inf for NaN", "0 for NaN"],
)
def test_nonfinite_outputs_must_be_the_same_ones(value, instead_of):
    case = Case.from_descriptor(GROUPED, seed=5, data="nonfinite")
    y = answer(case)
    assert judge(case, y).status == "exact"
    y[tuple(np.argwhere(instead_of(y))[0])] = value
    verdict = judge(case, y)
    assert (verdict.status, verdict.wrong_outputs) == ("wrong", 1)


def test_infinity_is_right_where_a_sum_could_leave_the_type():
    """300 * 300 * 12 and a sum of mixed signs: some order of float16 sums passes 65504."""
    rng = np.random.default_rng(0)
    x = rng.choice([-300.0, 300.0], (1, 2, 4, 5)).astype(np.float16)
    case = Case(x, np.full((3, 2, 3, 2), 300, np.float16))
    infinite = np.full((1, 3, 2, 4), np.inf, np.float16)
    assert judge(case, infinite, accumulator="float16").status != "wrong"


def test_infinity_is_wrong_where_no_sum_could_leave_the_type():
    case = Case.from_descriptor(GROUPED, dtype="float16", bound=3)
    y = answer(case)
    y[0, 0, 0, 0] = np.inf
    assert judge(case, y).status == "wrong"


# --- what is only slightly wrong -----------------------------------------------------------------


def with_weight(case, weight):
    return convolve(case.x, weight.astype(case.weight.dtype), case.bias, **case.options)


def without_a_tap(weight):
    less = weight.copy()
    less[:, 300, 1, 2] = 0
    return less


@pytest.mark.parametrize(
    ("change", "name"),
    [
        pytest.param(lambda w: cut(w, 8), "operands-bfloat16", id="weights in bfloat16"),
        pytest.param(lambda w: cut(w, 11), "operands-tf32", id="weights in tf32"),
        pytest.param(without_a_tap, "tap-dropped", id="one tap of 4608 dropped"),
    ],
)
def test_small_faults_show_and_are_named_at_4608_terms(change, name):
    case = Case.from_descriptor(LONG, seed=3, data="reals")
    assert judge(case, with_weight(case, case.weight)).status == "within-bound"
    verdict = judge(case, with_weight(case, change(case.weight)))
    assert verdict.status in ("suspicious", "wrong")
    assert verdict.diagnosis == name


def test_the_dropped_tap_is_told():
    case = Case.from_descriptor(LONG, seed=3, data="reals")
    verdict = judge(case, with_weight(case, without_a_tap(case.weight)))
    assert "cg 300, kh 1, kw 2" in verdict.explanation


def test_declared_rounding_of_operands_is_allowed():
    case = Case.from_descriptor("ic8ih6iw7oc4kh3kw2", seed=3, data="reals")
    y = convolve(cut(case.x, 8), cut(case.weight, 8), case.bias, **case.options)
    assert judge(case, y).status == "wrong"
    assert judge(case, y, operands="bfloat16").status in ("within-bound", "unjudged")


def accumulated_in(case, type_):
    y = stepwise(
        case.x, case.weight, case.bias, **case.options,
        add=lambda t, p: (t + p.astype(type_).astype(float)).astype(type_).astype(float),
    )  # fmt: skip
    return y.astype(case.x.dtype)


FLOAT16 = Case.from_descriptor("ic128ih6iw7oc8kh3kw3", seed=47, dtype="float16", data="reals")


def test_float16_sums_are_told_from_float32_sums():
    assert judge(FLOAT16, accumulated_in(FLOAT16, np.float32)).status == "within-bound"
    verdict = judge(FLOAT16, accumulated_in(FLOAT16, np.float16))
    assert verdict.status in ("suspicious", "wrong")
    assert verdict.diagnosis == "accumulator-float16"


def test_float16_sums_are_fine_where_they_are_declared():
    y = accumulated_in(FLOAT16, np.float16)
    assert judge(FLOAT16, y, accumulator="float16").status in ("within-bound", "unjudged")


def test_float16_sums_of_whole_numbers_stick_at_2048():
    ones = np.ones((1, 64, 8, 9), np.float16)
    case = Case(ones, np.ones((2, 64, 8, 8), np.float16))
    stuck = accumulated_in(case, np.float16)
    assert stuck[0, 0, 0, 0] == 2048
    verdict = judge(case, stuck)
    assert verdict.status == "wrong"
    assert "accumulator-float16" in verdict.candidates  # half of the channels, just as well
    assert judge(case, answer(case)).status == "exact"


def test_one_of_two_faults_at_once_is_no_name_that_the_run_contradicts():
    def wrong(x, weight, bias, **options):
        return conv2d(x, weight[..., ::-1], None if bias is None else -bias, **options)

    report = check(wrong, examples=0, suite=core()[:6])
    assert report.diagnosis == "bias-negated + kernel-flipped-w"
    assert "That name fits this case" not in " ".join(str(report).split())


@pytest.mark.parametrize("channels", [3, 30])
def test_an_offset_of_whole_numbers_is_not_taken_for_rounding(channels):
    case = Case.from_descriptor(f"ic{channels}ih8iw9oc4kh3kw3")
    verdict = judge(case, answer(case) + np.float32(1))
    assert verdict.status == "wrong"
    assert verdict.diagnosis is None


def test_right_numbers_in_another_shape_are_named():
    case = Case.from_descriptor(GROUPED)
    y = answer(case)
    for shape in ((1, *y.shape), (y.size,), (y.shape[0] * y.shape[1], *y.shape[2:])):
        assert judge(case, y.reshape(shape)).diagnosis == "output-reshaped"
    assert judge(case, y[::-1].ravel()).diagnosis is None


@pytest.mark.parametrize(
    ("start", "name"),
    [((0, 3, 2, 4), "past-flat-index"), ((0, 3, 2, 0), None), ((0, 4, 0, 0), "tail-of-groups")],
    ids=["within a row", "a row", "a group"],
)
def test_an_index_overflows_only_where_nothing_else_begins(start, name):
    case = Case.from_descriptor("g2ic4ih9iw12oc8kh3kw2", seed=1)
    y = answer(case)
    flat = y.reshape(-1)[np.ravel_multi_index(start, y.shape) :]
    flat += np.random.default_rng(0).integers(1, 99, flat.shape)
    verdict = judge(case, y)
    assert {name} - {None} <= {*verdict.candidates}
    assert ("past-flat-index" in verdict.candidates) is (name == "past-flat-index")


def test_winograd_is_given_a_wider_bound_and_still_judged():
    case = Case.from_descriptor("ic8ih8iw9oc4kh3kw3ph1pw1", seed=3, data="reals")
    y = answer(case)
    slightly_off = y + np.float32(40) * np.spacing(np.abs(y).max())
    assert judge(case, slightly_off).status in ("suspicious", "wrong")
    assert judge(case, slightly_off, algorithm="winograd").status not in ("suspicious", "wrong")
    far_off = judge(case, y + np.float32(1), algorithm="winograd")
    assert far_off.status in ("suspicious", "wrong")


def test_what_is_right_to_the_bit_is_right_by_any_algorithm():
    for data in ("integers", "nonfinite"):
        case = Case.from_descriptor("ic2ih8iw9oc4kh3kw3", seed=3, data=data)
        assert judge(case, answer(case), algorithm="winograd").status not in ("wrong", "suspicious")


# --- errors of the caller ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"accumulator": "float8"}, "accumulator is 'float8', but must be one of float64"),
        ({"accumulator": np.int32}, "accumulator is 'int32', but must be one of"),
        ({"operands": "int8"}, "operands is 'int8', but must be one of"),
        ({"operands": "half"}, "operands is 'half', but must be one of"),
        ({"algorithm": "strassen"}, "algorithm is 'strassen', but must be one of direct, winograd"),
        ({"algorithm": None}, "algorithm is None, but must be one of"),
        ({"accumulator": 3}, "accumulator is .*, but must be one of"),
    ],
    ids=str,
)
def test_terms_that_are_none_are_refused(keywords, message):
    with pytest.raises(ValueError, match=message):
        judge(CASE, RIGHT, **keywords)


def test_an_accumulator_that_is_none_is_refused_of_integers_too():
    case = Case.from_descriptor(GROUPED, dtype="int8")
    with pytest.raises(ValueError, match="accumulator is 'int9', but must be one of"):
        judge(case, answer(case), accumulator="int9")
