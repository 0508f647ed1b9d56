"""Cases: one call of a convolution, as the oracle asks it of a target."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np

from refconv.geometry import Geometry
from refconv.oracle.cases import draw
from refconv.plan import Plan

Array = np.ndarray[Any, Any]

DATA = ("integers", "reals", "positive", "tiny", "nonfinite", "nonfinite-weight")
"""Kinds of data: whole numbers; numbers between -1 and 1, or 0 and 1, or near the smallest ones of
the type; whole numbers with NaN and infinities among those of the image, or of the weight."""

SPECIAL = (np.nan, np.inf, -np.inf)
TINY = {"float16": 2.0**-7, "bfloat16": 2.0**-63, "float32": 2.0**-65, "complex64": 2.0**-65}
"""What makes numbers between -1 and 1 so small that products of two are subnormal."""

GRAD_Y, TRANSPOSED_BIAS = 4, 5
"""Streams of numbers; those of x, weight, bias and pointwise weight are 0 to 3."""

BIASES = (2, TRANSPOSED_BIAS)
NONFINITE = {"nonfinite": 0, "nonfinite-weight": 1}
"""Which operand holds numbers that are not finite."""

MOST = 1 << 61
"""The largest bound."""

BOUND = 9
"""Whole numbers of a case go from minus this to this."""


class Source(NamedTuple):
    """The few values that a case is made of."""

    descriptor: str
    seed: int
    dtype: str = "float32"
    data: str = "integers"
    bound: int = BOUND
    bias: bool = True
    pad_value: Any = 0
    pointwise: int = 0

    @property
    def unusual(self) -> dict[str, Any]:
        """Those that differ from the defaults, but for descriptor and seed."""
        usual = type(self)("", self.seed)._asdict()
        return {n: v for n, v in self._asdict().items() if v != usual[n] and n != "descriptor"}

    @property
    def arguments(self) -> str:
        """As arguments of `refconv check --case`.

        >>> Source("ic2ih5oc3kh3", 7, bias=False, dtype="int8").arguments
        'ic2ih5oc3kh3 --seed 7 --dtype int8 --no-bias'
        """
        words = [self.descriptor, f"--seed {self.seed}"]
        shown = ("dtype", "data", "bound", "pointwise")
        words += [f"--{n} {v}" for n, v in self.unusual.items() if n in shown]
        return " ".join(words + ([] if self.bias else ["--no-bias"]))

    def __str__(self) -> str:
        """As Python.

        >>> print(Source("ic2ih5oc3kh3", 7, bias=False, dtype="int8"))
        Case.from_descriptor('ic2ih5oc3kh3', seed=7, dtype='int8', bias=False)
        """
        more = "".join(f", {name}={value!r}" for name, value in self.unusual.items())
        return f"Case.from_descriptor({self.descriptor!r}, seed={self.seed}{more})"


class Axes(NamedTuple):
    """What the axes of an answer are: a letter and a name each; the groups go along one of them."""

    letters: tuple[str, ...]
    names: tuple[str, ...]
    grouped: int


OF_Y = Axes(("n", "f", "oh", "ow"), ("image", "output channel", "output row", "output column"), 1)


class Case:
    """A call: `x` (N, C, H, W), `weight` (F, Cg, KH, KW), `bias` (F,) or None, and options.

    With a `pointwise_weight` (F, C*M, 1, 1) it is depthwise separable: `weight` is the depthwise
    one then, and the bias is added at the end.

    `grad_y` (N, F, OH, OW) is what a gradient is asked for (`gradient_case.py`); left out, it is
    drawn from the seed.

    The arrays are read-only. `geometry` holds the sizes and options, of the depthwise stage where
    there are two; `source` is what makes the case again, and None where its arrays were given.

    >>> case = Case.from_descriptor("g2ic4ih5iw6oc6kh3kw2", seed=1, dtype="int8")
    >>> case.x.shape, case.weight.shape, case.kind
    ((1, 4, 5, 6), (6, 2, 3, 2), 'group')
    >>> case
    Case.from_descriptor('g2mb1ic4ih5iw6oc6oh3ow5kh3kw2sh1sw1dh0dw0ph0pw0', seed=1, dtype='int8')

    Errors: those of `refconv.conv2d` for such a call.
    """

    of: str | None = None
    """What is asked for, if it is not y."""

    answer, axes = "y", OF_Y
    """What a target's answer is called, and what its axes are."""

    def __init__(
        self,
        x: Any,
        weight: Any,
        bias: Any = None,
        *,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: Any = 1,
        pad_value: Any = 0,
        pointwise_weight: Any = None,
        grad_y: Any = None,
        source: Source | None = None,
    ) -> None:
        self.x, self.weight = frozen(x), frozen(weight)
        self.pointwise_weight = None if pointwise_weight is None else frozen(pointwise_weight)
        self.bias = None if bias is None else frozen(bias)
        options = (stride, padding, dilation, groups, "NCHW", pad_value, "auto")
        own_bias = None if pointwise_weight is not None else self.bias
        plan = Plan.of(self.x.shape, self.x.dtype, self.weight, own_bias, options)
        self.geometry, self.types = plan.geometry, plan.types
        if self.pointwise_weight is not None:
            self._refuse_pointwise(self.pointwise_weight)
            if self.bias is not None and self.bias.shape != (self.F,):
                raise ValueError(f"bias has shape {self.bias.shape}, but must be ({self.F},)")
        self.pad_value = pad_value
        self.source = source
        self._grad_y = None if grad_y is None else self._checked_grad_y(frozen(grad_y))

    @classmethod
    def from_descriptor(
        cls,
        descriptor: str,
        seed: int = 0,
        *,
        dtype: str = "float32",
        data: str = "integers",
        bound: int = BOUND,
        bias: bool = True,
        pad_value: Any = 0,
        pointwise: int = 0,
    ) -> Case:
        """The case that these few values stand for, the same everywhere.

        `data` is one of `DATA`; whole numbers go from -bound to bound, or from 0 for unsigned
        types. Integer types hold whole numbers whatever it is. `pointwise` output channels make the
        case separable: the descriptor is the depthwise stage's then.

        Errors: `ValueError` for a descriptor, type or kind of data that is none, or a bound that
        is too large.
        """
        if not 0 <= bound <= MOST:
            raise ValueError(f"bound is {bound}, but must be from 0 to {MOST}")
        if data not in DATA:
            raise ValueError(f"data is {data!r}, but must be one of {', '.join(DATA)}")
        geometry = Geometry.from_descriptor(descriptor)
        shapes = [geometry.x_shape, geometry.weight_shape, (pointwise or geometry.F,)]
        if pointwise:
            shapes.append((pointwise, geometry.F, 1, 1))
        type_ = _dtype(dtype)
        x, weight, b, *mixing = (
            drawn(seed, stream, shape, type_, data, bound) for stream, shape in enumerate(shapes)
        )
        return cls(
            x,
            weight,
            b if bias else None,
            stride=geometry.stride,
            padding=geometry.padding,
            dilation=geometry.dilation,
            groups=geometry.G,
            pad_value=pad_value,
            pointwise_weight=mixing[0] if mixing else None,
            source=Source(
                geometry.descriptor, seed, dtype, data, bound, bias, pad_value, pointwise
            ),
        )

    @property
    def arguments(self) -> str | None:
        """As arguments of `refconv check --case`; None where its arrays were given."""
        return None if self.source is None else self.source.arguments

    @property
    def grad_y(self) -> Array:
        """The gradients of the outputs, as given; else numbers of the case's kind, from its seed.

        Errors: `ValueError` where there is neither.
        """
        if self._grad_y is None:
            if self.source is None:
                raise ValueError("case has no grad_y, and no seed to draw it from: give grad_y=")
            self._grad_y = self.drawn(GRAD_Y, self.geometry.y_shape)
        return self._grad_y

    def drawn(self, stream: int, shape: tuple[int, ...]) -> Array:
        """Numbers of the case's kind, from its seed."""
        assert self.source is not None  # for the type checker: whoever asks has looked
        _, seed, dtype, data, bound, *_ = self.source
        return frozen(drawn(seed, stream, shape, _dtype(dtype), data, bound))

    @property
    def F(self) -> int:  # noqa: N802  # the letter of the legend
        """Output channels."""
        return self.geometry.F if self.pointwise_weight is None else len(self.pointwise_weight)

    @property
    def operands(self) -> dict[str, Any]:
        """What a target is given by place: arrays, and None for a bias that there is not."""
        mixing = (
            {} if self.pointwise_weight is None else {"pointwise_weight": self.pointwise_weight}
        )
        return {"x": self.x, "weight": self.weight, **mixing, "bias": self.bias}

    @property
    def arrays(self) -> dict[str, Array]:
        """The operands that are arrays."""
        return {name: a for name, a in self.operands.items() if isinstance(a, np.ndarray)}

    @property
    def factors(self) -> tuple[Array, Array]:
        """The two arrays whose products are summed."""
        return self.x, self.weight

    @property
    def longest_sum(self) -> int:
        """Products in a sum, at most."""
        return self.geometry.K

    @property
    def answer_shape(self) -> tuple[int, ...]:
        """The shape of what a target answers."""
        g = self.geometry
        return g.N, self.F, g.OH, g.OW

    @property
    def work(self) -> int:
        """Products in all sums, of the two stages where there are two: how large the case is.

        >>> Case.from_descriptor("ic2ih5iw6oc3kh3kw2").work
        540
        """
        stage = prod(self.geometry.y_shape) * self.longest_sum
        mixing = 0 if self.pointwise_weight is None else prod(self.answer_shape) * self.geometry.F
        return stage + mixing

    @property
    def options(self) -> dict[str, Any]:
        """The keywords with which a target is called; a depthwise stage has no `groups` to tell."""
        g = self.geometry
        options = {"stride": g.stride, "padding": g.padding, "dilation": g.dilation}
        return options if self.pointwise_weight is not None else {**options, "groups": g.G}

    @property
    def kind(self) -> str:
        """Standard, group, depthwise, pointwise or separable."""
        return self.geometry.kind if self.pointwise_weight is None else "separable"

    def _checked_grad_y(self, grad_y: Array) -> Array:
        if grad_y.shape != self.geometry.y_shape:
            raise ValueError(
                f"grad_y has shape {grad_y.shape}, but y has shape {self.geometry.y_shape}"
            )
        return grad_y

    def _refuse_pointwise(self, weight: Array) -> None:
        g = self.geometry
        if g.G != g.C:
            raise ValueError(f"groups is {g.G}, but a depthwise stage has one a channel: {g.C}")
        if weight.shape[1:] != (g.F, 1, 1):
            raise ValueError(
                f"pointwise_weight has shape {weight.shape}, but must be (F, {g.F}, 1, 1)"
            )
        if self.types.accumulator != self.types.result or weight.dtype != self.types.result:
            raise TypeError(
                f"pointwise_weight has type {weight.dtype.name}, and x {self.x.dtype.name}: both "
                "must be one type whose sums are of that type, like float32"
            )

    @property
    def is_integral(self) -> bool:
        """Whether every finite number in it is whole: then sums can be held to the bit."""
        return all(map(_is_whole, (*self.arrays.values(), np.asarray(self.pad_value))))

    def __repr__(self) -> str:
        if self.source is None:
            return f"Case({self.geometry.descriptor!r}, {self.x.dtype.name}, own arrays)"
        return str(self.source)


def drawn(
    seed: int, stream: int, shape: tuple[int, ...], dtype: np.dtype[Any], data: str, bound: int
) -> Array:
    """The numbers of an operand: x, weight, bias and pointwise weight are 0 to 3."""
    if data in ("reals", "positive", "tiny") and dtype.kind not in "iu":
        reals = draw.reals(seed, stream, shape, dtype)
        if data == "tiny":
            size = TINY.get(dtype.name, 2.0**-515) ** (1 + (stream in BIASES))
            reals = (reals.astype(np.result_type(dtype, np.float64)) * size).astype(dtype)
        if data == "positive":
            reals = (
                np.abs(reals.real) + 1j * np.abs(reals.imag) if dtype.kind == "c" else np.abs(reals)
            )
        return reals.astype(dtype)
    low, high = -bound, bound
    if dtype.kind in "iu":
        low, high = max(low, int(np.iinfo(dtype).min)), min(high, int(np.iinfo(dtype).max))
    whole = draw.integers(seed, stream, shape, low, high)
    if dtype.kind == "c":
        return (whole + 1j * draw.integers(seed, stream + 100, shape, low, high)).astype(dtype)
    numbers = whole.astype(dtype)
    if stream == NONFINITE.get(data) and dtype.kind not in "iu":
        places = draw.integers(seed, 200 + stream, (len(SPECIAL),), 0, max(0, numbers.size - 1))
        numbers.ravel()[places[: numbers.size]] = SPECIAL[: numbers.size]
    return numbers


def _dtype(name: str) -> np.dtype[Any]:
    if name == "bfloat16":
        try:
            import ml_dtypes
        except ImportError as error:
            raise ValueError("dtype bfloat16 needs ml_dtypes: pip install ml_dtypes") from error
        return np.dtype(ml_dtypes.bfloat16)  # type: ignore[no-any-return]
    try:
        return np.dtype(name)
    except TypeError as error:
        raise ValueError(f"dtype is {name!r}, which NumPy does not know") from error


def frozen(operand: Any) -> Array:
    """A contiguous read-only copy: whatever a target does, the case stays what it is."""
    array = np.array(operand, order="C")
    array.setflags(write=False)
    return array


def _is_whole(array: Array) -> bool:
    if array.dtype.kind in "iu":
        return True
    if array.dtype.kind == "c":
        return _is_whole(array.real) and _is_whole(array.imag)
    numbers = array.astype(np.float64)
    numbers = numbers[np.isfinite(numbers)]
    return bool((numbers == np.rint(numbers)).all())
