"""Gradients and transposes put to the oracle: cases, the reference, verdicts, targets, commands."""

import json
import shlex
from contextlib import closing
from textwrap import dedent

import ml_dtypes
import numpy as np
import pytest
from answers import FUNCTIONS, answer
from faulty_gradients import RIGHT
from hypothesis import given, settings
from hypothesis import strategies as st

from refconv import (
    conv2d,
    conv2d_bias_grad,
    conv2d_input_grad,
    conv2d_weight_grad,
    conv_transpose2d,
    oracle,
)
from refconv.cli import main
from refconv.oracle import Case, GradientCase, judge
from refconv.oracle.cases.gradient_case import OF, asked
from refconv.oracle.cases.kinds import kinds_of
from refconv.oracle.cases.suite import core, core_of, full_of
from refconv.oracle.reference import certified as references
from refconv.oracle.reference.adjoint import posed
from refconv.oracle.reference.certified import reference_of
from refconv.oracle.strategies import cases
from refconv.oracle.targets.named import TargetError, resolve
from refconv.oracle.targets.outcome import RAISED, RETURNED
from refconv.oracle.targets.worker import Worker

TELLING = "g3mb2ic6ih10iw13oc12oh3ow8kh3kw2sh3sw2dh1dw0ph2pw0"


# --- cases ----------------------------------------------------------------------------------------


def test_each_is_asked_as_refconv_is():
    shapes = {
        "input-grad": ((2, 12, 3, 8), (12, 2, 3, 2), (2, 6, 10, 13)),
        "weight-grad": ((2, 12, 3, 8), (2, 6, 10, 13), (12, 2, 3, 2)),
        "bias-grad": ((2, 12, 3, 8),),
        "transpose": ((2, 12, 3, 8), (12, 2, 3, 2), (6,)),
    }
    for of in OF:
        case = GradientCase.from_descriptor(TELLING, of=of)
        found = [getattr(value, "shape", value) for value in case.operands.values()]
        assert found == [*shapes[of]]
        assert judge(case, answer(case)).status == "exact"


def test_a_convolutions_case_is_asked_for_its_gradients():
    case = core()[0]
    y = conv2d_input_grad(case.grad_y, case.weight, case.x.shape, **case.options)
    assert judge(case, y, of="input-grad").status == "exact"
    assert judge(case, -y, of="input-grad").diagnosis == "scaled"
    assert judge(case, conv2d_bias_grad(case.grad_y), of="bias-grad").status == "exact"


def test_grad_y_is_drawn_from_a_stream_of_its_own():
    case = core()[0]
    again = Case.from_descriptor(case.geometry.descriptor, case.source.seed)
    assert (case.grad_y == again.grad_y).all()
    assert case.grad_y.shape == case.geometry.y_shape
    assert abs(case.grad_y).max() == 9
    assert (case.grad_y.ravel()[:100] != case.x.ravel()[:100]).any()
    assert not case.grad_y.flags.writeable


def test_arrays_of_ones_own():
    rng = np.random.default_rng(2)
    x, weight = rng.integers(-9, 9, (2, 4, 6, 7)), rng.integers(-9, 9, (6, 2, 3, 2))
    grad_y = rng.integers(-9, 9, (2, 6, 4, 6))
    case = Case(x, weight, groups=2, grad_y=grad_y)
    right = conv2d_weight_grad(grad_y, x, weight.shape, groups=2)
    assert judge(case, right, of="weight-grad").status == "exact"
    verdict = judge(case, right[:, :, :, ::-1], of="weight-grad")
    assert verdict.diagnosis == "kernel-flipped-w"
    assert "output [f cg kh kw]" in str(verdict)
    assert "GradientCase(weight-grad of 'g2mb2ic4ih6" in str(verdict)


def test_a_transpose_of_ones_own():
    rng = np.random.default_rng(3)
    x, weight = rng.integers(-9, 9, (2, 6, 4, 5)), rng.integers(-9, 9, (6, 2, 3, 2))
    bias = rng.integers(-9, 9, 4)
    options = {
        "stride": (3, 2), "padding": ((1, 0), (0, 1)), "dilation": (1, 2), "groups": 2,
        "output_padding": (2, 1),
    }  # fmt: skip
    case = GradientCase.transposing(x, weight, bias, **options)
    assert case.options == options
    y = conv_transpose2d(x, weight, bias, **options)
    assert judge(case, y).status == "exact"
    assert judge(case, np.roll(y, 2, 2)).status == "wrong"
    short = conv_transpose2d(x, weight, bias, **(options | {"output_padding": 0}))
    assert judge(case, short).diagnosis == "output-padding-ignored"


def test_the_output_padding_that_is_asked_for_is_made():
    text = "ic2ih9iw10oc3oh4ow5kh3kw2sh3sw3ph1pw2"
    natural = GradientCase.from_descriptor(text, of="transpose")
    assert natural.options["output_padding"] == (0, 0)
    for more in ((0, 0), (1, 2), (2, 1)):
        case = GradientCase.from_descriptor(text, of="transpose", output_padding=more)
        assert case.options["output_padding"] == more
        assert case.options["padding"] == ((1, 2 + more[0]), (2, 2 + more[1]))
        assert case.geometry.x_shape == (1, 2, 9, 10)
        assert judge(case, answer(case)).status == "exact"


BAD_CASES = {
    "an unknown gradient": (
        lambda: GradientCase(core()[0], "output-grad"), ValueError,
        "of is 'output-grad', but must be one of input-grad, weight-grad, bias-grad, transpose",
    ),
    "no case": (
        lambda: GradientCase(np.ones((1, 1, 2, 2)), "bias-grad"), TypeError,
        "case is of type ndarray, but must be a Case",
    ),
    "an unknown gradient to be judged": (
        lambda: judge(core()[0], 0, of="y"), ValueError, "of is 'y', but must be one of input-grad",
    ),
    "no grad_y": (
        lambda: judge(Case([[[[1.0]]]], [[[[1.0]]]]), 0, of="bias-grad"), ValueError,
        "case has no grad_y, and no seed to draw it from: give grad_y=",
    ),
    "a grad_y of another shape": (
        lambda: Case([[[[1.0, 2]]]], [[[[1.0]]]], grad_y=[[[[1.0]]]]), ValueError,
        r"grad_y has shape \(1, 1, 1, 1\), but y has shape \(1, 1, 1, 2\)",
    ),
    "a grad_y of another type": (
        lambda: GradientCase(Case([[[[1.0]]]], [[[[1.0]]]], grad_y=[[[[1]]]]), "input-grad"),
        TypeError, "grad_y has type int64, but weight has type float64",
    ),
    "a separable case": (
        lambda: GradientCase(Case.from_descriptor("g2ic2ih5oc4kh3", pointwise=3), "input-grad"),
        ValueError, "case is separable, but a gradient is asked of one convolution",
    ),
    "a pad value": (
        lambda: GradientCase(Case.from_descriptor("ic2ih5oc4kh3", pad_value=3), "input-grad"),
        ValueError, "pad_value is 3, but the input-grad does not depend on it: it must be 0",
    ),
    "output padding of a gradient": (
        lambda: GradientCase(core()[0], "input-grad", output_padding=(0, 0)), ValueError,
        "output_padding is for a transpose, and of is 'input-grad'",
    ),
    "a bias of a gradient": (
        lambda: GradientCase(core()[0], "weight-grad", bias=np.ones(12)), ValueError,
        "bias is for a transpose, and of is 'weight-grad'",
    ),
    "a bias of another size": (
        lambda: GradientCase.transposing(np.ones((1, 2, 3, 4)), np.ones((2, 3, 1, 1)), [1.0, 2]),
        ValueError, r"bias has shape \(2,\), but must be \(3,\)",
    ),
    "more output padding than stride": (
        lambda: GradientCase(core()[0], "transpose", output_padding=(3, 0)), ValueError,
        "output_padding is 3 along H, but must be below the stride, 3",
    ),
    "less output padding than there is": (
        lambda: GradientCase.from_descriptor(
            "ic2ih9iw8oc3oh3ow8kh2kw1sh3sw1ph0pw0", of="transpose", output_padding=(0, 0)
        ),
        ValueError, "output_padding is 0 along H, but must be at least 1 for these sizes",
    ),
    "output padding that is no integer": (
        lambda: GradientCase(core()[0], "transpose", output_padding=(0.5, 1)), TypeError,
        "output_padding is 0.5, but must be an integer",
    ),
    "output padding of one axis": (
        lambda: GradientCase(core()[0], "transpose", output_padding=(0,)), ValueError,
        r"output_padding is \(0,\), but must be one integer or a pair \(H, W\)",
    ),
    "output padding in words": (
        lambda: GradientCase(core()[0], "transpose", output_padding="11"), TypeError,
        "output_padding is '11', but must be an integer",
    ),
    "output padding below zero": (
        lambda: GradientCase(core()[0], "transpose", output_padding=(0, -1)), ValueError,
        "output_padding is -1, but must be at least 0",
    ),
    "winograd": (
        lambda: judge(core()[0], 0, of="weight-grad", algorithm="winograd"), ValueError,
        "algorithm is 'winograd', but there is no bound for the weight-grad of that",
    ),
    "a run of an unknown gradient": (
        lambda: oracle.check(conv2d, of="y"), ValueError, "of is 'y', but must be one of input",
    ),
    "a separable run": (
        lambda: oracle.check(conv2d, of="bias-grad", suite="separable"), ValueError,
        "suite is 'separable', but the bias-grad is asked of one convolution",
    ),
    "the width of an accumulator": (
        lambda: oracle.accumulator_width(core_of("input-grad")[0]), ValueError,
        "case asks for the input-grad, but a width is that of y",
    ),
    "a library that has none": (
        lambda: resolve("scipy", "input-grad"), TargetError,
        "scipy cannot be asked for the input-grad here, but for y$",
    ),
    "a library that has another": (
        lambda: resolve("onnxruntime", "weight-grad"), TargetError,
        "onnxruntime cannot be asked for the weight-grad here, but for y or transpose",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), BAD_CASES.values(), ids=BAD_CASES)
def test_what_cannot_be_asked_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("of", OF)
@settings(max_examples=30)
@given(data=st.data())
def test_a_drawn_case_prints_as_what_makes_it_again(of, data):
    case = data.draw(cases(of=of, data=("integers", "reals"), dtypes=("float32", "int8")))
    again = eval(repr(case))  # our own line
    assert again.arguments == case.arguments
    assert again.options == case.options
    assert all((again.arrays[name] == array).all() for name, array in case.arrays.items())
    assert judge(again, answer(case)).status in ("exact", "within-bound", "unjudged")


def test_output_padding_is_drawn():
    seen = set()

    @settings(max_examples=100, database=None)
    @given(cases(of="transpose"))
    def draw(case):
        seen.add(case.options["output_padding"])

    draw()
    assert len(seen) > 5


# --- suites ---------------------------------------------------------------------------------------


def test_the_suites_are_the_convolutions_but_for_what_is_not_finite():
    for of in OF:
        suite = core_of(of)
        assert repr(suite[0].geometry) == repr(core()[0].geometry)
        assert not any("nonfinite" in kinds_of(case) for case in suite)
        assert len(full_of(of)) > len(suite) > 50
    paddings = {case.options["output_padding"] for case in core_of("transpose")}
    assert {(0, 0), (1, 1), (1, 0), (0, 2), (2, 0)} <= paddings


def test_the_suites_have_empty_phases_and_overlaps():
    """Cells of x that no window reads, between others; and cells that several windows read."""
    terms = {case.geometry: posed(case).terms()[0, 0] for case in core_of("input-grad")[:20]}
    empty = [g for g, t in terms.items() if (t[: g.OH * g.sh, : g.OW * g.sw] == 0).any()]
    overlaps = [g for g, t in terms.items() if (t > g.Fg).any()]
    assert len(empty) > 1
    assert len(overlaps) > 10


# --- the reference --------------------------------------------------------------------------------


@pytest.mark.parametrize("of", OF)
@settings(max_examples=20)
@given(data=st.data())
def test_terms_and_magnitude_are_sums_of_ones_and_of_absolute_values(of, data):
    case = data.draw(cases(of=of, biases=(False,)))
    reference = reference_of(case)
    ones, sizes = (
        [f(a.astype(float)) if isinstance(a, np.ndarray) else a for a in case.operands.values()]
        for f in (np.ones_like, np.abs)
    )
    function = FUNCTIONS[of]
    assert (reference.terms == function(*ones, **case.options)).all()
    assert (reference.magnitude == function(*sizes, **case.options)).all()


@pytest.mark.parametrize("of", OF)
def test_nothing_is_judged_where_the_formulas_disagree(of, monkeypatch):
    loops = references.gradient_by_loops
    monkeypatch.setattr(references, "gradient_by_loops", lambda *call: loops(*call) + 1)
    case = core_of(of)[0]
    verdict = judge(case, answer(case))
    assert verdict.status == "unjudged"
    assert "the two reference formulas disagree" in verdict.explanation


def test_sums_that_leave_int64_are_not_judged():
    big = np.full((1, 2, 3, 3), 1 << 31)
    case = Case(big, big, padding=1, grad_y=np.full((1, 1, 3, 3), 1 << 31)[:, [0] * 1])
    assert judge(case, 0, of="weight-grad").status == "unjudged"


@pytest.mark.parametrize("of", OF)
@pytest.mark.parametrize("dtype", ["float64", "float16", "complex64", "int8", "uint16"])
def test_every_type_is_judged(of, dtype):
    data = "reals" if dtype[0] in "fc" else "integers"
    case = GradientCase.from_descriptor(
        "g2mb2ic4ih8iw9oc6oh4ow8kh3kw2sh2sw1ph1pw0", 5, of=of, dtype=dtype, data=data
    )
    y = answer(case, **({} if of == "bias-grad" else {"method": "loops"}))
    assert judge(case, y).status in ("exact", "within-bound")
    spoilt = y.copy()
    spoilt.flat[3] += 1
    assert judge(case, spoilt).status == "wrong"


# --- verdicts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("of", OF)
def test_a_single_unit_is_too_much(of):
    for case in core_of(of)[:8]:
        y = answer(case)
        y.flat[y.size // 2] += 1
        assert judge(case, y).status == "wrong"


@pytest.mark.parametrize(
    ("of", "head"),
    [
        ("input-grad", "output [n c h w]"), ("weight-grad", "output [f cg kh kw]"),
        ("bias-grad", "output [f]"), ("transpose", "output [n f oh ow]"),
    ],
)  # fmt: skip
def test_a_verdict_names_the_axes_and_the_place(of, head):
    case = core_of(of)[0]
    y = answer(case)
    y[-1:] += 5
    text = str(judge(case, y))
    last = "image 1" if of in ("input-grad", "transpose") else "output channel 11"
    assert head in text
    assert f"in {last} (the last)" in text


def test_a_shape_that_is_not_the_gradients_is_told():
    case = core_of("weight-grad")[0]
    verdict = judge(case, np.zeros((12, 2, 3, 3)))
    assert verdict.explanation == (
        "It has shape (12, 2, 3, 3), but the gradient of weight has shape (12, 2, 3, 2)."
    )


def test_a_groups_fault_is_placed():
    case = core_of("weight-grad")[0]
    y = answer(case)
    y[4:8] = np.arange(y[4:8].size).reshape(y[4:8].shape)
    assert "in output channels 4 to 7, in group 1" in str(judge(case, y))


COMPLEX = "g2mb2ic4ih8iw9oc6oh4ow8kh3kw2sh2sw1ph1pw0"


@pytest.mark.parametrize("data", ["integers", "reals"])
@pytest.mark.parametrize(("of", "multiplied"), [("input-grad", "weight"), ("weight-grad", "x")])
def test_conjugates_in_a_gradient_are_a_convention(of, multiplied, data):
    case = GradientCase.from_descriptor(COMPLEX, of=of, dtype="complex64", data=data)
    operands = case.operands | {multiplied: case.operands[multiplied].conj()}
    y = FUNCTIONS[of](*operands.values(), **case.options)
    verdict = judge(case, y)
    assert (verdict.status, verdict.diagnosis) == ("convention", "grad-conjugated")
    y.flat[5] *= 2
    assert judge(case, y).status == "wrong"


def test_conjugates_in_a_transpose_are_wrong():
    case = GradientCase.from_descriptor(COMPLEX, of="transpose", dtype="complex64")
    y = conv_transpose2d(case.grad_y, case.weight.conj(), case.bias, **case.options)
    assert judge(case, y).status == "wrong"


@pytest.mark.parametrize(
    ("library", "status"), [("torch", "convention"), ("jax", "exact"), ("refconv.jit", "exact")]
)
def test_the_conventions_of_libraries_for_complex_numbers(library, status):
    pytest.importorskip(library.partition(".")[0], reason=f"{library} is not installed")
    for of in ("input-grad", "weight-grad"):
        case = GradientCase.from_descriptor(COMPLEX, of=of, dtype="complex64")
        report = oracle.check(library, examples=0, of=of, suite=[case])
        assert [verdict.status for verdict in report.verdicts] == [status]
        assert report.passed
        assert report.diagnosis == ("grad-conjugated" if status == "convention" else None)


@pytest.mark.parametrize("of", OF)
def test_mere_zeros_were_not_written_whatever_else_leaves_them(of):
    for case in core_of(of):
        y = answer(case)
        if y.any() and y.size > 1 and case.source.data != "tiny":  # which may be flushed to zero
            verdict = judge(case, np.zeros_like(y))
            assert verdict.diagnosis == "output-unwritten"
            assert "All wrong outputs are 0" in verdict.explanation


def test_the_gradient_of_a_transposes_convolution_has_the_convolutions_pads():
    text = "ic2ih9iw10oc3oh4ow5kh3kw2sh3sw3ph1pw2"
    transposed = GradientCase.from_descriptor(text, of="transpose", output_padding=(1, 2))
    case = asked(transposed, "input-grad")
    again = eval(repr(case))  # our own line
    assert case.options == again.options
    assert case.options["padding"] != transposed.options["padding"]
    assert judge(case, answer(again)).status == "exact"
    assert "output-padding" not in case.arguments


# --- a pad value ----------------------------------------------------------------------------------

PADDED = {
    "float32": Case.from_descriptor(TELLING, 3, pad_value=7),
    "reals": Case.from_descriptor("mb2ic3ih6iw7oc4kh3kw2ph2pw1", 5, data="reals", pad_value=-0.75),
    "int8": Case.from_descriptor("ic4ih5iw7oc3kh2kw3ph1pw2", 6, dtype="int8", pad_value=-128),
    "int64": Case.from_descriptor("ic1ih3iw4oc2kh2kw3ph1pw2", 6, dtype="int64", pad_value=1 << 50),
    "complex64": Case.from_descriptor(
        "ic2ih5iw7oc3kh2kw3ph1pw2", 6, dtype="complex64", pad_value=2j
    ),
}


@pytest.mark.parametrize("case", PADDED.values(), ids=PADDED)
def test_the_gradient_of_a_weight_depends_on_what_is_in_the_pads(case):
    asked_for = GradientCase(case, "weight-grad")
    right = answer(asked_for, pad_value=case.pad_value)
    assert judge(case, right, of="weight-grad").status in ("exact", "within-bound")
    zeros = judge(case, answer(asked_for), of="weight-grad")
    assert zeros.status == "wrong"
    assert case.x.dtype.kind == "c" or "pad-value" in zeros.candidates


def test_the_terms_of_a_padded_sum_are_counted():
    """In a corner, two of six places read a pad: a zero is no term, another number is one."""
    text = "ic1ih3iw2oc1oh3ow2kh1kw2ph0pw1"
    counts = [
        reference_of(GradientCase.from_descriptor(text, of="weight-grad", pad_value=value)).terms
        for value in (0, 4)
    ]
    assert [n.ravel().tolist() for n in counts] == [[3, 6], [6, 6]]


def test_the_conjugate_of_a_pad_is_a_convention_too():
    case = PADDED["complex64"]
    x, weight = case.x.conj(), case.weight
    conjugated = conv2d_weight_grad(
        case.grad_y, x, weight.shape, **case.options, pad_value=np.conj(case.pad_value)
    )
    assert judge(case, conjugated, of="weight-grad").diagnosis == "grad-conjugated"


@pytest.mark.parametrize("of", [of for of in OF if of != "weight-grad"])
def test_other_gradients_do_not_and_say_so(of):
    with pytest.raises(ValueError, match=f"pad_value is 7, but the {of} does not depend on it"):
        judge(PADDED["float32"], 0, of=of)


@pytest.mark.parametrize("of", [None, "weight-grad"])
def test_a_target_that_cannot_be_told_to_pad_is_not_asked(of):
    """Neither here nor in a process of its own: it would be wrong for no fault of its own."""
    for target in (conv2d if of is None else conv2d_weight_grad, "refconv.im2col"):
        report = oracle.check(target, examples=0, of=of, suite=[PADDED["float32"]])
        assert [v.status for v in report.verdicts] == ["refused"]
        assert "a target is not told to pad with 7" in report.verdicts[0].explanation


# --- runs -----------------------------------------------------------------------------------------


def no_output_padding(x, weight, bias, *, output_padding, **options):
    return RIGHT["transpose"](x, weight, bias, output_padding=(0, 0), **options)


def test_a_run_says_what_was_asked():
    report = oracle.check(no_output_padding, examples=20, of="transpose")
    assert report.diagnosis == "output-padding-ignored"
    assert "no_output_padding, transpose: failed" in str(report).replace("\n  ", " ")
    assert report.document()["of"] == "transpose"
    assert oracle.check(conv2d, examples=0, suite=core()[:2]).document()["of"] == "y"


def test_the_cases_of_a_suite_of_ones_own_are_asked_for_it():
    report = oracle.check(RIGHT["bias-grad"], examples=0, suite=core()[:5], of="bias-grad")
    assert report.passed
    assert {verdict.case.of for verdict in report.verdicts} == {"bias-grad"}


def test_what_a_case_asks_already_is_not_asked_anew():
    case = GradientCase.from_descriptor(TELLING, of="transpose", output_padding=(1, 1))
    assert asked(case, "transpose") is case
    assert asked(case, None) is case
    assert asked(case, "input-grad").of == "input-grad"


@pytest.mark.parametrize("of", OF)
def test_the_methods_of_refconv_are_right(of):
    for method in ("im2col", "jit"):
        report = oracle.check(f"refconv.{method}", examples=20, of=of)
        assert report.passed
        assert report.counts["refused"] == report.counts["suspicious"] == 0


@pytest.mark.parametrize("of", OF)
@pytest.mark.parametrize("library", ["torch", "torch/no-onednn/channels_last", "jax"])
def test_public_libraries_raise_no_false_alarm(library, of):
    pytest.importorskip(library.partition("/")[0], reason=f"{library} is not installed")
    suite = core_of(of)[:16]  # each shape is compiled by jax
    report = oracle.check(library, 10, of=of, suite=suite, only=["float32", "float64"])
    assert report.passed
    assert report.counts["suspicious"] == 0
    assert sum(report.counts[status] for status in ("exact", "within-bound")) > 10


@pytest.mark.parametrize("library", ["onnxruntime", "onnx-reference"])
def test_onnx_transposes(library):
    """The bias of ONNX's reference restarts with each group: that is a fault of its own."""
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    report = oracle.check(library, examples=20, of="transpose", only=["float32"])
    wrong = {"onnxruntime": None, "onnx-reference": "bias-restarts-per-group"}
    assert report.diagnosis == wrong[library]


def test_integers_are_no_question_for_jax_and_groups_none_for_its_transpose():
    pytest.importorskip("jax", reason="jax is not installed")
    case = GradientCase.from_descriptor("ic2ih5oc3kh3", of="input-grad", dtype="int8")
    with closing(Worker("jax", "input-grad")) as runner:
        assert runner.run(case).text == "RefusedError: jax has no gradient of int8"
    case = GradientCase.from_descriptor("g2ic2ih5oc2kh3", of="transpose")
    with closing(Worker("jax", "transpose")) as runner:
        outcome = runner.run(case)
    assert outcome.how == RAISED
    assert outcome.text == "RefusedError: jax.lax.conv_transpose has no groups"


# --- commands -------------------------------------------------------------------------------------

TARGETS = """
    import numpy as np

    from refconv import conv2d_input_grad, conv2d_weight_grad, conv_transpose2d

    def flipped(grad_y, weight, x_shape, **options):
        return conv2d_input_grad(grad_y, weight[:, :, ::-1], x_shape, **options)

    def first_image(grad_y, x, weight_shape, **options):
        return conv2d_weight_grad(grad_y[:1], x[:1], weight_shape, **options)

    def at_the_wrong_end(x, weight, bias, *, output_padding, **options):
        y = conv_transpose2d(x, weight, bias, **options)
        return np.pad(y, ((0, 0), (0, 0), (output_padding[0], 0), (output_padding[1], 0)))

    def echo(*operands, **options):
        given = [a if isinstance(a, (tuple, type(None))) else (a.shape, a.sum()) for a in operands]
        raise ValueError(f"{given} {options}")

    def scribbles(grad_y):
        y = grad_y.sum((0, 2, 3))
        grad_y[...] = 7
        return y
"""


@pytest.fixture
def checked(tmp_path, monkeypatch, capsys):
    """Exit status, output and errors of a command line, where those targets are."""
    (tmp_path / "mine.py").write_text(dedent(TARGETS))
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        try:
            status = main([*map(str, arguments)])
        except SystemExit as error:  # of the parser
            status = error.code
        out, err = capsys.readouterr()
        return status, out, err

    return run


@pytest.mark.parametrize(
    ("of", "function", "name"),
    [
        ("input-grad", "flipped", "kernel-flipped-h"),
        ("weight-grad", "first_image", "batch-not-summed"),
        ("transpose", "at_the_wrong_end", "output-padding-wrong-end"),
    ],
)
def test_a_wrong_target_and_every_command_that_it_prints(checked, of, function, name):
    status, text, errors = checked("check", f"mine.py:{function}", "--of", of, "--examples", 40)
    assert (status, errors) == (1, "")
    assert f"({name})" in text.replace("\n", "")
    commands = [line.strip() for line in text.splitlines() if "refconv check" in line]
    assert len(commands) == 4
    for command in commands:
        assert f"--of {of}" in command
        status, again, _ = checked(*shlex.split(command)[1:])
        assert status == 1
        assert f"mine.py:{function}, {of}: failed (" in again.replace("\n  ", " ")
        assert command in again


def test_a_target_is_called_as_is_promised(tmp_path):
    """Through the pipe: arrays are what they were, and shapes and options are tuples again."""
    (tmp_path / "mine.py").write_text(dedent(TARGETS))
    for of in OF:
        case = core_of(of)[0]
        given = [
            v if isinstance(v, tuple | None) else (v.shape, v.sum()) for v in case.operands.values()
        ]
        with closing(Worker(f"{tmp_path / 'mine.py'}:echo", of)) as runner:
            outcome = runner.run(case)
        assert (outcome.how, outcome.text) == (RAISED, f"ValueError: {given} {case.options}")


def test_a_target_that_writes_to_grad_y_is_found_out(tmp_path):
    (tmp_path / "mine.py").write_text(dedent(TARGETS))
    with closing(Worker(f"{tmp_path / 'mine.py'}:scribbles", "bias-grad")) as runner:
        outcome = runner.run(core_of("bias-grad")[0])
    assert (outcome.how, outcome.modified) == (RETURNED, ("grad_y",))


def test_json_says_what_was_asked(checked):
    status, text, _ = checked(
        "check", "refconv.im2col", "--of", "bias-grad", "--examples", 5, "--json"
    )
    document = json.loads(text)
    assert (status, document["of"], document["passed"]) == (0, "bias-grad", True)


ONE = ("check", "refconv.im2col", "--case", "ic2ih9iw8oc3oh3ow8kh2kw1sh3sw1ph0pw0")

BAD_COMMANDS = {
    "an unknown gradient": (
        ("check", "refconv.im2col", "--of", "y"), "of is 'y', but must be one of input-grad",
    ),
    "an unknown gradient of one case": ((*ONE, "--of", "y"), "of is 'y', but must be one of"),
    "a library without gradients": (
        ("check", "scipy", "--of", "input-grad"), "scipy cannot be asked for the input-grad here",
    ),
    "an unknown gradient of a program": (
        ("check", "--command", "true {case}", "--of", "y"), "of is 'y', but must be one of input-",
    ),
    "the separable suite": (
        ("check", "refconv.im2col", "--of", "transpose", "--suite", "separable"),
        "suite is 'separable', but the transpose is asked of one convolution",
    ),
    "output padding of no case": (
        ("check", "refconv.im2col", "--of", "transpose", "--output-padding", "1,0"),
        "--output-padding is that of one --case",
    ),
    "output padding of a convolution": (
        (*ONE, "--output-padding", "1,0"), "--output-padding is that of --of transpose",
    ),
    "output padding of a gradient": (
        (*ONE, "--of", "input-grad", "--output-padding", "1,0"), "output_padding is for a tra",
    ),
    "too little output padding": (
        (*ONE, "--of", "transpose", "--output-padding", "0,0"), "but must be at least 1 for these",
    ),
    "output padding that is no pair": (
        (*ONE, "--of", "transpose", "--output-padding", "1"),
        "'1' is not two integers with a comma between them",
    ),
    "output padding that is no number": (
        (*ONE, "--of", "transpose", "--output-padding", "1,x"), "'x' is not an integer from 0 on",
    ),
    "an unknown gradient of vectors": (
        ("vectors", "new", "--of", "y"), "of is 'y', but must be one of input-grad",
    ),
    "separable vectors": (
        ("vectors", "new", "--of", "bias-grad", "--suite", "separable"),
        "suite is 'separable', but the bias-grad is asked of one convolution",
    ),
    "what case folders say themselves": (
        ("judge", ".", "--of", "input-grad"), "unrecognized arguments: --of input-grad",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), BAD_COMMANDS.values(), ids=BAD_COMMANDS)
def test_wrong_use_is_one_line_and_exit_status_2(checked, arguments, message):
    status, text, errors = checked(*arguments)
    assert (status, text) == (2, "")
    assert message in errors
    assert errors.startswith("refconv")
    assert errors.count("\n") == 1


# --- names that are not true ---------------------------------------------------------------------

LONG_SUM = "mb2ic3ih20iw21oc5kh3kw3"
"""Whose bias gradients are sums of 684 whole numbers: more than bfloat16 holds of them."""


def without_the_last(grad_y):
    """The last place of the last image is left out."""
    grad_y = grad_y.copy()
    grad_y[-1, :, -1, -1] = 0
    return grad_y


@pytest.mark.parametrize("offset", [1, -3])
def test_an_offset_of_whole_numbers_is_not_taken_for_rounding(offset):
    case = Case.from_descriptor(LONG_SUM)
    right = conv2d_bias_grad(case.grad_y)
    assert judge(case, right + np.float32(offset), of="bias-grad").diagnosis is None


def test_a_term_of_whole_numbers_that_is_missing_is_not_taken_for_rounding():
    case = Case.from_descriptor(LONG_SUM)
    short = without_the_last(case.grad_y)
    names = {"accumulator-bfloat16", "accumulator-float16"}
    of_bias = judge(case, conv2d_bias_grad(short), of="bias-grad")
    of_weight = judge(case, conv2d_weight_grad(short, case.x, case.weight.shape), of="weight-grad")
    assert not names & {*of_bias.candidates, *of_weight.candidates}


@pytest.mark.parametrize("of", OF)
def test_narrow_sums_of_whole_numbers_are_replayed_to_the_bit(of):
    case = GradientCase.from_descriptor(
        "g2mb2ic4ih9iw10oc24kh3kw2ph1pw0", of=of, seed=3, bound=60 if of == "bias-grad" else 20
    )
    total = np.zeros(case.weight.shape if of == "weight-grad" else reference_of(case).y.shape)
    for addend in one_by_one(case):
        total = (total + addend).astype(ml_dtypes.bfloat16).astype(float)
    if case.bias is not None:
        total = (total + case.bias[:, None, None]).astype(ml_dtypes.bfloat16).astype(float)
    verdict = judge(case, total.astype(np.float32))
    assert verdict.status == "wrong"
    assert verdict.diagnosis == "accumulator-bfloat16"
    assert "Replayed to the bit." in verdict.explanation


def one_by_one(case):
    """What is added to the gradient, in the order of loops over the shape of grad_y; of x, in that
    of output channels and kernel cells.
    """
    g = case.geometry
    x, weight, grad_y = (a.astype(float) for a in (case.x, case.weight, case.grad_y))
    one = {"stride": g.stride, "padding": g.padding, "dilation": g.dilation, "groups": g.G}
    if case.of in ("input-grad", "transpose"):
        for fg, kh, kw in np.ndindex(g.Fg, g.KH, g.KW):
            tap = np.zeros_like(weight)
            tap[fg :: g.Fg, :, kh, kw] = weight[fg :: g.Fg, :, kh, kw]
            yield conv2d_input_grad(grad_y, tap, x.shape, **one)
        return
    for n, oh, ow in np.ndindex(g.N, g.OH, g.OW):
        place = np.zeros_like(grad_y)
        place[n, :, oh, ow] = grad_y[n, :, oh, ow]
        yield (
            conv2d_weight_grad(place, x, weight.shape, **one)
            if case.of == "weight-grad"
            else conv2d_bias_grad(place)
        )


@pytest.mark.parametrize("images", [1, 2])
@pytest.mark.parametrize("shape", [(1, -1), (-1, 1), (1, -1, 1, 1)])
def test_right_numbers_in_another_shape_are_no_other_sum(images, shape):
    case = Case.from_descriptor(f"mb{images}ic3ih6iw7oc5kh3kw3")
    right = conv2d_bias_grad(case.grad_y)
    verdict = judge(case, right.reshape(shape), of="bias-grad")
    assert verdict.status == "wrong"
    assert verdict.diagnosis == "output-reshaped"


def test_the_tail_of_an_input_gradient_is_of_its_own_channels():
    case = GradientCase.from_descriptor("ic5ih6iw7oc3kh3kw3", of="input-grad")
    y = conv2d_input_grad(case.grad_y, case.weight, case.x.shape)
    y[:, 3:] += np.arange(1, 1 + y[:, 3:].size).reshape(y[:, 3:].shape)
    verdict = judge(case, y)
    assert verdict.diagnosis == "tail-of-channels"
    assert "the last channels are wrong" in verdict.explanation


def test_sums_that_stop_at_an_end_are_not_unwritten():
    case = GradientCase.from_descriptor("ic3ih9iw8oc4kh3kw2", of="weight-grad", bound=90)
    right = conv2d_weight_grad(case.grad_y, case.x, case.weight.shape)
    end = np.sort(right.ravel())[-3]
    assert "output-unwritten" not in judge(case, np.minimum(right, end)).candidates


def test_one_negative_number_that_is_zero_is_not_rectified():
    """Whatever loses a single product leaves that, where one output is all that is wrong."""
    case = GradientCase.from_descriptor("ic1ih1iw1oc1kh1kw1", seed=2, of="weight-grad")
    assert "rectified" not in judge(case, np.zeros((1, 1, 1, 1), np.float32)).candidates


def test_a_name_that_the_run_contradicts_is_said_to_fit_one_case():
    small = GradientCase.from_descriptor("ic1ih1iw3oc1kh1kw2", of="weight-grad")
    large = GradientCase.from_descriptor("ic3ih9iw8oc4kh3kw2", of="weight-grad")

    def wrong(grad_y, x, weight_shape, **options):
        y = conv2d_weight_grad(grad_y, x, weight_shape, **options)
        return np.zeros_like(y) if y.size == 2 else np.abs(y)

    report = oracle.check(wrong, examples=0, suite=[small, large], of="weight-grad")
    assert report.diagnosis is None
    assert "wrong: output-unwritten" in str(report)
    assert "(That name fits this case, and not the run: the run has none.)" in " ".join(
        str(report).split()
    )
