"""refconv: the reference for convolution's three small structures, standard, group and depthwise
separable, that can be read, counted, trusted, and used at speed.

>>> import numpy as np, refconv
>>> x, weight = np.ones((1, 3, 5, 7), "float32"), np.ones((4, 3, 3, 2), "float32")
>>> refconv.conv2d(x, weight, padding="same").shape
(1, 4, 5, 7)
"""

from refconv.conv import (
    conv2d,
    depthwise_conv2d,
    depthwise_separable_conv2d,
    group_conv2d,
    pointwise_conv2d,
)
from refconv.counts import (
    Counts,
    count,
    count_by_ones,
    count_gradient,
    count_gradient_by_ones,
    tally,
    tally_gradient,
)
from refconv.geometry import Geometry
from refconv.gradients import (
    conv2d_bias_grad,
    conv2d_input_grad,
    conv2d_weight_grad,
    conv_transpose2d,
)
from refconv.layer import Conv2d, DepthwiseSeparableConv2d
from refconv.threads import get_threads, set_threads

__version__ = "0.1.0"

__all__ = [
    "Conv2d",
    "Counts",
    "DepthwiseSeparableConv2d",
    "Geometry",
    "conv2d",
    "conv2d_bias_grad",
    "conv2d_input_grad",
    "conv2d_weight_grad",
    "conv_transpose2d",
    "count",
    "count_by_ones",
    "count_gradient",
    "count_gradient_by_ones",
    "depthwise_conv2d",
    "depthwise_separable_conv2d",
    "get_threads",
    "group_conv2d",
    "pointwise_conv2d",
    "set_threads",
    "tally",
    "tally_gradient",
]
