"""Is it right? A target's outputs are compared with the reference, and what is wrong is explained.

How they are compared is `judging/comparison.py`; what is doubted though nothing is proven wrong is
`judging/doubt.py`; how a fault is found is `faults/diagnosis.py`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from refconv.oracle.cases.case import Array, Case
from refconv.oracle.cases.gradient_case import asked
from refconv.oracle.faults.diagnosis import NO_HINTS, Hints, explain, explain_shape
from refconv.oracle.judging.comparison import Terms, compare, is_flushed, ratio_of, worst_of
from refconv.oracle.judging.doubt import suspicion, vacuity
from refconv.oracle.judging.verdict import Verdict
from refconv.oracle.reference.adjoint import Adjoint, posed
from refconv.oracle.reference.certified import Reference, UncertainError, reference_of


def judge(
    case: Case,
    actual: Any,
    accumulator: Any = None,
    *,
    of: str | None = None,
    operands: Any = None,
    algorithm: str = "direct",
) -> Verdict:
    """Say whether `actual` is the case's y, (N, F, OH, OW); and if not, what is wrong with it.

    of: "input-grad", "weight-grad" or "bias-grad" if it is the gradient for `case.grad_y`, or
        "transpose" if it is the transposed convolution of `case.grad_y`; of a `GradientCase` that
        goes without saying. A transpose has a bias of C numbers of its own: it is drawn if `case`
        has a seed and a bias, and there is none if the arrays of `case` were given, for then it is
        `GradientCase(case, "transpose", bias=...)` that says it.

    accumulator: the type that sums are computed in, if it is not the one that `refconv.conv2d`
        uses: "float16", "bfloat16", "float32", "float64".
    operands: the type that operands are rounded to first: "tf32", "bfloat16", "float16".
    algorithm: "direct" (any order of summation), "winograd", "fft": those have wider bounds.

    >>> from refconv import conv2d
    >>> case = Case.from_descriptor("ic2ih5iw6oc3kh3kw2")
    >>> judge(case, conv2d(case.x, case.weight, case.bias)).status
    'exact'
    >>> judge(case, conv2d(case.x, case.weight[:, :, ::-1], case.bias)).diagnosis
    'kernel-flipped-h'

    >>> from refconv import conv2d_input_grad
    >>> grad_x = conv2d_input_grad(case.grad_y, case.weight[:, :, ::-1], case.x.shape)
    >>> judge(case, grad_x, of="input-grad").diagnosis
    'kernel-flipped-h'

    Errors: `ValueError` for a type, an algorithm or a gradient that is none, or a case that has no
    `grad_y`.
    """
    case = asked(case, of)
    return judge_as(case, actual, Terms.of(case, accumulator, operands, algorithm))


def judge_as(
    case: Case, actual: Any, terms: Terms, hints: Hints = NO_HINTS, problem: str = ""
) -> Verdict:
    """The same on these terms; `hints` are what other cases of the target have shown, `problem`
    says why what came is no array, where that is known already.
    """
    array, found = as_outputs(actual)
    if array is None:
        return Verdict(case, "wrong", problem or found)
    try:
        reference = reference_of(case)
    except UncertainError as error:
        return Verdict(case, "unjudged", str(error))
    return _judge_outputs(case, array, reference, terms, hints)


def _judge_outputs(
    case: Case, actual: Array, reference: Reference, terms: Terms, hints: Hints
) -> Verdict:
    """The verdict on an array of numbers."""
    if actual.shape == (0,) and not reference.y.size:
        actual = actual.reshape(reference.y.shape)
    if actual.shape != reference.y.shape:
        return explain_shape(case, actual, reference)
    comparison = compare(case, actual, reference, terms)
    outputs = actual.size
    if is_flushed(case, comparison, reference, terms):
        return Verdict(
            case, "convention",
            "Subnormal numbers are flushed to zero, as many processors are told to: what is off is "
            "less than that may lose.",
            "subnormals-flushed", outputs=outputs, candidates=("subnormals-flushed",),
        )  # fmt: skip
    wrong = int(comparison.wrong.sum())
    if wrong and _is_conjugated(case, actual, reference, terms):
        return Verdict(
            case, "convention",
            "What grad_y is multiplied with is conjugated: a convention, torch's, by which the "
            "gradient points where a real loss grows fastest. Here, as in jax, nothing is.",
            "grad-conjugated", outputs=outputs, candidates=("grad-conjugated",),
        )  # fmt: skip
    if wrong:
        verdict = Verdict(
            case, "wrong", "", worst=worst_of(comparison), wrong_outputs=wrong, outputs=outputs
        )
        return explain(verdict, comparison, reference, terms, hints)
    if comparison.conventional:
        return Verdict(
            case, "convention",
            "Padding cells are left out, where the contract multiplies them: a padded zero times "
            "an infinite weight is NaN there. Public libraries differ in this.",
            "nonfinite-convention", outputs=outputs, candidates=("nonfinite-convention",),
        )  # fmt: skip
    remark = _type_remark(case, actual)
    if comparison.exact or (case.is_integral and not comparison.error.any()):
        said = f"Every output is right to the bit.{remark}"
        return Verdict(case, "exact", said, outputs=outputs)
    doubt = suspicion(comparison, reference, terms)
    if doubt:
        verdict = Verdict(case, "suspicious", doubt, worst=worst_of(comparison), outputs=outputs)
        return explain(verdict, comparison, reference, terms, hints)
    if blind := vacuity(comparison, reference, terms):
        return Verdict(case, "unjudged", blind, outputs=outputs)
    ratio = ratio_of(comparison)
    most = float(np.max(ratio[np.isfinite(ratio)], initial=0))
    return Verdict(
        case, "within-bound",
        f"Every output is within the proven bound: at most {most:.2g} of it.{remark}",
        outputs=outputs,
    )  # fmt: skip


def _is_conjugated(case: Case, actual: Array, reference: Reference, terms: Terms) -> bool:
    """Whether it is right for those who define the gradient of complex numbers with conjugates."""
    problem = posed(case)
    if not isinstance(problem, Adjoint) or case.of == "transpose":
        return False
    if case.types.accumulator.kind != "c":
        return False
    grad_y, other, bias = problem.operands
    conjugated = problem.with_operands(grad_y, other.conj(), bias)
    y = conjugated.padded_with(np.conj(problem.convolution.pad_value)).solve()
    comparison = compare(case, actual, replace(reference, y=y), terms)
    if comparison.wrong.any():
        return False
    return comparison.exact or not suspicion(comparison, reference, terms)


def _type_remark(case: Case, actual: Array) -> str:
    """A type that is not the contract's is no fault of the numbers, but it is said."""
    result = case.types.result
    return (
        ""
        if actual.dtype.newbyteorder("=") == result
        else f" (They are {actual.dtype.name}, not {result.name}.)"
    )


def as_outputs(actual: Any) -> tuple[Array | None, str]:
    """What a target returned as an array of numbers; or None, and why not."""
    if actual is None:
        return None, "It returned None instead of an array."
    try:
        array = np.asarray(actual)
    except Exception as error:  # whatever a foreign object raises, it is its fault
        return None, f"What it returned is no array: {type(error).__name__}: {error}"
    if isinstance(actual, list | tuple) and not array.size:
        array = array.reshape(0)  # a list cannot say what shape nothing has
    if array.dtype.kind not in "biufc" and array.dtype.name != "bfloat16":
        return None, f"It returned {type(actual).__name__} of type {array.dtype}, no numbers."
    return array, ""
