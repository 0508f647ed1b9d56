"""What an adapter is: how a library's convolution is asked the oracle's question; and its errors.

Here is what all of them share. Each library has a file of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, Any]
Options: TypeAlias = dict[str, str]
"""Options of a target by name; one that is only switched on has an empty value."""

HALVES = ("float16", "bfloat16")

LONGEST = 400
"""Characters of an error's message that are shown."""


class Question(NamedTuple):
    """One convolution: x (N, C, H, W), weight (F, C//groups, KH, KW), bias (F,), and options."""

    x: Array
    weight: Array
    bias: Array | None = None
    stride: tuple[int, int] = (1, 1)
    padding: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1


Ask: TypeAlias = Callable[[Question], Any]
"""Puts a question to a library; its answer is what `numpy.asarray` takes."""


class TargetError(Exception):
    """There is no such target; the message, one line, says why and the mend."""


class RefusedError(Exception):
    """The library has no way to be asked this question; the message is a sentence."""


class Adapter(NamedTuple):
    """`make(options)` imports the library and gives the function that puts questions to it.

    `library` is the module whose version is shown. `options` are the names that it knows; one that
    takes a value ends with "=". `gradients` make, for each that the library can be asked for, the
    function that is called as a target of it is (`GradientCase`).
    """

    library: str
    make: Callable[[Options], Ask]
    options: tuple[str, ...] = ()
    gradients: Mapping[str, Callable[[Options], Callable[..., Any]]] = MappingProxyType({})


def library(name: str) -> Any:
    """A module of a library that may be missing.

    Errors: `TargetError` where it is, or where it cannot be imported.
    """
    top = name.partition(".")[0]
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != top:
            raise TargetError(f"{name} cannot be imported: {error}") from error
        raise TargetError(
            f"{top} is not installed: pip install {top}, or all peers with 'refconv[peers]'"
        ) from error
    except Exception as error:  # broken, it may raise anything
        raise TargetError(
            f"{name} cannot be imported: {type(error).__name__}: {one_line(error)}"
        ) from error


def add_bias(y: Any, bias: Any, peer: str) -> Any:
    """`y` (N, F, OH, OW) plus `bias` (F,), for a library whose convolution has none.

    A narrow type is refused: y has been rounded to it already, and the sum would be once more.
    """
    if bias is None:
        return y
    if y.dtype.name in HALVES:
        raise RefusedError(
            f"{peer} has no bias in its convolution, and a {y.dtype.name} that is added afterwards "
            "would be rounded twice"
        )
    return y + bias[:, None, None]


def as_bfloat16(bits: Array) -> Array:
    """The numbers of which an array of some 16-bit type holds the bits."""
    import ml_dtypes  # where one came from, it is installed

    return bits.view(ml_dtypes.bfloat16)


def one_line(message: Any) -> str:
    """An error, or its message, without line breaks or codes for a terminal, and not too long.

    >>> one_line(ValueError("first\\n  second"))
    'first second'
    """
    text = "".join(c if c.isprintable() else "?" for c in " ".join(str(message).split()))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
