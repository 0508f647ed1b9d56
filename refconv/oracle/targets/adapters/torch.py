"""PyTorch: torch.nn.functional.conv2d; its gradients, by autograd; and conv_transpose2d.

It pads both ends of an axis alike. Other pads are filled with zeros before, by its own `pad`: the
question is the same, for padding cells are real cells that hold a zero; and what a transpose would
pad so is cut off by hand. Types are not changed: it sums int8 in int8, and that is what is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import numpy as np

from refconv.oracle.targets.adapters.adapter import (
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
    """Ask torch for y, with these options: memory format, backends, device, threads."""
    torch = Torch(options)

    def ask(q: Question) -> Array:
        with torch.switched():
            bias = None if q.bias is None else torch.tensor(q.bias)
            x, weight = torch.image(q.x), torch.image(q.weight)
            return torch.array(torch.convolve(x, weight, bias, q))

    return ask


def make_input_grad(options: Options) -> Callable[..., Array]:
    """Ask autograd for the gradient by x, of a convolution of zeros: it is the same for every x."""
    torch = Torch(options)

    def ask(grad_y: Array, weight: Array, x_shape: tuple[int, ...], **given: Any) -> Array:
        with torch.switched():
            x = torch.image(np.zeros(x_shape, grad_y.dtype)).requires_grad_()
            y = torch.convolve(x, torch.image(weight), None, Given(**given))
            return torch.gradient(y, x, grad_y)

    return ask


def make_weight_grad(options: Options) -> Callable[..., Array]:
    """Ask autograd for the gradient by the weight, which is the same for every weight."""
    torch = Torch(options)

    def ask(grad_y: Array, x: Array, weight_shape: tuple[int, ...], **given: Any) -> Array:
        with torch.switched():
            weight = torch.image(np.zeros(weight_shape, x.dtype)).requires_grad_()
            y = torch.convolve(torch.image(x), weight, None, Given(**given))
            return torch.gradient(y, weight, grad_y)

    return ask


def make_bias_grad(options: Options) -> Callable[..., Array]:
    """Ask autograd for the gradient by the bias, of a pointwise convolution of one channel."""
    torch = Torch(options)

    def ask(grad_y: Array) -> Array:
        N, F, OH, OW = grad_y.shape
        with torch.switched():
            x = torch.image(np.zeros((N, 1, OH, OW), grad_y.dtype))
            weight = torch.image(np.zeros((F, 1, 1, 1), grad_y.dtype))
            bias = torch.tensor(np.zeros(F, grad_y.dtype)).requires_grad_()
            return torch.gradient(torch.convolve(x, weight, bias, Given()), bias, grad_y)

    return ask


def make_transpose(options: Options) -> Callable[..., Array]:
    """Ask for conv_transpose2d."""
    torch = Torch(options)

    def ask(
        x: Array, weight: Array, bias: Array | None, *, output_padding: Any, **given: Any
    ) -> Array:
        q = Given(**given)
        (pt, pb), (pl, pr) = q.padding
        is_even = (pt, pl) == (pb, pr)
        with torch.switched():
            y = torch.library.nn.functional.conv_transpose2d(
                torch.image(x),
                torch.image(weight),
                None if bias is None else torch.tensor(bias),
                q.stride,
                (pt, pl) if is_even else (0, 0),
                output_padding,
                q.groups,
                q.dilation,
            )
            if not is_even:
                y = y[:, :, pt : y.shape[2] - pb, pl : y.shape[3] - pr]
            return torch.array(y)

    return ask


class Given(NamedTuple):
    """The options of a call."""

    stride: tuple[int, int] = (1, 1)
    padding: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1


class Torch:
    """Torch with the options of a target: memory format, backends, device, threads."""

    def __init__(self, options: Options) -> None:
        self.library = torch = library("torch")
        self._options = options
        self._device = _device(torch, options.get("device", "cpu"))
        is_last = "channels_last" in options
        self._form = torch.channels_last if is_last else torch.contiguous_format
        if "threads" in options:
            torch.set_num_threads(int(options["threads"]))

    @contextmanager
    def switched(self) -> Iterator[None]:
        """With the backends that were asked for."""
        backends = self.library.backends
        with ExitStack() as stack:
            if "no-onednn" in self._options:
                stack.enter_context(_switched_off(backends.mkldnn, "enabled"))
            if "no-tf32" in self._options:
                stack.enter_context(_switched_off(backends.cudnn, "allow_tf32"))
            yield

    def tensor(self, array: Array) -> Any:
        """The array on the device."""
        return _tensor(self.library, array).to(self._device)

    def image(self, array: Array) -> Any:
        """An image or a weight on the device, in the memory format."""
        return self.tensor(array).contiguous(memory_format=self._form)

    def array(self, tensor: Any) -> Array:
        """The numbers of a tensor."""
        return _array(self.library, tensor)

    def convolve(self, x: Any, weight: Any, bias: Any, q: Question | Given) -> Any:
        """y, of tensors."""
        (pt, pb), (pl, pr) = q.padding
        functional = self.library.nn.functional
        pads = (pt, pl)
        if (pt, pl) != (pb, pr):
            x = functional.pad(x, (pl, pr, pt, pb)).contiguous(memory_format=self._form)
            pads = (0, 0)
        return functional.conv2d(x, weight, bias, q.stride, pads, q.dilation, q.groups)

    def gradient(self, y: Any, by: Any, grad_y: Array) -> Array:
        """The gradient of y by a tensor that it was computed from."""
        (gradient,) = self.library.autograd.grad(y, by, self.image(grad_y))
        return self.array(gradient)


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


GRADIENTS = {
    "input-grad": make_input_grad,
    "weight-grad": make_weight_grad,
    "bias-grad": make_bias_grad,
    "transpose": make_transpose,
}

ADAPTERS = {"torch": Adapter("torch", make, NAMES, GRADIENTS)}
