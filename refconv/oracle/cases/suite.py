"""The suites: cases chosen so that every fault the oracle knows is found, and told from the others.

No size is another one's, no kernel and no pad is symmetric, and data are random: cases of ones, of
squares and of one channel see little. The first case alone sees nearly every fault; the others are
for what needs a structure, a size or a type of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from refconv.oracle.cases.case import Case
from refconv.oracle.cases.gradient_case import OF, GradientCase, refuse_unknown

CORE: tuple[tuple[str, dict[str, Any]], ...] = (
    # What everything is about: groups, stride, dilation, pads and bias at once.
    ("g3mb2ic6ih10iw13oc12oh3ow8kh3kw2sh3sw2dh1dw0ph2pw0", {}),
    ("g3mb2ic6ih10iw13oc12oh3ow8kh3kw2sh3sw2dh1dw0ph2pw0", {"bias": False}),
    # One thing at a time, small: each is a smallest case for some faults.
    ("ic1ih1iw1oc1kh1kw1", {}),
    ("ic2ih5iw7oc3kh3kw2", {}),
    ("ic3ih6iw9oc5kh2kw4sh1sw3", {}),
    ("ic3ih9iw8oc4kh3kw2dh2dw1", {}),
    ("ic2ih6iw5oc3oh6ow7kh3kw2ph2pw3", {}),
    ("ic2ih7iw9oc4oh7ow9kh3kw3ph1pw1", {}),
    ("mb3ic2ih4iw5oc6kh2kw3", {}),
    # Groups: more groups than channels in one, and the reverse.
    ("g2mb2ic10ih5iw6oc4kh2kw3", {}),
    ("g5mb1ic10ih6iw4oc15kh3kw2ph1pw0", {}),
    ("g4ic8ih5iw6oc4kh2kw3", {}),
    # Depthwise, with multipliers 1, 2 and 5.
    ("g7mb2ic7ih9iw8oc7kh3kw2ph1pw0", {}),
    ("g4mb2ic4ih7iw9oc8kh3kw2sh2sw1ph1pw1", {}),
    ("g3ic3ih6iw8oc15kh2kw3", {}),
    ("g6ic6ih12iw10oc6oh6ow5kh5kw3sh2ph2pw1", {}),
    # Pointwise, dense, strided and in groups.
    ("mb2ic7ih5iw6oc9kh1kw1", {}),
    ("ic6ih7iw9oc5kh1kw1sh2sw3", {}),
    ("g3ic9ih5iw7oc6kh1kw1", {}),
    # SAME: the odd cell behind (upper) and before (lower), with strides, with dilation.
    ("ic3ih8iw10oc4oh4ow5kh3kw5sh2ph0pw1", {}),
    ("ic3ih8iw10oc4oh4ow5kh3kw5sh2ph1pw2", {}),
    ("ic2ih9iw6oc3oh9ow6kh2kw4ph0pw1", {}),
    ("ic2ih9iw6oc3oh9ow6kh2kw4ph1pw2", {}),
    ("ic4ih11iw14oc3oh11ow14kh3kw3dh1dw1ph2pw2", {}),
    ("ic2ih10iw13oc5oh5ow7kh3kw2sh2dh2dw1ph2pw0", {}),
    # Uneven pads; pads as wide as the kernel, and a kernel larger than the image.
    ("ic2ih6iw7oc3oh7ow9kh3kw2ph2pw0", {}),
    ("ic2ih5iw4oc3oh10ow8kh3kw2ph4pw3", {}),
    ("ic3ih1iw2oc2oh1ow3kh3kw5ph1pw3", {}),
    ("ic2ih1iw19oc3oh1ow12kh1kw8ph0pw0", {}),
    # Stride and dilation exchanged or crossed show only where all four differ.
    ("ic2ih17iw23oc3kh2kw3sh2sw4dh2dw0", {}),
    ("g2ic4ih19iw16oc6kh3kw2sh1sw2dh3dw2ph1pw1", {}),
    # Sizes around vectors and tiles, in width, height and channels.
    ("ic5ih3iw37oc17oh3ow37kh3kw3ph1pw1", {}),
    ("ic19ih6iw18oc33kh1kw2", {}),
    ("ic16ih33iw10oc9kh3kw2ph1pw1", {}),
    ("g2ic34ih9iw9oc38oh9ow9kh3kw3ph1pw1", {}),
    ("mb2ic3ih64iw67oc8kh3kw2sh2ph1pw0", {}),
    # Sums that leave narrow types: 8, 16 and 32 bits; the last has numbers beyond float16.
    ("ic3ih6iw7oc4kh3kw2ph1pw0", {"bound": 60}),
    ("ic12ih6iw7oc5kh3kw2", {"bound": 190}),
    ("ic5ih6iw7oc4kh3kw2", {"bound": 90_000, "dtype": "float64"}),
    # Real numbers, whose sums are rounded; the last has as many taps as layers of networks have.
    ("g2mb2ic8ih9iw10oc6kh3kw2ph1pw0", {"data": "reals"}),
    ("ic64ih10iw11oc24kh3kw3ph1pw1", {"data": "reals"}),
    ("g8ic8ih14iw15oc8kh5kw3ph2pw1", {"data": "reals"}),
    ("ic512ih8iw9oc16kh3kw3", {"data": "reals", "seed": 3}),
    ("ic40ih9iw10oc7kh3kw2", {"data": "positive"}),
    ("ic6ih7iw8oc5kh3kw2", {"data": "tiny"}),
    ("g2ic6ih8iw9oc4kh3kw2ph1pw0", {"data": "reals", "dtype": "float64"}),
    ("ic16ih8iw9oc6kh3kw2ph1pw0", {"data": "reals", "dtype": "float16"}),
    ("ic128ih6iw7oc8kh3kw3", {"data": "reals", "dtype": "float16"}),
    ("ic4ih6iw7oc5kh3kw2ph1pw0", {"dtype": "float16", "bound": 3}),
    # Integer types.
    ("g2ic4ih6iw7oc6kh3kw2ph1pw0", {"dtype": "int8", "bound": 128}),
    ("ic3ih5iw7oc4kh3kw2", {"dtype": "uint8", "bound": 255}),
    ("ic3ih5iw7oc4kh3kw2", {"dtype": "int32", "bound": 99_999}),
    # NaN and infinity: in the image; in the weights, beside padding.
    ("ic3ih9iw8oc4kh3kw2ph1pw0", {"data": "nonfinite"}),
    ("ic3ih7iw9oc4kh3kw2ph1pw1", {"data": "nonfinite-weight"}),
    ("g4ic4ih7iw9oc8kh3kw3ph1pw1", {"data": "nonfinite-weight"}),
    # Nothing: no image, no input channel.
    ("mb0ic2ih5iw6oc3kh3kw2", {}),
    ("mb2ic0ih5iw6oc4kh3kw2", {}),
    # A layer of work enough for several threads.
    ("mb2ic24ih40iw41oc20kh3kw3ph1pw1", {}),
    # Batches behind whole fours, eights and sixteens: parameters' gradients sum over the images.
    ("mb5ic2ih4iw6oc3kh3kw2", {}),
    ("mb9ic3ih6iw5oc4kh2kw3sh2sw1", {}),
    ("g2mb17ic4ih5iw4oc6kh2kw3", {}),
    # Wide strides: patches as wide as their stride, and the steps that transposes enlarge by.
    ("ic3ih25iw22oc4kh8kw5sh8sw5", {}),
    ("g2mb2ic4ih20iw29oc6kh3kw4sh6sw9ph2pw1", {}),
    ("ic2ih67iw38oc3kh3kw2sh32sw16ph1pw0", {}),
    # Wide dilations, alone and with a stride.
    ("ic2ih19iw23oc3kh4kw3dh4dw7ph2pw1", {}),
    ("g3mb2ic3ih17iw27oc6kh2kw3sh7sw2dh8dw5ph3pw4", {}),
    ("ic3ih29iw40oc2kh3kw2dh11dw17ph12pw9", {}),
    # Long sums: of the taps of a large kernel, and for its gradients over many places.
    ("ic257ih6iw9oc5kh5kw7ph1pw1", {}),
    ("mb3ic2ih60iw51oc3kh2kw3", {}),
)  # fmt: skip
"""Their seeds are their positions, and printed cases stay what they are: add at the end."""

SEPARABLE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("g3mb2ic3ih9iw12oc6oh4ow7kh3kw2sh3sw2dh1dw0ph2pw1", {"pointwise": 5}),
    ("g4ic4ih7iw8oc4kh3kw3sh2ph1", {"pointwise": 7, "bias": False}),
    ("g2ic2ih6iw5oc6kh2kw3", {"pointwise": 3}),
    ("g5mb2ic5ih8iw10oc5oh8ow10kh3kw3ph1pw1", {"pointwise": 9}),
    ("g3ic3ih8iw10oc3oh4ow5kh3kw5sh2ph0pw1", {"pointwise": 4}),
    ("g7ic7ih11iw9oc7oh11ow9kh3kw5ph1pw2", {"pointwise": 6, "data": "reals"}),
    ("g32ic32ih20iw22oc32oh10ow11kh3kw3sh2ph1pw1", {"pointwise": 24, "data": "reals"}),
    ("g2mb9ic2ih17iw20oc4kh5kw7sh6sw5ph2pw3", {"pointwise": 3}),
    ("g3mb5ic3ih18iw21oc3kh3kw4dh5dw4ph1pw2", {"pointwise": 4}),
)
"""Depthwise, then pointwise: for targets that do both."""

TRANSPOSED = (
    ("g2mb2ic4ih12iw13oc6oh4ow7kh4kw3sh3sw2ph1pw1", (2, 0)),
    ("g2mb2ic4ih12iw13oc6oh4ow7kh4kw3sh3sw2ph1pw1", (1, 1)),
    ("ic3ih10iw14oc4oh5ow7kh3kw5sh2ph1pw2", (1, 1)),
    ("ic2ih8iw13oc3oh4ow3kh2kw3sh2sw4", (0, 2)),
    ("mb5ic2ih52iw33oc3oh3ow4kh9kw7sh16sw8ph1pw2", (12, 5)),
)
"""Transposes whose output padding differs along the axes, or lies in the pads, or behind a kernel
that is as wide as the stride: a convolution and its output padding, rows and columns."""

FIRST_TRANSPOSED = 58
"""The seed of the first of them, from before the core was longer."""

FULL: tuple[tuple[str, dict[str, Any]], ...] = (
    ("ic3ih224iw224oc64kh7kw7sh2ph3pw3", {}),
    ("ic64ih56iw56oc64kh3kw3ph1pw1", {"data": "reals"}),
    ("g32ic128ih56iw56oc128kh3kw3ph1pw1", {}),
    ("g128ic128ih56iw56oc128kh3kw3ph1pw1", {"data": "reals"}),
    ("ic256ih14iw14oc512kh1kw1", {"data": "reals"}),
    ("g2ic96ih27iw27oc256kh5kw5ph2pw2", {}),
    ("ic2ih700iw801oc3kh3kw2sh2ph1pw0", {}),
    ("ic4ih5iw6oc3kh3kw2ph1pw0", {"dtype": "complex64"}),
    ("ic4ih5iw6oc3kh3kw2ph1pw0", {"dtype": "complex128", "data": "reals"}),
    ("ic4ih5iw6oc3kh3kw2ph1pw0", {"dtype": "int16", "bound": 32_768}),
    ("ic4ih5iw6oc3kh3kw2ph1pw0", {"dtype": "uint16", "bound": 60_000}),
    ("ic4ih5iw6oc3kh3kw2ph1pw0", {"dtype": "int64", "bound": 1 << 28}),
)
"""What is too large, or too rare a type, for the core."""


@lru_cache(maxsize=1)
def core() -> tuple[Case, ...]:
    """The core suite: the same cases everywhere, the most telling one first."""
    return tuple(_cases(CORE))


@lru_cache(maxsize=1)
def separable() -> tuple[Case, ...]:
    """The suite for depthwise separable targets, which take one weight more."""
    return tuple(_cases(SEPARABLE))


@lru_cache(maxsize=1)
def full() -> tuple[Case, ...]:
    """The core suite, large layers, and the other types."""
    return (*core(), *_cases(FULL))


@lru_cache(maxsize=len(OF))
def core_of(of: str) -> tuple[Case, ...]:
    """The core suite of a gradient, or of the transpose: of the same convolutions, but for those
    whose numbers are not finite, and some whose output padding is not what a descriptor says.
    """
    return _of(core(), of) + (tuple(_output_padded()) if of == "transpose" else ())


@lru_cache(maxsize=len(OF))
def full_of(of: str) -> tuple[Case, ...]:
    """The same with the large layers and the other types."""
    return core_of(of) + _of(_cases(FULL), of)


SUITES = {"core": core, "full": full, "separable": separable}
SUITES_OF = {"core": core_of, "full": full_of}
"""Of a gradient."""


def named(suite: str, of: str | None = None) -> tuple[Case, ...]:
    """The cases of the suite of this name, asking for that.

    >>> named("core", "bias-grad")[0].answer_shape
    (12,)

    Errors: `ValueError` for a suite that is none, or has no gradients, or a gradient that is none.
    """
    if suite not in SUITES:
        raise ValueError(f"suite is {suite!r}, but must be one of {', '.join(SUITES)}")
    if of is None:
        return SUITES[suite]()
    refuse_unknown(of)
    if suite not in SUITES_OF:
        raise ValueError(f"suite is {suite!r}, but the {of} is asked of one convolution")
    return SUITES_OF[suite](of)


def _of(cases: Iterable[Case], of: str) -> tuple[Case, ...]:
    return tuple(
        GradientCase(case, of) for case in cases
        if case.source is None or not case.source.data.startswith("nonfinite")
    )  # fmt: skip


def _output_padded() -> Iterator[Case]:
    for number, (text, more) in enumerate(TRANSPOSED, FIRST_TRANSPOSED):
        yield GradientCase.from_descriptor(text, number, of="transpose", output_padding=more)


def _cases(table: Any) -> list[Case]:
    return [
        Case.from_descriptor(text, **{"seed": number, **options})
        for number, (text, options) in enumerate(table)
    ]
