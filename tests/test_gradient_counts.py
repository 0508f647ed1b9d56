"""Counting the gradients: formula, definition executed and ones, all equal; what others say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refconv import (
    DepthwiseSeparableConv2d,
    Geometry,
    count,
    count_gradient,
    count_gradient_by_ones,
    tally_gradient,
)
from refconv.bench.layers import LAYERS
from refconv.conv import METHODS
from refconv.counts.gradients import GRADIENTS
from refconv.oracle.strategies import geometries

SMALL = geometries(max_room=6)
PRODUCTS = ("input-grad", "weight-grad", "transpose")


@settings(max_examples=80)
@given(SMALL, st.sampled_from(GRADIENTS))
def test_the_closed_forms_are_what_executing_the_definition_counts(g, of):
    assert count_gradient(g, of) == tally_gradient(g, of)
    if of == "transpose":
        assert count_gradient(g, of, bias=True) == tally_gradient(g, of, bias=True)


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=30)
@given(g=SMALL, of=st.sampled_from(GRADIENTS))
def test_the_closed_forms_are_what_ones_count(g, of, method):
    c = count_gradient(g, of)
    assert count_gradient_by_ones(g, of, method=method) == (c.macs, c.effective_macs)


@pytest.mark.parametrize("of", PRODUCTS)
@pytest.mark.parametrize("name", ["std3x3_14", "grp8_28", "dw3x3s2_112", "pw_14"])
def test_real_layers_at_full_size(name, of):
    g = Geometry.from_descriptor(LAYERS[name])
    c = count_gradient(g, of)
    assert count_gradient_by_ones(g, of) == (c.macs, c.effective_macs)


@given(SMALL)
def test_each_gradient_has_the_products_of_the_convolution(g):
    forward = count(g)
    for of in PRODUCTS:
        c = count_gradient(g, of)
        assert (c.macs, c.effective_macs) == (forward.macs, forward.effective_macs)
    assert count_gradient(g, "bias-grad").additions == forward.output_size
    assert count_gradient(g, "weight-grad").output_size == forward.parameters


@pytest.mark.parametrize(
    ("of", "bias", "match"),
    [
        ("forward", False, "of is 'forward', but must be one of"),
        ("weight-grad", True, "a bias goes with of='transpose', but of is 'weight-grad'"),
        (None, False, "of is None, but must be one of"),
    ],
)
@pytest.mark.parametrize("function", [count_gradient, tally_gradient])
def test_what_cannot_be_counted(function, of, bias, match):
    with pytest.raises(ValueError, match=match):
        function(Geometry.of((1, 2, 3, 4), (2, 2, 1, 1)), of, bias)


# --- what public counters have got wrong: the right values ----------------------------------------


def conv(x, weight, **options):
    return count(Geometry.of(x, weight, **options), bias=True)


def transposed(x, weight, **options):
    return count_gradient(Geometry.transposing(x, weight, **options), "transpose", bias=True)


FAULTS = {
    # name: (counted, right, what was reported)
    "B01 output size divided by the stride again": (
        conv((1, 3, 224, 224), (64, 3, 7, 7), stride=2, padding=3).macs, 118_013_952, 29_503_488,
    ),
    "B04 transposed, groups divided twice": (
        transposed(
            (2, 4, 8, 8), (4, 1, 3, 3), stride=2, padding=1, output_padding=1, groups=4
        ).macs,
        4_608, 0,
    ),
    "B04 transposed, groups divided twice, even kernel": (
        transposed((2, 6, 8, 8), (6, 2, 2, 2), stride=2, groups=3).macs, 6_144, 0,
    ),
    "B05 transposed, outputs taken from weight.shape[0]": (
        transposed((1, 4, 8, 8), (4, 6, 3, 3)).parameters, 4 * 6 * 9 + 6, 4 * 4 * 9 + 4,
    ),
    "B09 torch.profiler: SAME padding is not nothing": (
        conv((1, 8, 8, 8), (8, 8, 3, 3), padding="same").flops, 73_728, 0,
    ),
    "B09 torch.profiler: a transposed convolution is not nothing": (
        transposed((1, 8, 8, 8), (8, 8, 3, 3)).flops, 73_728, 0,
    ),
    "B10 one application of the kernel counted": (
        conv((1, 3, 10, 10), (2, 3, 3, 3)).flops, 6_912, 108,
    ),
    "B11 MACs under the name of FLOPs": (
        conv((16, 8, 32, 32), (64, 8, 3, 3), padding=1).flops, 150_994_944, 75_497_472,
    ),
    "B12 depthwise scaled by 1e6 twice": (
        conv((1, 512, 13, 13), (512, 1, 3, 3), padding=1, groups=512).flops, 1_557_504, 1.557504,
    ),
    "B13 depthwise parameters": (
        conv((1, 7, 5, 5), (7, 1, 3, 3), groups=7).parameters, 70, 9,
    ),
    "B13 depthwise parameters, no bias": (
        count(Geometry.of((1, 7, 5, 5), (7, 1, 3, 3), groups=7)).parameters, 63, 9,
    ),
    "B13 depthwise FLOPs, not divided by the groups": (
        conv((1, 7, 5, 5), (7, 1, 3, 3), groups=7).flops, 1_134, 7 * 1_134,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_the_right_value_of_what_public_counters_got_wrong(name):
    counted, right, reported = FAULTS[name]
    assert counted == right != reported


@pytest.mark.parametrize(
    ("options", "macs", "flops", "reported"),
    [
        (
            {"x": (2, 4, 8, 8), "weight": (4, 6, 4, 4), "stride": 2, "padding": 1},
            49_152, 101_376, (49_152, 98_496),
        ),
        (
            {
                "x": (2, 4, 8, 8), "weight": (4, 1, 3, 3), "stride": 2, "padding": 1,
                "output_padding": 1, "groups": 4,
            },
            4_608, 11_264, (0, 32),
        ),
        (
            {"x": (2, 6, 8, 8), "weight": (6, 2, 2, 2), "stride": 2, "groups": 3},
            6_144, 15_360, (0, 64),
        ),
    ],
    ids=["one group", "depthwise", "three groups"],
)  # fmt: skip
def test_b04_flops_with_the_bias(options, macs, flops, reported):
    """DeepSpeed adds one for each output, 2*MACs + N*F*OH*OW; with one group its MACs are right."""
    c = transposed(**options)
    assert (c.macs, c.flops + c.bias_additions) == (macs, flops)
    assert reported[1] != flops
    assert (reported[0] == macs) == (options.get("groups", 1) == 1)


@pytest.mark.parametrize("groups", [1, 2, 4, 8])
def test_b08_backward_is_twice_forward_for_any_groups(groups):
    """Torch's flop counter says 2, 3, 5 and 9 times: the weight gradient counted g times."""
    g = Geometry.of((1, 8, 8, 8), (8, 8 // groups, 3, 3), padding=1, groups=groups)
    by_x, by_weight = (count_gradient(g, of) for of in ("input-grad", "weight-grad"))
    assert by_x.flops + by_weight.flops == 2 * count(g).flops
    assert count_gradient_by_ones(g, "weight-grad")[0] == count(g).macs


@pytest.mark.parametrize("groups", [1, 2, 4, 8])
def test_b08_is_still_in_torch(groups):
    """Where this fails, torch is mended: then say so, in the note too."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from torch.utils.flop_counter import FlopCounterMode

    x = torch.ones(1, 8, 8, 8, requires_grad=True)
    weight = torch.ones(8, 8 // groups, 3, 3, requires_grad=True)
    flops = {}
    with FlopCounterMode(display=False) as counter:
        y = torch.nn.functional.conv2d(x, weight, padding=1, groups=groups)
        flops["forward"] = counter.get_total_flops()
        y.sum().backward()
    backward = counter.get_total_flops() - flops["forward"]
    assert backward == (1 + groups) * flops["forward"]


def test_b07_backward_of_a_transposed_convolution():
    """Its input gradient is a convolution, its weight gradient the weight gradient of that one."""
    g = Geometry.transposing((6, 192, 30, 96), (192, 384, 2, 2), stride=2)
    forward = 500 * count_gradient(g, "transpose", bias=True).flops
    backward = 500 * (count(g).flops + count_gradient(g, "weight-grad").flops)
    assert forward == 5_096_079_360_000
    assert backward == 2 * forward
    # torch printed 3676515 TFLOP: call i was counted i times, and each by 30*96/2 for a kernel cell
    calls, cells = sum(range(1, 501)) / 500, 30 * 96 / 2
    assert int(backward * calls * cells / 1e12) == 3_676_515


# --- a layer of two stages ------------------------------------------------------------------------


def test_the_counts_of_a_separable_layers_backward_add_up():
    """Both stages' formulas, summed, are both stages' definitions, executed."""
    depthwise = Geometry.of(
        (2, 3, 7, 8), (6, 1, 3, 2), stride=(2, 1), padding=((1, 0), (2, 1)), groups=3
    )
    pointwise = Geometry.of(depthwise.y_shape, (5, 6, 1, 1))
    stages, parts = (depthwise, pointwise), ("input-grad", "weight-grad", "bias-grad")
    formula, executed = (
        sum(counter(stage, of) for stage in stages for of in parts)
        for counter in (count_gradient, tally_gradient)
    )
    assert formula == executed
    assert formula.macs == 2 * sum(count(stage).macs for stage in stages)

    layer = DepthwiseSeparableConv2d(
        np.ones(depthwise.weight_shape), np.ones(pointwise.weight_shape), np.ones(5),
        depthwise_bias=np.ones(6), stride=depthwise.stride, padding=depthwise.padding,
    )  # fmt: skip
    found = layer.backward(np.ones(depthwise.x_shape), np.ones(pointwise.y_shape))
    between = 2 * 6 * depthwise.OH * depthwise.OW  # the gradient that one stage hands the other
    assert formula.output_size == between + sum(gradient.size for gradient in found)
