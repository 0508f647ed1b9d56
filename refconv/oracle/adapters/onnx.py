"""ONNX's reference evaluator, on the model of `model.py`."""

from __future__ import annotations

from typing import Any

from refconv.oracle.adapters.adapter import Adapter, Ask, Options, Question, library
from refconv.oracle.adapters.model import model_of


def make(options: Options) -> Ask:
    """ONNX's ReferenceEvaluator, in NumPy: what other runtimes are compared with."""
    evaluator = library("onnx.reference").ReferenceEvaluator

    def ask(q: Question) -> Any:
        return evaluator(model_of(q)).run(None, {"x": q.x})[0]

    return ask


ADAPTERS = {"onnx-reference": Adapter("onnx", make)}
