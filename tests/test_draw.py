"""The generator of cases: the same numbers everywhere, each as likely as the other."""

import hashlib
from itertools import combinations

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refconv.oracle import Case
from refconv.oracle.cases import draw

FLOATS = {
    "float16": 11, "bfloat16": 8, "float32": 24, "float64": 53, "complex64": 24, "complex128": 53,
}  # fmt: skip
"""The bits of a significand."""

STREAMS = (0, 1, 2, 100, 101, 102, 200, 201)
"""Those that a case uses."""


def dtype_of(name):
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


def splitmix64(state, count):
    """The published algorithm, in Python's integers."""
    numbers = []
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        z = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        numbers.append(z ^ (z >> 31))
    return numbers


# --- bits -----------------------------------------------------------------------------------------


def test_the_published_values_come_out():
    """Of state 1234567, as the examples of many implementations have them; of 0, ours too."""
    assert splitmix64(1234567, 5) == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    assert draw.bits(0, 0, 1).tolist() == [0xE220A8397B1DCDAF]


@given(st.integers(-(2**70), 2**70), st.integers(0, 300))
def test_every_stream_is_one_of_the_generator(seed, stream):
    start = seed * 0x9E3779B97F4A7C15 * 2**32 + stream * 0xD1342543DE82EF95
    assert draw.bits(seed, stream, 4).tolist() == splitmix64(start % 2**64, 4)


def test_more_numbers_begin_with_the_fewer():
    assert draw.bits(3, 1, 9)[:5].tolist() == draw.bits(3, 1, 5).tolist()
    assert draw.bits(3, 1, 0).shape == (0,)


def test_no_stream_repeats_another():
    """Neither of the same seed nor of the next ones, as far as cases reach."""
    drawn = [draw.bits(seed, stream, 2000) for seed in range(6) for stream in STREAMS]
    assert len(np.unique(drawn)) == np.size(drawn)


def test_streams_are_not_correlated():
    drawn = [
        draw.reals(seed, stream, (4000,), dtype_of("float32"))
        for seed in (0, 1, 2) for stream in STREAMS
    ]  # fmt: skip
    for first, second in combinations(drawn, 2):
        assert abs(np.corrcoef(first, second)[0, 1]) < 5 / np.sqrt(4000)


# --- integers -------------------------------------------------------------------------------------


def test_integers_are_these():
    found = draw.integers(7, 1, (2, 5), -9, 9)
    assert (found.dtype, found.tolist()) == (np.int64, [[2, 1, 3, 6, 1], [4, -1, -2, -4, -1]])
    assert draw.integers(0, 0, (4,), 0, 255).tolist() == [
        (bits >> 11) % 256 for bits in splitmix64(0, 4)
    ]


@pytest.mark.parametrize(("low", "high"), [(-9, 9), (0, 1), (-128, 127), (5, 5), (0, 6)])
def test_every_integer_of_the_range_is_as_likely(low, high):
    each = 400
    found = draw.integers(11, 2, (each * (high - low + 1),), low, high)
    values, counts = np.unique(found, return_counts=True)
    assert values.tolist() == list(range(low, high + 1))
    assert abs(counts - each).max() <= 5 * np.sqrt(each)


@given(st.integers(0, 2**16), st.integers(-(2**40), 2**40), st.integers(0, 2**41))
def test_no_integer_is_outside_the_range(seed, low, span):
    found = draw.integers(seed, 0, (3, 7), low, low + span)
    assert found.shape == (3, 7)
    assert low <= found.min() <= found.max() <= low + span


def test_wide_ranges_are_drawn_from_to_the_end():
    """Wider than the 53 bits that are enough for floats."""
    found = draw.integers(1, 0, (4000,), -(2**61), 2**61)
    assert found.min() < -0.99 * 2**61
    assert found.max() > 0.99 * 2**61


# --- reals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FLOATS)
def test_reals_fill_the_range_on_both_sides(name):
    """As many above a half, below minus a half, and between: of complex numbers, both parts."""
    count = 4000
    found = draw.reals(5, 1, (count,), dtype_of(name))
    assert found.dtype == dtype_of(name)
    wide = found.astype(np.complex128)
    parts = [wide.real, wide.imag] if found.dtype.kind == "c" else [wide.real]
    for part in parts:
        assert abs(part).max() < 1
        for quarter in range(4):
            inside = (quarter / 2 - 1 <= part) & (part < quarter / 2 - 0.5)
            assert abs(inside.sum() - count / 4) < 5 * np.sqrt(count / 4)
    assert len(parts) == 1 or abs(np.corrcoef(*parts)[0, 1]) < 5 / np.sqrt(count)


@pytest.mark.parametrize("name", FLOATS)
def test_reals_have_all_bits_of_their_type_and_no_more(name):
    """Nothing is rounded on the way, so the numbers are the same wherever they are made."""
    whole = (
        draw.reals(5, 1, (500,), dtype_of(name)).astype(np.complex128).real * 2.0 ** FLOATS[name]
    )
    assert (whole == np.rint(whole)).all()
    is_odd = whole.astype(np.int64) % 2 == 1
    assert 100 < is_odd.sum() < 400


def test_reals_are_these():
    assert draw.reals(7, 1, (2,), dtype_of("float16")).tolist() == [0.376953125, -0.73095703125]
    ends = 2**24
    assert (draw.reals(7, 1, (3,), dtype_of("float32")) * ends).tolist() == [
        (bits >> 11) % (2 * ends - 1) + 1 - ends
        for bits in draw.bits(7, 1, 3).tolist()
    ]  # fmt: skip


# --- cases ----------------------------------------------------------------------------------------

PINNED = {
    ("float32", "integers"): "aa454e97644dc182",
    ("float32", "reals"): "7b434777b3714dd4",
    ("float32", "positive"): "459ac94911c7a252",
    ("float32", "tiny"): "1fadb037f5bede4f",
    ("float32", "nonfinite"): "ce95b20f71f04d9c",
    ("float32", "nonfinite-weight"): "3200608be051e40a",
    ("float16", "reals"): "46eeba2623c69ef7",
    ("bfloat16", "reals"): "7a2e8d678b6c4ee8",
    ("complex64", "integers"): "e6f35f711b90beb8",
    ("int8", "integers"): "62b0a1c2cb9b4d09",
    ("uint16", "integers"): "f6ca0de0d74483c4",
}


def fingerprint(case):
    """Of the numbers of a case, in little-endian bytes."""
    arrays = (case.x, case.weight, case.bias)
    little = b"".join(a.astype(a.dtype.newbyteorder("<")).tobytes() for a in arrays)
    return hashlib.sha256(little).hexdigest()[:16]


@pytest.mark.parametrize(("dtype", "data"), PINNED)
def test_cases_are_the_same_as_ever(dtype, data):
    """A change here makes every case another one: what a line reproduced, it does no longer."""
    case = Case.from_descriptor("g2ic4ih5iw6oc6kh3kw2", 7, dtype=dtype, data=data, bound=300)
    assert fingerprint(case) == PINNED[dtype, data]


def test_seed_operand_and_data_all_matter():
    made = [
        Case.from_descriptor("ic2ih5iw6oc3kh3kw2", seed, data=data)
        for seed in (0, 1) for data in ("integers", "reals")
    ]  # fmt: skip
    prints = {fingerprint(case) for case in made}
    assert len(prints) == len(made)
    case = Case.from_descriptor("ic1ih3iw2oc1kh3kw2")
    assert case.x.tolist() != case.weight.tolist()
