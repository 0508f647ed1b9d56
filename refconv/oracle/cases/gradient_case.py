"""Cases that ask for a gradient of the convolution, or for its transpose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from refconv.counts.gradients import GRADIENTS
from refconv.dtypes import Types
from refconv.geometry import Geometry, pair
from refconv.oracle.cases.case import OF_Y, TRANSPOSED_BIAS, Array, Axes, Case, frozen

OF: tuple[str, ...] = GRADIENTS
"""What can be asked for besides the convolution."""

OF_X = Axes(("n", "c", "h", "w"), ("image", "channel", "row", "column"), 1)
OF_WEIGHT = Axes(
    ("f", "cg", "kh", "kw"), ("output channel", "input channel", "kernel row", "kernel column"), 0
)
OF_BIAS = Axes(("f",), ("output channel",), 0)

ANSWERS = {
    "input-grad": ("the gradient of x", OF_X),
    "weight-grad": ("the gradient of weight", OF_WEIGHT),
    "bias-grad": ("the gradient of bias", OF_BIAS),
    "transpose": ("y", OF_Y),
}


class GradientCase(Case):
    """A call for what one of `OF` says, of the convolution of `case`:

        input-grad    target(grad_y, weight, x_shape, stride=, padding=, dilation=, groups=)
        weight-grad   target(grad_y, x, weight_shape, stride=, padding=, dilation=, groups=)
        bias-grad     target(grad_y)
        transpose     target(x, weight, bias, stride=, padding=, output_padding=, dilation=,
                             groups=)

    `geometry` is that of the convolution always, and `convolution` is its case. The transpose maps
    what has the shape of its y to what has the shape of its x: the `x` that the target is given is
    `grad_y` here, its weight is (F, Cg, KH, KW) here, and its `bias` has C numbers.
    `output_padding` is what the sizes say; if it is given, the pads behind the data are made to go
    with it; `asked_output_padding` is None if it was not.

    >>> case = GradientCase.from_descriptor("g2ic4ih6iw9oc6kh3kw2sh2", seed=1, of="transpose")
    >>> {name: array.shape for name, array in case.arrays.items()}
    {'x': (1, 6, 2, 4), 'weight': (6, 2, 3, 2), 'bias': (4,)}
    >>> case.options["output_padding"]
    (1, 1)

    Errors: `ValueError` for something else that is asked for, a case that is separable, a pad value
    that only a weight gradient depends on, or an output padding that the sizes do not allow;
    `TypeError` for types that do not go together, or for what is no case.
    """

    def __init__(
        self,
        case: Case,
        of: str,
        *,
        bias: Any = None,
        output_padding: Any = None,
    ) -> None:
        if not isinstance(case, Case):
            raise TypeError(f"case is of type {type(case).__name__}, but must be a Case")
        # Whatever else could be wrong with it, `case` was refused for.
        if isinstance(case, GradientCase):  # whose pads may be made to go with an output padding
            case = case.convolution
        self.convolution: Case = case
        refuse_unknown(of)
        if case.pointwise_weight is not None:
            raise ValueError("case is separable, but a gradient is asked of one convolution")
        if case.pad_value and of != "weight-grad":
            raise ValueError(
                f"pad_value is {case.pad_value}, but the {of} does not depend on it: it must be 0"
            )
        if output_padding is not None and of != "transpose":
            raise ValueError(f"output_padding is for a transpose, and of is {of!r}")
        self.of = of
        self.answer, self.axes = ANSWERS[of]
        self.x, self.weight, self._grad_y = case.x, case.weight, case.grad_y
        self.pointwise_weight, self.pad_value = None, case.pad_value
        self.source = case.source
        self.geometry = case.geometry
        self.asked_output_padding: tuple[int, int] | None = None
        if output_padding is not None:
            more = pair(output_padding, "output_padding", least=0)
            self.geometry = _padded_behind(case.geometry, more)
            self.asked_output_padding = more
        self.bias = None if bias is None else self._checked_bias(frozen(bias))
        if of == "transpose" and bias is None and case.bias is not None and self.source:
            self.bias = case.drawn(TRANSPOSED_BIAS, (self.geometry.C,))
        first, second = self.factors
        self.types = Types.of(
            first.dtype,
            second.dtype,
            None if self.bias is None else self.bias.dtype,
            x_name="x" if of == "transpose" else "grad_y",
            weight_name="x" if of == "weight-grad" else "weight",
        )

    @classmethod
    def from_descriptor(  # type: ignore[override]  # what is asked for must be said, too
        cls,
        descriptor: str,
        seed: int = 0,
        *,
        of: str,
        output_padding: Any = None,
        **data: Any,
    ) -> GradientCase:
        """The case that these few values stand for, the same everywhere.

        The descriptor is the convolution's; `data` are the keywords of `Case.from_descriptor`.
        """
        case = Case.from_descriptor(descriptor, seed, **data)
        return cls(case, of, output_padding=output_padding)

    @classmethod
    def transposing(
        cls,
        x: Any,
        weight: Any,
        bias: Any = None,
        *,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        dilation: Any = 1,
        groups: Any = 1,
    ) -> GradientCase:
        """A transposed convolution of these arrays, with the options of `conv_transpose2d`.

        >>> case = GradientCase.transposing([[[[1.0, 10]]]], [[[[1.0, 2, 3]]]], stride=2)
        >>> case.geometry.x_shape
        (1, 1, 1, 5)
        """
        operands = {"x": frozen(x), "weight": frozen(weight)}
        if bias is not None:
            operands["bias"] = frozen(bias)
        geometry = Geometry.transposing(
            operands["x"].shape, operands["weight"].shape, stride=stride, padding=padding,
            dilation=dilation, groups=groups, output_padding=output_padding,
        )  # fmt: skip
        return cls.from_operands("transpose", geometry, operands)

    @classmethod
    def from_operands(
        cls, of: str, geometry: Geometry, operands: Mapping[str, Array], pad_value: Any = 0
    ) -> GradientCase:
        """The case of these arrays, by the names that `operands` has for them.

        What the convolution has beside them is taken for zeros, for it is not asked about.

        >>> g = Geometry.of((1, 1, 1, 4), (1, 1, 1, 2))
        >>> case = GradientCase.from_operands("bias-grad", g, {"grad_y": np.ones((1, 1, 1, 3))})
        >>> case.answer_shape, case.convolution.weight.shape
        ((1,), (1, 1, 1, 2))

        Errors: `ValueError` for an array of another shape than the sizes make it.
        """
        g = geometry
        for name, shape in _shapes(of, g).items():
            if name in operands and operands[name].shape != shape:
                raise ValueError(f"{name} has shape {operands[name].shape}, but must be {shape}")
        grad_y = operands["x" if of == "transpose" else "grad_y"]
        other = operands.get("weight", operands.get("x", grad_y))
        case = Case(
            other if of == "weight-grad" else np.zeros(g.x_shape, other.dtype),
            operands.get("weight", np.zeros(g.weight_shape, other.dtype)),
            stride=g.stride,
            padding=g.padding,
            dilation=g.dilation,
            groups=g.G,
            pad_value=pad_value,
            grad_y=grad_y,
        )
        return cls(case, of, bias=operands.get("bias"))

    @property
    def arguments(self) -> str | None:
        """As arguments of `refconv check --case`; None where its arrays were given.

        >>> GradientCase.from_descriptor("ic2ih5oc3kh3oh2sh2", 7, of="transpose").arguments
        'g1mb1ic2ih5iw5oc3oh2ow2kh3kw3sh2sw2dh0dw0ph0pw0 --seed 7 --of transpose'
        """
        more = self.asked_output_padding
        shown = "" if more is None else f" --output-padding {more[0]},{more[1]}"
        return None if self.source is None else f"{self.source.arguments} --of {self.of}{shown}"

    @property
    def operands(self) -> dict[str, Any]:
        """What a target is given by place: arrays, a shape, None for a bias that there is not."""
        g = self.geometry
        places: dict[str, dict[str, Any]] = {
            "input-grad": {"grad_y": self.grad_y, "weight": self.weight, "x_shape": g.x_shape},
            "weight-grad": {"grad_y": self.grad_y, "x": self.x, "weight_shape": g.weight_shape},
            "bias-grad": {"grad_y": self.grad_y},
            "transpose": {"x": self.grad_y, "weight": self.weight, "bias": self.bias},
        }
        return places[str(self.of)]

    @property
    def answer_shape(self) -> tuple[int, ...]:
        """The shape of what a target answers."""
        g = self.geometry
        shapes = {"weight-grad": g.weight_shape, "bias-grad": (g.F,)}
        return shapes.get(str(self.of), g.x_shape)

    @property
    def options(self) -> dict[str, Any]:
        """The keywords with which a target is called."""
        if self.of == "bias-grad":
            return {}
        if self.of == "transpose":
            return {**super().options, "output_padding": output_padding(self.geometry)}
        return super().options

    @property
    def factors(self) -> tuple[Array, Array]:
        """The two arrays whose products are summed; those of a bias are multiplied by 1."""
        if self.of == "bias-grad":
            return self.grad_y, np.ones((1, 1, 1, 1), self.grad_y.dtype)
        return self.grad_y, self.x if self.of == "weight-grad" else self.weight

    @property
    def longest_sum(self) -> int:
        """Products in a sum, at most."""
        g = self.geometry
        of_kernel = self.of in ("input-grad", "transpose")
        return g.Fg * g.KH * g.KW if of_kernel else g.N * g.OH * g.OW

    @property
    def work(self) -> int:
        """Terms in all sums: of a bias there are no products."""
        return prod(self.answer_shape) * self.longest_sum

    def _checked_bias(self, bias: Array) -> Array:
        if self.of != "transpose":
            raise ValueError(f"bias is for a transpose, and of is {self.of!r}")
        if bias.shape != (self.geometry.C,):
            raise ValueError(f"bias has shape {bias.shape}, but must be ({self.geometry.C},)")
        return bias

    def __repr__(self) -> str:
        if self.source is None:
            of = f"{self.of} of {self.geometry.descriptor!r}"
            return f"GradientCase({of}, {self.grad_y.dtype.name}, own arrays)"
        more = self.asked_output_padding
        shown = "" if more is None else f", output_padding={more}"
        return f"Gradient{str(self.source)[:-1]}, of={self.of!r}{shown})"


def refuse_unknown(of: str) -> None:
    """Raise where something else is asked for than one of `OF`."""
    if of not in OF:
        raise ValueError(f"of is {of!r}, but must be one of {', '.join(OF)}")


def asked(case: Case, of: str | None) -> Case:
    """The case that asks for this; without `of`, the case as it is."""
    return case if of in (None, case.of) else GradientCase(case, str(of))


def _shapes(of: str, g: Geometry) -> dict[str, tuple[int, ...]]:
    """The shape of each operand that is an array."""
    shapes: dict[str, dict[str, tuple[int, ...]]] = {
        "input-grad": {"grad_y": g.y_shape, "weight": g.weight_shape},
        "weight-grad": {"grad_y": g.y_shape, "x": g.x_shape},
        "bias-grad": {"grad_y": g.y_shape},
        "transpose": {"x": g.y_shape, "weight": g.weight_shape, "bias": (g.C,)},
    }
    return shapes[of]


def output_padding(g: Geometry) -> tuple[int, int]:
    """Rows and columns of x, with its pads, that are behind the last window."""
    rows = g.H + g.pt + g.pb - (g.OH - 1) * g.sh - g.dh * (g.KH - 1) - 1
    columns = g.W + g.pl + g.pr - (g.OW - 1) * g.sw - g.dw * (g.KW - 1) - 1
    return rows, columns


def _padded_behind(g: Geometry, more: tuple[int, int]) -> Geometry:
    """The same convolution with pads behind the data that leave so many rows and columns over."""
    rows, columns = output_padding(g)
    pb, pr = g.pb + more[0] - rows, g.pr + more[1] - columns
    for axis, wanted, stride, pad in (("H", more[0], g.sh, pb), ("W", more[1], g.sw, pr)):
        if not 0 <= wanted < stride:
            raise ValueError(
                f"output_padding is {wanted} along {axis}, but must be below the stride, {stride}"
            )
        if pad < 0:
            raise ValueError(
                f"output_padding is {wanted} along {axis}, but must be at least {wanted - pad} "
                "for these sizes"
            )
    return replace(g, pb=pb, pr=pr)
