"""A network's figures as data: a JSON document, or CSV; units stand in the names."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from refconv.cli.count.sources import Counted
from refconv.counts import Counts
from refconv.networks import KINDS, Layer, Network
from refconv.networks.network import sum_of
from refconv.text import printable

DTYPE = "float32"
ITEMSIZE = np.dtype(DTYPE).itemsize

COLUMNS = (
    "network", "name", "kind", "descriptor", "bias", "batch_norm", "macs", "effective_macs",
    "flops", "parameters", "trainable", "activation_bytes", "im2col_bytes", "bytes",
    "flop_per_byte", "macs_share", "parameters_share", "not_counted",
)  # fmt: skip
"""Of CSV; `not_counted` is the reason in the lines of operators that are not."""


def activation_bytes(counts: Counts) -> int:
    """Bytes of what goes in and what comes out, layer by layer."""
    return ITEMSIZE * (counts.input_size + counts.output_size)


def im2col_bytes(counts: Counts) -> int:
    """Bytes of the im2col matrices, if all were made."""
    return ITEMSIZE * counts.im2col_size


def batches(network: Network) -> list[int]:
    """The batches of its convolutions; the rows of a product of matrices may be anything."""
    return sorted({layer.geometry.N for layer in network.convolutions})


def sums(layers: Sequence[Layer]) -> dict[str, Any]:
    """What these layers cost together."""
    c = sum_of(layers)
    return {
        "macs": c.macs, "effective_macs": c.effective_macs, "flops": c.flops,
        "parameters": c.parameters, "trainable": sum(layer.trainable for layer in layers),
        "activation_bytes": activation_bytes(c), "im2col_bytes": im2col_bytes(c),
        "bytes": c.bytes(DTYPE), "flop_per_byte": c.intensity(DTYPE),
    }  # fmt: skip


def figures(layer: Layer) -> dict[str, Any]:
    """What a layer is, and what it costs."""
    return {
        "name": layer.name, "kind": layer.kind, "descriptor": layer.geometry.descriptor,
        "bias": layer.bias, "batch_norm": layer.batch_norm, **sums([layer]),
    }  # fmt: skip


def document(counted: Counted) -> dict[str, Any]:
    """A network's figures as a JSON document."""
    network = counted.network
    whole = sum_of(network.layers)
    kinds = {kind: [one for one in network.layers if one.kind == kind] for kind in KINDS}
    return {
        "network": network.name, "batches": batches(network), "dtype": DTYPE,
        **sums(network.layers),
        "kinds": {
            kind: {"layers": len(layers), **sums(layers), **_shares(layers, whole)}
            for kind, layers in kinds.items() if layers
        },
        "layers": [{**figures(one), **_shares([one], whole)} for one in network.layers],
        "not_counted": [
            {"type": item.type, "reason": item.reason, "names": item.names, "matters": item.matters}
            for item in counted.not_counted
        ],
    }  # fmt: skip


def table_of(found: Sequence[Counted]) -> str:
    """A line of figures for each layer, and one for each type of operator that is not counted."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for network, not_counted in found:
        whole = sum_of(network.layers)
        rows = [{**figures(one), **_shares([one], whole)} for one in network.layers]
        rows += [
            {"name": f"{item.type} x{len(item.names)}", "not_counted": item.reason}
            for item in not_counted
        ]
        for row in rows:
            shown = {"network": printable(network.name), "name": printable(row.pop("name"))}
            writer.writerow({**shown, **row})
    return text.getvalue()


def _shares(layers: Sequence[Layer], whole: Counts) -> dict[str, float]:
    """What part of the network's operations and parameters these layers have."""
    part = sum_of(layers)
    return {
        "macs_share": part.macs / whole.macs if whole.macs else 0.0,
        "parameters_share": part.parameters / whole.parameters if whole.parameters else 0.0,
    }
