"""The speed table as lines of text, 80 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

from refconv import count
from refconv.bench.measure import (
    CALL,
    LAYER,
    Speeds,
    geometric_mean,
    peak_gflops,
    threads_in_words,
)
from refconv.bench.peers import BEST
from refconv.cli.bench import span

Found = dict[str, dict[int, Speeds]]
"""By layer and number of threads."""

LARGE_MACS = 50_000_000
"""Layers of more should gain from a second thread almost all that there is."""

QUIET = 0.9
"""Of a machine that is not used otherwise, so much of the peak grows with the threads."""

LEGEND = f"""\
{CALL}: the weight as it comes; {LAYER}: prepared once. torch (contiguous NCHW),
onnx (an onnxruntime session): how many times faster refconv is; better: than
the better of the two. Above 1, refconv wins. limit: what this machine can do,
measured beside each layer: peak, the register tile on resident data; for
depthwise layers copy, which reads and writes as many bytes as x, weight and y
have, between two arrays that are used again and again."""


def heading(machine: dict[str, Any]) -> list[str]:
    """The machine's name, and what is measured."""
    versions = [f"{package} {version}" for package, version in machine["versions"].items()]
    return [
        f"{machine['cpu']}, {machine['cpus']} CPUs, {machine['instructions']}",
        *_wrapped(versions),
        "float32, batch 1; medians of one run; answers checked to the bit before",
    ]


def tables(found: Found, threads: list[int], peers: list[str]) -> list[str]:
    """A table for each number of threads, what they are held against, and the other peers."""
    if not found:
        return []
    lines = []
    for n in threads:
        lines += [*_table(found, n, threads[0]), ""]
    lines += LEGEND.splitlines()
    others = [peer for peer in peers if peer not in BEST]
    if others:
        lines += ["", *_table_of_others(found, threads, others)]
    return lines


def _table(found: Found, n: int, base: int) -> list[str]:
    """The table of `n` threads; with the gain over `base` threads, where that is another number."""
    gains = {name: s[base].seconds[LAYER] / s[n].seconds[LAYER] for name, s in found.items()}
    over = ("over", threads_in_words(base)[:5]) if n != base else ("", "")
    columns = ("ms", "torch", "ms", "torch", "onnx", "better", "GFLOP/s", "limit")
    lines = [
        _row(threads_in_words(n), CALL, "", LAYER, "", "", "", "", "of", over[0]),
        _row("layer", *columns, over[1]),
    ]
    for name, s in found.items():
        lines.append(_row(name, *_cells(s[n]), f"{gains[name]:.2f}" if n != base else ""))
    for title, value in (("geometric mean", geometric_mean), ("least", min)):
        of_call, *of_layer = _over_layers(value, [s[n] for s in found.values()])
        gain = f"{value(list(gains.values())):.2f}" if n != base else ""
        lines.append(_row(title, "", of_call, "", *of_layer, "", "", gain))
    return [*lines, _limits(found, n), *(_gains(found, n, base, gains) if n != base else [])]


def _cells(speeds: Speeds) -> list[str]:
    """A layer's row, but for its name and its gain."""
    of_call, *of_layer = _ratios(speeds)
    return [
        f"{1e3 * speeds.seconds[CALL]:.3f}",
        _as_text(of_call),
        f"{1e3 * speeds.seconds[LAYER]:.3f}",
        *map(_as_text, of_layer),
        f"{speeds.gflops:.1f}",
        f"{speeds.of_limit:.0%} {speeds.limit}",
    ]


def _ratios(speeds: Speeds) -> list[float | None]:
    """Of the call beside torch; then of the layer beside torch, onnxruntime and their better."""
    of_layer = [speeds.ratio("torch"), speeds.ratio("onnxruntime"), speeds.ratio_to_best]
    return [speeds.ratio("torch", CALL), *of_layer]


def _over_layers(value: Callable[[list[float]], float], found: list[Speeds]) -> list[str]:
    """Each column of ratios as one number, such as their mean."""
    texts = []
    for column in zip(*map(_ratios, found), strict=True):
        measured = [ratio for ratio in column if ratio is not None]
        texts.append(_as_text(value(measured) if measured else None))
    return texts


def _limits(found: Found, n: int) -> str:
    """The limits in their own units."""
    speeds = [s[n] for s in found.values()]
    parts = []
    peak = peak_gflops(speeds)
    if peak is not None:
        parts.append(f"peak {peak:.0f} GFLOP/s")
    copies = [s.limit_rate for s in speeds if s.limit == "copy"]
    if copies:
        parts.append(f"copy {span(copies)} GB/s")
    return "; ".join(parts)


def _gains(found: Found, n: int, base: int, gains: dict[str, float]) -> list[str]:
    """What more threads gain at best and on the large layers; was the machine ours?"""
    parts, lines = [], []
    large = [g for name, g in gains.items() if count(found[name][n].geometry).macs > LARGE_MACS]
    if large:
        parts.append(f"gain above {LARGE_MACS // 10**6} MMACs: at least {min(large):.2f}")
    peak, of_base = (peak_gflops(s[threads] for s in found.values()) for threads in (n, base))
    if peak is not None and of_base is not None:
        parts.append(f"gain of the peak: {peak / of_base:.2f}")
        if peak / of_base < QUIET * n / base:
            lines.append("Other programs ran meanwhile, or CPUs share a core: distrust this table.")
    return ["; ".join(parts), *lines] if parts else []


def _table_of_others(found: Found, threads: list[int], peers: list[str]) -> list[str]:
    """The peers that are not the mark: how many times faster the prepared layer is."""
    columns = [
        (peer, n)
        for n in threads
        for peer in peers
        if any(peer in by_threads[n].seconds for by_threads in found.values())
    ]
    titles = "".join(f"{f'{peer}/{n}':>14}" for peer, n in columns)
    lines = [
        f"{LAYER} beside other peers, on threads: how many times faster",
        f"{'layer':14}{titles}",
    ]
    for name, s in found.items():
        cells = [_as_text(s[n].ratio(peer)) for peer, n in columns]
        lines.append(f"{name:14}" + "".join(f"{cell:>14}" for cell in cells))
    return lines


def _as_text(ratio: float | None) -> str:
    """Two decimals, as long as they fit a column."""
    return "-" if ratio is None else f"{ratio:.2f}" if ratio < 99.9 else f"{ratio:.0f}"


def _row(*cells: str) -> str:
    name, *others = cells
    widths = (8, 6, 8, 6, 6, 7, 8, 10, 6)
    numbers = "".join(f"{cell:>{width}}" for cell, width in zip(others, widths, strict=True))
    return f"{name:15}{numbers}".rstrip()


def _wrapped(parts: list[str], width: int = 80) -> list[str]:
    """The parts, separated by commas, in as few lines as hold them."""
    lines = [parts[0]]
    for part in parts[1:]:
        if len(lines[-1]) + len(part) + 3 > width:
            lines[-1] += ","
            lines.append(part)
        else:
            lines[-1] += f", {part}"
    return lines


def readme_section(machine: dict[str, Any], tables: list[str], facts: list[str]) -> list[str]:
    """What stands between the README's markers."""
    items = [textwrap.fill(f"- {fact}", 100, subsequent_indent="  ") for fact in facts]
    return ["", "```text", *heading(machine), "", *tables, "```", "", *items, ""]
