"""What the ONNX parser of TensorRT 8.5 reads, the oldest to run on, and why it would refuse a network."""

from __future__ import annotations

from typing import Any, Final

MAX_OPSET: Final = 17

_OPERATORS: Final = """
    Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization Cast Ceil Celu Clip
    Concat Constant ConstantOfShape Conv ConvTranspose Cos Cosh CumSum DepthToSpace DequantizeLinear Div Dropout Einsum
    Elu Equal Erf Exp Expand EyeLike Flatten Floor Gather GatherElements GatherND Gemm GlobalAveragePool GlobalLpPool
    GlobalMaxPool Greater GreaterOrEqual GridSample GRU HardSwish HardSigmoid Identity If InstanceNormalization IsNaN
    LeakyRelu Less LessOrEqual Log LogSoftmax Loop LRN LSTM LpNormalization LpPool MatMul Max MaxPool Mean
    MeanVarianceNormalization Min Mod Mul Neg NonMaxSuppression NonZero Not OneHot Or Pad Pow PRelu QuantizeLinear Range
    Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
    ReduceSumSquare Relu Reshape Resize ReverseSequence RNN RoiAlign Round Scan ScatterElements ScatterND Selu Shape
    Shrink Sigmoid Sign Sin Sinh Size Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tan Tanh
    ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Upsample Where Xor
"""
"""Supported operators: onnx-tensorrt, branch release/8.5-GA, docs/operators.md; so are the limits below."""

SUPPORTED: Final = frozenset(_OPERATORS.split())
_CONSTANT_INPUTS: Final = {"Slice": (3,), "Squeeze": (1,), "Unsqueeze": (1,), "DequantizeLinear": (2,), "TopK": (1,)}
_RESIZE_MODES: Final = ("nearest", "linear")
_RESIZE_TRANSFORMATIONS: Final = (
    "half_pixel",
    "pytorch_half_pixel",
    "tf_half_pixel_for_nn",
    "asymmetric",
    "align_corners",
)


def refusals(model: Any) -> list[str]:
    """Why TensorRT 8.5 would not read `model`; empty where it would."""
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    found = [f"domain {name!r}" for name in opsets if name not in ("", "ai.onnx")]
    found += [f"opset {version} is newer than {MAX_OPSET}" for version in opsets.values() if version > MAX_OPSET]
    constants = {tensor.name for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.domain not in ("", "ai.onnx") or node.op_type not in SUPPORTED:
            found.append(f"operator {node.domain}{node.op_type} of node {node.name!r}")
        found += _restrictions(node, constants)
    return found


def _restrictions(node: Any, constants: set[str]) -> list[str]:
    """Limits within the operators that the networks use."""
    from onnx import helper

    said = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    must_be_constant = _CONSTANT_INPUTS.get(node.op_type, ())
    found = [
        f"{node.op_type} {node.name!r}: input {i} must be constant"
        for i in must_be_constant
        if i < len(node.input) and node.input[i] and node.input[i] not in constants
    ]
    if node.op_type == "Resize":
        mode = said.get("mode", b"nearest").decode()
        transformation = said.get("coordinate_transformation_mode", b"half_pixel").decode()
        if mode not in _RESIZE_MODES or transformation not in _RESIZE_TRANSFORMATIONS:
            found.append(f"Resize {node.name!r}: {mode}, {transformation}")
    if node.op_type == "MaxPool" and len(node.output) > 1:
        found.append(f"MaxPool {node.name!r}: output of indices")
    return found
