"""How an operator, a name and an error are told in a message; and what stops the reading."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import onnx


class RefusedError(Exception):
    """Why a file is refused; the message names no file."""


class NotCountedError(Exception):
    """Why an operator is left out."""


def domain_of(node: Any) -> str:
    """The domain of an operator or an operator set; ONNX's own has two names."""
    return "" if node.domain == "ai.onnx" else str(node.domain)


def name_of(node: onnx.NodeProto) -> str:
    return node.name or next(filter(None, node.output), node.op_type)


def label(node: onnx.NodeProto) -> str:
    return f"{node.op_type} {short(name_of(node))}"


def short(text: str) -> str:
    """The text for a message: in one line, and no longer than names are."""
    return repr(text if len(text) <= 100 else text[:100] + "...")


def listed(names: Iterable[str]) -> str:
    """The names for a message."""
    return ", ".join(short(name) for name in sorted(names)) or "none"


def one_line(error: Exception) -> str:
    """What an error of another library says: in one line, not too long."""
    return " ".join(str(error).split())[:200]
