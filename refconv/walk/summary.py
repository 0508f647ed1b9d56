"""What structures cost, as lines of at most 80 characters: one structure, or all of them."""

from __future__ import annotations

from collections.abc import Sequence

from refconv.compare import DTYPE
from refconv.counts import count
from refconv.walk.lesson import Worked
from refconv.walk.steps import counted

LETTERS = "N*OH*OW * KH*KW * Cg * F"
"""What the numbers of a formula are, in their order."""


def costs(worked: Worked, standard: Worked) -> list[str]:
    """Formulas with their numbers, counts by executing, parameters, memory, and the ratio."""
    structure, base = worked.structure, standard.structure.counts
    counts = structure.counts
    macs, effective = counted(worked)
    letters = {1: LETTERS, 2: "depthwise + pointwise"}[len(worked.stages)]
    return [
        f"multiply-accumulates (MACs), {letters}{_without_n(worked)}",
        f"  by formula            {structure.formula} = {counts.macs:,}",
        f"  counted by executing  {macs:,}{_equal(macs, counts.macs)}",
        "",
        "effective MACs: taps on padding cells left out",
        f"  by formula            {counts.effective_macs:,}",
        f"  counted by executing  {effective:,}{_equal(effective, counts.effective_macs)}",
        f"  on padding            {counts.macs - counts.effective_macs:,}",
        "",
        f"parameters              {_sum([count(s.geometry).parameters for s in worked.stages])}",
        f"memory, as {DTYPE}      {counts.bytes(DTYPE):,} bytes of x, weight and y",
        f"largest im2col matrix   {structure.im2col_bytes:,} bytes",
        "",
        "MACs over the standard layer's",
        f"  promised  {promise(worked)}",
        f"  counted   {macs:,} / {base.macs:,} = {counts.ratio_to(base)}",
    ]


def promise(worked: Worked) -> str:
    """The ratio by the papers' formula, with its letters.

    >>> from refconv.walk.lesson import layer_of, lesson
    >>> [promise(w) for w in lesson(layer_of("ic2ih3iw5oc8kh2kw3"))]
    ['1', '1/G = 1/2', '1/F + 1/(KH*KW) = 1/8 + 1/6 = 7/24']
    """
    structure = worked.structure
    if len(worked.stages) == 2:
        return f"1/F + 1/(KH*KW) = {structure.promise} = {structure.promised}"
    return f"1/G = {structure.promise}" if structure.stages[0].G > 1 else structure.promise


def name_of(worked: Worked) -> str:
    """The structure's name in a table: with as many groups as channels it is depthwise.

    >>> from refconv.walk.lesson import layer_of, lesson
    >>> [name_of(w) for w in lesson(layer_of("ic4ih3iw5oc8kh2kw3"))]
    ['standard', '2 groups', 'depthwise', 'separable']
    """
    (first, *_) = worked.structure.stages
    is_depthwise = len(worked.stages) == 1 and first.kind == "depthwise"
    return "depthwise" if is_depthwise else worked.structure.name


MARK = " *"


def summary(lesson: Sequence[Worked], asked: int) -> list[str]:
    """Two tables with a row for each structure; that of the number of groups `asked` is marked."""
    base = lesson[0].structure.counts
    work, rest = [], []
    for worked in lesson:
        structure = worked.structure
        counts = structure.counts
        macs, effective = counted(worked)
        is_asked = len(worked.stages) == 1 and asked == structure.stages[0].G
        name = name_of(worked) + (MARK if is_asked else "")
        work.append((
            name, structure.formula, f"{counts.macs:,}",
            f"{macs:,}{_equal(macs, counts.macs)}",
        ))  # fmt: skip
        rest.append((
            name, f"{counts.effective_macs:,}",
            f"{effective:,}{_equal(effective, counts.effective_macs)}", f"{counts.parameters:,}",
            f"{counts.bytes(DTYPE):,}", structure.promise, f"{counts.ratio_to(base)}",
        ))  # fmt: skip
    return [
        *table(("structure", "formula with its numbers", "= MACs", "counted"), work, words=2),
        "",
        *table(
            ("structure", "effective", "counted", "parameters", "bytes", "promised", "ratio"), rest
        ),
        f"{MARK.strip()} the layer that was asked for",
        f"formula: {LETTERS}{_without_n(lesson[0])}",
    ]


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, words: int = 1) -> list[str]:
    """Lines of aligned columns: the first `words` to the left, numbers to the right.

    >>> print("\\n".join(table(("name", "MACs"), [("standard", "8,640"), ("2 groups", "432")])))
    name       MACs
    standard  8,640
    2 groups    432
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    return [
        "  ".join(
            f"{text:<{width}}" if place < words else f"{text:>{width}}"
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (header, *rows)
    ]


def _equal(counted: int, formula: int) -> str:
    return " equal" if counted == formula else " NOT EQUAL"


def _without_n(worked: Worked) -> str:
    return ", N = 1 left out" if worked.stages[0].geometry.N == 1 else ""


def _sum(numbers: list[int]) -> str:
    """A number, or a sum and what it comes to."""
    written = " + ".join(f"{number:,}" for number in numbers)
    return written if len(numbers) == 1 else f"{written} = {sum(numbers):,}"
