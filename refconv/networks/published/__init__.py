"""What papers and projects print of these networks, beside what we count: figure by figure.

Each figure names its convention, for they are mixed: whether fully connected layers are counted,
or biases, or batch norms. A figure agrees if ours rounds, or is cut off, to the digits that are
printed. Where it does not agree, the remark says what is known of it.

`figure.py` compares, `conventions.py` says what is counted, `mobilenet.py` and `others.py` hold the
figures; `table.py` shows them.
"""

from __future__ import annotations

from refconv.networks.published import mobilenet, others
from refconv.networks.published.figure import Figure
from refconv.networks.published.table import table

__all__ = ["Figure", "figures", "table"]


def figures() -> list[Figure]:
    """All of them, paper by paper.

    >>> found = figures()
    >>> found[0].what, found[0].printed, found[0].verdict
    ('last depthwise, stride', '2', 'misprint')
    """
    return [
        *mobilenet.paper(), *mobilenet.slim(), *mobilenet.elsewhere(), *others.of_alexnet(),
        *others.of_resnet(), *others.of_shufflenet(), *others.of_single_layers(),
    ]  # fmt: skip
