"""Who sees whom: which input channels a structure lets into which output channels."""

from __future__ import annotations

from typing import Any

import numpy as np

from refconv.geometry import Geometry

Array = np.ndarray[Any, Any]


def wiring(g: Geometry) -> Array:
    """A bool array (F, C): whether output channel f reads input channel c.

    Output channel f belongs to group f // Fg, input channel c to group c // Cg. So it is full for
    one group, blocks on the diagonal for more, and C blocks of one column for depthwise.

    >>> print(wiring(Geometry.of((1, 4, 3, 3), (6, 2, 1, 1), groups=2)).astype(int))
    [[1 1 0 0]
     [1 1 0 0]
     [1 1 0 0]
     [0 0 1 1]
     [0 0 1 1]
     [0 0 1 1]]
    """
    group_of_output = np.arange(g.F) // g.Fg
    group_of_input = np.arange(g.C) // g.Cg
    connected: Array = group_of_output[:, None] == group_of_input
    return connected
