"""The whole conversion: read, emit every operator, prune, check."""

from __future__ import annotations

from engines.convert.graph import GraphBuilder
from engines.convert.ops import emit
from engines.convert.reader import read_tflite


def convert_tflite(blob: bytes, keep: tuple[str, ...]) -> bytes:
    """ONNX model (opset 17, batch 1, rank-4 tensors as NCHW float32) of a TFLite file.

    Only the outputs named in `keep`, in that order, and what they need remain. EngineError where the file is
    no TFLite model, lacks one of them or uses an operator outside `engines.convert.ops.EMITTERS`.
    """
    net = read_tflite(blob)
    builder = GraphBuilder(net, keep)
    for op in net.operators:
        emit(builder, op)
    return builder.model()
