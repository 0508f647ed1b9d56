"""The gradients of the convolution: by its input, by its weight, by its bias.

`functions.py` are the public ones, `transpose.py` the input gradient as a convolution of its own;
`loops.py` is the definition, `im2col.py` the matrix products; the fast ones are `jit/gradients.py`.
"""

from refconv.gradients.functions import conv2d_bias_grad, conv2d_input_grad, conv2d_weight_grad
from refconv.gradients.transpose import conv_transpose2d

__all__ = ["conv2d_bias_grad", "conv2d_input_grad", "conv2d_weight_grad", "conv_transpose2d"]
