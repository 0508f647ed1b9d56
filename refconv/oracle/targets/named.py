"""Targets by name: a public library, a method of refconv, or any Python callable.

    torch  torch/channels_last  torch/no-onednn/device=cuda  onnxruntime  onnx-reference  jax
    openvino  scipy  refconv.im2col  refconv.jit  refconv.loops  refconv.jit-loops  refconv.auto
    module:callable  path/to/file.py:callable

Options follow a library's name after a slash or a colon each. How libraries are asked is in
`adapters/`; that a target may hang or crash is dealt with in `worker.py`.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from functools import reduce
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from refconv.oracle.targets.adapters import ADAPTERS, Adapter, RefusedError, TargetError
from refconv.oracle.targets.adapters.adapter import Array, Ask, Options, Question, library, one_line

__all__ = ["RefusedError", "Target", "TargetError", "resolve"]


class Target(NamedTuple):
    """`call(x, weight, bias, stride=, padding=, dilation=, groups=)`, with all options as pairs, or
    what `GradientCase` says, returns what `numpy.asarray` takes; `name` is for reports, with the
    library's version.
    """

    name: str
    call: Callable[..., Any]


def resolve(name: str, of: str | None = None) -> Target:
    """The target of this name, ready to be called; `of` says which gradient it will be asked for.

    >>> resolve("refconv.im2col").name.startswith("refconv.im2col ")
    True
    >>> resolve("numpy:convolve").call.__name__
    'convolve'
    >>> resolve("numpee:convolve")
    Traceback (most recent call last):
    refconv.oracle.targets.adapters.adapter.TargetError: there is no module 'numpee'

    Errors: `TargetError`, one line, where there is none, or where it cannot be used here.
    """
    first, *options = name.replace("/", ":").split(":")
    if first in ADAPTERS and not _is_file(name):
        adapter = ADAPTERS[first]
        given = _options(first, adapter, options)
        call = _asking(adapter.make(given)) if of is None else _gradient(first, adapter, of, given)
        return Target(f"{name} {_version(library(adapter.library))}", call)
    place, colon, attribute = name.rpartition(":")
    if not (place and colon and attribute):
        raise TargetError(
            f"{name!r} is no target: it must be one of {', '.join(ADAPTERS)}, module:callable or "
            "path/to/file.py:callable"
        )
    module = _imported(_file if _is_file(name) else import_module, place)
    version = "" if _is_file(name) else _version(module)
    return Target(f"{name} {version}".rstrip(), _callable(module, place, attribute))


def _asking(ask: Ask) -> Callable[..., Any]:
    """An adapter's function, to be called as a target is."""

    def call(x: Array, weight: Array, *others: Array | None, **options: Any) -> Any:
        if len(others) > 1:
            raise RefusedError("it has no depthwise separable convolution of its own")
        bias = others[0] if others else None
        return ask(Question(x, weight, bias, **options))

    return call


def _gradient(name: str, adapter: Adapter, of: str, options: Options) -> Callable[..., Any]:
    """An adapter's function for a gradient, to be called as a target is."""
    make = adapter.gradients.get(of)
    if make is None:
        known = " or ".join(["y", *adapter.gradients])
        raise TargetError(f"{name} cannot be asked for the {of} here, but for {known}")
    return make(options)


def _is_file(name: str) -> bool:
    return name.rpartition(":")[0].endswith(".py")


def _options(name: str, adapter: Adapter, given: list[str]) -> Options:
    """The options by name; a `TargetError` for one that the library does not have."""
    options = {}
    for option in given:
        key, equals, value = option.partition("=")
        if key + equals not in adapter.options or (equals and not value):
            known = ", ".join(f"{o}..." if o.endswith("=") else o for o in adapter.options)
            raise TargetError(f"{name} has no option {option!r}, but {known or 'none'}")
        if key == "threads" and not (value.isdecimal() and int(value)):
            raise TargetError(f"threads is {value!r}, but must be a positive integer")
        options[key] = value
    return options


def _version(module: ModuleType) -> str:
    """Of the library that the module belongs to; without the name of the build."""
    top = sys.modules.get(module.__name__.partition(".")[0], module)
    return str(getattr(top, "__version__", "")).partition("-")[0]


def _imported(how: Callable[[str], ModuleType], place: str) -> ModuleType:
    """The module; whatever its import does, a `TargetError`."""
    try:
        return how(place)
    except TargetError:
        raise
    except ModuleNotFoundError as error:
        if error.name is not None and f"{place}.".startswith(f"{error.name}."):
            raise TargetError(f"there is no module {error.name!r}") from error
        raise TargetError(f"{place} cannot be imported: {one_line(error)}") from error
    except (Exception, SystemExit) as error:
        kind = type(error).__name__
        raise TargetError(f"{place} cannot be imported: {kind}: {one_line(error)}") from error


def _file(path: str) -> ModuleType:
    """The module that a file holds; what lies beside it can be imported from it, as in a script."""
    file = Path(path)
    if not file.is_file():
        raise TargetError(f"there is no file {path!r}")
    name = f"target {file.stem}"  # no name that another module may have
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None  # for the type checker: its name ends with .py
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(file.parent.resolve()))
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _callable(module: ModuleType, place: str, attribute: str) -> Callable[..., Any]:
    try:
        found: Any = reduce(getattr, attribute.split("."), module)
    except AttributeError as error:
        raise TargetError(f"{place} has no {attribute!r}") from error
    if not callable(found):
        raise TargetError(f"{attribute} of {place} is {type(found).__name__}, but must be callable")
    return found  # type: ignore[no-any-return]
