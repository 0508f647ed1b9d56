"""The walkthrough as one page: the files of `page/` in one document that needs no network.

The page convolves for itself when a control moves. With it go the numbers that its operands are cut
from, and what refconv computed for the layer it opens with, which the page compares with its own.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from importlib.resources import files
from typing import Any

import numpy as np

from refconv.compare import DTYPE
from refconv.geometry import Geometry
from refconv.walk.lesson import LIMITS, Worked, lesson, pools

Array = np.ndarray[Any, Any]

OPTIONS = ("N", "C", "H", "W", "F", "KH", "KW", "G", "sh", "sw", "dh", "dw", "pt", "pb", "pl", "pr")

_STYLE = re.compile(r'<link rel="stylesheet" href="([\w.]+)">')
_SCRIPT = re.compile(r'<script src="([\w.]+)"></script>')
_DATA = '<script id="lesson" type="application/json"></script>'


def page(layer: Geometry) -> str:
    """The HTML document of a layer that `lesson.layer_of` accepts.

    >>> from refconv.walk.lesson import layer_of
    >>> document = page(layer_of("g2ic4ih5oc6kh3"))
    >>> document[:15], "src=" in document
    ('<!doctype html>', False)
    """
    document = _SCRIPT.sub(_script, _STYLE.sub(_style, _read("index.html")))
    data = json.dumps(embedded(layer), separators=(",", ":"))
    return document.replace(_DATA, _DATA.replace("><", f">{data}<"))


def embedded(layer: Geometry) -> dict[str, Any]:
    """What the page holds beside its code: all that it cannot compute, and what it must agree with.

    `outputs` are those of the first image, of every structure and every stage in their order.
    """
    works = lesson(layer)
    return {
        "descriptor": layer.descriptor,
        "layer": {name: getattr(layer, name) for name in OPTIONS},
        "limits": LIMITS,
        "pools": {name: _pool(pool) for name, pool in pools().items()},
        "structures": [_structure(work) for work in works],
        "outputs": _packed([stage.y[0] for work in works for stage in work.stages]),
    }


def _pool(pool: Array) -> dict[str, Any]:
    """A pool's numbers as one digit each, counted from the least of them."""
    least = int(pool.min())
    digits = "".join(map(str, (pool - least).ravel().tolist()))
    return {"shape": pool.shape, "least": least, "digits": digits}


def _structure(work: Worked) -> dict[str, Any]:
    structure, counts = work.structure, work.structure.counts
    return {
        "name": structure.name,
        "G": structure.stages[0].G,
        "separable": len(structure.stages) == 2,
        "promised": str(structure.promised),
        "counts": {
            "macs": counts.macs,
            "effective": counts.effective_macs,
            "parameters": counts.parameters,
            "bytes": counts.bytes(DTYPE),
            "im2colBytes": structure.im2col_bytes,
        },
    }


def _packed(outputs: list[Array]) -> str:
    """The outputs one after the other: 16 bits each, deflated, in base 64.

    None needs more bits: 16 channels of 25 taps, each at most 9 times 3, then 16 times 3.
    """
    numbers = np.concatenate([y.ravel() for y in outputs]).astype("<i2")
    return base64.b64encode(zlib.compress(numbers.tobytes(), 9)).decode("ascii")


def _style(link: re.Match[str]) -> str:
    return f"<style>\n{_read(link[1])}</style>"


def _script(tag: re.Match[str]) -> str:
    return f"<script>\n{_read(tag[1])}</script>"


def _read(name: str) -> str:
    return files("refconv.walk").joinpath("page", name).read_text(encoding="utf-8")
