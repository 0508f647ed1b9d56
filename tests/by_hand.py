"""Right values by hand: data to convolve, and sums of slices of a padded image."""

import numpy as np
import pytest

from refconv.conv import METHODS

each_method = pytest.mark.parametrize("method", METHODS)


def ramp(*shape, dtype=np.float32, start=0):
    """Numbers that count up: start, start + 1, ..."""
    return np.arange(start, start + np.prod(shape), dtype=dtype).reshape(shape)


def whole(*shape, dtype=np.float32):
    """Small whole numbers without a pattern, so that equality is exact."""
    return np.random.default_rng(shape).integers(-9, 10, shape).astype(dtype)


def pad(x, top, bottom, left, right):
    """`x` between zeros."""
    return np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))


def shifted_sums(xp, weight, OH, OW, stride=(1, 1), dilation=(1, 1)):
    """Depthwise, of multiplier 1: a sum of slices of the padded image, one for each tap."""
    (sh, sw), (dh, dw) = stride, dilation
    y = np.zeros((*xp.shape[:2], OH, OW), xp.dtype)
    for kh, kw in np.ndindex(weight.shape[2:]):
        rows = slice(kh * dh, kh * dh + (OH - 1) * sh + 1, sh)
        columns = slice(kw * dw, kw * dw + (OW - 1) * sw + 1, sw)
        y += xp[:, :, rows, columns] * weight[:, 0, kh, kw][:, None, None]
    return y
