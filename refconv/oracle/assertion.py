"""For tests of other projects: an assertion whose message is the verdict."""

from __future__ import annotations

from typing import Any

from refconv.oracle.case import Case
from refconv.oracle.judge import judge


def assert_conv_close(
    actual: Any,
    x: Any,
    weight: Any,
    bias: Any = None,
    *,
    accumulator: Any = None,
    operands: Any = None,
    algorithm: str = "direct",
    **options: Any,
) -> None:
    """Raise an `AssertionError` unless `actual` is y, to the bit or within the proven bound.

    `x`, `weight`, `bias` and `options` (stride, padding, dilation, groups, pad_value) are those of
    `refconv.conv2d`, in NCHW; `accumulator`, `operands` and `algorithm` those of `oracle.judge`.
    Outputs that are suspicious, or of which nothing can be said, fail too.

    >>> x, weight = [[[[1, 2, 3]]]], [[[[1, 10]]]]
    >>> assert_conv_close([[[[21, 32]]]], x, weight)
    >>> assert_conv_close([[[[12, 23]]]], x, weight)
    Traceback (most recent call last):
        ...
    AssertionError: wrong: kernel-rotated-180
    ...
    """
    __tracebackhide__ = True
    case = Case(x, weight, bias, **options)
    verdict = judge(case, actual, accumulator, operands=operands, algorithm=algorithm)
    if not verdict.is_good:
        raise AssertionError(str(verdict))
