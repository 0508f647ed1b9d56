"""The other libraries, each in its best form for repeated calls: tensors made, weights packed
beforehand.

They are imported when they are prepared, by name, for none of them is a dependency.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from refconv.bench.operands import Array, Call, Operands


class Prepared(NamedTuple):
    """A call to be timed, and the function that makes an array of what it returns."""

    call: Call
    to_numpy: Callable[[Any], Array] = np.asarray


def _nothing(threads: int) -> None:
    """For a library whose calls know their threads."""


@dataclass(frozen=True)
class Peer:
    """A library to be compared with.

    `prepare(operands, threads)` makes a call; `use_threads(threads)` is to be called before its
    turn, where the number is the process's.
    """

    packages: tuple[str, ...]
    prepare: Callable[[Operands, int], Prepared]
    use_threads: Callable[[int], None] = _nothing
    always_all_threads: bool = False

    @property
    def missing(self) -> list[str]:
        """Those of its packages that are not installed."""
        return [package for package in self.packages if not _installed(package)]


def _installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def torch_nchw(operands: Operands, threads: int) -> Prepared:
    """torch.nn.functional.conv2d on contiguous tensors."""
    return _torch(operands, channels_last=False)


def torch_channels_last(operands: Operands, threads: int) -> Prepared:
    """torch.nn.functional.conv2d on tensors whose channels lie side by side."""
    return _torch(operands, channels_last=True)


def torch_threads(threads: int) -> None:
    """Set the process's number of threads: a call of torch has none of its own."""
    torch: Any = import_module("torch")
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)


def _torch(operands: Operands, *, channels_last: bool) -> Prepared:
    torch: Any = import_module("torch")
    g = operands.geometry
    if (g.pt, g.pl) != (g.pb, g.pr):
        raise ValueError(f"torch's conv2d pads both ends alike, but {g.descriptor} does not")
    form = torch.channels_last if channels_last else torch.contiguous_format
    x, weight = (
        torch.from_numpy(a).contiguous(memory_format=form) for a in (operands.x, operands.weight)
    )
    arguments = (x, weight, None, g.stride, (g.pt, g.pl), g.dilation, g.G)
    # No tensor wants a gradient: `inference_mode`, entered at each call, would only cost 2 us.
    return Prepared(
        lambda: torch.nn.functional.conv2d(*arguments), lambda y: y.contiguous().numpy()
    )


def onnxruntime(operands: Operands, threads: int) -> Prepared:
    """A session of one Conv node, its weight a constant, which the session packs when it loads."""
    from refconv.oracle.targets.adapters.adapter import Question
    from refconv.oracle.targets.adapters.model import model_of

    g = operands.geometry
    question = Question(operands.x, operands.weight, None, g.stride, g.padding, g.dilation, g.G)
    return onnx_session(model_of(question), operands.x, threads)


def onnx_session(model: Any, x: Array, threads: int) -> Prepared:
    """A session of this model, whose input x and output y stay where they are."""
    runtime: Any = import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    session = runtime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    binding = session.io_binding()  # `session.run` copies y: up to 8% slower
    binding.bind_cpu_input("x", x)
    binding.bind_output("y", "cpu")

    def call() -> Any:
        session.run_with_iobinding(binding)
        return binding

    return Prepared(call, lambda binding: binding.copy_outputs_to_cpu()[0])


def jax(operands: Operands, threads: int) -> Prepared:
    """lax.conv_general_dilated under jit. Its threads cannot be set after it has started."""
    jax: Any = import_module("jax")
    g = operands.geometry

    @jax.jit  # type: ignore[untyped-decorator]
    def convolve(x: Any, weight: Any) -> Any:
        return jax.lax.conv_general_dilated(
            x, weight, g.stride, g.padding, rhs_dilation=g.dilation, feature_group_count=g.G
        )

    x, weight = jax.device_put(operands.x), jax.device_put(operands.weight)
    return Prepared(lambda: convolve(x, weight).block_until_ready())


def im2col(operands: Operands, threads: int) -> Prepared:
    """The NumPy method of refconv. Its threads are those of NumPy's BLAS."""
    return Prepared(lambda: operands.convolve("im2col"))


PEERS = {
    "torch": Peer(("torch",), torch_nchw, torch_threads),
    "onnxruntime": Peer(("onnx", "onnxruntime"), onnxruntime),
    "torch-last": Peer(("torch",), torch_channels_last, torch_threads),
    "jax": Peer(("jax",), jax, always_all_threads=True),
    "im2col": Peer((), im2col, always_all_threads=True),
}

BEST = ("torch", "onnxruntime")
"""The better of these two is the mark."""


def chosen_peers(names: list[str] | None) -> tuple[dict[str, Peer], list[str]]:
    """The wanted peers that are installed, and a line for each that is not; `BEST`, where None.

    Errors: `ValueError` where a name is none of them.
    """
    found, missing = {}, []
    for name in BEST if names is None else names:
        if name not in PEERS:
            raise ValueError(f"unknown peer {name!r}: it must be one of {', '.join(PEERS)}")
        peer = PEERS[name]
        if peer.missing:
            missing.append(f"{name} is left out: {', '.join(peer.missing)} not installed")
        else:
            found[name] = peer
    return found, missing
