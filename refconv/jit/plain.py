"""The compiled convolution for every other type: integers and complex numbers.

Plain loops, which LLVM makes vectors of by itself; float32 and float64 have a kernel of their own.
"""

from __future__ import annotations

from refconv.geometry import Geometry
from refconv.jit.cached import compiled
from refconv.jit.crew import claim, finish


@compiled(nogil=True)
def convolve_rows(board, signal, me, xp, weight, bias, y, stride, dilation, groups):
    """Fill output rows, task by task: one row of one output channel of one image.

    A row starts from the bias and gains one tap after another, each for the row's whole width.
    """
    _, F, OH, OW = y.shape
    F, Cg, KH, KW = weight.shape
    sh, sw = stride
    dh, dw = dilation
    Fg = F // groups
    done = 0
    task = claim(board, signal, me)
    while task >= 0:
        oh = task % OH
        f = task // OH % F
        n = task // (OH * F)
        row = y[n, f, oh]
        row[:] = bias[f]
        for cg in range(Cg):
            c = f // Fg * Cg + cg
            for kh in range(KH):
                cells = xp[n, c, oh * sh + kh * dh]
                for kw in range(KW):
                    factor = weight[f, cg, kh, kw]
                    if sw == 1:  # told apart so that LLVM sees neighbours
                        for ow in range(OW):
                            row[ow] += factor * cells[ow + kw * dw]
                    else:
                        for ow in range(OW):
                            row[ow] += factor * cells[ow * sw + kw * dw]
        done += 1
        task = claim(board, signal, me)
    finish(board, signal, me, done)


def tasks(g: Geometry) -> int:
    """How many tasks `convolve_rows` makes of it."""
    return g.N * g.F * g.OH
