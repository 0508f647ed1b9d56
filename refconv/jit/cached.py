"""How compiled functions are compiled: with a cache on disk, where there is a place for one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

njit: Any = numba.njit  # its stub knows fewer options than it takes

inner = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True)
"""For functions that compiled code alone calls: without the ways in from Python, which would take a
tenth of the time that compiling takes."""


def compiled(*signature: Any, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """`numba.njit(..., cache=True)`; without the cache where Numba finds no folder to write it to.

    It is then compiled in each process anew, as in a container without a home.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        try:
            return njit(*signature, cache=True, **options)(function)
        except RuntimeError as error:
            if "cannot cache" not in str(error):
                raise
            return njit(*signature, **options)(function)

    return decorate
