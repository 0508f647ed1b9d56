"""What another counter would print: layer by layer, in all, and why it is not what we count."""

from __future__ import annotations

from typing import Any

from refconv.networks import Network
from refconv.networks.tools import TOOLS
from refconv.text import columns, some, wrapped

BEYOND = "What it counts of anything else, such as pooling, is not in the sum."


def lines(network: Network, name: str) -> list[str]:
    """A table, the reasons, and what is known of the tool."""
    tool = TOOLS[name]
    norms = [tool.norm_figure(layer) for layer in network.layers]
    has_norms = any(norms)
    theirs = [tool.figure(layer) for layer in network.layers]
    header = ["layer", f"ours ({tool.unit})", f"{name} ({tool.prints})", "its batch norms"]
    rows = [header[: 3 + has_norms]]
    for layer, figure, norm in zip(network.layers, theirs, norms, strict=True):
        cells = [layer.name, f"{tool.ours(layer):,}", _cell(figure), _cell(norm)]
        rows.append(cells[: 3 + has_norms])
    total = tool.total(network.layers)
    of_norms = sum(filter(None, norms))
    ours = sum(map(tool.ours, network.layers))
    rows.append(["in all", f"{ours:,}", f"{total - of_norms:,}", f"{of_norms:,}"][: 3 + has_norms])
    if has_norms:
        rows.append(["with batch norms", "", f"{total:,}", ""])
    text = columns(rows, left=1)
    reasons: dict[str, list[str]] = {}
    for layer in network.layers:
        if why := tool.differs(layer):
            reasons.setdefault(why, []).append(layer.name)
    for why, names in reasons.items():
        text += ["", *wrapped(f"{some(names)}: {why}")]
    named = "" if tool.prints == tool.unit else f", which it calls {tool.prints}"
    known = f"{tool.version} prints {tool.unit}{named}; {tool.standing}."
    note = f" {tool.note[0].upper()}{tool.note[1:]}." if tool.note else ""
    return [*text, "", *wrapped(f"{known}{note} {BEYOND}")]


def document(network: Network, name: str) -> dict[str, Any]:
    """The same as data."""
    tool = TOOLS[name]
    return {
        "name": tool.name,
        "version": tool.version,
        "unit": tool.unit,
        "prints": tool.prints,
        "compared": tool.compared,
        "source": tool.source,
        "note": tool.note,
        "ours": sum(map(tool.ours, network.layers)),
        "figure": tool.total(network.layers),
        "layers": [
            {
                "name": layer.name, "ours": tool.ours(layer), "figure": tool.figure(layer),
                "batch_norm": tool.norm_figure(layer), "why": tool.differs(layer),
            }
            for layer in network.layers
        ],
    }  # fmt: skip


def _cell(figure: int | None) -> str:
    return "-" if figure is None else f"{figure:,}"
