"""The methods of `refconv.conv2d` as targets, each by its name."""

from __future__ import annotations

from functools import partial

from refconv.conv import conv2d
from refconv.oracle.adapters.adapter import Adapter, Array, Ask, Options, Question
from refconv.plan import METHODS, Method


def make(method: Method, options: Options) -> Ask:
    """Ask `conv2d` by this method."""

    def ask(q: Question) -> Array:
        return conv2d(**q._asdict(), method=method)

    return ask


ADAPTERS = {f"refconv.{method}": Adapter("refconv", partial(make, method)) for method in METHODS}
