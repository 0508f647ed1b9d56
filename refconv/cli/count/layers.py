"""The text of a network: its layers and its kinds of layer, with what each costs and its share."""

from __future__ import annotations

from collections.abc import Sequence

from refconv.cli.count.data import DTYPE, activation_bytes, batches, im2col_bytes
from refconv.counts import Counts
from refconv.networks import KINDS, Layer, Network
from refconv.networks.network import sum_of
from refconv.text import columns, printable

HEADERS = {
    "kind": "kind", "output": "output", "layers": "layers", "macs": "MACs", "macs_share": "share",
    "effective": "effective MACs", "flops": "FLOPs", "parameters": "parameters",
    "parameters_share": "share", "activation": "in+out bytes", "im2col": "im2col bytes",
    "intensity": "FLOP/B",
}  # fmt: skip

LAYER_WORK = ("kind", "output", "macs", "macs_share", "effective")
LAYER_DATA = ("flops", "parameters", "parameters_share", "activation", "im2col", "intensity")
KIND_WORK = ("layers", "macs", "macs_share", "effective", "parameters", "parameters_share")
KIND_DATA = ("flops", "activation", "im2col", "intensity")
"""Columns of the tables: one table of all would be wider than 80."""


def heading(network: Network) -> str:
    """What is counted: a line."""
    found = batches(network)
    batch = f"batch{'es' * (len(found) > 1)} {' and '.join(map(str, found))}"
    many = f"{len(network.layers)} layer{'s' * (len(network.layers) != 1)}"
    return printable(f"{network.name}: {', '.join([many, *[batch] * bool(found), DTYPE])}")


def lines(network: Network) -> list[str]:
    """Tables by layer, then by kind."""
    whole = sum_of(network.layers)
    by_layer = [_cells(layer.name, [layer], whole) for layer in network.layers]
    by_kind = [
        _cells(kind, layers, whole)
        for kind in (*KINDS, "all")
        if (layers := [layer for layer in network.layers if kind in (layer.kind, "all")])
    ]
    norms = network.trainable - whole.parameters
    return [
        *_table("layer", LAYER_WORK, by_layer),
        "",
        *_table("layer", LAYER_DATA, by_layer),
        "",
        *_table("kind", KIND_WORK, by_kind),
        "",
        *_table("kind", KIND_DATA, by_kind),
        "",
        "FLOPs are 2 * MACs. in+out bytes: of activations, layer by layer. im2col bytes:",
        "if all matrices were made. FLOP/B: FLOPs over bytes in, out and parameters.",
        *[f"Batch norms have {norms:,} parameters more, in no line above."] * bool(norms),
    ]


def output(layer: Layer) -> str:
    """What a layer makes of one image, as FxHxW; of a product of matrices, all rows."""
    g = layer.geometry
    if layer.form == "matrix":
        return f"{g.N}x{g.F}"
    height, width = (g.H, g.W) if layer.form == "transposed" else (g.OH, g.OW)
    return f"{layer.channels_out}x{height}x{width}"


def share(part: int, whole: int) -> str:
    """A share for a table; of nothing, there is none."""
    return f"{part / whole:.1%}" if whole else "-"


def _cells(name: str, layers: Sequence[Layer], whole: Counts) -> dict[str, str]:
    """What may stand in a line for these layers, by the keys of `HEADERS`."""
    c = sum_of(layers)
    return {
        "name": name,
        "kind": layers[0].kind,
        "output": output(layers[0]),
        "layers": f"{len(layers):,}",
        "macs": f"{c.macs:,}",
        "macs_share": share(c.macs, whole.macs),
        "effective": f"{c.effective_macs:,}",
        "flops": f"{c.flops:,}",
        "parameters": f"{c.parameters:,}",
        "parameters_share": share(c.parameters, whole.parameters),
        "activation": f"{activation_bytes(c):,}",
        "im2col": f"{im2col_bytes(c):,}",
        "intensity": f"{c.intensity(DTYPE):.1f}",
    }


def _table(title: str, keys: Sequence[str], parts: Sequence[dict[str, str]]) -> list[str]:
    rows = [[title, *(HEADERS[key] for key in keys)]]
    rows += [[part["name"], *(part[key] for key in keys)] for part in parts]
    words = sum(key in ("kind", "output") for key in keys)
    return columns(rows, left=1 + words, gap=1)
