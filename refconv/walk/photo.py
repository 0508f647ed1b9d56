"""A photograph through the three structures: six experiments in one figure.

What is computed, and counted, is `experiments.py`; here it is drawn. Needs matplotlib, which also
ships the photograph: Grace Hopper, taken for the United States Navy in 1984, in the public domain.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cbook import get_sample_data
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure, SubFigure
from matplotlib.image import imread
from matplotlib.transforms import ScaledTranslation
from PIL import Image

from refconv import figures
from refconv.conv import depthwise_conv2d
from refconv.counts import count
from refconv.walk import experiments
from refconv.walk.experiments import TINT_SCALE, Approximation, Factored, Flow
from refconv.walk.lesson import Stage

Array = np.ndarray[Any, Any]

WIDTH, HEIGHT = 9.0, 15.5  # inches
DOTS_PER_INCH = 100
BANDS = (2.2, 2.15, 3.1, 2.25, 2.55, 3.0)
"""How high the six experiments are, one over the other."""

CROP = (slice(20, 420), slice(0, 480))
"""Rows and columns of the photograph: the face, and the flag, whose red and blue tell channels."""

CHANNELS = ("red", "green", "blue", "brightness")
BLANKED = 2
BLUE, GREY = "#1f6feb", "#57606a"
WHITE_TO_BLUE = LinearSegmentedColormap.from_list("white to blue", ["white", BLUE, "black"])
POINTS_PER_INCH = 72


def photograph() -> Array:
    """The photograph as an input (1, 3, H, W) of uint8, at half its size.

    A pixel is the mean of 2x2: a depthwise convolution of ones with stride 2, over 4.

    >>> photograph().shape
    (1, 3, 200, 240)
    """
    x = _read().transpose(2, 0, 1)[None]  # (1, 3, H, W)
    ones = np.ones((3, 1, 2, 2), np.uint8)
    return (depthwise_conv2d(x, ones, stride=2, method="im2col") // 4).astype(np.uint8)


def _read() -> Array:
    """The crop (H, W, 3) of matplotlib's sample."""
    return imread(str(get_sample_data("grace_hopper.jpg", asfileobj=False)))[CROP]


def draw(path: Path) -> None:
    """Draw the figure, as SVG or PNG by the file's ending.

    Errors: `ValueError` for another ending, `OSError` where the file cannot be written.
    """
    figures.check_ending(path, "picture")
    with figures.style():
        drawn = figure(photograph())
        if path.suffix == ".png":
            _write_in_few_colours(drawn, path)
        else:
            figures.write(drawn, path)


def _write_in_few_colours(drawn: Figure, path: Path) -> None:
    """As PNG with a palette: a quarter of the bytes, and photographs that look the same."""
    full = BytesIO()
    drawn.savefig(full, format="png")
    pixels = Image.open(full).convert("RGB")
    few = pixels.quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    # A colour is the mean of those that it stands for: what is almost white, made white again.
    few.putpalette([255 if level > 250 else level for level in few.getpalette() or []])
    few.save(path, optimize=True)


def figure(x: Array) -> Figure:
    """The six experiments on an image `x` (1, 3, H, W) of uint8."""
    drawn = Figure(figsize=(WIDTH, HEIGHT), dpi=DOTS_PER_INCH, layout="constrained")
    bands = drawn.subfigures(len(BANDS), 1, height_ratios=BANDS, squeeze=False)
    a, b, c, d, e, f = bands[:, 0]
    _edges(a, x, experiments.edges(x))
    _colours(b, x, experiments.colours(x))
    _flows(c, experiments.flows(x, BLANKED))
    _separable(d, experiments.separable(x))
    _approximations(e, experiments.approximations(x))
    _spatially_separable(f, experiments.spatially_separable(x))
    return drawn


# --- the experiments -----------------------------------------------------------------------------


def _edges(band: SubFigure, x: Array, stage: Stage) -> None:
    _heading(
        band,
        "a  Depthwise: each channel has a kernel of its own",
        "Its output sees the neighbours of a pixel, but no other channel. 0 is grey. "
        f"{_macs(stage)}.",
    )
    photo, *rest = band.subplots(1, 7)
    _colour(photo, x, "the photograph")
    for c, name in enumerate(CHANNELS[:3]):
        _grey(rest[2 * c], x[0, c], name)
        _signed(rest[2 * c + 1], stage.y[0, c], f"edges in {name}")
        _numbers(rest[2 * c + 1], stage.weight[c, 0])


def _colours(band: SubFigure, x: Array, stage: Stage) -> None:
    _heading(
        band,
        "b  Pointwise: each output is a mix of the channels",
        "It sees all channels of a pixel, but no neighbours: nothing is blurred, no edge is found. "
        f"{_macs(stage)}.",
    )
    photo, light, orange, green = band.subplots(1, 4)
    brightness, orange_blue, green_purple = stage.y[0]
    _colour(photo, x, "the photograph")
    _grey(light, brightness, "brightness")
    _signed(orange, orange_blue, "orange against blue")
    _signed(green, green_purple, "green against purple")
    for axes, weights in zip((light, orange, green), stage.weight[:, :, 0, 0], strict=True):
        mix = " ".join(f"{w:+} {name}" for w, name in zip(weights, CHANNELS, strict=False) if w)
        axes.set_xlabel(mix)


def _flows(band: SubFigure, flows: Sequence[Flow]) -> None:
    _heading(
        band,
        "c  Information does not flow between groups",
        f"Of four input channels one, {CHANNELS[BLANKED]}, is blanked. Which outputs notice, and "
        "how much do they change? White: not at all.",
    )
    channels, *blocks = band.subfigures(1, 1 + len(flows), wspace=0.03, squeeze=False)[0]
    channels.suptitle("input\n", fontsize=9)
    for c, axes in enumerate(channels.subplots(2, 2).flat):
        blanked = ": blanked" if c == BLANKED else ""
        _grey(axes, flows[0].blanked.x[0, c], f"{CHANNELS[c]}{blanked}")
    reach = max(int(np.abs(flow.difference).max()) for flow in flows)
    for block, flow in zip(blocks, flows, strict=True):
        _flow(block, flow, reach)


def _flow(block: SubFigure, flow: Flow, reach: int) -> None:
    g = flow.whole.geometry
    name = {1: "standard", g.C: "depthwise"}.get(g.G, f"{g.G} groups")
    title = f"{name}: {sum(flow.changed)} of {g.F} outputs change\n{_macs(flow.whole)}"
    block.suptitle(title, fontsize=9)
    for f, axes in enumerate(block.subplots(2, 2).flat):
        _amount(axes, flow.difference[f], f"output {f}", reach)
        if not flow.changed[f]:
            axes.text(0.5, 0.5, "unchanged", transform=axes.transAxes, ha="center", va="center")


def _separable(band: SubFigure, found: Factored) -> None:
    blur, tint = found.several
    _heading(
        band,
        "d  Depthwise separable: the one, then the other. A standard layer can do both at once",
        "Its kernels are then products: a number of the tint times the blur. Equal outputs; "
        f"separable takes {found.ratio} = {float(found.ratio):.3f} of the MACs.",
    )
    photo, first, second, standard, difference = band.subplots(1, 5)
    _colour(photo, found.one.x, "the photograph")
    _colour(first, blur.y // blur.weight[0].sum(), f"depthwise 5x5: a blur\n{_macs(blur)}")
    scale = blur.weight[0].sum() * TINT_SCALE
    _colour(second, tint.y // scale, f"then pointwise: a tint\n{_macs(tint)}")
    _colour(standard, found.one.y // scale, f"standard 5x5: both\n{_macs(found.one)}")
    _no_difference(difference, found)


def _approximations(band: SubFigure, found: Sequence[Approximation]) -> None:
    first, last = found[0], found[-1]
    one, several = first.factored.one, first.factored.several[-1]
    _heading(
        band,
        "e  But most standard layers are no such product",
        f"{one.geometry.F} outputs of random kernels, and the nearest separable layer with M "
        f"kernels per channel. Exact for M = {last.M}: {float(last.factored.ratio):.2f} times the "
        "MACs.",
    )
    standard, near, lost, curve = band.subplots(1, 4, width_ratios=(1, 1, 1, 1.6))
    reach = float(np.abs(one.y[0, 0]).max()) / 2  # as in `_signed`, and the same for all three
    _signed(standard, one.y[0, 0], f"standard, output 0\n{_macs(one)}", reach)
    cost = f"{first.factored.several_counts.macs:,} MACs"
    _signed(near, several.y[0, 0], f"separable, M = 1\n{cost}", reach)
    error = f"relative error {first.factored.relative_error:.2f}"
    _signed(lost, first.factored.difference[0], f"what it lacks\n{error}", reach)
    _curve(curve, found)


def _curve(axes: Axes, found: Sequence[Approximation]) -> None:
    """Relative error over the operations that it is bought with."""
    ratios = [float(one.factored.ratio) for one in found]
    errors = [one.factored.relative_error for one in found]
    axes.plot(ratios, errors, "o-", color=BLUE, markersize=4)
    for one, ratio, error in zip(found, ratios, errors, strict=True):
        name = f"M = {one.M}" if one is found[0] else f"{one.M}"
        axes.annotate(name, (ratio, error), (3, 4), textcoords="offset points")
    axes.axvline(1, color=GREY, linewidth=1, linestyle="--")
    axes.text(1.02, 1, "as many as standard", color=GREY, va="top")
    axes.set(xlabel="MACs over those of standard", ylabel="relative error")
    axes.set(xlim=(0, 1.65), xticks=(0, 0.5, 1, 1.5), ylim=(-0.05, 1.05), yticks=(0, 0.5, 1))


def _spatially_separable(band: SubFigure, found: Factored) -> None:
    column, row = found.several
    _heading(
        band,
        "f  Not to be confused: spatially separable takes a kernel apart, and no channels",
        "Sobel's 3x3 kernel is a column times a row; here on one channel. Equal outputs; one after "
        f"the other takes {found.ratio} of the MACs.",
    )
    light, first, second, standard, difference = band.subplots(1, 5)
    _grey(light, found.one.x[0, 0], "brightness")
    _grey(first, column.y[0, 0], f"column 3x1\n{_macs(column)}")
    _signed(second, row.y[0, 0], f"then row 1x3\n{_macs(row)}")
    _signed(standard, found.one.y[0, 0], f"both: 3x3\n{_macs(found.one)}")
    for axes, stage in zip((first, second, standard), (column, row, found.one), strict=True):
        _numbers(axes, stage.weight[0, 0])
    _no_difference(difference, found)


# --- what they are drawn with --------------------------------------------------------------------


def _heading(band: SubFigure, title: str, text: str) -> None:
    # The title keeps room for the text, which has other letters.
    band.suptitle(f"{title}\n", x=0.01, ha="left", fontsize=12, fontweight="bold", linespacing=1.5)
    below = ScaledTranslation(0, -22 / POINTS_PER_INCH, band.dpi_scale_trans)
    band.text(0.01, 1, text, va="top", transform=band.transSubfigure + below)


def _macs(stage: Stage) -> str:
    return f"{count(stage.geometry).macs:,} MACs"


def _numbers(axes: Axes, kernel: Array) -> None:
    """The kernel (KH, KW) in figures, under its output."""
    text = "\n".join(" ".join(f"{weight:2}" for weight in row) for row in kernel)
    # A browser makes one space of two, unless they are no-break spaces.
    axes.set_xlabel(text.replace(" ", "\N{NO-BREAK SPACE}"), family="monospace")


def _no_difference(axes: Axes, found: Factored) -> None:
    """The difference (F, OH, OW) and its largest number."""
    largest = int(np.abs(found.difference).max())
    title = f"difference of the two\nat most {largest}"
    _amount(axes, np.abs(found.difference).max(axis=0), title, max(1, largest))


def _colour(axes: Axes, x: Array, title: str) -> None:
    """Three channels (1, 3, H, W) as red, green and blue from 0 to 255; what is beyond is cut."""
    _show(axes, np.clip(x[0].transpose(1, 2, 0), 0, 255).astype(np.uint8), title)


def _grey(axes: Axes, plane: Array, title: str) -> None:
    """A plane (H, W) of positive numbers: 0 is black."""
    _show(axes, plane, title, cmap="gray", vmin=0, vmax=max(1, int(plane.max())))


def _signed(axes: Axes, plane: Array, title: str, reach: float | None = None) -> None:
    """A plane (H, W) of numbers of both signs: 0 is grey, from `reach` on it is white."""
    # Few pixels are near the extremes; half of the range shows the others better.
    reach = float(np.abs(plane).max()) / 2 if reach is None else reach
    _show(axes, plane, title, cmap="gray", vmin=-reach, vmax=reach)


def _amount(axes: Axes, plane: Array, title: str, reach: int) -> None:
    """A plane (H, W) of differences: none is white, `reach` is dark."""
    _show(axes, np.abs(plane), title, cmap=WHITE_TO_BLUE, vmin=0, vmax=reach)


def _show(axes: Axes, image: Array, title: str, **how: Any) -> None:
    axes.imshow(image, **how)
    axes.set_title(title, fontsize=9)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color=GREY)
