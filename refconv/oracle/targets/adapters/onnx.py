"""ONNX's reference evaluator, on the model of `model.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refconv.oracle.targets.adapters.adapter import Adapter, Array, Ask, Options, Question, library
from refconv.oracle.targets.adapters.model import model_of, transposing_model_of


def make(options: Options) -> Ask:
    """ONNX's ReferenceEvaluator, in NumPy: what other runtimes are compared with."""
    evaluator = library("onnx.reference").ReferenceEvaluator

    def ask(q: Question) -> Any:
        return evaluator(model_of(q)).run(None, {"x": q.x})[0]

    return ask


def make_transpose(options: Options) -> Callable[..., Any]:
    """The same of a ConvTranspose."""
    evaluator = library("onnx.reference").ReferenceEvaluator

    def ask(x: Array, *others: Any, **given: Any) -> Any:
        return evaluator(transposing_model_of(x, *others, **given)).run(None, {"x": x})[0]

    return ask


ADAPTERS = {"onnx-reference": Adapter("onnx", make, gradients={"transpose": make_transpose})}
