"""JAX: jax.lax.conv_general_dilated, which has pads for both ends of an axis, but no bias.

The bias is added to its result. Types are not changed: it sums int8 in int8, and that is what is
judged; with the option `widen` it is asked for int32, and for int64 for wider integers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refconv.dtypes import Types
from refconv.oracle.adapters.adapter import (
    Adapter,
    Array,
    Ask,
    Options,
    Question,
    add_bias,
    library,
)


def make(options: Options) -> Ask:
    """Ask JAX, with these options: precision of products, and wider results for integers."""
    jax = library("jax")

    def ask(q: Question) -> Array:
        wide = Types.of(q.x.dtype, q.weight.dtype).result if "widen" in options else None
        with _types_of_64_bits(jax):  # else it would narrow them, without a word
            y = jax.lax.conv_general_dilated(
                q.x,
                q.weight,
                window_strides=q.stride,
                padding=q.padding,
                rhs_dilation=q.dilation,
                feature_group_count=q.groups,
                precision=options.get("precision"),
                preferred_element_type=wide,
            )
            return np.asarray(add_bias(y, q.bias, "jax"))

    return ask


def _types_of_64_bits(jax: Any) -> Any:
    """A context in which JAX has them: newer versions have it at the top."""
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    return library("jax.experimental").enable_x64()


ADAPTERS = {"jax": Adapter("jax", make, ("widen", "precision="))}
