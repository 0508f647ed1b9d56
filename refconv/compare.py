"""One layer as standard, group and depthwise separable: counted, checked, measured.

The figures only; how they are shown is `cli/compare.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial, reduce
from operator import add
from typing import Any

import numpy as np

from refconv.conv import conv2d
from refconv.counts import Counts, count, count_by_ones
from refconv.geometry import Geometry
from refconv.plan import Method
from refconv.threads import get_threads
from refconv.timing import medians

Array = np.ndarray[Any, Any]

DEFAULT_LAYER = "ic512ih14oc512kh3ph1"
"""MobileNetV1's: 512 -> 512 channels, 14x14, 3x3, padding 1 (Howard et al. 2017, table 3)."""

DEFAULT_GROUPS = (2, 4, 8, 32)
DTYPE = "float32"

LARGEST_IM2COL_BYTES = 2**30
MOST_MACS_OF_COMPILED_LOOPS = 2**30
SAMPLE = 2
"""Groups, output channels of each, rows and columns that the loops in plain Python check."""


@dataclass(frozen=True, slots=True)
class Structure:
    """One way to connect the layer's channels: one convolution, or two in a row."""

    name: str
    stages: tuple[Geometry, ...]
    promised: Fraction
    """Its multiply-accumulates over the standard layer's, by the paper's formula."""

    @property
    def counts(self) -> Counts:
        """The closed forms of all stages together."""
        return reduce(add, map(count, self.stages))

    @property
    def formula(self) -> str:
        """The closed form with its numbers put in: N*OH*OW * KH*KW * Cg * F, N left out if 1."""
        return " + ".join(_product(stage) for stage in self.stages)

    @property
    def promise(self) -> str:
        """The promised ratio as the papers write it: 1/g, or 1/F + 1/(KH*KW).

        >>> layer = Geometry.of((1, 4, 5, 7), (6, 4, 3, 3))
        >>> [structure.promise for structure in structures(layer, [2])]
        ['1', '1/2', '1/6', '1/9', '1/6 + 1/9']
        """
        if len(self.stages) == 1:
            return str(self.promised)
        depthwise, pointwise = self.stages
        return f"{Fraction(1, pointwise.F)} + {Fraction(1, depthwise.KH * depthwise.KW)}"

    @property
    def im2col_bytes(self) -> int:
        """Bytes of its largest im2col matrix; where that is the input itself, 0."""
        return max(
            0
            if (stage.KH, stage.KW, stage.stride) == (1, 1, (1, 1)) and not stage.padded
            else count(stage).im2col_size * np.dtype(DTYPE).itemsize
            for stage in self.stages
        )


@dataclass(frozen=True, slots=True)
class Row:
    """What was found about one structure. Speed-up is over the standard layer."""

    structure: Structure
    counted_macs: int
    counted_effective_macs: int
    ratio: Fraction
    checks: dict[str, bool]
    """By method: whether it gave the fast kernel's outputs to the bit."""
    milliseconds: float
    speed_up: float

    @property
    def counts_agree(self) -> bool:
        """Whether executing it counted what the closed forms say."""
        counts = self.structure.counts
        counted = (self.counted_macs, self.counted_effective_macs)
        return counted == (counts.macs, counts.effective_macs) and (
            self.ratio == self.structure.promised
        )

    @property
    def methods_agree(self) -> bool:
        return all(self.checks.values())


@dataclass(frozen=True, slots=True)
class Comparison:
    """All rows, the standard layer first."""

    layer: Geometry
    rows: tuple[Row, ...]
    threads: int

    @property
    def agrees(self) -> bool:
        return all(row.counts_agree and row.methods_agree for row in self.rows)


def structures(layer: Geometry, groups: Iterable[int]) -> list[Structure]:
    """The layer as standard, as each number of groups, and as depthwise separable in its stages.

    The depthwise stage keeps the channels (multiplier 1), the stride, the padding and the dilation;
    the pointwise stage follows on its output.

    >>> layer = Geometry.of((1, 4, 5, 7), (6, 4, 3, 3), padding=1)
    >>> [f"{s.name}: {s.formula}" for s in structures(layer, [2])]  # doctest: +NORMALIZE_WHITESPACE
    ['standard: 5*7*3*3*4*6', '2 groups: 5*7*3*3*2*6', 'depthwise: 5*7*3*3*1*4',
     'pointwise: 5*7*1*1*4*6', 'separable: 5*7*3*3*1*4 + 5*7*1*1*4*6']

    Errors: `ValueError` where a number of groups does not divide the channels, or the layer has no
    operations to compare.
    """
    if 0 in (layer.N, layer.C, layer.F, layer.OH, layer.OW):
        raise ValueError(f"layer {layer.descriptor} has no operations to compare")
    standard = replace(layer, G=1)
    found = [Structure("standard", (standard,), Fraction(1))]
    for G in groups:
        if G < 1 or layer.C % G or layer.F % G:
            raise ValueError(
                f"{G} groups do not divide {layer.C} input and {layer.F} output channels"
            )
        if G > 1:
            found.append(Structure(f"{G} groups", (replace(layer, G=G),), Fraction(1, G)))
    depthwise = replace(layer, F=layer.C, G=layer.C)
    pointwise = Geometry.of(depthwise.y_shape, (layer.F, layer.C, 1, 1))
    by_outputs, by_kernel = Fraction(1, layer.F), Fraction(1, layer.KH * layer.KW)
    found.append(Structure("depthwise", (depthwise,), by_outputs))
    found.append(Structure("pointwise", (pointwise,), by_kernel))
    found.append(Structure("separable", (depthwise, pointwise), by_outputs + by_kernel))
    return found


def possible_groups(layer: Geometry) -> list[int]:
    """The usual numbers of groups, and the layer's own, that divide its channels."""
    wanted = {*DEFAULT_GROUPS, layer.G} - {1}
    return sorted(G for G in wanted if layer.C % G == 0 and layer.F % G == 0)


def compare(
    layer: Geometry,
    groups: Iterable[int],
    report: Callable[[str], None] = lambda step: None,
) -> Comparison:
    """Count, check and measure every structure; `report` is told what is being done."""
    candidates = structures(layer, groups)
    layers = {s.name: [_Operands.of(stage) for stage in s.stages] for s in candidates}
    counted: dict[str, tuple[int, int]] = {}
    checks: dict[str, dict[str, bool]] = {}
    for s in candidates:
        report(f"{s.name}: counting")
        macs, effective = zip(*(count_by_ones(g, dtype=DTYPE) for g in s.stages), strict=True)
        counted[s.name] = sum(macs), sum(effective)
        report(f"{s.name}: checking")
        checks[s.name] = _check(layers[s.name])
    report("measuring")
    seconds = medians({name: partial(_chain, stages, "jit") for name, stages in layers.items()})
    standard = candidates[0]
    rows = tuple(
        Row(
            structure=s,
            counted_macs=counted[s.name][0],
            counted_effective_macs=counted[s.name][1],
            ratio=Fraction(counted[s.name][0], counted[standard.name][0]),
            checks=checks[s.name],
            milliseconds=1e3 * seconds[s.name],
            speed_up=seconds[standard.name] / seconds[s.name],
        )
        for s in candidates
    )
    return Comparison(layer, rows, get_threads())


@dataclass(frozen=True, slots=True)
class _Operands:
    """A stage with an input and a weight of small integers, whose sums float32 holds exactly."""

    geometry: Geometry
    x: Array
    weight: Array

    @classmethod
    def of(cls, geometry: Geometry) -> _Operands:
        # A later stage's sums are checked on its own fresh input, so one stage's bound is enough.
        bound = max(1, min(4, int((2**24 / max(1, geometry.K)) ** 0.5)))
        generator = np.random.default_rng(geometry.K)
        x, weight = (
            generator.integers(-bound, bound, shape, endpoint=True).astype(DTYPE)
            for shape in (geometry.x_shape, geometry.weight_shape)
        )
        return cls(geometry, x, weight)

    def convolve(self, method: Method, x: Array | None = None) -> Array:
        g = self.geometry
        return conv2d(
            self.x if x is None else x,
            self.weight,
            stride=g.stride,
            padding=g.padding,
            dilation=g.dilation,
            groups=g.G,
            method=method,
        )


def _chain(stages: list[_Operands], method: Method) -> Array:
    """The output of the stages one after the other."""
    y = stages[0].x
    for stage in stages:
        y = stage.convolve(method, y)
    return y


def _check(stages: list[_Operands]) -> dict[str, bool]:
    """By method: whether it gives what the fast kernel gives, on every stage."""
    checks: dict[str, bool] = {}
    for stage in stages:
        g, y = stage.geometry, stage.convolve("jit")
        found = {"loops": _loops_agree(stage, y)}
        if count(g).macs <= MOST_MACS_OF_COMPILED_LOOPS:
            found["jit-loops"] = np.array_equal(stage.convolve("jit-loops"), y)
        if g.G * g.K * g.OH * g.OW * y.itemsize <= LARGEST_IM2COL_BYTES:
            found["im2col"] = np.array_equal(stage.convolve("im2col"), y)
        for method, agrees in found.items():
            checks[method] = checks.get(method, True) and agrees
    return checks


def _loops_agree(stage: _Operands, y: Array) -> bool:
    """Whether the definition, in plain Python, gives the outputs of `y` in a corner.

    The corner is the first image's first groups, channels, rows and columns, with all their taps:
    the whole layer would take minutes.
    """
    g = stage.geometry
    G, Fg, OH, OW = (min(SAMPLE, size) for size in (g.G, g.Fg, g.OH, g.OW))
    rows = (OH - 1) * g.sh + (g.KH - 1) * g.dh + 1
    columns = (OW - 1) * g.sw + (g.KW - 1) * g.dw + 1
    pt, pl = min(g.pt, rows), min(g.pl, columns)
    H, W = min(g.H, rows - pt), min(g.W, columns - pl)
    of_groups = stage.weight.reshape(g.G, g.Fg, g.Cg, g.KH, g.KW)[:G, :Fg]
    corner = conv2d(
        stage.x[:1, : G * g.Cg, :H, :W],
        of_groups.reshape(G * Fg, g.Cg, g.KH, g.KW),
        stride=g.stride,
        padding=((pt, rows - pt - H), (pl, columns - pl - W)),
        dilation=g.dilation,
        groups=G,
        method="loops",
    )
    expected = y[:1].reshape(1, g.G, g.Fg, g.OH, g.OW)[:, :G, :Fg, :OH, :OW]
    return np.array_equal(corner.reshape(expected.shape), expected)


def _product(g: Geometry) -> str:
    """The factors of the stage's multiply-accumulates."""
    factors = (g.OH, g.OW, g.KH, g.KW, g.Cg, g.F)
    return "*".join(str(factor) for factor in (factors if g.N == 1 else (g.N, *factors)))
