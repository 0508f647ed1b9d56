"""ONNX Runtime, on the model of `model.py`; what it has no kernel for it refuses itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refconv.oracle.targets.adapters.adapter import (
    Adapter,
    Array,
    Ask,
    Options,
    Question,
    TargetError,
    library,
)
from refconv.oracle.targets.adapters.model import model_of, transposing_model_of

CPU = "CPUExecutionProvider"


def make(options: Options) -> Ask:
    """ONNX Runtime on one provider, without help from another one."""
    run = _runner(options)

    def ask(q: Question) -> Any:
        return run(model_of(q), q.x)

    return ask


def make_transpose(options: Options) -> Callable[..., Any]:
    """The same of a ConvTranspose."""
    run = _runner(options)

    def ask(x: Array, *others: Any, **given: Any) -> Any:
        return run(transposing_model_of(x, *others, **given), x)

    return ask


def _runner(options: Options) -> Callable[[Any, Array], Any]:
    """What runs a model on an image."""
    runtime = library("onnxruntime")
    library("onnx")
    provider = options.get("provider", CPU)
    if provider not in (available := runtime.get_available_providers()):
        raise TargetError(
            f"onnxruntime has no provider {provider!r} here, but {', '.join(available)}"
        )

    def run(model: Any, x: Array) -> Any:
        session = runtime.InferenceSession(
            model.SerializeToString(), _session_options(runtime, options), providers=[provider]
        )
        return session.run(None, {"x": x})[0]

    return run


def _session_options(runtime: Any, options: Options) -> Any:
    session_options = runtime.SessionOptions()
    if options.get("provider", CPU) != CPU:
        session_options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    if "no-optimization" in options:
        level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session_options.graph_optimization_level = level
    if "threads" in options:
        session_options.intra_op_num_threads = int(options["threads"])
    return session_options


NAMES = ("no-optimization", "provider=", "threads=")

ADAPTERS = {"onnxruntime": Adapter("onnxruntime", make, NAMES, {"transpose": make_transpose})}
