"""Networks in lower precision, written into the graph: float16, and int8 by Q/DQ calibrated on real inputs."""

from __future__ import annotations

import functools
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy.typing as npt

from engines.convert.half import to_half
from engines.convert.portable import portable
from engines.errors import EngineError

PRECISIONS: Final = ("fp32", "fp16", "int8")
"""Safest first."""

LESSONS: Final = Path(__file__).with_name("precision.toml")
"""Written by engines/convert/judge.py."""

QUANTIZED: Final = ("Conv", "MatMul", "Gemm")

Inputs = Mapping[str, npt.NDArray[Any]]
"""What a network is given, by input name."""


def convert(engine: str, graph: bytes, precision: str) -> bytes:
    """The network of `engine`, an ONNX file, made portable and brought to `precision`, one of `PRECISIONS`.

    Inputs and outputs stay float32. What was learned about the engine's precisions is in precision.toml: which nodes
    float16 must leave alone, or why a precision is refused. EngineError: refused or not judged, with the reason and
    what to take instead; damaged file.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision {precision!r}: one of {', '.join(PRECISIONS)}")
    model = portable(graph)
    if precision != "fp32":
        lesson = lesson_of(engine)
        refused = lesson.refused.get(precision)
        if refused is not None:
            safer = PRECISIONS[PRECISIONS.index(precision) - 1]
            raise EngineError(f"{precision} of {engine} is refused ({refused}): {safer} is the next safer")
        model = to_half(model, lesson.hold) if precision == "fp16" else to_int8(model, _calibration(engine))
    return bytes(model.SerializeToString(deterministic=True))


def shipped(engine: str) -> tuple[str, ...]:
    """The precisions that an engine ships in, the safest first."""
    try:
        refused = lesson_of(engine).refused
    except EngineError:
        return PRECISIONS[:1]
    return tuple(precision for precision in PRECISIONS if precision not in refused)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What was learned of an engine: nodes that float16 must leave in float32, precisions refused and why."""

    hold: tuple[str, ...]
    refused: Mapping[str, str]


@functools.cache
def lesson_of(engine: str) -> Lesson:
    """The entry of precision.toml. EngineError: none, or not readable."""
    try:
        document = tomllib.loads(LESSONS.read_text(encoding="utf-8"))
        entry = document[engine]
        return Lesson(tuple(entry["hold"]), dict(entry["refused"]))
    except KeyError:
        line = f"engine {engine} was not judged in lower precision: run python -m engines.convert.judge {engine}"
        raise EngineError(line) from None
    except (OSError, ValueError, TypeError) as error:
        raise EngineError(f"{LESSONS}: {error}") from error


def _calibration(engine: str) -> list[Inputs]:
    from engines.convert.real_inputs import real_inputs

    return real_inputs(engine, None)


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
                "OpTypesToExcludeOutputQuantization": list(QUANTIZED),  # what reads a result quantizes it
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
