"""The walk as data: its steps in order, and how one moves between them.

A large layer has millions of steps, so none is kept: a step is worked out from its number. How a
step looks is in `screens.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np

from refconv.counts import count_by_ones
from refconv.geometry import Geometry
from refconv.pad import pad
from refconv.walk.lesson import Stage, Worked, lesson

Array = np.ndarray[Any, Any]

PACES = ("multiply-accumulate", "output cell", "output channel", "whole stage")
"""How far a step goes, from fine to coarse."""


@dataclass(frozen=True)
class Part:
    """One convolution of the lesson: a structure, or one of its two stages."""

    worked: Worked
    number: int
    """Which of the structure's stages, from 0."""

    @property
    def stage(self) -> Stage:
        """Its operands and its output."""
        return self.worked.stages[self.number]

    @property
    def title(self) -> str:
        """What it is called.

        >>> from refconv.walk.lesson import layer_of
        >>> [part.title for part in parts_of(lesson(layer_of("ic4ih3iw5oc8kh2kw3")))]
        ... # doctest: +NORMALIZE_WHITESPACE
        ['standard', '2 groups', '4 groups = depthwise', 'separable, stage 1 of 2: depthwise',
         'separable, stage 2 of 2: pointwise']
        """
        if len(self.worked.stages) == 1:
            return title_of(self.worked)
        return f"separable, stage {self.number + 1} of 2: {('depthwise', 'pointwise')[self.number]}"

    @property
    def taps_shape(self) -> tuple[int, ...]:
        """(N, F, OH, OW, Cg, KH, KW): the seven loops, outermost first."""
        g = self.stage.geometry
        return g.N, g.F, g.OH, g.OW, g.Cg, g.KH, g.KW

    @property
    def macs(self) -> int:
        """How many taps there are."""
        return int(np.prod(self.taps_shape))

    @cached_property
    def padded(self) -> Array:
        """X with its pads, (N, C, pt+H+pb, pl+W+pr)."""
        x = self.stage.x
        return pad(x, self.stage.geometry, 0, x.dtype)

    @cached_property
    def inside(self) -> Array:
        """Whether a tap reads the image, and not a pad: (OH, OW, KH, KW)."""
        g = self.stage.geometry
        rows = np.arange(g.OH)[:, None] * g.sh - g.pt + np.arange(g.KH) * g.dh  # (OH, KH)
        columns = np.arange(g.OW)[:, None] * g.sw - g.pl + np.arange(g.KW) * g.dw  # (OW, KW)
        in_rows, in_columns = (rows >= 0) & (rows < g.H), (columns >= 0) & (columns < g.W)
        both: Array = in_rows[:, None, :, None] & in_columns[None, :, None, :]
        return both

    def products(self, n: int, f: int, oh: int, ow: int) -> Array:
        """The products of one output, in the order in which they are added: (Cg, KH, KW)."""
        g = self.stage.geometry
        first = f // g.Fg * g.Cg
        rows = oh * g.sh + np.arange(g.KH)[:, None] * g.dh
        columns = ow * g.sw + np.arange(g.KW) * g.dw
        window = self.padded[n, first : first + g.Cg][:, rows, columns]  # (Cg, KH, KW)
        taps: Array = window * self.stage.weight[f]
        return taps


class Place(NamedTuple):
    """The seven indices of a tap."""

    n: int
    f: int
    oh: int
    ow: int
    cg: int
    kh: int
    kw: int


@dataclass(frozen=True)
class Opening:
    """Before the first structure: what will be shown."""

    layer: Geometry


@dataclass(frozen=True)
class Wiring:
    """Which output channel reads which input channel."""

    part: Part


@dataclass(frozen=True)
class Tap:
    """One multiply-accumulate: tap number `index`, from 0, in the order of the seven loops."""

    part: Part
    index: int

    @cached_property
    def place(self) -> Place:
        return Place(*(int(i) for i in np.unravel_index(self.index, self.part.taps_shape)))

    @property
    def c(self) -> int:
        """The input channel."""
        g = self.part.stage.geometry
        return self.place.f // g.Fg * g.Cg + self.place.cg

    @property
    def ih(self) -> int:
        """The row of the input; outside 0..H-1 it is a padding cell."""
        g = self.part.stage.geometry
        return self.place.oh * g.sh - g.pt + self.place.kh * g.dh

    @property
    def iw(self) -> int:
        """The column of the input; outside 0..W-1 it is a padding cell."""
        g = self.part.stage.geometry
        return self.place.ow * g.sw - g.pl + self.place.kw * g.dw

    @property
    def on_padding(self) -> bool:
        p = self.place
        return not self.part.inside[p.oh, p.ow, p.kh, p.kw]

    @property
    def x(self) -> int:
        """The number that is read."""
        g = self.part.stage.geometry
        return int(self.part.padded[self.place.n, self.c, self.ih + g.pt, self.iw + g.pl])

    @property
    def weight(self) -> int:
        """The number that it is multiplied by."""
        p = self.place
        return int(self.part.stage.weight[p.f, p.cg, p.kh, p.kw])

    @property
    def number(self) -> int:
        """Which tap of its output it is, from 1 to K."""
        return self.index % self.part.stage.geometry.K + 1

    @property
    def before(self) -> int:
        """The running sum without this tap."""
        p = self.place
        products = self.part.products(p.n, p.f, p.oh, p.ow)
        return int(products.ravel()[: self.number - 1].sum())

    @property
    def after(self) -> int:
        """The running sum with this tap."""
        return self.before + self.x * self.weight

    @property
    def padding_taps(self) -> int:
        """How many of the part's taps, up to this one, were on padding cells."""
        g, p = self.part.stage.geometry, self.place
        outside = ~self.part.inside
        cells = outside.reshape(g.OH * g.OW, -1)  # (OH*OW, KH*KW)
        cell = p.oh * g.OW + p.ow
        channels = (p.n * g.F + p.f) * g.Cg * int(outside.sum())
        of_this_channel = g.Cg * int(cells[:cell].sum())
        of_this_cell = p.cg * int(cells[cell].sum())
        return (
            channels + of_this_channel + of_this_cell
            + int(cells[cell, : p.kh * g.KW + p.kw + 1].sum())
        )  # fmt: skip


@dataclass(frozen=True)
class Totals:
    """What a structure costs."""

    worked: Worked
    standard: Worked


@dataclass(frozen=True)
class Closing:
    """After the last structure: all of them in one table, and how many groups were asked for."""

    lesson: tuple[Worked, ...]
    asked: int


Step = Opening | Wiring | Tap | Totals | Closing


class Section(NamedTuple):
    """A stretch of the walk: `length` steps, made by `at`; `units` are steps for each pace."""

    chapter: int
    length: int
    at: Callable[[int], Step]
    units: tuple[int, ...]


class Position(NamedTuple):
    """A step's section, and its number there."""

    section: int
    offset: int


class Walk:
    """The steps of a layer's walk, found by their position.

    >>> from refconv.walk.lesson import layer_of
    >>> walk = Walk(layer_of("ic2ih3iw4oc4kh2"))
    >>> here = walk.first
    >>> for _ in range(4):
    ...     print(type(walk.step(here)).__name__, here)
    ...     here = walk.after(here, PACES.index("output cell"))
    Opening Position(section=0, offset=0)
    Wiring Position(section=1, offset=0)
    Tap Position(section=2, offset=7)
    Tap Position(section=2, offset=15)
    """

    def __init__(self, layer: Geometry) -> None:
        self.layer = layer
        self.lesson = tuple(lesson(layer))
        self.sections = tuple(self._sections())

    first = Position(0, 0)

    @property
    def asked(self) -> Position:
        """Where the structure of the layer itself begins; for a standard one, the first step.

        >>> from refconv.walk.lesson import layer_of
        >>> walk = Walk(layer_of("g2ic4ih3iw5oc8kh2kw3"))
        >>> walk.step(walk.asked).part.title
        '2 groups'
        """
        position = self.first
        if self.layer.G > 1:
            for worked in self.lesson:
                position = self.next_structure(position)
                if worked.structure.stages[0].G == self.layer.G:
                    break
        return position

    @property
    def last(self) -> Position:
        """The table of all structures."""
        return Position(len(self.sections) - 1, 0)

    def step(self, position: Position) -> Step:
        """The step at a position."""
        return self.sections[position.section].at(position.offset)

    def after(self, position: Position, pace: int) -> Position:
        """The next position at a pace, where a cell, a channel or a stage is complete; or this."""
        here, offset = position
        unit = self.sections[here].units[pace]
        reached = ((offset + 1) // unit + 1) * unit - 1
        if reached < self.sections[here].length:
            return Position(here, reached)
        if here + 1 == len(self.sections):
            return position
        return Position(here + 1, self.sections[here + 1].units[pace] - 1)

    def before(self, position: Position, pace: int) -> Position:
        """The position that was complete before, at a pace; or this."""
        here, offset = position
        unit = self.sections[here].units[pace]
        reached = offset // unit * unit - 1
        if reached >= 0:
            return Position(here, reached)
        return position if here == 0 else Position(here - 1, self.sections[here - 1].length - 1)

    def next_structure(self, position: Position) -> Position:
        """Where the next structure begins; after the last one, the closing table."""
        chapter = self.sections[position.section].chapter
        for place, section in enumerate(self.sections):
            if section.chapter > chapter:
                return Position(place, 0)
        return position

    def structure_before(self, position: Position) -> Position:
        """Where this structure begins, or, from there, the one before."""
        begins = [
            Position(place, 0)
            for place, section in enumerate(self.sections)
            if place == 0 or section.chapter > self.sections[place - 1].chapter
        ]
        return max((at for at in begins if at < position), default=position)

    def _sections(self) -> Iterator[Section]:
        once = (1,) * len(PACES)
        yield Section(0, 1, lambda _: Opening(self.layer), once)
        for chapter, worked in enumerate(self.lesson, start=1):
            for part in parts_of([worked]):
                yield Section(chapter, 1, partial(_wiring, part), once)
                g = part.stage.geometry
                yield Section(
                    chapter, part.macs, partial(Tap, part), (1, g.K, g.OH * g.OW * g.K, part.macs)
                )
            yield Section(chapter, 1, partial(_totals, worked, self.lesson[0]), once)
        yield Section(len(self.lesson) + 1, 1, lambda _: Closing(self.lesson, self.layer.G), once)


def _wiring(part: Part, _: int) -> Step:
    return Wiring(part)


def _totals(worked: Worked, standard: Worked, _: int) -> Step:
    return Totals(worked, standard)


def parts_of(worked: list[Worked]) -> list[Part]:
    """Every stage of these structures, in order."""
    return [Part(w, number) for w in worked for number in range(len(w.stages))]


def title_of(worked: Worked) -> str:
    """What a structure is called: as many groups as channels are named depthwise too."""
    (first, *_) = worked.structure.stages
    both = len(worked.stages) == 1 and first.kind == "depthwise"
    return worked.structure.name + (" = depthwise" if both else "")


def counted(worked: Worked) -> tuple[int, int]:
    """(MACs, effective MACs) of a structure, counted by executing it on ones."""
    of_stages = (count_by_ones(s.geometry, method="im2col") for s in worked.stages)
    macs, effective = zip(*of_stages, strict=True)
    return sum(macs), sum(effective)
