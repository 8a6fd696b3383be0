"""Networks in lower precision, written into the graph: float16, and int8 by Q/DQ calibrated on real inputs."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy.typing as npt

from engines.convert.half import to_half
from engines.convert.portable import portable
from engines.errors import EngineError

PRECISIONS: Final = ("fp32", "fp16", "int8")
"""Safest first."""

QUANTIZED: Final = ("Conv", "MatMul", "Gemm")

Inputs = Mapping[str, npt.NDArray[Any]]
"""What a network is given, by input name."""


def in_precision(path: Path, precision: str, calibration: Sequence[Inputs] = ()) -> bytes:
    """The network at `path` made portable and brought to `precision`, one of `PRECISIONS`, as an ONNX file.

    Inputs and outputs stay float32. `calibration` holds real inputs; int8 alone needs them. EngineError: damaged file,
    or int8 without inputs.
    """
    model = portable(path)
    if precision == "fp16":
        model = to_half(model)
    elif precision == "int8":
        model = to_int8(model, calibration)
    elif precision != "fp32":
        raise ValueError(f"precision {precision!r}: one of {', '.join(PRECISIONS)}")
    return bytes(model.SerializeToString(deterministic=True))


class _Reader:
    """Real inputs, one after another, as ONNX Runtime's calibration asks for them."""

    def __init__(self, inputs: Sequence[Inputs]) -> None:
        self._left = iter(inputs)

    def get_next(self) -> dict[str, npt.NDArray[Any]] | None:
        return next((dict(each) for each in self._left), None)


def to_int8(model: Any, calibration: Sequence[Inputs]) -> Any:
    """A copy of the portable `model` with Q/DQ pairs around weights and inputs of `QUANTIZED` operators.

    Symmetric as TensorRT wants it: weights per channel, activations per tensor, ranges as seen with `calibration`;
    everything else stays float32. EngineError: no calibration inputs.
    """
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    if not calibration:
        raise EngineError("int8 needs real inputs to calibrate on, none were given: leave int8 out")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        onnx.save(model, str(source))
        quantize_static(
            str(source),
            str(target),
            _Reader(calibration),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(QUANTIZED),
            nodes_to_quantize=_weighted(model),
            per_channel=True,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={
                "ActivationSymmetric": True,
                "WeightSymmetric": True,
                "AddQDQPairToWeight": True,  # float weights behind Q and DQ, which TensorRT 8.5 to 11 all fold
                "QuantizeBias": False,  # TensorRT adds the bias in float32
            },
        )
        quantized = onnx.load(str(target))
    onnx.checker.check_model(quantized, full_check=True)
    return quantized


def _weighted(model: Any) -> list[str]:
    """Names of the `QUANTIZED` nodes with one constant matrix or kernel as weight."""
    ranks = {tensor.name: len(tensor.dims) for tensor in model.graph.initializer}
    return [
        node.name
        for node in model.graph.node
        if node.op_type in QUANTIZED and ranks.get(node.input[1], 0) == (4 if node.op_type == "Conv" else 2)
    ]
