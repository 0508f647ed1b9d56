"""A network from an ONNX file: every convolution and matrix product in it, and what is not counted.

`opened.py` decodes the file, `sizes.py` gives its open axes their sizes, `shapes.py` finds the
shape of every value, `operators.py` says what is counted, `geometries.py` what it means, and
`layers.py` makes the layers. They need the package onnx, which
`pip install 'refconv[onnx]'` brings.

No data is needed but that of small tensors: those in files of their own are never opened.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from refconv.networks.files import NetworkError, content, shown
from refconv.networks.network import Network
from refconv.networks.onnx_model.layers import Layers, NotCounted
from refconv.networks.onnx_model.opened import opened
from refconv.networks.onnx_model.shapes import Shapes
from refconv.networks.onnx_model.sizes import set_sizes
from refconv.networks.onnx_model.words import RefusedError

__all__ = ["Found", "NotCounted", "read"]

MOST_BYTES = 2**31 - 1
"""Of an ONNX file: protobuf's own limit."""


@dataclass(frozen=True)
class Found:
    """What is in a file: the network that is counted, and what is not, the gravest first."""

    network: Network
    not_counted: tuple[NotCounted, ...]


def read(
    path: str | os.PathLike[str], batch: int = 1, sizes: Mapping[str, int] | None = None
) -> Found:
    """The network of an ONNX file.

    batch: the size of its first axis, where the file leaves it open.
    sizes: those of its other open axes by name; an axis without a name is `input[axis]`.

    Layers stand in the file's order. A weight counts at the first layer that has it. A batch
    normalisation belongs to the layer whose output it alone reads; so does an addition of one
    constant for each channel, which is a bias. A product of two computed matrices has no weight.
    Of an If with a constant condition, its branch is counted; what else stands in a branch or in a
    loop is listed as not counted.

    >>> import tempfile
    >>> import onnx.parser
    >>> model = onnx.parser.parse_model('''<ir_version: 8, opset_import: ["": 17]>
    ...     small (float[N,4,H,9] x, float[6,2,3,2] w) => (float[N,6,OH,OW] y) {
    ...         y = Conv<group = 2, pads = [1, 0, 1, 0]>(x, w)
    ...     }''')
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     onnx.save(model, Path(folder, "small.onnx"))
    ...     found = read(Path(folder, "small.onnx"), batch=3, sizes={"H": 7})
    >>> layer, = found.network.layers
    >>> layer.name, layer.kind, layer.geometry.y_shape, layer.counts.macs, found.not_counted
    ('y', 'group', (3, 6, 7, 8), 12096, ())

    Errors: `NetworkError` for a file that holds no ONNX model, an open axis without a size, a layer
    that cannot be, and data outside the file's folder.
    """
    data = content(path, MOST_BYTES)
    try:
        model = opened(data, Path(path).parent)
        set_sizes(model, batch, sizes or {})
        layers, left_out = Layers(Shapes(model)).all()
    except RefusedError as error:
        raise NetworkError(f"{shown(path)}: {error}") from error
    return Found(Network(Path(path).stem, layers), left_out)
