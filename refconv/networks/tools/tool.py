"""A tool's rule, made of parts: a unit, what it counts beside products, and its quirks.

From the same parts follow the figure that the tool prints and the sentence that says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from refconv.networks.network import Form, Layer

Unit: TypeAlias = Literal["MACs", "FLOPs"]

Compared: TypeAlias = Literal["in each run of the tests", "once, by hand", "from its text alone"]
"""How a rule was compared with the tool, running."""

ALL_FORMS: tuple[Form, ...] = ("convolution", "transposed", "matrix")


@dataclass(frozen=True)
class Quirk:
    """A kind of layer that a tool counts in a way of its own.

    applies: whether it is such a layer.
    macs: what takes the place of its multiply-accumulates; None where nothing is counted.
    why: what the tool does there, to go behind its name: "counts ...".
    bias: what takes the place of its bias additions.
    """

    applies: Callable[[Layer], bool]
    macs: Callable[[Layer], int | Fraction | None]
    why: str
    bias: Callable[[Layer], int] | None = None


@dataclass(frozen=True)
class Tool:
    """What a tool prints for a layer.

    name: as `TOOLS` has it.
    unit: what its figure counts; a MAC is two FLOPs.
    prints: what the tool itself calls the figure, which is often the other unit.
    version: the version that the rule was taken from.
    compared: how the rule was compared with that version.
    source: where the rule stands.
    bias: the forms of layer whose bias additions it counts, each as one of its unit.
    leaves_out_padding: whether taps on padding cells are left out.
    per_image: whether it divides a convolution's figure by the batch.
    norm: what it counts for the batch norm behind a layer, or None where it counts nothing.
    quirks: the layers that it counts in ways of its own; the first that applies holds.
    note: faults that a layer alone does not show, each with its version.
    """

    name: str
    unit: Unit
    prints: str
    version: str
    compared: Compared
    source: str
    bias: tuple[Form, ...] = ()
    leaves_out_padding: bool = False
    per_image: bool = False
    norm: Callable[[Layer], int] | None = None
    quirks: tuple[Quirk, ...] = ()
    note: str = ""

    @property
    def standing(self) -> str:
        """How far the rule is to be trusted, in a few words."""
        if self.compared == "from its text alone":
            return f"the rule is {self.compared}"
        return f"the rule was compared with it {self.compared}"

    def ours(self, layer: Layer) -> int:
        """Our count of the layer in the tool's unit: `macs`, or `flops`."""
        return layer.counts.macs if self.unit == "MACs" else layer.counts.flops

    def figure(self, layer: Layer) -> int | None:
        """What the tool prints for the layer, its batch norm left out; None if it counts nothing.

        >>> from refconv.networks import NETWORKS
        >>> from refconv.networks.tools import TOOLS
        >>> first = NETWORKS["mobilenet_v1"]().layers[0]
        >>> first.counts.macs, TOOLS["fvcore"].figure(first), TOOLS["torch"].figure(first)
        (10838016, 10838016, 21676032)
        """
        macs = self._macs(layer)
        if macs is None:
            return None
        figure = int(self._factor * macs) + self._bias_additions(layer)
        return figure // layer.geometry.N if self._is_averaged(layer) else figure

    def norm_figure(self, layer: Layer) -> int | None:
        """What it prints, on a line of its own, for the batch norm behind the layer.

        >>> from refconv.networks import NETWORKS
        >>> from refconv.networks.tools import TOOLS
        >>> first = NETWORKS["mobilenet_v1"]().layers[0]
        >>> TOOLS["fvcore"].norm_figure(first), TOOLS["torch"].norm_figure(first)
        (802816, None)
        """
        if self.norm is None or not layer.batch_norm:
            return None
        figure = self.norm(layer)
        return figure // layer.geometry.N if self._is_averaged(layer) else figure

    def total(self, layers: Iterable[Layer]) -> int:
        """What it prints for all of them and the batch norms behind them.

        >>> from refconv.networks import NETWORKS
        >>> from refconv.networks.tools import TOOLS
        >>> net = NETWORKS["mobilenet_v1"]()
        >>> net.macs, TOOLS["fvcore"].total(net.layers)
        (568740352, 578825728)
        """
        return sum((self.figure(layer) or 0) + (self.norm_figure(layer) or 0) for layer in layers)

    def differs(self, layer: Layer) -> str:
        """Why its figure is not ours, or why it has none; empty where both are the same.

        >>> from refconv.networks import NETWORKS
        >>> from refconv.networks.tools import TOOLS
        >>> first = NETWORKS["mobilenet_v1"]().layers[0]
        >>> TOOLS["fvcore"].differs(first)
        ''
        >>> TOOLS["xla"].differs(first)
        'leaves out 128,832 FLOPs of taps on padding cells'
        """
        figure = self.figure(layer)
        if figure == self.ours(layer):
            return ""
        reasons = [] if figure is None else self._reasons_beside_quirks(layer)
        quirk = self._quirk(layer)
        if quirk and (quirk.bias or quirk.macs(layer) != layer.counts.macs):
            reasons.insert(0, quirk.why)
        return "; ".join(reasons)

    def _reasons_beside_quirks(self, layer: Layer) -> list[str]:
        reasons = []
        left_out = self._factor * (layer.counts.macs - layer.counts.effective_macs)
        if self.leaves_out_padding and left_out:
            reasons.append(f"leaves out {left_out:,} {self.unit} of taps on padding cells")
        additions = self._bias_additions(layer)
        if additions:
            reasons.append(f"counts {additions:,} additions of the bias")
        if self._is_averaged(layer):
            reasons.append(f"prints one image of {layer.geometry.N}")
        return reasons

    @property
    def _factor(self) -> int:
        return 1 if self.unit == "MACs" else 2

    def _quirk(self, layer: Layer) -> Quirk | None:
        return next((quirk for quirk in self.quirks if quirk.applies(layer)), None)

    def _macs(self, layer: Layer) -> int | Fraction | None:
        quirk = self._quirk(layer)
        if quirk:
            return quirk.macs(layer)
        return layer.counts.effective_macs if self.leaves_out_padding else layer.counts.macs

    def _bias_additions(self, layer: Layer) -> int:
        if not layer.bias or layer.form not in self.bias:
            return 0
        quirk = self._quirk(layer)
        return quirk.bias(layer) if quirk and quirk.bias else layer.counts.bias_additions

    def _is_averaged(self, layer: Layer) -> bool:
        return self.per_image and layer.form != "matrix" and layer.geometry.N > 1
