"""Counting a convolution: closed forms, and two counts that execute it and must come out equal.

`closed.py` holds the formulas, `tally.py` runs the definition on numbers that count, `ones.py`
convolves ones with ones. No kernel holds a counter.
"""

from refconv.counts.closed import Counts, count
from refconv.counts.ones import count_by_ones
from refconv.counts.tally import tally

__all__ = ["Counts", "count", "count_by_ones", "tally"]
