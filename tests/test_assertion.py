"""The assertion for tests of other projects: what it lets pass, and what its message says."""

import ml_dtypes
import numpy as np
import pytest
from answers import answer
from faulty_gradients import SEEDS
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import cases

from refconv import conv2d, oracle
from refconv.oracle import Case, GradientCase, assert_conv_close
from refconv.oracle.cases.gradient_case import OF
from refconv.oracle.strategies import cases as oracle_cases

pytest_plugins = ["pytester"]

DESCRIPTOR = "g2mb2ic4ih6iw7oc6kh3kw2sh2sw1dh0dw1ph1pw0"


def call_of(case):
    return (case.x, case.weight, case.bias), case.options


@settings(max_examples=40)
@given(cases(dtypes=("float32", "float64", "complex64", "int8", "int32"), bound=3))
def test_a_right_answer_passes_whatever_its_type(case):
    """And one number that is off by one does not."""
    y = case.run(method="im2col")
    assert_conv_close(y, case.x, case.weight, case.bias, **case.options)
    y.ravel()[y.size // 2] += 1
    with pytest.raises(AssertionError, match=r"^wrong"):
        assert_conv_close(y, case.x, case.weight, case.bias, **case.options)


def asked_of(case):
    """What the assertion is given beside the answer to a case that asks for a gradient."""
    if case.of == "transpose":
        return (*case.operands.values(),), case.options | {"of": case.of}
    forward = case.convolution
    options = forward.options | {"of": case.of, "grad_y": case.grad_y}
    return (forward.x, forward.weight, forward.bias), options


@pytest.mark.parametrize("of", OF)
@settings(max_examples=25)
@given(data=st.data())
def test_a_right_gradient_passes(of, data):
    """And one number that is off by one does not, whose message is the verdict."""
    case = data.draw(oracle_cases(of=of, dtypes=("float32", "float64", "complex64", "int8")))
    operands, options = asked_of(case)
    y = answer(case)
    assert_conv_close(y, *operands, **options)
    y.ravel()[y.size // 2] += 1
    with pytest.raises(AssertionError, match=r"^wrong") as caught:
        assert_conv_close(y, *operands, **options)
    mine = GradientCase.from_operands(case.of, case.geometry, case.arrays)
    assert str(caught.value) == str(oracle.judge(mine, y))


@pytest.mark.parametrize(
    ("of", "name"),
    [
        ("input-grad", "grad-of-padding-kept"),
        ("weight-grad", "batch-not-summed"),
        ("bias-grad", "bias-summed-over-batch-only"),
        ("transpose", "output-padding-ignored"),
    ],
)
def test_a_wrong_gradient_is_named(of, name):
    seed = next(seed for seed in SEEDS if (seed.of, seed.name) == (of, name))
    case = GradientCase.from_descriptor(
        "g2mb2ic4ih9iw10oc6oh5ow5kh3kw2sh2sw2ph1pw0", 3, of=of,
        output_padding=(1, 1) if of == "transpose" else None,
    )  # fmt: skip
    operands, options = asked_of(case)
    y = seed.target(*case.operands.values(), **case.options)
    with pytest.raises(AssertionError, match=f"^wrong: {name}"):
        assert_conv_close(y, *operands, **options)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "complex64"])
def test_rounding_is_allowed(dtype):
    case = Case.from_descriptor(DESCRIPTOR, 3, dtype=dtype, data="reals")
    operands, options = call_of(case)
    assert_conv_close(conv2d(*operands, **options), *operands, **options)


def test_pads_of_a_value_are_asked_for():
    x, weight = np.array([[[[1.0, 2.0]]]]), np.array([[[[3.0, 5.0]]]])
    padding = ((0, 0), (1, 0))
    assert_conv_close([[[[26.0, 13.0]]]], x, weight, padding=padding, pad_value=7)
    wide = np.arange(1.0, 31).reshape(1, 1, 5, 6)
    y = conv2d(wide, weight, padding=((2, 1), (1, 2)))
    with pytest.raises(AssertionError, match=r"^wrong: pad-value"):
        assert_conv_close(y, wide, weight, padding=((2, 1), (1, 2)), pad_value=7)


def test_lists_are_taken_as_arrays():
    assert_conv_close([[[[21, 32]]]], [[[[1, 2, 3]]]], [[[[1, 10]]]])


def test_the_message_is_the_verdict():
    case = Case.from_descriptor(DESCRIPTOR, 3)
    operands, options = call_of(case)
    x, weight, bias = operands
    y = conv2d(x, weight[:, :, :, ::-1], bias, **options)
    with pytest.raises(AssertionError) as caught:
        assert_conv_close(y, *operands, **options)
    text = str(caught.value)
    mine = Case(*operands, **options)
    assert text == str(oracle.judge(mine, y))
    assert text.startswith("wrong: kernel-flipped-w\nThe kernel is flipped along its width")
    assert "own arrays" in text.splitlines()[-1]


def test_the_failure_is_shown_at_the_line_of_the_call(pytester, monkeypatch):
    """Not inside the assertion."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(
        test_of_a_user="""
        from refconv.oracle import assert_conv_close
        def test_it():
            assert_conv_close([[[[12, 23]]]], [[[[1, 2, 3]]]], [[[[1, 10]]]])
        """
    )
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*AssertionError: wrong: kernel-rotated-180"])
    result.stdout.no_fnmatch_line("*raise AssertionError(*")


FAILURES = {
    "what is only doubted": (
        lambda x, w, b, **o: conv2d(x, w.astype(ml_dtypes.bfloat16).astype(w.dtype), b, **o),
        "^suspicious: operands-bfloat16",
    ),
    "another shape": (lambda *c, **o: conv2d(*c, **o)[:, :, :-1], "^wrong"),
    "nothing": (lambda *c, **o: None, "It returned None instead of an array"),
    "text": (lambda *c, **o: "y", "no numbers"),
    "NaN": (lambda *c, **o: conv2d(*c, **o) * np.nan, "^wrong: output-unwritten"),
}


@pytest.mark.parametrize(("target", "message"), FAILURES.values(), ids=FAILURES)
def test_what_is_not_good_fails(target, message):
    case = Case.from_descriptor("ic512ih8iw9oc16kh3kw3", 3, data="reals")
    operands, options = call_of(case)
    with pytest.raises(AssertionError, match=message):
        assert_conv_close(target(*operands, **options), *operands, **options)


def test_a_bound_that_says_nothing_is_told_and_fails():
    """Sums of 4608 products in bfloat16: a tap could be missing, and nobody would see it."""
    case = Case.from_descriptor("ic512ih8iw9oc16kh3kw3", 3, data="reals")
    operands, options = call_of(case)
    y = conv2d(*operands, **options)
    assert_conv_close(y, *operands, **options)
    with pytest.raises(AssertionError, match=r"^unjudged\nThe bound is too wide to say anything"):
        assert_conv_close(y, *operands, operands="bfloat16", algorithm="winograd", **options)


def test_what_the_caller_says_is_believed():
    case = Case.from_descriptor("ic3ih5iw7oc4kh3kw2", 3, data="reals")
    operands, options = call_of(case)
    half = [a.astype(ml_dtypes.bfloat16).astype(np.float32) for a in operands]
    y = conv2d(*half, **options)
    with pytest.raises(AssertionError, match=r"^wrong: operands-bfloat16"):
        assert_conv_close(y, *operands, **options)
    assert_conv_close(y, *operands, operands="bfloat16", **options)
    with pytest.raises(AssertionError, match=r"^wrong: result-float16"):
        assert_conv_close(conv2d(*operands, **options).astype(np.float16), *operands, **options)


PLAIN = (np.ones((1, 1, 2, 3), np.float32), np.ones((1, 1, 1, 2), np.float32))
GRAD_Y = np.ones((1, 1, 2, 2), np.float32)
ERRORS = {
    "an option that is none": ({"layouts": "NHWC"}, TypeError, "layouts"),
    "a bad stride": ({"stride": 0}, ValueError, "stride"),
    "a bias of the wrong size": (
        {"bias": np.ones(2, np.float32)}, ValueError,
        r"bias has shape \(2,\), but weight has 1 output channels",
    ),
    "an accumulator that is none": (
        {"accumulator": "float8"}, ValueError, "accumulator is 'float8', but must be one of",
    ),
    "an algorithm that is none": (
        {"algorithm": "magic"}, ValueError, "algorithm is 'magic', but must be one of direct",
    ),
    "a gradient that is none": (
        {"of": "y", "grad_y": GRAD_Y}, ValueError, "of is 'y', but must be one of input-grad, weig",
    ),
    "a gradient of nothing": (
        {"of": "input-grad"}, ValueError, "case has no grad_y, and no seed .* give grad_y=",
    ),
    "grad_y of a convolution": (
        {"grad_y": GRAD_Y}, ValueError, "grad_y is for a gradient, but of is None",
    ),
    "grad_y of a transpose": (
        {"of": "transpose", "grad_y": GRAD_Y}, ValueError,
        "grad_y is for a gradient, but of is 'transpose'",
    ),
    "grad_y of another shape": (
        {"of": "weight-grad", "grad_y": GRAD_Y[..., 1:]}, ValueError,
        r"grad_y has shape \(1, 1, 2, 1\), but y has shape \(1, 1, 2, 2\)",
    ),
    "grad_y of another type": (
        {"of": "weight-grad", "grad_y": GRAD_Y.astype(float)}, TypeError,
        "grad_y has type float64, but x has type float32: cast x with .astype",
    ),
    "pads of a number in a gradient": (
        {"of": "bias-grad", "grad_y": GRAD_Y, "pad_value": 2}, ValueError,
        "pad_value is 2, but the bias-grad does not depend on it: it must be 0",
    ),
    "output padding of a gradient": (
        {"of": "input-grad", "grad_y": GRAD_Y, "output_padding": 1}, TypeError, "output_padding",
    ),
    "output padding as wide as the stride": (
        {"of": "transpose", "output_padding": 1}, ValueError,
        "output_padding is 1 along H, but must be below the stride, 1",
    ),
    "a bias of a transpose of the wrong size": (
        {"of": "transpose", "bias": np.ones(2, np.float32)}, ValueError,
        r"bias has shape \(2,\), but must be \(1,\)",
    ),
    "a layout of a transpose": ({"of": "transpose", "layout": "NHWC"}, TypeError, "layout"),
    "an algorithm of a gradient": (
        {"of": "bias-grad", "grad_y": GRAD_Y, "algorithm": "fft"}, ValueError,
        "algorithm is 'fft', but there is no bound for the bias-grad of that",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("options", "error", "message"), ERRORS.values(), ids=ERRORS)
def test_a_call_that_is_none_is_no_failure_but_an_error(options, error, message):
    with pytest.raises(error, match=message):
        assert_conv_close(np.full((1, 1, 2, 2), 2.0, np.float32), *PLAIN, **options)
