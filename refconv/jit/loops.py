"""The definitions, compiled: the very source of the loops in Python, made machine code by Numba."""

from __future__ import annotations

from refconv.gradients.loops import input_grad_loops, weight_grad_loops
from refconv.jit.cached import compiled
from refconv.loops import seven_loops

compiled_seven_loops = compiled(nogil=True)(seven_loops)
compiled_input_grad_loops = compiled(nogil=True)(input_grad_loops)
compiled_weight_grad_loops = compiled(nogil=True)(weight_grad_loops)
