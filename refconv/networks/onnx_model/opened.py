"""The model in a file: decoded, without large data, without calls of local functions."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, TypeVar

import onnx
from google.protobuf.message import DecodeError, Message  # type: ignore[import-untyped]
from onnx import inliner
from onnx.checker import ValidationError

from refconv.networks.onnx_model.words import RefusedError, label, one_line, short

MOST_OPERATORS = 1_000_000
"""Once local functions are put in place of their calls: a few can call each other to billions."""

SMALL = 1024
"""Elements of a tensor that may say a shape; the data of larger ones is dropped."""

DATA = (
    "raw_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data",
    "string_data", "external_data", "data_location",
)  # fmt: skip

Kind = TypeVar("Kind", bound=Message)


def opened(data: bytes, folder: Path) -> onnx.ModelProto:
    """The model in a file of that folder, all of whose data is in it, or is dropped."""
    model = _parsed(data)
    _check_text(model)
    for tensor in find(model, onnx.TensorProto):
        _check_place(tensor, folder)
        _drop_data(tensor)
    for node in find(model, onnx.NodeProto):
        _check_steps(node)
    if model.functions:
        model = _inlined(model)
    return model


def _parsed(data: bytes) -> onnx.ModelProto:
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise RefusedError("no ONNX model, or a corrupt one: it cannot be decoded") from error
    if not model.HasField("graph") or not model.ir_version:
        raise RefusedError("no ONNX model: it has no graph, or no version")
    return model


def _check_text(model: onnx.ModelProto) -> None:
    """Refuse names that are not UTF-8: protobuf hands them on as bytes, which nothing expects."""
    for part in find(model, Message):
        for field, value in part.ListFields():
            if field.type == field.TYPE_STRING and (
                isinstance(value, bytes) or any(isinstance(text, bytes) for text in value)
            ):
                raise RefusedError(f"its {field.full_name} is not UTF-8 text")


def find(message: Any, kind: type[Kind]) -> Iterator[Kind]:
    """Every part of that kind, at any depth."""
    if isinstance(message, kind):
        yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in (value,) if isinstance(value, Message) else value:
                yield from find(part, kind)


def _check_place(tensor: onnx.TensorProto, folder: Path) -> None:
    """Refuse data outside the folder: nothing of it would be opened, but the file is hostile."""
    for entry in tensor.external_data:
        if entry.key == "location" and _escapes(entry.value, folder):
            raise RefusedError(
                f"tensor {short(tensor.name)} has its data at {short(entry.value)}, "
                "outside the folder of the file"
            )


def _escapes(location: str, folder: Path) -> bool:
    """Whether this path, as Linux or Windows reads it, or a link on it, leads elsewhere."""
    windows = PureWindowsPath(location)  # parts at both kinds of slashes
    if PurePosixPath(location).is_absolute() or windows.anchor or ".." in windows.parts:
        return True
    if "\0" in location:
        return True
    return not Path(os.path.realpath(folder / location)).is_relative_to(os.path.realpath(folder))


def _drop_data(tensor: onnx.TensorProto) -> None:
    """Keep only what may say a shape."""
    if any(size < 0 for size in tensor.dims):
        raise RefusedError(f"tensor {short(tensor.name)} has a size below 0")
    if tensor.external_data or math.prod(tensor.dims) > SMALL:
        for field in DATA:
            tensor.ClearField(field)


def _check_steps(node: onnx.NodeProto) -> None:
    """Refuse steps of 0 before inference sees them: onnx 1.17 divides by them, and dies."""
    for attribute in node.attribute:
        if attribute.name in ("strides", "dilations") and any(n < 1 for n in attribute.ints):
            raise RefusedError(
                f"{label(node)}: {attribute.name} has {min(attribute.ints)}, but must be at least 1"
            )


def _inlined(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with local functions in place of their calls."""
    try:
        _check_calls(model)
        return inliner.inline_local_functions(model)
    except (ValidationError, RuntimeError, ValueError) as error:  # or calls nested too deep
        raise RefusedError(f"its functions cannot be inlined: {one_line(error)}") from error


def _check_calls(model: onnx.ModelProto) -> None:
    """Refuse functions that call themselves, or so many that they would fill the memory."""
    functions = {(f.domain, f.name, f.overload): f for f in model.functions}
    sizes: dict[tuple[str, str, str], int | None] = {}

    def size(part: Message) -> int:
        return sum(1 + called(node) for node in find(part, onnx.NodeProto))

    def called(node: onnx.NodeProto) -> int:
        key = (node.domain, node.op_type, node.overload)
        if key not in functions:
            return 0
        if key not in sizes:
            sizes[key] = None  # begun
            sizes[key] = size(functions[key])
        found = sizes[key]
        if found is None:
            raise RefusedError(f"function {short(node.op_type)} calls itself")
        return found

    if (total := size(model.graph)) > MOST_OPERATORS:
        raise RefusedError(
            f"its functions make {total:,} operators, but at most {MOST_OPERATORS:,} are read"
        )
