"""The core suite reaches the sizes from which on implementations have a way of their own.

Each fault here is one of size: small cases do not have it. It must be found; what it is called, if
anything, is not asked.
"""

import numpy as np
import pytest
from faulty import convolve
from faulty_gradients import RIGHT
from hypothesis import Phase, find, given, settings

from refconv.oracle import check
from refconv.oracle.cases.suite import FIRST_TRANSPOSED, TRANSPOSED, core, core_of
from refconv.oracle.strategies import cases


def beyond(array, part):
    """A copy that is zero from there on."""
    array = array.copy()
    array[part] = 0
    return array


def loses_the_rest_of_a_batch_by_four(grad_y, x, weight_shape, **o):
    whole = len(grad_y) // 4 * 4 if len(grad_y) > 4 else len(grad_y)
    return RIGHT["weight-grad"](beyond(grad_y, np.s_[whole:]), x, weight_shape, **o)


def sums_eight_images(grad_y):
    return RIGHT["bias-grad"](grad_y[:8])


def writes_sixteen_images(grad_y, weight, x_shape, **o):
    return beyond(RIGHT["input-grad"](grad_y, weight, x_shape, **o), np.s_[16:])


def convolves_four_images(x, weight, bias, **o):
    return beyond(convolve(x, weight, bias, **o), np.s_[4:])


def zero_where(of, is_beyond):
    """Right, but zero where the options are beyond what it was written for."""

    def target(*call, **o):
        y = convolve(*call, **o) if of == "y" else RIGHT[of](*call, **o)
        return y * 0 if is_beyond(o) else y

    return target


def loses_taps_from_the_17th(grad_y, x, weight_shape, **o):
    grad_w = RIGHT["weight-grad"](grad_y, x, weight_shape, **o)
    taps = grad_w.reshape(*grad_w.shape[:2], -1)
    return beyond(taps, np.s_[..., 16:]).reshape(grad_w.shape)


def convolves_with_sixteen_taps(x, weight, bias, **o):
    taps = weight.reshape(*weight.shape[:2], -1)
    return convolve(x, beyond(taps, np.s_[..., 16:]).reshape(weight.shape), bias, **o)


def splits_sums_above_4096(grad_y, x, weight_shape, **o):
    """Pieces of 64, and what is left over is lost."""
    N, F, OH, OW = grad_y.shape
    places = N * OH * OW
    if places > 4096:
        rows = grad_y.swapaxes(0, 1).reshape(F, places)
        rows = beyond(rows, np.s_[:, places // 64 * 64 :])
        grad_y = rows.reshape(F, N, OH, OW).swapaxes(0, 1)
    return RIGHT["weight-grad"](grad_y, x, weight_shape, **o)


def halves_sums_above_8192(grad_y):
    grad_b = RIGHT["bias-grad"](grad_y)
    return grad_b if grad_y[:, :1].size <= 8192 else grad_b // 2


def drops_the_end_of_sums_above_8192(x, weight, bias, **o):
    if weight[0].size > 8192:
        weight = beyond(weight, np.s_[:, -1:, -1:, -1:])
    return convolve(x, weight, bias, **o)


FAULTS = {
    "the rest of a batch in fours": ("weight-grad", loses_the_rest_of_a_batch_by_four),
    "images from the ninth on, of a sum": ("bias-grad", sums_eight_images),
    "images from the 17th on": ("input-grad", writes_sixteen_images),
    "images from the fifth on": ("y", convolves_four_images),
    **{
        f"{name} of {axis} from {limit} on, {of}": (
            of, zero_where(of, lambda o, n=name, a=axis, m=limit: o[n][a] >= m)
        )
        for of in ("y", "input-grad", "weight-grad", "transpose")
        for name, limits in (("stride", (5, 8, 16)), ("dilation", (5, 8)))
        for axis in (0, 1)
        for limit in limits
    },
    "taps from the 17th on": ("weight-grad", loses_taps_from_the_17th),
    "taps from the 17th on, of a convolution": ("y", convolves_with_sixteen_taps),
    "the rest of long sums, of pieces": ("weight-grad", splits_sums_above_4096),
    "long sums over places": ("bias-grad", halves_sums_above_8192),
    "the end of long sums of products": ("y", drops_the_end_of_sums_above_8192),
}  # fmt: skip


@pytest.mark.parametrize(("of", "target"), FAULTS.values(), ids=FAULTS)
def test_a_fault_of_size_is_found_in_the_core(of, target):
    assert not check(target, examples=0, of=None if of == "y" else of).passed


def drawn(strategy, count):
    found = []

    @settings(max_examples=count, derandomize=True, database=None, phases=[Phase.generate])
    @given(strategy)
    def collect(case):
        found.append(case.geometry)

    collect()
    return found


@pytest.mark.parametrize("options", [{}, {"separable": True}, {"of": "transpose"}], ids=str)
def test_drawn_cases_are_large_now_and_then(options):
    geometries = drawn(cases(**options), 1000)
    assert max(g.N for g in geometries) > 8
    assert max(g.sh for g in geometries if g.OH > 1) > 8
    assert max(g.sw for g in geometries if g.OW > 1) > 8
    assert max(g.dh for g in geometries if g.KH > 1) > 8
    assert max(g.dw for g in geometries if g.KW > 1) > 8
    assert max(g.KH * g.KW for g in geometries) > 16
    small = [g for g in geometries if g.N <= 2 and max(*g.stride, *g.dilation, g.KH, g.KW) <= 4]
    assert len(small) > len(geometries) / 2


def test_what_is_drawn_large_is_made_as_small_as_it_goes():
    g = find(cases(), lambda case: case.geometry.N > 5).geometry
    assert (g.N, g.C, g.F, g.stride, g.dilation) == (6, 1, 1, (1, 1), (1, 1))


def test_printed_cases_stay_what_they_are():
    """A case is told by its seed, which is its position: of a longer core, too."""
    assert [case.source.seed for case in core()[:42]] == list(range(42))
    first, *_ = core_of("transpose")[-len(TRANSPOSED) :]
    assert first.source.seed == FIRST_TRANSPOSED == 58
