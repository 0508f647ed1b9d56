"""The definition, compiled: the very source of `refconv.loops`, made machine code by Numba."""

from __future__ import annotations

import numba

from refconv.loops import seven_loops

compiled_seven_loops = numba.njit(nogil=True, cache=True)(seven_loops)
