"""The gradients of the 17 layers: refconv beside torch, and the transposed ones beside onnxruntime.

    python benchmarks/gradients.py                    all layers, on 1 thread and on all
    python benchmarks/gradients.py --layers dw --rounds 3

Every answer is checked, to the bit, before anything is timed. All that is compared takes turns in
one run; figures are medians. Only the ratios mean something beyond this machine and this minute.
The transposed layer maps the layer's y to its x. Exit status: 0 fine, 1 a wrong answer.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import report

from refconv import (
    Geometry,
    conv2d_input_grad,
    conv2d_weight_grad,
    conv_transpose2d,
    get_threads,
    set_threads,
)
from refconv.bench.layers import ALL, chosen
from refconv.bench.machine import machine
from refconv.bench.measure import geometric_mean
from refconv.bench.operands import DTYPE, Array, Operands
from refconv.bench.peers import torch_threads
from refconv.cli.bench import positive
from refconv.timing import medians

Calls = dict[str, Callable[[], Any]]

KINDS = ("input grad", "weight grad", "transposed")


def main() -> int:
    """Measure and print; 1 where an answer is wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--layers", nargs="+", default=[ALL], help="parts of layers' names")
    parser.add_argument("--threads", nargs="+", type=positive, help="left out: 1 and all")
    parser.add_argument("--rounds", type=positive, default=5, help="turns of each candidate")
    options = parser.parse_args()
    layers = chosen(options.layers)
    print("\n".join(report.heading(machine(["torch", "onnxruntime"]))), "\n")
    before = get_threads()
    try:
        for threads in sorted(set(options.threads or [1, before])):
            set_threads(threads)
            torch_threads(threads)
            if not _print_table(layers, threads, options.rounds):
                return 1
    finally:
        set_threads(before)
    return 0


def _print_table(layers: dict[str, Geometry], threads: int, rounds: int) -> bool:
    """The table of so many threads; whether all answers are right."""
    print(f"{threads} thread{'s' if threads > 1 else ''}".ljust(16), end="")
    print("".join(f"{kind:>20}" for kind in KINDS))
    print("layer".ljust(16) + f"{'ms':>12}{'torch':>8}" * 2 + f"{'ms':>12}{'better':>8}")
    ratios: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for name, g in layers.items():
        print(name.ljust(16), end="", flush=True)
        for kind, calls in _candidates(g, threads).items():
            right = calls.pop("right")()
            for who, call in calls.items():
                if not np.array_equal(np.asarray(call()), right):
                    print(f"\n{name}: the {kind} of {who} is wrong")
                    return False
            seconds = medians(calls, rounds=rounds)
            ours = seconds.pop("refconv")
            ratio = min(seconds.values()) / ours
            ratios[kind].append(ratio)
            print(f"{1e3 * ours:12.3f}{ratio:8.2f}", end="", flush=True)
        print()
    for title, of in (("geometric mean", geometric_mean), ("least", min)):
        print(title.ljust(16) + "".join(f"{of(ratios[kind]):20.2f}" for kind in KINDS))
    print()
    return True


def _candidates(g: Geometry, threads: int) -> dict[str, Calls]:
    """By kind: refconv's call, the peers', and "right", the definition compiled."""
    operands = Operands.integers(g)
    x, weight, options = operands.x, operands.weight, operands.options
    grad_y = Operands.integers(Geometry.of(g.y_shape, (1, g.F, 1, 1))).x
    rest = tuple(
        (size + before + after - dilation * (kernel - 1) - 1) % stride
        for size, (before, after), dilation, kernel, stride in zip(
            (g.H, g.W), g.padding, g.dilation, (g.KH, g.KW), g.stride, strict=True
        )
    )
    torch: Any = import_module("torch")
    tensors = [torch.from_numpy(a) for a in (grad_y, x, weight)]
    pads = [g.pt, g.pl]
    backward = torch.ops.aten.convolution_backward
    rest_of_call = (None, list(g.stride), pads, list(g.dilation), False, [0, 0], g.G)

    def torch_gradient(nth: int) -> Array:
        wanted = [nth == 0, nth == 1, False]
        found: Array = backward(*tensors, *rest_of_call, wanted)[nth].numpy()
        return found

    def torch_transposed() -> Array:
        y = torch.nn.functional.conv_transpose2d(
            tensors[0], tensors[2], None, g.stride, pads, rest, g.G, g.dilation
        )
        found: Array = y.numpy()
        return found

    def input_grad(method: Any = "auto") -> Array:
        return conv2d_input_grad(grad_y, weight, g.x_shape, method=method, **options)

    def weight_grad(method: Any = "auto") -> Array:
        return conv2d_weight_grad(grad_y, x, g.weight_shape, method=method, **options)

    return {
        "input grad": {
            "refconv": input_grad,
            "torch": lambda: torch_gradient(0),
            "right": lambda: input_grad("jit-loops"),
        },
        "weight grad": {
            "refconv": weight_grad,
            "torch": lambda: torch_gradient(1),
            "right": lambda: weight_grad("jit-loops"),
        },
        "transposed": {
            "refconv": lambda: conv_transpose2d(grad_y, weight, output_padding=rest, **options),
            "torch": torch_transposed,
            "onnxruntime": _onnxruntime(g, grad_y, weight, rest, threads),
            "right": lambda: input_grad("jit-loops"),
        },
    }


def _onnxruntime(
    g: Geometry, x: Array, weight: Array, output_padding: tuple[int, ...], threads: int
) -> Callable[[], Array]:
    """A session of one ConvTranspose node, its weight a constant."""
    onnx: Any = import_module("onnx")
    runtime: Any = import_module("onnxruntime")
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    node = helper.make_node(
        "ConvTranspose", ["x", "weight"], ["y"], strides=list(g.stride),
        dilations=list(g.dilation), pads=[g.pt, g.pl, g.pb, g.pr], group=g.G,
        output_padding=list(output_padding),
    )  # fmt: skip
    graph = helper.make_graph(
        [node],
        "transposed",
        [helper.make_tensor_value_info("x", number, x.shape)],
        [helper.make_tensor_value_info("y", number, g.x_shape)],
        [onnx.numpy_helper.from_array(weight.astype(DTYPE), "weight")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    session = runtime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda: session.run(None, {"x": x})[0]


if __name__ == "__main__":
    sys.exit(main())
