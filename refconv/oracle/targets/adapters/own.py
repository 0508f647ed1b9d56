"""The methods of `refconv.conv2d` and its gradients as targets, each by its name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from refconv.conv import conv2d
from refconv.gradients import (
    conv2d_bias_grad,
    conv2d_input_grad,
    conv2d_weight_grad,
    conv_transpose2d,
)
from refconv.oracle.targets.adapters.adapter import Adapter, Array, Ask, Options, Question
from refconv.plan import METHODS, Method


def make(method: Method, options: Options) -> Ask:
    """Ask `conv2d` by this method."""

    def ask(q: Question) -> Array:
        return conv2d(**q._asdict(), method=method)

    return ask


def make_gradient(
    function: Callable[..., Array], method: Method, options: Options
) -> Callable[..., Array]:
    """Ask this function by this method."""
    return partial(function, method=method)


GRADIENTS: dict[str, Callable[..., Array]] = {
    "input-grad": conv2d_input_grad,
    "weight-grad": conv2d_weight_grad,
    "transpose": conv_transpose2d,
}

ADAPTERS = {
    f"refconv.{method}": Adapter(
        "refconv",
        partial(make, method),
        gradients={
            **{of: partial(make_gradient, f, method) for of, f in GRADIENTS.items()},
            "bias-grad": lambda options: conv2d_bias_grad,  # which has but one method
        },
    )
    for method in METHODS
}
