"""Widths of accumulators: the worst that can happen, by trying all of it on tiny cases."""

import json
from itertools import accumulate, permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refconv.oracle import Case, accumulator_width, strategies
from refconv.oracle.width import Width, bits_for

MOST_TERMS = 5
"""Of a sum whose orders are all tried."""


def terms_of(case, x):
    """For each output channel, the terms of each of its sums: by the definition, and no other way.

    `x` stands for the case's own image.
    """
    g, weight = case.geometry, case.weight
    pads = ((0, 0), (0, 0), *g.padding)
    xp = np.pad(x.astype(object), pads, constant_values=int(case.pad_value))
    found = []
    for f in range(g.F):
        first = f // g.Fg * g.Cg
        sums = []
        for n, oh, ow in np.ndindex(g.N, g.OH, g.OW):
            terms = [
                int(xp[n, first + cg, oh * g.sh + kh * g.dh, ow * g.sw + kw * g.dw])
                * int(weight[f, cg, kh, kw])
                for cg, kh, kw in np.ndindex(g.Cg, g.KH, g.KW)
            ]
            sums.append(terms if case.bias is None else [*terms, int(case.bias[f])])
        found.append(sums)
    return found


def reached(terms):
    """The least and the greatest that an accumulator holds, which starts at 0: in any order."""
    totals = {
        total for order in permutations(terms) for total in accumulate(order, initial=0)
    }  # fmt: skip
    return min(totals), max(totals)


def worst(ends):
    """Of (least, greatest) by channel: what needs most bits, as a `Width`."""
    widths = [Width(least, most, f) for f, (least, most) in enumerate(ends)]
    return max(widths, key=lambda width: width.bits)  # the first of several


def over(pairs):
    """The least of the first ones, and the greatest of the second ones."""
    least, most = zip(*pairs, strict=True)
    return min(least), max(most)


small_geometries = strategies.geometries(
    max_channels=2, max_kernel=2, max_pad=1, max_room=2, max_stride=2, max_dilation=2
)


@st.composite
def tiny_cases(draw):
    """Cases whose sums have at most five terms, and pads of any value."""
    geometry = draw(small_geometries.filter(lambda g: g.K < MOST_TERMS))
    return Case.from_descriptor(
        geometry.descriptor,
        draw(st.integers(0, 99)),
        dtype=draw(st.sampled_from(("int8", "uint8", "int16", "int64"))),
        bias=draw(st.booleans()),
        pad_value=draw(st.sampled_from((0, 0, 3, 5))),
    )


@settings(max_examples=60)
@given(tiny_cases())
def test_data_is_the_worst_of_all_orders(case):
    terms = terms_of(case, case.x)
    found = accumulator_width(case)
    assert found.data == worst(over(map(reached, sums)) for sums in terms)
    results = worst(over((sum(t), sum(t)) for t in sums) for sums in terms)
    assert found.results == results


@settings(max_examples=60)
@given(tiny_cases())
def test_a_wider_question_has_no_narrower_answer(case):
    found = accumulator_width(case)
    assert found.results.bits <= found.data.bits <= found.any_data.bits
    low, high = int(case.x.min()), int(case.x.max())
    assert accumulator_width(case, (low, high)).any_data.bits <= found.any_data.bits


ANY_DATA = {
    "two taps of either sign": Case([[[[0, 1, 1]]]], [[[[3, -2]]]]),
    "with a bias": Case([[[[0, 1, 1]]]], [[[[3, -2]]]], [-4]),
    "a bias against all": Case([[[[0, 1, 1]]]], [[[[3, 2]]]], [-40]),
    "the worst channel": Case([[[[0, 1]]]], [[[[3, -2]]], [[[9, 9]]], [[[1, 0]]]], [1, 2, 3]),
    "two groups": Case([[[[0, 1]], [[1, 1]]]], [[[[3, -2]]], [[[-8, 5]]]], groups=2),
    "pads": Case([[[[0, 1, 0]]]], [[[[3, -2]]]], padding=((0, 0), (1, 0))),
    "pads of a number": Case([[[[0, 1]]]], [[[[3, -2]]]], padding=((0, 0), (1, 1)), pad_value=9),
    "pads below zero": Case([[[[0, 1]]]], [[[[3, -2]]]], padding=((0, 0), (1, 1)), pad_value=-9),
}


@pytest.mark.parametrize("x_range", [(-2, 1), (0, 2), (-3, 3), (1, 2)], ids=str)
@pytest.mark.parametrize("case", ANY_DATA.values(), ids=ANY_DATA)
def test_any_data_is_the_worst_of_all_data_in_all_orders(case, x_range):
    low, high = x_range
    if low > 0:  # the images above hold zeros
        case = Case(
            np.ones_like(case.x), case.weight, case.bias, pad_value=case.pad_value, **case.options
        )
    by_channel = [[] for _ in range(case.geometry.F)]
    for numbers in product(range(low, high + 1), repeat=case.x.size):
        for f, sums in enumerate(terms_of(case, np.reshape(numbers, case.x.shape))):
            by_channel[f] += map(reached, sums)
    assert accumulator_width(case, x_range).any_data == worst(map(over, by_channel))


@pytest.mark.parametrize(
    ("dtype", "ends"), [("int8", (-128, 127)), ("uint8", (0, 255)), ("int16", (-32768, 32767))]
)
def test_the_declared_range_is_the_types_if_none_is_given(dtype, ends):
    case = Case(np.ones((1, 1, 2, 3), dtype), np.array([[[[2, -1]]]], dtype="int8").astype(
        "int8" if dtype != "int16" else dtype
    ))  # fmt: skip
    found = accumulator_width(case)
    assert found == accumulator_width(case, ends)
    low, high = ends
    assert (found.any_data.least, found.any_data.most) == (2 * low - high, 2 * high - low)


def test_known_layers():
    """3x3 of 64 channels in int8: 576 products of at most 2**14."""
    case = Case(np.ones((1, 64, 3, 4), np.int8), np.full((2, 64, 3, 3), -128, np.int8))
    found = accumulator_width(case)
    assert found.any_data == Width(-576 * 127 * 128, 576 * 128 * 128, 0)
    assert (found.any_data.bits, found.data.bits, found.results.bits) == (25, 18, 18)


def test_unsigned_sums_need_no_sign():
    case = Case(np.full((1, 1, 2, 3), 255, np.uint8), np.full((1, 1, 1, 2), 255, np.uint8))
    found = accumulator_width(case)
    assert (found.any_data.least, found.any_data.most) == (0, 2 * 255**2)
    assert found.any_data.bits == found.data.bits == found.results.bits == 17


def test_sums_beyond_64_bits_are_told_all_the_same():
    large = 2**62
    case = Case([[[[large, large, -large]]]], [[[[3, 2]]]], [large])
    found = accumulator_width(case)
    assert (found.data.least, found.data.most) == (-2 * large, 6 * large)
    assert found.results == Width(2 * large, 6 * large, 0)
    assert found.data.bits == 66


@pytest.mark.parametrize(
    ("shapes", "results"),
    [
        (((0, 2, 3, 4), (3, 2, 1, 2)), Width(0, 0, 0)),
        (((1, 2, 3, 4), (0, 2, 1, 2)), Width(0, 0, 0)),
        (((1, 0, 3, 4), (3, 0, 1, 2)), Width(0, 0, 0)),
    ],
    ids=["no image", "no output channel", "no input channel"],
)
def test_where_there_is_nothing_no_bits_are_claimed(shapes, results):
    found = accumulator_width(Case(*(np.ones(shape, np.int8) for shape in shapes)))
    assert found.data == found.results == results


@given(st.integers(-300, 300), st.integers(0, 600))
def test_bits_are_the_fewest(least, span):
    most = least + span
    bits = bits_for(least, most)
    low, high = (0, 2**bits - 1) if least >= 0 else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    assert low <= least <= most <= high
    low, high = (0, 2 ** (bits - 1) - 1) if least >= 0 else (low / 2, (high - 1) / 2)
    assert bits == 1 or not low <= least <= most <= high


def test_the_document_is_plain():
    case = Case(np.array([[[[1, 2, 3]]]], np.int8), np.array([[[[100, -100]]]], np.int8))
    assert json.loads(json.dumps(accumulator_width(case, (-1, 3)).document())) == {
        "results": {"bits": 8, "least": -100, "most": -100, "channel": 0},
        "data": {"bits": 10, "least": -300, "most": 200, "channel": 0},
        "any_data": {"bits": 10, "least": -400, "most": 400, "channel": 0},
    }


WHOLE = Case([[[[1, 2, 300]]]], [[[[100, -100]]]])
ERRORS = {
    "floats": (
        (Case.from_descriptor("ic2ih5iw6oc3kh3kw2"), None),
        TypeError, "x has type float32, but a width is for integers",
    ),
    "a range upside down": (
        (WHOLE, (5, -5)),
        ValueError, r"x_range is \(5, -5\), but must be the least and the greatest",
    ),
    "a range that the image leaves above": (
        (WHOLE, (0, 255)), ValueError, r"x goes from 1 to 300, beyond the x_range \(0, 255\)",
    ),
    "a range that the image leaves below": (
        (WHOLE, (2, 300)), ValueError, r"x goes from 1 to 300, beyond the x_range \(2, 300\)",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "error", "message"), ERRORS.values(), ids=ERRORS)
def test_what_has_no_width_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        accumulator_width(*arguments)
