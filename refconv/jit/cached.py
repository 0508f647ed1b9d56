"""Compiling with a cache on disk, where there is a place for one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def compiled(*signature: Any, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """`numba.njit(..., cache=True)`; without the cache where Numba finds no folder to write it to.

    It is then compiled in each process anew, as in a container without a home.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        njit: Any = numba.njit
        try:
            return njit(*signature, cache=True, **options)(function)
        except RuntimeError as error:
            if "cannot cache" not in str(error):
                raise
            return njit(*signature, **options)(function)

    return decorate
