"""SciPy: scipy.signal.correlate, for each image and output channel over all channels of its group.

Groups are done by hand, stride by leaving outputs out, pads by zeros, and dilation by a kernel with
holes: none of this changes a number, but for holes over NaN and infinity, which are refused. The
bias is added to the result.
"""

from __future__ import annotations

import numpy as np

from refconv.oracle.targets.adapters.adapter import (
    Adapter,
    Array,
    Ask,
    Options,
    Question,
    RefusedError,
    add_bias,
    library,
)


def make(options: Options) -> Ask:
    """Ask SciPy to sum directly, or with the option `fft` by Fourier transforms."""
    signal = library("scipy.signal")
    method = "fft" if "fft" in options else "direct"

    def ask(q: Question) -> Array:
        if not q.x.size or not q.weight.size:
            raise RefusedError("scipy correlates an image with a kernel, and one of them is empty")
        if q.dilation != (1, 1) and not np.isfinite(q.x).all():
            raise RefusedError(
                "scipy has no dilation, and the holes of a kernel would be multiplied by what is "
                "not finite"
            )
        F, Cg = q.weight.shape[:2]
        sh, sw = q.stride
        Fg = F // q.groups
        xp = np.pad(q.x, ((0, 0), (0, 0), *q.padding))
        kernels = with_holes(q.weight, q.dilation).conj()  # it conjugates: that is undone
        sums = [
            signal.correlate(
                image[f // Fg * Cg : (f // Fg + 1) * Cg], kernel, mode="valid", method=method
            )[0, ::sh, ::sw]
            for image in xp
            for f, kernel in enumerate(kernels)
        ]
        y = np.stack(sums)
        return np.asarray(add_bias(y.reshape(len(q.x), F, *y.shape[1:]), q.bias, "scipy"))

    return ask


def with_holes(weight: Array, dilation: tuple[int, int]) -> Array:
    """The weights `dilation` cells apart, and zeros between them.

    >>> with_holes(np.array([[[[1, 2, 3]]]]), (1, 2)).tolist()
    [[[[1, 0, 2, 0, 3]]]]
    """
    F, Cg, KH, KW = weight.shape
    dh, dw = dilation
    holed = np.zeros((F, Cg, dh * (KH - 1) + 1, dw * (KW - 1) + 1), weight.dtype)
    holed[:, :, ::dh, ::dw] = weight
    return holed


ADAPTERS = {"scipy": Adapter("scipy", make, ("fft",))}
