"""JAX: jax.lax.conv_general_dilated, which has pads for both ends of an axis, but no bias.

Gradients are asked for with jax.vjp, and a transpose with jax.lax.conv_transpose. The bias is added
to its result. Types are not changed: it sums int8 in int8, and that is what is judged; with the
option `widen` it is asked for int32, and for int64 for wider integers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refconv.dtypes import Types
from refconv.oracle.targets.adapters.adapter import (
    Adapter,
    Array,
    Ask,
    Options,
    Question,
    RefusedError,
    add_bias,
    library,
)


def make(options: Options) -> Ask:
    """Ask JAX for y, with these options: precision of products, wider results for integers."""
    jax = library("jax")

    def ask(q: Question) -> Array:
        wide = Types.of(q.x.dtype, q.weight.dtype).result if "widen" in options else None
        with _types_of_64_bits(jax):  # else it would narrow them, without a word
            y = _convolve(jax, options, q, wide)
            return np.asarray(add_bias(y, q.bias, "jax"))

    return ask


def make_input_grad(options: Options) -> Callable[..., Array]:
    """Ask for the gradient by x, of a convolution of zeros: it is the same for every x."""
    jax = library("jax")

    def ask(grad_y: Array, weight: Array, x_shape: tuple[int, ...], **given: Any) -> Array:
        def of_x(x: Any) -> Any:
            return _convolve(jax, options, Question(x, weight, **given))

        return _gradient(jax, of_x, np.zeros(x_shape, grad_y.dtype), grad_y)

    return ask


def make_weight_grad(options: Options) -> Callable[..., Array]:
    """Ask for the gradient by the weight, which is the same for every weight."""
    jax = library("jax")

    def ask(grad_y: Array, x: Array, weight_shape: tuple[int, ...], **given: Any) -> Array:
        def of_weight(weight: Any) -> Any:
            return _convolve(jax, options, Question(x, weight, **given))

        return _gradient(jax, of_weight, np.zeros(weight_shape, x.dtype), grad_y)

    return ask


def make_bias_grad(options: Options) -> Callable[..., Array]:
    """Ask for the gradient by a bias that is added to zeros."""
    jax = library("jax")

    def ask(grad_y: Array) -> Array:
        def of_bias(bias: Any) -> Any:
            return np.zeros(grad_y.shape, grad_y.dtype) + bias[:, None, None]

        return _gradient(jax, of_bias, np.zeros(grad_y.shape[1], grad_y.dtype), grad_y)

    return ask


def make_transpose(options: Options) -> Callable[..., Array]:
    """Ask jax.lax.conv_transpose, which has no groups, and no output padding but by its pads."""
    jax = library("jax")

    def ask(
        x: Array, weight: Array, bias: Array | None, *,
        stride: Any, padding: Any, output_padding: Any, dilation: Any, groups: int,
    ) -> Array:  # fmt: skip
        if groups > 1:
            raise RefusedError("jax.lax.conv_transpose has no groups")
        spans = [d * (k - 1) for k, d in zip(weight.shape[2:], dilation, strict=True)]
        ends = zip(spans, padding, output_padding, strict=True)
        with _types_of_64_bits(jax):
            y = jax.lax.conv_transpose(
                x,
                weight,
                strides=stride,
                padding=[(span - p[0], span - p[1] + more) for span, p, more in ends],
                rhs_dilation=dilation,
                dimension_numbers=("NCHW", "OIHW", "NCHW"),
                transpose_kernel=True,
                precision=options.get("precision"),
            )
            return np.asarray(add_bias(y, bias, "jax"))

    return ask


def _convolve(jax: Any, options: Options, q: Question, wide: Any = None) -> Any:
    """Y without the bias."""
    return jax.lax.conv_general_dilated(
        q.x,
        q.weight,
        window_strides=q.stride,
        padding=q.padding,
        rhs_dilation=q.dilation,
        feature_group_count=q.groups,
        precision=options.get("precision"),
        preferred_element_type=wide,
    )


def _gradient(jax: Any, function: Callable[[Any], Any], at: Array, grad_y: Array) -> Array:
    """The gradient of a function of one array."""
    if grad_y.dtype.kind in "iu":
        raise RefusedError(f"jax has no gradient of {grad_y.dtype.name}")
    with _types_of_64_bits(jax):
        _, backwards = jax.vjp(function, at)
        return np.asarray(backwards(jax.numpy.asarray(grad_y))[0])


def _types_of_64_bits(jax: Any) -> Any:
    """A context in which JAX has them: newer versions have it at the top."""
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    return library("jax.experimental").enable_x64()


GRADIENTS = {
    "input-grad": make_input_grad,
    "weight-grad": make_weight_grad,
    "bias-grad": make_bias_grad,
    "transpose": make_transpose,
}

ADAPTERS = {"jax": Adapter("jax", make, ("widen", "precision="), GRADIENTS)}
