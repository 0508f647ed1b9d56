"""The oracle: judges an implementation of convolution, explains what is wrong, and reproduces it.

>>> from refconv import conv2d, oracle
>>> case = oracle.Case.from_descriptor("g2ic4ih5iw6oc6kh3kw2", seed=1)
>>> oracle.judge(case, conv2d(case.x, case.weight, case.bias, groups=2)).status
'exact'
>>> def flipped(x, weight, bias, **options):
...     return conv2d(x, weight[:, :, ::-1, ::-1], bias, **options)
>>> report = oracle.check(flipped, examples=10)
>>> report.passed, report.diagnosis
(False, 'kernel-rotated-180')
"""

from refconv.oracle.assertion import assert_conv_close
from refconv.oracle.cases.case import Case
from refconv.oracle.cases.gradient_case import GradientCase
from refconv.oracle.check import check
from refconv.oracle.judge import judge
from refconv.oracle.judging.verdict import Verdict
from refconv.oracle.report import Report
from refconv.oracle.width import accumulator_width

__all__ = [
    "Case", "GradientCase", "Report", "Verdict", "accumulator_width", "assert_conv_close", "check",
    "judge",
]  # fmt: skip
