"""The gradients of the 17 layers: refconv beside torch, and the transposed ones beside onnxruntime.

    python benchmarks/gradients.py                    all layers, on 1 thread and on all
    python benchmarks/gradients.py --layers dw --rounds 3

Every answer is checked, to the bit, before anything is timed. All that is compared takes turns in
one run; figures are medians. Only the ratios mean something beyond this machine and this minute.
The transposed layer maps the layer's y to its x; "best" is the better of torch and onnxruntime.
GFLOP/s are of the products that the definition has. Exit status: 0 fine, 1 a wrong answer.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from typing import Any

import numpy as np
import report

from refconv import (
    Geometry,
    conv2d_input_grad,
    conv2d_weight_grad,
    conv_transpose2d,
    count,
    get_threads,
    set_threads,
)
from refconv.bench.layers import ALL, chosen
from refconv.bench.machine import machine
from refconv.bench.measure import geometric_mean, threads_in_words
from refconv.bench.operands import Array, Operands
from refconv.bench.peers import Prepared, onnx_session, torch_threads
from refconv.cli.bench import positive
from refconv.oracle.targets.adapters.model import transposing_model_of
from refconv.plan import Method
from refconv.timing import medians

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
    print(threads_in_words(threads).ljust(14) + "".join(f"{kind:>22}" for kind in KINDS))
    titles = (f"{'ms':>8}{'GFLOP/s':>8}{peer:>6}" for peer in ("torch", "torch", "best"))
    print("layer".ljust(14) + "".join(titles))
    ratios: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for name, g in layers.items():
        print(name.ljust(14), end="", flush=True)
        for kind, (right, candidates) in _candidates(g, threads).items():
            for who, (call, to_numpy) in candidates.items():
                if not np.array_equal(to_numpy(call()), right):
                    print(f"\n{name}: the {kind} of {who} is wrong")
                    return False
            calls = {who: prepared.call for who, prepared in candidates.items()}
            seconds = medians(calls, rounds=rounds)
            ours = seconds.pop("refconv")
            ratios[kind].append(min(seconds.values()) / ours)
            rate = count(g).flops / ours / 1e9
            print(f"{1e3 * ours:8.3f}{rate:8.0f}{ratios[kind][-1]:6.2f}", end="", flush=True)
        print()
    for title, of in (("geometric mean", geometric_mean), ("least", min)):
        print(title.ljust(14) + "".join(f"{of(ratios[kind]):22.2f}" for kind in KINDS))
    print()
    return True


def _candidates(g: Geometry, threads: int) -> dict[str, tuple[Array, dict[str, Prepared]]]:
    """By kind: the right answer, by the definition compiled; refconv's call and the peers'."""
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

    def torch_gradient(nth: int) -> Prepared:
        wanted = [nth == 0, nth == 1, False]
        return Prepared(
            lambda: backward(*tensors, *rest_of_call, wanted)[nth], lambda found: found.numpy()
        )

    def input_grad(method: Method = "auto") -> Array:
        return conv2d_input_grad(grad_y, weight, g.x_shape, method=method, **options)

    def weight_grad(method: Method = "auto") -> Array:
        return conv2d_weight_grad(grad_y, x, g.weight_shape, method=method, **options)

    transpose = torch.nn.functional.conv_transpose2d
    model = transposing_model_of(
        grad_y, weight, None, stride=g.stride, padding=g.padding, output_padding=rest,
        dilation=g.dilation, groups=g.G,
    )  # fmt: skip
    by_x = input_grad("jit-loops")
    return {
        "input grad": (by_x, {"refconv": Prepared(input_grad), "torch": torch_gradient(0)}),
        "weight grad": (
            weight_grad("jit-loops"),
            {"refconv": Prepared(weight_grad), "torch": torch_gradient(1)},
        ),
        "transposed": (
            by_x,
            {
                "refconv": Prepared(
                    lambda: conv_transpose2d(grad_y, weight, output_padding=rest, **options)
                ),
                "torch": Prepared(
                    lambda: transpose(
                        tensors[0], tensors[2], None, g.stride, pads, rest, g.G, g.dilation
                    ),
                    lambda y: y.numpy(),
                ),
                "onnxruntime": onnx_session(model, grad_y, threads),
            },
        ),
    }


if __name__ == "__main__":
    sys.exit(main())
