"""The oracle finds every seeded fault of a gradient or a transpose, and calls it by its name.

The faults are in `faulty_gradients.py`, the score is printed by `benchmarks/faults.py --of`.
"""

from itertools import product

import numpy as np
import pytest
from faulty_gradients import RIGHT, SEEDS, UNNAMED

from refconv.oracle import GradientCase, check, judge
from refconv.oracle.again import SENTENCES
from refconv.oracle.cases.gradient_case import OF
from refconv.oracle.cases.suite import core_of
from refconv.oracle.faults.gradient_faults import GRADIENT_FAULTS
from refconv.oracle.faults.gradient_solved import SOLVED_OF
from refconv.oracle.faults.plain import FAULTS
from refconv.oracle.faults.replay import every_name
from refconv.oracle.reference.adjoint import indices, posed

FOUND = ("wrong", "suspicious", "convention", "crashed")
FINE = {"exact", "within-bound", "unjudged"}

UNSEEDED = {"nan-swallowed"}
"""The suite of gradients has no NaN: a test of its own is below."""


def test_every_name_has_a_seed():
    """Each one somewhere, and those that only gradients have, wherever they may be found."""
    seeded = {(seed.of, seed.name) for seed in SEEDS}
    names = {name for of in OF for name in every_name(of)} - UNSEEDED
    assert names <= {name for _, name in seeded}
    assert {(of, fault.name) for fault in GRADIENT_FAULTS for of in fault.of} <= seeded
    assert {(of, fault.name) for of in OF for fault in SOLVED_OF[of]} <= seeded
    assert {(of, name) for of in OF for name in SENTENCES} <= seeded


@pytest.mark.parametrize("seed", SEEDS, ids=str)
def test_a_fault_is_found_and_named(seed):
    report = check(seed.target, examples=0, of=seed.of)
    assert any(verdict.status in FOUND for verdict in report.verdicts)
    assert report.diagnosis == seed.name


@pytest.mark.parametrize("seed", UNNAMED, ids=str)
def test_a_fault_without_a_name_is_found_and_given_none(seed):
    report = check(seed.target, examples=0, of=seed.of)
    assert not report.passed
    assert report.diagnosis is None


@pytest.mark.parametrize("of", OF)
def test_no_false_alarm(of):
    """Whole numbers to the bit, all else within the proven bound, and without suspicion."""
    report = check(RIGHT[of], examples=60, of=of)
    assert {verdict.status for verdict in report.verdicts} <= FINE
    assert report.diagnosis is None


def test_nan_that_becomes_zero_is_named():
    grad_y = np.arange(1.0, 41).reshape(1, 2, 4, 5)
    grad_y[0, 0, 1, 2] = np.nan
    case = GradientCase.transposing(grad_y, np.arange(1.0, 37).reshape(2, 3, 3, 2))
    y = RIGHT["transpose"](*case.operands.values(), **case.options)
    assert judge(case, y).status == "exact"
    assert judge(case, np.nan_to_num(y)).diagnosis == "nan-swallowed"


@pytest.mark.parametrize("of", ["input-grad", "weight-grad"])
def test_changes_put_indices_elsewhere_and_make_no_new_ones(of):
    """That is what replaying a convolution's faults on indices rests on."""
    for case in core_of(of)[:20]:
        p = posed(case).convolution
        for fault in (fault for fault in FAULTS.values() if fault.change is not None):
            for other in fault.change(p):
                array = other.weight if of == "weight-grad" else other.x
                assert np.isin(array, [0, *indices(posed(case).shape).ravel()]).all()


def test_the_seeds_rest_on_right_gradients():
    """`faulty_gradients.py` is not the oracle's: it is held against the definition here."""
    rng = np.random.default_rng(1)
    x, weight = rng.integers(-9, 9, (2, 6, 8, 7)), rng.integers(-9, 9, (9, 2, 3, 2))
    grad_y = rng.integers(-9, 9, (2, 9, 3, 5))
    (sh, sw), (dh, dw), groups, (pt, pb), (pl, pr) = (3, 2), (2, 1), 3, (2, 1), (0, 3)
    options = {
        "stride": (sh, sw), "dilation": (dh, dw), "groups": groups, "padding": ((pt, pb), (pl, pr))
    }  # fmt: skip
    grad_x, grad_weight = np.zeros_like(x), np.zeros_like(weight)
    for (n, f, oh, ow), cg in product(np.ndindex(grad_y.shape), range(2)):
        for kh, kw in np.ndindex(3, 2):
            h, w, c = oh * sh + kh * dh - pt, ow * sw + kw * dw - pl, f // 3 * 2 + cg
            if 0 <= h < 8 and 0 <= w < 7:
                grad_x[n, c, h, w] += grad_y[n, f, oh, ow] * weight[f, cg, kh, kw]
                grad_weight[f, cg, kh, kw] += grad_y[n, f, oh, ow] * x[n, c, h, w]
    np.testing.assert_array_equal(RIGHT["input-grad"](grad_y, weight, x.shape, **options), grad_x)
    np.testing.assert_array_equal(
        RIGHT["weight-grad"](grad_y, x, weight.shape, **options), grad_weight
    )
    np.testing.assert_array_equal(
        RIGHT["bias-grad"](grad_y), [g.sum() for g in grad_y.swapaxes(0, 1)]
    )
    bias = rng.integers(-9, 9, 6)
    y = RIGHT["transpose"](grad_y, weight, bias, output_padding=(0, 0), **options)
    assert y.shape == (2, 6, 8, 7)
    np.testing.assert_array_equal(y, grad_x + bias[:, None, None])
