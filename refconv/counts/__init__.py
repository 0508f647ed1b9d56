"""Counting a convolution: closed forms, and two counts that execute it and must come out equal.

`closed.py` holds the formulas, `tally.py` runs the definition on numbers that count, `ones.py`
convolves ones with ones; `gradients.py` does all three for the gradients. No kernel holds a
counter.
"""

from refconv.counts.closed import Counts, count
from refconv.counts.gradients import count_gradient, count_gradient_by_ones, tally_gradient
from refconv.counts.ones import count_by_ones
from refconv.counts.tally import tally

__all__ = [
    "Counts",
    "count",
    "count_by_ones",
    "count_gradient",
    "count_gradient_by_ones",
    "tally",
    "tally_gradient",
]
