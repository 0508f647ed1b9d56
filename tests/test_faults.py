"""The oracle finds every seeded fault, and calls it by its name; and it cries wolf at none.

The faults are in `faulty.py`, the score is printed by `benchmarks/faults.py`.
"""

from collections import Counter

import numpy as np
import pytest
from faulty import RIGHT, SEEDS, UNNAMED, convolve, padded, pairs, winograd

from refconv.oracle import check
from refconv.oracle.cases.suite import core
from refconv.oracle.faults.replay import every_name

STABLE_NAMES = (
    "kernel-rotated-180", "kernel-flipped-h", "kernel-flipped-w", "kernel-transposed",
    "pads-swapped-ends", "pads-swapped-axes", "pads-symmetric", "pads-other-same",
    "pads-ignore-dilation", "padding-missing", "pad-value", "padding-circular",
    "padding-replicate", "border-only", "single-pixel", "nonfinite-convention",
    "groups-interleaved-output", "groups-interleaved-input", "groups-first-only",
    "groups-all-read-first", "groups-ignored", "multiplier-order", "multiplier-ignored",
    "stride-swapped", "stride-ignored", "stride-doubled", "dilation-swapped", "dilation-ignored",
    "dilation-off-by-one", "stride-dilation-exchanged", "output-size-ceil", "output-cropped",
    "output-transposed", "bias-missing", "bias-negated", "bias-doubled",
    "bias-restarts-per-group", "bias-by-batch", "layout-input", "layout-weight", "input-mirrored",
    "batch-repeated", "input-modified", "output-unwritten", "wraps-int8", "wraps-int16",
    "wraps-int32", "saturates-int16", "accumulator-float16", "accumulator-bfloat16",
    "operands-bfloat16", "operands-tf32", "operands-float16", "tap-dropped", "channel-dropped",
    "scaled", "output-not-cleared", "answers-differ",
)  # fmt: skip
"""Never renamed; the oracle may know more. Without `stride-in-pointwise`, of separable layers."""

FOUND = ("wrong", "suspicious", "convention", "crashed")
FINE = ("exact", "within-bound", "unjudged")

PAIRS = 60
FEW = 20
"""Cases of the core suite that pairs of faults are run on."""


def statuses(report):
    return Counter(verdict.status for verdict in report.verdicts)


def is_found(report):
    return any(verdict.status in FOUND for verdict in report.verdicts)


def test_every_name_has_a_seed():
    seeded = {seed.name for seed in SEEDS}
    assert set(STABLE_NAMES) <= seeded
    assert every_name() - {"stride-in-pointwise"} <= seeded


@pytest.mark.parametrize("seed", SEEDS, ids=str)
def test_a_fault_is_found_and_named(seed):
    report = check(seed.target, examples=0)
    assert is_found(report)
    assert report.diagnosis == seed.name


@pytest.mark.parametrize("seed", UNNAMED, ids=str)
def test_a_fault_without_a_name_is_found_and_given_none(seed):
    report = check(seed.target, examples=0)
    assert not report.passed
    assert report.diagnosis is None


@pytest.mark.parametrize("seed", RIGHT, ids=str)
def test_no_false_alarm(seed):
    """Whole numbers to the bit, all else within the proven bound, and without suspicion."""
    report = check(seed.target, examples=60)
    assert set(statuses(report)) <= {*FINE, "convention"}
    assert report.diagnosis in (None, "nonfinite-convention")


def test_no_false_alarm_at_winograd_where_it_is_declared():
    report = check(winograd, examples=0, algorithm="winograd")
    assert report.passed
    assert "suspicious" not in statuses(report)


def test_winograd_is_one():
    """What the test above is given must differ from a direct sum, and by rounding only."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal((1, 5, 9, 12)).astype(np.float32)
    weight = rng.standard_normal((4, 5, 3, 3)).astype(np.float32)
    options = {"stride": (1, 1), "padding": ((1, 0), (0, 1)), "dilation": (1, 1), "groups": 1}
    y, direct = (f(x, weight, None, **options) for f in (winograd, convolve))
    assert 0 < np.abs(y - direct).max() < 1e-4


@pytest.mark.parametrize("pair", pairs(PAIRS), ids=str)
def test_two_faults_at_once_are_found_and_not_misnamed(pair):
    """They are named both, or one of them where only that shows, or honestly not at all."""
    report = check(pair.target, examples=0, suite=core()[:FEW])
    assert is_found(report)
    named = set() if report.diagnosis is None else set(report.diagnosis.split(" + "))
    assert named <= {pair.first.name, pair.second.name}


@pytest.mark.parametrize("fill", [0, 7])
def test_the_seeds_rest_on_a_right_convolution(fill):
    """`faulty.convolve` is not the oracle's: it is held against the definition here."""
    rng = np.random.default_rng(1)
    x, weight = rng.integers(-9, 9, (2, 6, 8, 7)), rng.integers(-9, 9, (9, 2, 3, 2))
    bias = rng.integers(-9, 9, 9)
    padding, (sh, sw), (dh, dw) = ((2, 1), (0, 3)), (3, 2), (2, 1)
    y = convolve(
        x, weight, bias, stride=(sh, sw), padding=padding, dilation=(dh, dw), groups=3, fill=fill
    )
    xp = padded(x, padding, fill)
    assert y.shape == (2, 9, 3, 5)
    for n, f, oh, ow in np.ndindex(y.shape):
        rows, columns = (
            slice(oh * sh, oh * sh + 2 * dh + 1, dh),
            slice(ow * sw, ow * sw + dw + 1, dw),
        )
        c = f // 3 * 2
        assert y[n, f, oh, ow] == bias[f] + (xp[n, c : c + 2, rows, columns] * weight[f]).sum()
