"""Adapters: how each public library is asked for a convolution. One small file a library.

Each translates the oracle's question and no more; what a library has no words for is refused.
"""

from refconv.oracle.targets.adapters import jax, onnx, onnxruntime, openvino, own, scipy, torch
from refconv.oracle.targets.adapters.adapter import Adapter, RefusedError, TargetError

ADAPTERS: dict[str, Adapter] = {
    **torch.ADAPTERS,
    **onnxruntime.ADAPTERS,
    **onnx.ADAPTERS,
    **jax.ADAPTERS,
    **openvino.ADAPTERS,
    **scipy.ADAPTERS,
    **own.ADAPTERS,
}

__all__ = ["ADAPTERS", "Adapter", "RefusedError", "TargetError"]
