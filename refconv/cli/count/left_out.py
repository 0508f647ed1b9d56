"""The text of what a file holds and is not counted, that which may matter first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from refconv.text import wrapped

if TYPE_CHECKING:
    from refconv.networks.onnx_model import NotCounted


def lines(not_counted: Sequence[NotCounted]) -> list[str]:
    """Paragraphs, each after an empty line; none where nothing is left out."""
    text: list[str] = []
    if heavy := [item for item in not_counted if item.matters]:
        text += ["", "not counted, though they may multiply:"]
        for item in heavy:
            text += wrapped(f"  {item}", indent="    ")
    by_reason = defaultdict[str, list[str]](list)
    for item in not_counted:
        if not item.matters:
            by_reason[item.reason].append(f"{item.type} x{len(item.names)}")
    if by_reason:
        text += ["", "not counted, as they multiply little or nothing:"]
        for reason, kinds in by_reason.items():
            text += wrapped(f"  {reason}: {', '.join(kinds)}", indent="    ")
    return text
