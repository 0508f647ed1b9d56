"""Operators: which are counted, and of the others, which may hold work worth counting."""

from __future__ import annotations

import onnx

from refconv.networks.onnx_model.words import domain_of, short

OPERANDS = {
    "Conv": (0, 1, 2), "FusedConv": (0, 1, 2), "ConvInteger": (0, 1, None),
    "QLinearConv": (0, 3, 8), "ConvTranspose": (0, 1, 2), "Gemm": (0, 1, 2), "QGemm": (0, 3, 6),
    "MatMul": (0, 1, None), "MatMulInteger": (0, 1, None), "QLinearMatMul": (0, 3, None),
}  # fmt: skip
"""What is counted: which inputs are x, the weight and the bias."""

GEMM, MATMUL = ("Gemm", "QGemm"), ("MatMul", "MatMulInteger", "QLinearMatMul")

HEAVY = {
    **dict.fromkeys(("LSTM", "GRU", "RNN"), "recurrent: its steps are not counted"),
    **dict.fromkeys(("Attention", "MultiHeadAttention"), "its products are not counted"),
    "Einsum": "its products are not counted",
    "DeformConv": "a deformable convolution is not counted",
    **dict.fromkeys(("DFT", "STFT"), "a Fourier transform is not counted"),
}

MOVING = frozenset({
    "Cast", "CastLike", "Compress", "Concat", "Constant", "ConstantOfShape", "DepthToSpace",
    "Expand", "EyeLike", "Flatten", "Gather", "GatherElements", "GatherND", "Identity", "If",
    "Loop", "NonZero", "OneHot", "Optional", "OptionalGetElement", "Pad", "Range", "Reshape",
    "ReverseSequence", "Scan", "Scatter", "ScatterElements", "ScatterND", "Shape", "Size",
    "Slice", "SpaceToDepth", "Split", "Squeeze", "Tile", "Transpose", "Trilu", "Unsqueeze",
    "Where",
})  # fmt: skip

CHEAP = frozenset({
    "Abs", "Acos", "Acosh", "Add", "And", "ArgMax", "ArgMin", "Asin", "Asinh", "Atan", "Atanh",
    "AveragePool", "BatchNormalization", "BitShift", "BitwiseAnd", "BitwiseNot", "BitwiseOr",
    "BitwiseXor", "Ceil", "Celu", "Clip", "Cos", "Cosh", "CumSum", "DequantizeLinear", "Div",
    "Dropout", "DynamicQuantizeLinear", "Elu", "Equal", "Erf", "Exp", "Floor", "Gelu",
    "GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool", "Greater", "GreaterOrEqual",
    "GridSample", "GroupNormalization", "HardSigmoid", "HardSwish", "Hardmax",
    "InstanceNormalization", "IsInf", "IsNaN", "LRN", "LayerNormalization", "LeakyRelu", "Less",
    "LessOrEqual", "Log", "LogSoftmax", "LpNormalization", "LpPool", "Max", "MaxPool",
    "MaxUnpool", "Mean", "MeanVarianceNormalization", "Min", "Mish", "Mod", "Mul", "Neg",
    "NonMaxSuppression", "Not", "Or", "PRelu", "Pow", "QuantizeLinear", "RMSNormalization",
    "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Reciprocal",
    "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean",
    "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare", "Relu", "Resize", "RoiAlign",
    "Round", "Selu", "Shrink", "Sigmoid", "Sign", "Sin", "Sinh", "Softmax", "Softplus",
    "Softsign", "Sqrt", "Sub", "Sum", "Swish", "Tan", "Tanh", "ThresholdedRelu", "TopK", "Unique",
    "Upsample", "Xor",
})  # fmt: skip

NO_ARITHMETIC = "moves or makes data: no arithmetic"
UNKNOWN = "its shape is not known: "
FEW_OPERATIONS = "a few operations for each element"
IN_A_BRANCH = "in a branch of an If: whether it runs is not known"
IN_A_BODY = "in the body of an operator: how often it runs is not known"


def is_counted(node: onnx.NodeProto) -> bool:
    fused = domain_of(node) == "com.microsoft" and node.op_type in ("FusedConv", "QGemm")
    return node.op_type in OPERANDS and (fused or not domain_of(node))


def verdict(node: onnx.NodeProto) -> tuple[str, bool]:
    """Why an operator is not counted, and whether it may hold multiplications worth counting."""
    domain = domain_of(node)
    if domain not in ("", "com.microsoft"):
        return f"domain {short(domain)} is not known here", True
    kind = node.op_type.removeprefix("QLinear") if domain else node.op_type
    if kind in HEAVY:
        return HEAVY[kind], True
    if kind in MOVING:
        return NO_ARITHMETIC, False
    if kind in CHEAP:
        return FEW_OPERATIONS, False
    return "not known here", True


def operands(node: onnx.NodeProto) -> tuple[str, str, str]:
    """Names of x, weight and bias; an empty one where there is no bias."""
    x, weight, bias = OPERANDS[node.op_type]
    if len(node.input) <= weight or not node.output:
        raise ValueError(
            f"it has {len(node.input)} inputs, but must have {weight + 1} and an output"
        )
    has_place = bias is not None and bias < len(node.input)
    return node.input[x], node.input[weight], node.input[bias] if has_place else ""
