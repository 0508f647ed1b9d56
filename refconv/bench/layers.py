"""The 17 layers of the speed table, from well-known networks, as descriptors."""

from __future__ import annotations

from collections.abc import Sequence

from refconv.geometry import Geometry

LAYERS = {
    "std3x3_56": "ic64ih56oc64kh3ph1",
    "std3x3_28": "ic128ih28oc128kh3ph1",
    "std3x3_14": "ic256ih14oc256kh3ph1",
    "std7x7s2": "ic3ih224oc64kh7sh2ph3",
    "std3x3s2": "ic3ih224oc32kh3sh2ph1",
    "alex_conv2_g2": "g2ic96ih27oc256kh5ph2",
    "resnext_g32_56": "g32ic128ih56oc128kh3ph1",
    "resnext_g32_14": "g32ic512ih14oc512kh3ph1",
    "grp8_28": "g8ic128ih28oc128kh3ph1",
    "dw3x3_112": "g32ic32ih112oc32kh3ph1",
    "dw3x3_56": "g128ic128ih56oc128kh3ph1",
    "dw3x3_14": "g512ic512ih14oc512kh3ph1",
    "dw3x3s2_112": "g64ic64ih112oc64kh3sh2ph1",
    "dw5x5_28": "g240ic240ih28oc240kh5ph2",
    "pw_56": "ic128ih56oc128kh1",
    "pw_14": "ic512ih14oc512kh1",
    "pw_112": "ic32ih112oc64kh1",
}

HANDFUL = ("std3x3_56", "alex_conv2_g2", "resnext_g32_14", "dw3x3_112", "pw_14")
"""One of each kind, for a short run."""

ALL = "all"


def chosen(parts: Sequence[str]) -> dict[str, Geometry]:
    """The layers whose names hold one of the parts; "all" is every layer.

    >>> list(chosen(["s2", "grp"]))
    ['std7x7s2', 'std3x3s2', 'grp8_28', 'dw3x3s2_112']

    Errors: `ValueError` where no name holds a part.
    """
    for part in parts:
        if part != ALL and not any(part in name for name in LAYERS):
            raise ValueError(f"no layer's name holds {part!r}: they are {', '.join(LAYERS)}")
    return {
        name: Geometry.from_descriptor(descriptor)
        for name, descriptor in LAYERS.items()
        if any(part == ALL or part in name for part in parts)
    }


def is_depthwise(g: Geometry) -> bool:
    """Whether each channel is convolved on its own: then memory is its limit, not arithmetic."""
    return g.G == g.C > 1
