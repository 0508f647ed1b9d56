"""For tests of other projects: an assertion whose message is the verdict."""

from __future__ import annotations

from typing import Any

from refconv.oracle.cases.case import Case
from refconv.oracle.cases.gradient_case import GradientCase
from refconv.oracle.judge import judge


def assert_conv_close(
    actual: Any,
    x: Any,
    weight: Any,
    bias: Any = None,
    *,
    of: str | None = None,
    grad_y: Any = None,
    accumulator: Any = None,
    operands: Any = None,
    algorithm: str = "direct",
    **options: Any,
) -> None:
    """Raise an `AssertionError` unless `actual` is right, to the bit or within the proven bound.

    It is y, (N, F, OH, OW), of `x`, `weight`, `bias` and `options` (stride, padding, dilation,
    groups, pad_value) as `refconv.conv2d` has them, in NCHW. With `of` it is what that says:

    "input-grad", "weight-grad", "bias-grad": the gradient of this convolution by x, by weight or
        by bias, in the shape of that, for the gradient `grad_y` (N, F, OH, OW) of its output.
    "transpose": the transposed convolution of `x`, with the weight, bias and options (stride,
        padding, output_padding, dilation, groups) of `refconv.conv_transpose2d`.

    `accumulator`, `operands` and `algorithm` are those of `oracle.judge`. Outputs that are
    suspicious, or of which nothing can be said, fail too.

    >>> x, weight = [[[[1, 2, 3]]]], [[[[1, 10]]]]
    >>> assert_conv_close([[[[21, 32]]]], x, weight)
    >>> assert_conv_close([[[[12, 23]]]], x, weight)
    Traceback (most recent call last):
        ...
    AssertionError: wrong: kernel-rotated-180
    ...
    >>> grad_y = [[[[4, 5]]]]
    >>> assert_conv_close([[[[4, 45, 50]]]], x, weight, of="input-grad", grad_y=grad_y)
    >>> assert_conv_close([[[[23, 14]]]], x, weight, of="weight-grad", grad_y=grad_y)
    Traceback (most recent call last):
        ...
    AssertionError: wrong: kernel-rotated-180
    ...
    >>> assert_conv_close([[[[1, 10, 2, 20, 3, 30]]]], x, weight, of="transpose", stride=(1, 2))

    Errors: those of the function for such a call; `ValueError` for an `of` that is none, or a
    `grad_y` that is missing, or not asked for.
    """
    __tracebackhide__ = True
    if of in (None, "transpose") and grad_y is not None:
        raise ValueError(f"grad_y is for a gradient, but of is {of!r}")
    if of == "transpose":
        case: Case = GradientCase.transposing(x, weight, bias, **options)
    else:
        case = Case(x, weight, bias, grad_y=grad_y, **options)
    verdict = judge(case, actual, accumulator, of=of, operands=operands, algorithm=algorithm)
    if not verdict.is_good:
        raise AssertionError(str(verdict))
