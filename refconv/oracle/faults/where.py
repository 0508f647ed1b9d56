"""Where outputs are wrong, in words; and the faults that are known by their place alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from refconv.geometry import Geometry
from refconv.oracle.cases.case import Case

if TYPE_CHECKING:
    from refconv.oracle.judging.comparison import Comparison

Array = np.ndarray[Any, Any]

UNWRITTEN = "output-unwritten"
"""The name of outputs that all hold the same."""


def touches_padding(terms: Array, geometry: Geometry) -> Array:
    """(OH, OW): whether an output's window reaches into the pads."""
    inside = terms[0, 0] < terms.max(initial=0)
    touches: Array = inside | (terms[0, 0] < geometry.K)
    return touches


def location(case: Case, wrong: Array, terms: Array) -> str:
    """Where the wrong ones of (N, F, OH, OW) outputs are, or of the cells of a gradient.

    >>> case = Case.from_descriptor("ic1ih4iw6oc2kh2kw3")
    >>> wrong = np.zeros((1, 2, 3, 4), bool)
    >>> wrong[:, :, 1, 2] = True
    >>> location(case, wrong, np.full((1, 1, 3, 4), 6))
    'at one place, oh 1 ow 2, of every image and output channel'
    """
    if wrong.all():
        return "everywhere"
    names, letters = case.axes.names, case.axes.letters
    wrong = wrong.reshape(*wrong.shape, *(1,) * (4 - wrong.ndim))  # of a bias there is one axis
    A, B, rows, columns = wrong.shape
    places: Array = np.asarray(wrong.any((0, 1)))
    border = touches_padding(terms, case.geometry) if case.of is None else np.zeros(1, bool)
    if places.sum() == 1 < len(letters):
        row, column = np.argwhere(places)[0]
        whole = wrong[:, :, row, column].all() and A * B > 1
        every = f", of every {names[0]} and {names[1]}" if whole else ""
        return f"at one place, {letters[2]} {row} {letters[3]} {column}{every}"
    parts = []
    for name, axis, size in zip(names, (0, 1), (A, B), strict=False):
        hit = np.flatnonzero(wrong.any(tuple(a for a in range(4) if a != axis)))
        if len(hit) < size:
            parts.append(f"in {_named(name, hit, size)}")
    # A pointwise stage behind it mixes the groups.
    G = case.geometry.G if case.pointwise_weight is None else 1
    by_group = np.moveaxis(wrong, case.axes.grouped, 0)
    groups = np.asarray(by_group.reshape(G, -1).any(1))
    if not groups.all():
        hit = np.flatnonzero(groups)
        parts.append(f"in {_named('group', hit, G)}")
    if border.any() and not (places & ~border).any():
        parts.append("only where the window touches padding")
    else:
        for name, axis, size in zip(names[2:], (0, 1), (rows, columns), strict=False):
            hit = np.flatnonzero(places.any(1 - axis))
            if len(hit) < size:
                parts.append(f"in {_named(name, hit, size)}")
    return ", ".join(parts) or "scattered"


def _named(name: str, hit: Array, size: int) -> str:
    """Like "channel 3", "channels 5 to 7 (the last)", "4 of 9 rows"."""
    if len(hit) == 1:
        return f"{name} {hit[0]}{' (the last)' if hit[0] == size - 1 else ''}"
    if hit[-1] - hit[0] + 1 == len(hit):
        return f"{name}s {hit[0]} to {hit[-1]}{' (the last)' if hit[-1] == size - 1 else ''}"
    return f"{len(hit)} of {size} {name}s"


def flat_start(wrong: Array) -> int | None:
    """The flat index before which all is right, and from which on nearly all is wrong."""
    flat = wrong.ravel()
    hit = np.flatnonzero(flat)
    if not len(hit) or hit[0] == 0:
        return None
    return int(hit[0]) if flat[hit[0] :].mean() > 0.5 else None


def located_faults(case: Case, comparison: Comparison, terms: Array) -> Iterator[tuple[str, str]]:
    """The faults that are told by where outputs are wrong: stable names and sentences."""
    wrong, actual, expected = comparison.wrong, comparison.actual, comparison.expected
    is_image = case.axes.letters[0] == "n"  # other gradients have no rows, and no channels in turn
    if is_image:
        yield from _one_place(wrong)
    if expected.size and (expected != expected.flat[0]).any():
        values = actual[wrong]
        only_nan = np.isnan(values).all() and not np.isnan(expected).any()
        same = only_nan or bool((values == values[0]).all())
        if same and len(values) > 1 and not _is_an_end(values[0], expected[wrong]):
            unwritten = f"All wrong outputs are {values[0]:g}: they were not written, it seems."
            yield UNWRITTEN, unwritten
    if case.of is None:
        yield from _border_only(wrong, touches_padding(terms, case.geometry))
    if is_image:
        yield from _tails(wrong, case)
        yield from _last_images(wrong)
    yield from _last_groups(wrong, case)
    # Where a row begins, an offset or a pitch may be wrong: then it is no index that overflows. And
    # what is right in the first row alone may be right by chance.
    row = wrong.shape[-1] if wrong.ndim > 1 else 1
    if (start := flat_start(wrong)) is not None and start > row and start % row:
        yield (
            "past-flat-index",
            f"Everything before flat index {start} of the output is right, and nearly nothing from "
            "there on: an index that overflows, or a thread whose work was lost.",
        )


def _is_an_end(value: Any, expected: Array) -> bool:
    """Whether the value is an end of a range that all these are beyond: they were cut off there."""
    if expected.dtype.kind == "c":
        return False
    return bool(
        (value > 0 and (expected > value).all()) or (value < 0 and (expected < value).all())
    )


def _one_place(wrong: Array) -> Iterator[tuple[str, str]]:
    places: Array = np.asarray(wrong.any((0, 1)))
    is_one = places.sum() == 1 and places.size > 1 and wrong.sum() > 1
    if is_one and wrong[:, :, places].mean() > 0.5:
        yield "single-pixel", "One place of the output is wrong in many channels, and no other."


def _border_only(wrong: Array, border: Array) -> Iterator[tuple[str, str]]:
    places: Array = np.asarray(wrong.any((0, 1)))
    if border.any() and not border.all() and not (places & ~border).any():
        yield (
            "border-only",
            "Only outputs whose window touches padding are wrong: the code for the border is, in a "
            "way that the oracle does not know.",
        )


def _tails(wrong: Array, case: Case) -> Iterator[tuple[str, str]]:
    for name, axes, words in (
        ("tail-of-row", (0, 1, 2), "the last columns of every row"),
        ("tail-of-channels", (0, 2, 3), f"the last {case.axes.names[1]}s"),
    ):
        hit: Array = np.asarray(wrong.any(axes))
        first = int(np.argmax(hit))
        if hit.any() and first >= len(hit) / 2 and hit[first:].all():
            yield name, f"Only {words} are wrong, from {first} of {len(hit)} on."


def _last_images(wrong: Array) -> Iterator[tuple[str, str]]:
    """From one image on nearly all is wrong, and nothing before."""
    first = int(np.argmax(wrong.any((1, 2, 3))))
    if first and wrong[first:].mean() > 0.5:
        yield (
            "tail-of-batch",
            f"The images before {first} are right, and nearly nothing is from there on: an image "
            "may leave something behind for the next.",
        )


def _last_groups(wrong: Array, case: Case) -> Iterator[tuple[str, str]]:
    """From one group on nearly all is wrong, and nothing before."""
    if case.pointwise_weight is not None:  # it mixes the groups
        return
    by_group = np.moveaxis(wrong, case.axes.grouped, 0).reshape(case.geometry.G, -1)
    first = int(np.argmax(by_group.any(1)))
    if first and by_group[first:].mean() > 0.5:
        yield (
            "tail-of-groups",
            f"The groups before {first} are right, and nearly nothing is from there on.",
        )
