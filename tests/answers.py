"""What refconv answers to a case of the oracle that asks for a gradient, or for a transpose."""

from refconv import conv2d_bias_grad, conv2d_input_grad, conv2d_weight_grad, conv_transpose2d

FUNCTIONS = {
    "input-grad": conv2d_input_grad,
    "weight-grad": conv2d_weight_grad,
    "bias-grad": conv2d_bias_grad,
    "transpose": conv_transpose2d,
}


def answer(case, **more):
    """What refconv says."""
    return FUNCTIONS[case.of](*case.operands.values(), **case.options, **more)
