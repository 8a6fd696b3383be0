"""One function per TFLite operator: writes the ONNX nodes that compute the same thing in NCHW."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import tflite

from engines.convert.graph import GraphBuilder
from engines.convert.reader import Operator
from engines.errors import EngineError

_TO_NHWC: Final = [0, 2, 3, 1]
_AXIS_TO_NCHW: Final = (0, 2, 3, 1)
"""NCHW position of the NHWC axes 0..3."""


def same_pads(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """Padding before and after one axis under TFLite's SAME rule (the odd one goes behind)."""
    extent = (kernel - 1) * dilation + 1
    total = max((-(-size // stride) - 1) * stride + extent - size, 0)
    return total // 2, total - total // 2


def _pads(builder: GraphBuilder, op: Operator, kernel: tuple[int, int], dilation: tuple[int, int]) -> list[int]:
    if op.options.Padding() == tflite.Padding.VALID:
        return [0, 0, 0, 0]
    _, height, width, _ = builder.shape(op.inputs[0])
    top, bottom = same_pads(height, kernel[0], op.options.StrideH(), dilation[0])
    left, right = same_pads(width, kernel[1], op.options.StrideW(), dilation[1])
    return [top, left, bottom, right]


def _with_activation(builder: GraphBuilder, kind: int, output: int, write: Callable[[str], str]) -> None:
    """Let `write` make the node, then its fused activation; the last node carries the output's name."""
    name = builder.value(output)
    if kind == tflite.ActivationFunctionType.NONE:
        write(name)
    elif kind == tflite.ActivationFunctionType.RELU:
        builder.node("Relu", [write(f"{name}_linear")], name)
    elif kind == tflite.ActivationFunctionType.RELU6:
        bounds = [
            builder.constant("zero", np.array(0, np.float32)),
            builder.constant("six", np.array(6, np.float32)),
        ]
        builder.node("Clip", [write(f"{name}_linear"), *bounds], name)
    else:
        raise EngineError(f"TFLite activation number {kind} is not supported by the converter")


def _convolution(builder: GraphBuilder, op: Operator) -> None:
    depthwise = op.kind == "DEPTHWISE_CONV_2D"
    weights = builder.require_data(op.inputs[1]).astype(np.float32)
    # TFLite: [out, h, w, in], depthwise [1, h, w, out]; ONNX: [out, in per group, h, w].
    weights = weights.transpose(3, 0, 1, 2) if depthwise else weights.transpose(0, 3, 1, 2)
    kernel = (weights.shape[2], weights.shape[3])
    dilation = (op.options.DilationHFactor(), op.options.DilationWFactor())
    operands = [builder.value(op.inputs[0]), builder.constant(f"w{op.output}", weights)]
    if len(op.inputs) > 2 and op.inputs[2] >= 0:
        bias = builder.require_data(op.inputs[2]).astype(np.float32)
        operands.append(builder.constant(f"b{op.output}", bias))
    attributes = {
        "kernel_shape": list(kernel),
        "strides": [op.options.StrideH(), op.options.StrideW()],
        "dilations": list(dilation),
        "pads": _pads(builder, op, kernel, dilation),
        "group": builder.shape(op.inputs[0])[3] if depthwise else 1,
    }
    _with_activation(
        builder,
        op.options.FusedActivationFunction(),
        op.output,
        lambda name: builder.node("Conv", operands, name, **attributes),
    )


def _add(builder: GraphBuilder, op: Operator) -> None:
    operands = [builder.value(i) for i in op.inputs]
    kind = op.options.FusedActivationFunction() if op.options else tflite.ActivationFunctionType.NONE
    _with_activation(builder, kind, op.output, lambda name: builder.node("Add", operands, name))


def _max_pool(builder: GraphBuilder, op: Operator) -> None:
    kernel = (op.options.FilterHeight(), op.options.FilterWidth())
    attributes = {
        "kernel_shape": list(kernel),
        "strides": [op.options.StrideH(), op.options.StrideW()],
        "pads": _pads(builder, op, kernel, (1, 1)),
    }
    operand = builder.value(op.inputs[0])
    _with_activation(
        builder,
        op.options.FusedActivationFunction(),
        op.output,
        lambda name: builder.node("MaxPool", [operand], name, **attributes),
    )


def _pad(builder: GraphBuilder, op: Operator) -> None:
    amounts = builder.require_data(op.inputs[1]).astype(np.int64)[[0, 3, 1, 2]]
    pads = builder.constant(f"pads{op.output}", amounts.T.reshape(-1))
    zero = builder.constant("zero", np.array(0, np.float32))
    builder.node("Pad", [builder.value(op.inputs[0]), pads, zero], builder.value(op.output), mode="constant")


def _resize(builder: GraphBuilder, op: Operator) -> None:
    if op.options.AlignCorners():
        mode = "align_corners"
    else:
        mode = "half_pixel" if op.options.HalfPixelCenters() else "asymmetric"
    _, height, width, _ = builder.shape(op.inputs[0])
    new_height, new_width = builder.require_data(op.inputs[1]).tolist()
    scales = np.array([1, 1, new_height / height, new_width / width], np.float32)
    builder.node(
        "Resize",
        [builder.value(op.inputs[0]), "", builder.constant(f"scales{op.output}", scales)],
        builder.value(op.output),
        mode="linear",
        coordinate_transformation_mode=mode,
    )


def _reshape(builder: GraphBuilder, op: Operator) -> None:
    source, target = builder.shape(op.inputs[0]), builder.shape(op.output)
    if len(target) == 4:
        raise EngineError(f"TFLite RESHAPE to rank 4 {list(target)} is not supported by the converter")
    name, value = builder.value(op.output), builder.value(op.inputs[0])
    if len(source) == 4 and source[1:3] != (1, 1):  # one pixel: both layouts have the same order
        value = builder.node("Transpose", [value], f"{name}_nhwc", perm=_TO_NHWC)
    builder.node("Reshape", [value, builder.constant(f"shape{op.output}", np.array(target, np.int64))], name)


def _concatenation(builder: GraphBuilder, op: Operator) -> None:
    rank = len(builder.shape(op.output))
    axis = op.options.Axis() % rank
    operands = [builder.value(i) for i in op.inputs]
    builder.node("Concat", operands, builder.value(op.output), axis=_AXIS_TO_NCHW[axis] if rank == 4 else axis)


def _depth_to_space(builder: GraphBuilder, op: Operator) -> None:
    builder.node(
        "DepthToSpace",
        [builder.value(op.inputs[0])],
        builder.value(op.output),
        blocksize=op.options.BlockSize(),
        mode="DCR",
    )


def _logistic(builder: GraphBuilder, op: Operator) -> None:
    builder.node("Sigmoid", [builder.value(op.inputs[0])], builder.value(op.output))


def _relu(builder: GraphBuilder, op: Operator) -> None:
    builder.node("Relu", [builder.value(op.inputs[0])], builder.value(op.output))


def _fold(builder: GraphBuilder, op: Operator) -> None:
    """DENSIFY and DEQUANTIZE (of float16 weights) act on constants: the reader has expanded them already."""
    data = builder.require_data(op.inputs[0])
    builder.fold(op.output, data.astype(np.float32) if op.kind == "DEQUANTIZE" else data)


EMITTERS: Final[dict[str, Callable[[GraphBuilder, Operator], None]]] = {
    "ADD": _add,
    "CONCATENATION": _concatenation,
    "CONV_2D": _convolution,
    "DENSIFY": _fold,
    "DEPTHWISE_CONV_2D": _convolution,
    "DEPTH_TO_SPACE": _depth_to_space,
    "DEQUANTIZE": _fold,
    "LOGISTIC": _logistic,
    "MAX_POOL_2D": _max_pool,
    "PAD": _pad,
    "RELU": _relu,
    "RESHAPE": _reshape,
    "RESIZE_BILINEAR": _resize,
}
"""TFLite operator name to the function that converts it."""


def emit(builder: GraphBuilder, op: Operator) -> None:
    """Convert one operator; EngineError names one that the converter does not know."""
    emitter = EMITTERS.get(op.kind)
    if emitter is None:
        raise EngineError(f"TFLite operator {op.kind} is not supported by the converter")
    emitter(builder, op)
