"""OpenVINO, on the model of `model.py`, through its own reader of ONNX.

Where a CPU has instructions for bfloat16, it rounds float32 operands to it, if it is not told that
accuracy counts: the option `accurate`. What is judged is what a user gets without.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refconv.oracle.targets.adapters.adapter import (
    Adapter,
    Ask,
    Options,
    Question,
    TargetError,
    as_bfloat16,
    library,
    one_line,
)
from refconv.oracle.targets.adapters.model import model_of


def make(options: Options) -> Ask:
    """Ask OpenVINO on a device, and with the option `accurate`, for what it calls accuracy."""
    ov = library("openvino")
    library("onnx")
    core = ov.Core()
    device = options.get("device", "CPU")
    try:
        core.get_property(device, "FULL_DEVICE_NAME")
    except RuntimeError as error:
        raise TargetError(f"openvino cannot use device {device!r}: {one_line(error)}") from error
    hints = {"EXECUTION_MODE_HINT": "ACCURACY"} if "accurate" in options else {}

    def ask(q: Question) -> Any:
        model = core.read_model(model_of(q).SerializeToString())
        compiled = core.compile_model(model, device, hints)
        if q.x.dtype.name != "bfloat16":
            return compiled({"x": q.x})[0]
        # It knows no such NumPy type, and calls it float16 in what it returns.
        bits = ov.Tensor(q.x.view(np.uint16), q.x.shape, ov.Type.bf16)
        return as_bfloat16(compiled({"x": bits})[0])

    return ask


ADAPTERS = {"openvino": Adapter("openvino", make, ("accurate", "device="))}
