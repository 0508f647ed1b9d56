"""PyTorch: torch.nn.functional.conv2d.

It pads both ends of an axis alike. Other pads are filled with zeros before, by its own `pad`: the
question is the same, for padding cells are real cells that hold a zero. Types are not changed: it
sums int8 in int8, and that is what is judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from refconv.oracle.adapters.adapter import (
    Adapter,
    Array,
    Ask,
    Options,
    Question,
    TargetError,
    as_bfloat16,
    library,
    one_line,
)

NAMES = ("channels_last", "no-onednn", "no-tf32", "device=", "threads=")


def make(options: Options) -> Ask:
    """Ask torch, with these options: memory format, backends, device, threads."""
    torch = library("torch")
    device = _device(torch, options.get("device", "cpu"))
    form = torch.channels_last if "channels_last" in options else torch.contiguous_format
    if "threads" in options:
        torch.set_num_threads(int(options["threads"]))

    def tensor(array: Array) -> Any:
        return _tensor(torch, array).to(device)

    def convolve(q: Question) -> Array:
        (pt, pb), (pl, pr) = q.padding
        image, pads = tensor(q.x), (pt, pl)
        if (pt, pl) != (pb, pr):
            image, pads = torch.nn.functional.pad(image, (pl, pr, pt, pb)), (0, 0)
        y = torch.nn.functional.conv2d(
            image.contiguous(memory_format=form),
            tensor(q.weight).contiguous(memory_format=form),
            None if q.bias is None else tensor(q.bias),
            q.stride,
            pads,
            q.dilation,
            q.groups,
        )
        return _array(torch, y)

    def ask(q: Question) -> Array:
        with ExitStack() as stack:
            if "no-onednn" in options:
                stack.enter_context(_switched_off(torch.backends.mkldnn, "enabled"))
            if "no-tf32" in options:
                stack.enter_context(_switched_off(torch.backends.cudnn, "allow_tf32"))
            return convolve(q)

    return ask


@contextmanager
def _switched_off(backend: Any, flag: str) -> Iterator[None]:
    """Without one flag. Torch's own `flags` sets all others too, and would switch cuDNN off."""
    before = getattr(backend, flag)
    setattr(backend, flag, False)
    try:
        yield
    finally:
        setattr(backend, flag, before)


def _device(torch: Any, name: str) -> Any:
    """The device, after it has held something."""
    try:
        return torch.zeros(1, device=name).device
    except Exception as error:  # each backend has errors of its own
        raise TargetError(f"torch cannot use device {name!r}: {one_line(error)}") from error


def _tensor(torch: Any, array: Array) -> Any:
    """A tensor of the array's memory; of a copy where that is read-only, which torch warns of."""
    writable = np.require(array, requirements="W")
    if array.dtype.name == "bfloat16":  # from_numpy does not know it
        return torch.from_numpy(writable.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(writable)


def _array(torch: Any, tensor: Any) -> Array:
    on_cpu = tensor.cpu().contiguous()
    if on_cpu.dtype == torch.bfloat16:
        return as_bfloat16(on_cpu.view(torch.int16).numpy())
    array: Array = on_cpu.numpy()
    return array


ADAPTERS = {"torch": Adapter("torch", make, NAMES)}
