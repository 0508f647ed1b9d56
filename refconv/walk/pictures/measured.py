"""Operations against time: what each structure promises to save, and what a run of it saved."""

from __future__ import annotations

from importlib.resources import files
from math import log10
from typing import NamedTuple

from refconv.compare import Structure, structures
from refconv.geometry import Geometry
from refconv.walk.pictures.svg import BLUE, FAINT, FRAME_INK, ORANGE, PAPER, QUIET, Picture

MACHINE = "two cores of a Xeon with AVX-512"
LEFT, RIGHT = 130, 560
LEAST = -3
"""The power of ten at the left end of the axis; the right end is 1."""


class Run(NamedTuple):
    """The times that one `refconv compare` printed."""

    layer: Geometry
    heading: str
    speed_up: dict[str, float]
    """How many times faster than the standard layer, by structure, as it was printed."""


def run() -> Run:
    """The run that the README shows, from `measured.txt`, which holds it as it was printed.

    >>> run().speed_up["standard"], run().heading
    (1.0, 'What it takes, measured: 2 threads of 2 CPUs, median')
    """
    text = (files("refconv.walk.pictures") / "measured.txt").read_text(encoding="utf-8")
    descriptor, _, heading, _, *rows = text.splitlines()
    # A name in 9 columns, then milliseconds, then the speed-up, as in 59.5x.
    speed_up = {row[:9].strip(): float(row[9:].split()[1].rstrip("x")) for row in rows}
    return Run(Geometry.from_descriptor(descriptor), heading, speed_up)


def draw() -> str:
    """A line for each structure: from its share of the operations to its share of the time."""
    measured = run()
    groups = [int(name.split()[0]) for name in measured.speed_up if name.endswith("groups")]
    found = structures(measured.layer, groups)
    g, standard = measured.layer, found[0]
    picture = Picture(
        760, 470,
        "Operations against time",
        "For each structure its operations and its time as a share of the standard layer's, on a "
        "logarithmic axis. The time falls less than the operations, least of all for depthwise.",
    )  # fmt: skip
    picture.text(24, 32, "Operations and time, as a share of the standard layer's", bold=True)
    picture.rect(24, 48, 10, 10, BLUE)
    picture.text(40, 58, "operations, counted", size=13)
    picture.circle(196, 53, 6, ORANGE)
    picture.text(208, 58, "time, measured", size=13)
    picture.text(RIGHT + 16, 58, "times less", size=12, fill=QUIET)
    picture.text(RIGHT + 16, 74, "operations", size=12, fill=BLUE, bold=True)
    picture.text(RIGHT + 110, 74, "time", size=12, fill=FRAME_INK, bold=True)
    top, bottom = 84, 84 + 36 * len(found)
    for power in range(LEAST, 1):
        x = _x(10.0**power)
        picture.line([(x, top), (x, bottom)], FAINT)
        picture.text(x, bottom + 18, f"{10.0**power:g}", size=12, anchor="middle")
    for place, structure in enumerate(found):
        _row(picture, top + 22 + place * 36, structure, standard, measured)
    picture.text(
        24, bottom + 46,
        f"{g.C} -> {g.F} channels, {g.H} x {g.W}, kernel {g.KH} x {g.KW}, float32; {MACHINE},",
        size=12, fill=QUIET,
    )  # fmt: skip
    picture.text(
        24, bottom + 64,
        "2 threads, medians: the run of refconv compare that the README shows.",
        size=12, fill=QUIET,
    )  # fmt: skip
    return picture.svg()


def _row(
    picture: Picture,
    y: float,
    structure: Structure,
    standard: Structure,
    measured: Run,
) -> None:
    operations = float(structure.counts.ratio_to(standard.counts))
    speed_up = measured.speed_up[structure.name]
    picture.text(24, y + 5, structure.name)
    picture.line([(_x(operations), y), (_x(1 / speed_up), y)], QUIET, thick=2)
    picture.rect(_x(operations) - 6, y - 6, 12, 12, BLUE)
    picture.circle(_x(1 / speed_up), y, 5, ORANGE, PAPER)
    picture.text(RIGHT + 16, y + 5, f"{1 / operations:.1f}x", size=13)
    picture.text(RIGHT + 110, y + 5, f"{speed_up:.1f}x", size=13)


def _x(share: float) -> float:
    return LEFT + (RIGHT - LEFT) * (1 - log10(share) / LEAST)
