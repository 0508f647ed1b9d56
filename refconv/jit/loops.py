"""The definition, compiled: the very source of `refconv.loops`, made machine code by Numba."""

from __future__ import annotations

from refconv.jit.cached import compiled
from refconv.loops import seven_loops

compiled_seven_loops = compiled(nogil=True)(seven_loops)
