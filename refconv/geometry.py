"""Size arithmetic: what shapes and options mean, checked once and derived once, by name.

Everything here works on numbers; no array is touched. The descriptor notation lives in
`descriptor.py`, the types in `dtypes.py`, the arrays themselves in `conv.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, TypeAlias

import numpy as np

from refconv.descriptor import canonical, parse

Layout: TypeAlias = Literal["NCHW", "NHWC"]
Kind: TypeAlias = Literal["standard", "group", "depthwise", "pointwise"]
Pair: TypeAlias = int | tuple[int, int]
Padding: TypeAlias = int | str | Sequence[int] | Sequence[Sequence[int]]

LAYOUTS = ("NCHW", "NHWC")
X_AXES = {"NCHW": ("N", "C", "H", "W"), "NHWC": ("N", "H", "W", "C")}
WEIGHT_AXES = {"NCHW": ("F", "Cg", "KH", "KW"), "NHWC": ("KH", "KW", "Cg", "F")}
MOST = 2**31 - 1
"""The largest option: a product of it with a row's bytes is still an address."""

PADDING_NAMES = ("valid", "same", "same_upper", "same_lower")
PADDING_FORMS = f"one integer, (ph, pw), ((pt, pb), (pl, pr)), or one of {PADDING_NAMES}"


@dataclass(frozen=True, slots=True)
class Geometry:
    """One convolution's sizes, options, and what follows from them.

    Letters are the project's: `x` is (N, C, H, W), `weight` is (F, Cg, KH, KW), `y` is
    (N, F, OH, OW); G groups; stride `sh sw`, dilation `dh dw` (1 is dense), pads top, bottom,
    left and right `pt pb pl pr`; `Cg` and `Fg` channels per group; `K = Cg*KH*KW` taps, the length
    of an output's sum. Make one with `Geometry.of`, which checks.

    >>> g = Geometry.of((2, 6, 12, 13), (12, 2, 3, 2), stride=(3, 2), dilation=(2, 1),
    ...                 padding=((2, 1), (0, 3)), groups=3)
    >>> g.y_shape, g.Cg, g.Fg, g.kind
    ((2, 12, 4, 8), 2, 4, 'group')
    >>> g.descriptor
    'g3mb2ic6ih12iw13oc12oh4ow8kh3kw2sh3sw2dh1dw0ph2pw0'
    """

    N: int
    C: int
    H: int
    W: int
    F: int
    KH: int
    KW: int
    G: int
    sh: int
    sw: int
    dh: int
    dw: int
    pt: int
    pb: int
    pl: int
    pr: int
    OH: int = field(init=False)
    OW: int = field(init=False)
    Cg: int = field(init=False)
    Fg: int = field(init=False)
    K: int = field(init=False)

    def __post_init__(self) -> None:
        """Derive: kernel positions along H and W (rounded down), channels per group, taps."""
        derive = partial(object.__setattr__, self)  # frozen, from here on
        derive("OH", (self.H + self.pt + self.pb - _extent(self.KH, self.dh)) // self.sh + 1)
        derive("OW", (self.W + self.pl + self.pr - _extent(self.KW, self.dw)) // self.sw + 1)
        derive("Cg", self.C // self.G)
        derive("Fg", self.F // self.G)
        derive("K", self.Cg * self.KH * self.KW)

    @classmethod
    def of(
        cls,
        x_shape: Sequence[int],
        weight_shape: Sequence[int],
        *,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: Any = 1,
        layout: str = "NCHW",
        x_name: str = "x",
        weight_name: str = "weight",
    ) -> Geometry:
        """The geometry of a call, or the error that says what is wrong with it.

        `x_shape` and `weight_shape` are in `layout`: "NCHW" with weight (F, Cg, KH, KW), or
        "NHWC" with weight (KH, KW, Cg, F). `x_name` and `weight_name` are what the caller calls
        them, for the messages.

        >>> Geometry.of((1, 5, 7, 3), (3, 2, 3, 4), padding="same", layout="NHWC").y_shape
        (1, 4, 5, 7)
        >>> Geometry.of((1, 8, 5, 7), (4, 3, 3, 2), groups=2)
        Traceback (most recent call last):
            ...
        ValueError: weight has 3 input channels per group, but x has 8 channels in 2 groups of 4

        Errors: `TypeError` for an option of the wrong type, `ValueError` for a wrong value.
        """
        if layout not in LAYOUTS:
            raise ValueError(f"layout is {layout!r}, but must be 'NCHW' or 'NHWC'")
        if layout == "NCHW":
            N, C, H, W = _sizes(x_shape, x_name, X_AXES[layout])
            F, Cg, KH, KW = _sizes(weight_shape, weight_name, WEIGHT_AXES[layout])
        else:
            N, H, W, C = _sizes(x_shape, x_name, X_AXES[layout])
            KH, KW, Cg, F = _sizes(weight_shape, weight_name, WEIGHT_AXES[layout])
        G = _integer(groups, "groups", least=1)
        sh, sw = pair(stride, "stride", least=1)
        dh, dw = pair(dilation, "dilation", least=1)

        if KH == 0 or KW == 0:
            raise ValueError(f"{weight_name} has an empty kernel: KH is {KH} and KW is {KW}")
        if C % G:
            raise ValueError(f"{x_name} has {C} channels, which {G} groups do not divide")
        if F % G:
            raise ValueError(
                f"{weight_name} has {F} output channels, which {G} groups do not divide"
            )
        if Cg != C // G:
            in_groups = f" in {G} groups of {C // G}" if G > 1 else ""
            raise ValueError(
                f"{weight_name} has {Cg} input channels per group, "
                f"but {x_name} has {C} channels{in_groups}"
            )

        (pt, pb), (pl, pr) = _pads(padding, (H, W), (KH, KW), (sh, sw), (dh, dw))
        for axis, kernel, dilation_, size, before, after in (
            ("H", KH, dh, H, pt, pb),
            ("W", KW, dw, W, pl, pr),
        ):
            if _extent(kernel, dilation_) > size + before + after:
                raise ValueError(
                    f"{weight_name} spans {_extent(kernel, dilation_)} cells along {axis} "
                    f"(K{axis} {kernel}, dilation {dilation_}), but {x_name} has "
                    f"{size + before + after} there ({size} and pads {before} and {after})"
                )
        return cls(N, C, H, W, F, KH, KW, G, sh, sw, dh, dw, pt, pb, pl, pr)

    @classmethod
    def transposing(
        cls,
        x_shape: Sequence[int],
        weight_shape: Sequence[int],
        *,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: Any = 1,
        output_padding: Any = 0,
        layout: str = "NCHW",
    ) -> Geometry:
        """The geometry of the convolution whose transpose maps `x` to `y`: its input is that `y`.

        x (N, C, H, W), weight (C, F//groups, KH, KW), y (N, F, OH, OW), where the sizes are the
        caller's: the convolution has them the other way round, its C is this F, its H this OH.

        >>> Geometry.transposing((1, 4, 5, 7), (4, 3, 3, 2), stride=2, groups=2).x_shape
        (1, 6, 11, 14)
        >>> Geometry.transposing((1, 1, 5, 7), (1, 1, 3, 2), stride=2, padding="same").x_shape
        (1, 1, 10, 14)

        Errors: `TypeError` for an option of the wrong type, `ValueError` for a wrong value.
        """
        if layout not in LAYOUTS:
            raise ValueError(f"layout is {layout!r}, but must be 'NCHW' or 'NHWC'")
        if layout == "NCHW":
            N, C, H, W = _sizes(x_shape, "x", ("N", "C", "H", "W"))
            rows, Fg, KH, KW = _sizes(weight_shape, "weight", ("C", "Fg", "KH", "KW"))
        else:
            N, H, W, C = _sizes(x_shape, "x", ("N", "H", "W", "C"))
            KH, KW, Fg, rows = _sizes(weight_shape, "weight", ("KH", "KW", "Fg", "C"))
        G = _integer(groups, "groups", least=1)
        sh, sw = pair(stride, "stride", least=1)
        dh, dw = pair(dilation, "dilation", least=1)
        more = pair(output_padding, "output_padding", least=0)
        if KH == 0 or KW == 0:
            raise ValueError(f"weight has an empty kernel: KH is {KH} and KW is {KW}")
        if rows != C:
            raise ValueError(f"weight has {rows} input channels, but x has {C}")
        if C % G:
            raise ValueError(f"x has {C} channels, which {G} groups do not divide")
        if 0 in (H, W):
            raise ValueError(f"x is {H}x{W}, but a transposed convolution needs at least one cell")
        for name, cells, step in zip(("H", "W"), more, (sh, sw), strict=True):
            if cells >= step:
                raise ValueError(
                    f"output_padding is {cells} along {name}, but must be below the stride, {step}"
                )
        same = isinstance(padding, str) and padding.startswith("same")
        if same and more != (0, 0):
            raise ValueError(
                f"output_padding is {more}, but must be 0: padding {padding!r} says the size"
            )
        (pt, pb), (pl, pr) = _pads(padding, (H * sh, W * sw), (KH, KW), (sh, sw), (dh, dw))
        if same:
            OH, OW = H * sh, W * sw
        else:
            OH = (H - 1) * sh - pt - pb + _extent(KH, dh) + more[0]
            OW = (W - 1) * sw - pl - pr + _extent(KW, dw) + more[1]
        for name, size, before, after in (("H", OH, pt, pb), ("W", OW, pl, pr)):
            if size < 0:
                raise ValueError(
                    f"padding is {before} and {after} along {name}, but there are only "
                    f"{size + before + after} cells to cut it from"
                )
        return cls(N, G * Fg, OH, OW, C, KH, KW, G, sh, sw, dh, dw, pt, pb, pl, pr)

    @classmethod
    def from_descriptor(cls, text: str) -> Geometry:
        """The geometry that a benchdnn convolution descriptor states; see `descriptor.parse`.

        >>> Geometry.from_descriptor("g2mb1ic96ih27oc256oh27kh5ph2").weight_shape
        (256, 48, 5, 5)
        """
        if not isinstance(text, str):
            raise TypeError(f"descriptor is {text!r}, but must be a string")
        return cls.of(**parse(text))

    @property
    def descriptor(self) -> str:
        """This geometry as a benchdnn convolution descriptor, in canonical form.

        It computes the same outputs when parsed. Pads behind the data are told by `oh ow` alone,
        so cells there that no window reaches may come back narrower or wider.
        """
        sizes = (self.G, self.N, self.C, self.H, self.W, self.F, self.OH, self.OW, self.KH, self.KW)
        options = (self.sh, self.sw, self.dh - 1, self.dw - 1, self.pt, self.pl)
        return canonical(sizes + options)

    @property
    def kind(self) -> Kind:
        """Which of the named structures this is.

        With more than one group: "depthwise" where every group has one input channel, else
        "group". With one group: "pointwise" where the kernel is 1x1, else "standard".
        """
        if self.G > 1:
            return "depthwise" if self.C == self.G else "group"
        return "pointwise" if self.KH == self.KW == 1 else "standard"

    @property
    def x_shape(self) -> tuple[int, int, int, int]:
        return self.N, self.C, self.H, self.W

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        return self.F, self.Cg, self.KH, self.KW

    @property
    def y_shape(self) -> tuple[int, int, int, int]:
        return self.N, self.F, self.OH, self.OW

    @property
    def stride(self) -> tuple[int, int]:
        return self.sh, self.sw

    @property
    def dilation(self) -> tuple[int, int]:
        return self.dh, self.dw

    @property
    def padding(self) -> tuple[tuple[int, int], tuple[int, int]]:
        return (self.pt, self.pb), (self.pl, self.pr)

    @property
    def padded(self) -> bool:
        """Whether any pad is wider than zero."""
        return (self.pt, self.pb, self.pl, self.pr) != (0, 0, 0, 0)


def _extent(kernel: int, dilation: int) -> int:
    """Cells that a dilated kernel spans along one axis."""
    return dilation * (kernel - 1) + 1


def _sizes(shape: Sequence[int], name: str, axes: tuple[str, ...]) -> Sequence[int]:
    """The shape's sizes, which must be as many as the axes."""
    if getattr(shape, "ndim", 1) > 1:
        array = name.removesuffix("_shape")
        raise TypeError(f"{name} is an array, but must be a shape: pass {array}.shape")
    if not isinstance(shape, (tuple, list, np.ndarray, Sequence)):  # usually the first
        what = name if name.endswith("_shape") else f"the shape of {name}"
        raise TypeError(f"{what} is {shape!r}, but must be a tuple ({', '.join(axes)})")
    sizes = tuple(shape)
    if len(sizes) != len(axes):
        raise ValueError(
            f"{name} has shape {sizes}, but must have {len(axes)} axes ({', '.join(axes)})"
        )
    if all(type(size) is int and size >= 0 for size in sizes):
        return sizes
    named = zip(axes, sizes, strict=True)
    return [_integer(size, f"{axis} of {name}", least=0, most=2**63) for axis, size in named]


def _integer(value: Any, name: str, *, least: int, most: int = MOST) -> int:
    """A Python or NumPy integer from `least` to `most`; a bool is not an integer here."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} is {value!r}, but must be an integer")
    number = int(value)
    if not least <= number <= most:
        bound = f"at least {least}" if number < least else f"at most {most}"
        raise ValueError(f"{name} is {value}, but must be {bound}")
    return number


def _is_sequence(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim > 0)


def pair(value: Any, name: str, *, least: int) -> tuple[int, int]:
    """One integer for both axes, or one for H and one for W."""
    if not _is_sequence(value):
        both = _integer(value, name, least=least)
        return both, both
    if len(value) != 2:
        raise ValueError(f"{name} is {value!r}, but must be one integer or a pair (H, W)")
    first, second = value
    return _integer(first, name, least=least), _integer(second, name, least=least)


def _pads(
    padding: Any,
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
) -> tuple[tuple[int, int], tuple[int, int]]:
    """((pt, pb), (pl, pr)) from any of the forms that `padding` may take."""
    if isinstance(padding, str):
        if padding not in PADDING_NAMES:
            raise ValueError(f"padding is {padding!r}, but must be one of {PADDING_NAMES}")
        if padding == "valid":
            return (0, 0), (0, 0)
        lower = padding == "same_lower"
        rows, columns = (
            same_pads(size[axis], kernel[axis], stride[axis], dilation[axis], lower=lower)
            for axis in (0, 1)
        )
        return rows, columns
    if _is_sequence(padding):
        nested = [_is_sequence(ends) for ends in padding]
        if nested not in ([True, True], [False, False]):
            raise ValueError(f"padding is {padding!r}, but must be {PADDING_FORMS}")
        if nested[0]:
            rows, columns = (pair(ends, "padding", least=0) for ends in padding)
            return rows, columns
    elif not isinstance(padding, (int, np.integer)):
        raise TypeError(f"padding is {padding!r}, but must be {PADDING_FORMS}")
    ph, pw = pair(padding, "padding", least=0)
    return (ph, ph), (pw, pw)


def same_pads(
    size: int, kernel: int, stride: int, dilation: int, *, lower: bool
) -> tuple[int, int]:
    """The pads that make the output ceil(size / stride) long (ONNX's and TensorFlow's SAME).

    The odd cell goes after the data, or before it where `lower`.
    """
    positions = -(-size // stride)
    total = max(0, (positions - 1) * stride + _extent(kernel, dilation) - size)
    small, large = total // 2, total - total // 2
    return (large, small) if lower else (small, large)
