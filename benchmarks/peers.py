"""The peers, each in its best form for repeated calls: tensors made, weights packed beforehand.

`prepare(x, weight, geometry, threads)` gives a call without arguments and the function that turns
what it returns into a NumPy array.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from refconv import Geometry

Array = np.ndarray[Any, Any]
Prepared = tuple[Callable[[], Any], Callable[[Any], Array]]


@dataclass(frozen=True)
class Peer:
    """A library to be compared with, and the package that brings it."""

    package: str
    prepare: Callable[[Array, Array, Geometry, int], Prepared]


def torch_nchw(x: Array, weight: Array, g: Geometry, threads: int) -> Prepared:
    """torch.nn.functional.conv2d on contiguous tensors."""
    return _torch(x, weight, g, threads, channels_last=False)


def torch_channels_last(x: Array, weight: Array, g: Geometry, threads: int) -> Prepared:
    """torch.nn.functional.conv2d on tensors whose channels lie side by side."""
    return _torch(x, weight, g, threads, channels_last=True)


def onnxruntime(x: Array, weight: Array, g: Geometry, threads: int) -> Prepared:
    """A session of one Conv node, its weight a constant, which the session packs when it loads."""
    import onnx
    import onnxruntime as ort
    from onnx import TensorProto, helper, numpy_helper

    node = helper.make_node(
        "Conv",
        ["x", "weight"],
        ["y"],
        strides=list(g.stride),
        dilations=list(g.dilation),
        pads=[g.pt, g.pl, g.pb, g.pr],
        group=g.G,
    )
    graph = helper.make_graph(
        [node],
        "conv",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, g.x_shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, g.y_shape)],
        [numpy_helper.from_array(weight, "weight")],
    )
    opsets = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    onnx.checker.check_model(model)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda: session.run(None, {"x": x})[0], np.asarray


def jax(x: Array, weight: Array, g: Geometry, threads: int) -> Prepared:
    """lax.conv_general_dilated under jit. Its threads cannot be set after it has started."""
    import jax
    from jax import lax

    @jax.jit
    def convolve(x: Any, weight: Any) -> Any:
        return lax.conv_general_dilated(
            x, weight, g.stride, g.padding, rhs_dilation=g.dilation, feature_group_count=g.G
        )

    x_, weight_ = jax.device_put(x), jax.device_put(weight)
    return lambda: convolve(x_, weight_).block_until_ready(), np.asarray


def _torch(x: Array, weight: Array, g: Geometry, threads: int, *, channels_last: bool) -> Prepared:
    import torch

    if (g.pt, g.pl) != (g.pb, g.pr):
        raise ValueError(f"torch's conv2d pads both ends alike, but {g.descriptor} does not")
    torch.set_num_threads(threads)
    form = torch.channels_last if channels_last else torch.contiguous_format
    x_ = torch.from_numpy(x).contiguous(memory_format=form)
    weight_ = torch.from_numpy(weight).contiguous(memory_format=form)

    def call() -> Any:
        with torch.inference_mode():
            return torch.nn.functional.conv2d(
                x_, weight_, None, g.stride, (g.pt, g.pl), g.dilation, g.G
            )

    return call, lambda y: y.contiguous().numpy()


PEERS = {
    "torch": Peer("torch", torch_nchw),
    "torch-last": Peer("torch", torch_channels_last),
    "onnxruntime": Peer("onnxruntime", onnxruntime),
    "jax": Peer("jax", jax),
}
