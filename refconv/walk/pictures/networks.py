"""Where MobileNetV1's operations are, and its parameters: the share of each kind of layer."""

from __future__ import annotations

from refconv.networks import KINDS, NETWORKS
from refconv.walk.pictures.svg import AMBER, BLUE, GREEN, ORANGE, PAPER, PURPLE, QUIET, SKY, Picture

COLOURS = dict(zip(KINDS, (ORANGE, PURPLE, AMBER, BLUE, SKY, GREEN), strict=True))
LEFT, WIDTH = 30, 700
NARROWEST = 60
"""Pixels of a part that has room for its name."""


def draw() -> str:
    """Two bars, and a legend with the figures."""
    network = NETWORKS["mobilenet_v1"]()
    found = [kind for kind in KINDS if any(layer.kind == kind for layer in network.layers)]
    macs, parameters, layers = (
        {kind: sum(size(layer) for layer in network.layers if layer.kind == kind) for kind in found}
        for size in (lambda x: x.counts.macs, lambda x: x.weights, lambda x: 1)
    )
    picture = Picture(
        760, 350,
        "MobileNetV1: multiply-accumulates and weights by kind of layer",
        "Two bars, each cut by kind of layer: "
        + "; ".join(
            f"{kind} {_share(macs, kind)} of the MACs, {_share(parameters, kind)} of the weights"
            for kind in found
        ),
    )  # fmt: skip
    picture.text(LEFT, 32, "MobileNetV1, 224 x 224: where its work is", bold=True)
    for y, words, sizes in ((72, "multiply-accumulates", macs), (142, "weights", parameters)):
        picture.text(LEFT, y - 8, f"{words}: {sum(sizes.values()):,}", size=13)
        x = float(LEFT)
        for kind in found:
            width = WIDTH * sizes[kind] / sum(sizes.values())
            picture.rect(x, y, width, 34, COLOURS[kind], PAPER)
            if width > NARROWEST:
                picture.text(
                    x + width / 2, y + 22, f"{kind} {_share(sizes, kind)}", fill=PAPER,
                    anchor="middle", bold=True, size=13 if width > 2 * NARROWEST else 11,
                )  # fmt: skip
            x += width
    columns = (300, 400, 500, 620, 728)
    picture.text(LEFT, 212, "kind", size=12, fill=QUIET)
    for x, word in zip(columns[:2] + columns[3:4], ("layers", "MACs", "weights"), strict=True):
        picture.text(x, 212, word, size=12, fill=QUIET, anchor="end")
    for line, kind in enumerate(found):
        y = 236 + 24 * line
        picture.rect(LEFT, y - 12, 14, 14, COLOURS[kind])
        picture.text(LEFT + 22, y, kind)
        figures = (
            f"{layers[kind]}", f"{macs[kind]:,}", _share(macs, kind), f"{parameters[kind]:,}",
            _share(parameters, kind),
        )  # fmt: skip
        for x, figure in zip(columns, figures, strict=True):
            picture.text(x, y, figure, anchor="end", size=13)
    return picture.svg()


def _share(sizes: dict[str, int], kind: str) -> str:
    return f"{sizes[kind] / sum(sizes.values()):.1%}"
