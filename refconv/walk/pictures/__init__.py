"""The pictures of the notes, drawn as SVG text from numbers that refconv computes: each a file.

`svg.py` draws shapes; `measured.txt` is the only thing that is not computed: the times of a run.
"""

from __future__ import annotations

from collections.abc import Callable

from refconv.walk.pictures import (
    bands,
    counting,
    definition,
    gradients,
    groups,
    im2col,
    measured,
    networks,
    oracle,
    ratio,
    separable,
    wiring,
)

PICTURES: dict[str, Callable[[], str]] = {
    "definition": definition.draw,
    "im2col": im2col.draw,
    "im2col-groups": im2col.draw_groups,
    "groups": groups.draw,
    "wiring": wiring.draw,
    "separable": separable.draw,
    "counting": counting.draw,
    "ratio": ratio.draw,
    "operations-time": measured.draw,
    "bands": bands.draw,
    "oracle": oracle.draw,
    "networks": networks.draw,
    "gradients": gradients.draw,
}
"""By the name of its file: what draws it, as the text of an SVG file."""
