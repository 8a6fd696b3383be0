"""Reads a TFLite flatbuffer into plain values: tensors, operators, inputs and outputs of its one subgraph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import tflite

from engines.convert.densify import SparseAxis, densify
from engines.errors import EngineError

Array = npt.NDArray[Any]

FILE_IDENTIFIER: Final = b"TFL3"
"""Bytes 4..8 of every TFLite file (TensorFlow Lite schema, `file_identifier`)."""

_DTYPES: Final[dict[int, type[np.generic]]] = {
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.FLOAT16: np.float16,
    tflite.TensorType.INT32: np.int32,
}

_OPERATOR_NAMES: Final[dict[int, str]] = {
    number: name for name, number in vars(tflite.BuiltinOperator).items() if isinstance(number, int)
}

_OPTION_READERS: Final[dict[str, Any]] = {
    "ADD": tflite.AddOptions,
    "CONCATENATION": tflite.ConcatenationOptions,
    "CONV_2D": tflite.Conv2DOptions,
    "DEPTHWISE_CONV_2D": tflite.DepthwiseConv2DOptions,
    "DEPTH_TO_SPACE": tflite.DepthToSpaceOptions,
    "MAX_POOL_2D": tflite.Pool2DOptions,
    "RESIZE_BILINEAR": tflite.ResizeBilinearOptions,
}

_INDEX_VECTORS: Final[dict[int, Any]] = {
    tflite.SparseIndexVector.Int32Vector: tflite.Int32Vector,
    tflite.SparseIndexVector.Uint16Vector: tflite.Uint16Vector,
    tflite.SparseIndexVector.Uint8Vector: tflite.Uint8Vector,
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor in TFLite's own layout (NHWC where rank 4); `data` is None for an activation."""

    name: str
    shape: tuple[int, ...]
    data: Array | None


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator: `inputs` are tensor indices (-1: left out), `options` its flatbuffer table or None."""

    kind: str
    inputs: tuple[int, ...]
    output: int
    options: Any


@dataclass(frozen=True, slots=True)
class Net:
    """The subgraph, operators in order of execution; `inputs` and `outputs` are tensor indices."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def read_tflite(blob: bytes) -> Net:
    """Parse the bytes of a .tflite file; EngineError where they are none or hold more than one subgraph."""
    if blob[4:8] != FILE_IDENTIFIER:
        raise EngineError("not a TFLite model (no TFL3 mark in its header): fetch the asset again")
    model = tflite.Model.GetRootAsModel(blob, 0)
    if model.SubgraphsLength() != 1:
        raise EngineError(f"TFLite model has {model.SubgraphsLength()} subgraphs, only one is supported")
    graph = model.Subgraphs(0)
    return Net(
        tensors=tuple(_tensor(model, graph.Tensors(i)) for i in range(graph.TensorsLength())),
        operators=tuple(_operator(model, graph.Operators(i)) for i in range(graph.OperatorsLength())),
        inputs=tuple(graph.Inputs(i) for i in range(graph.InputsLength())),
        outputs=tuple(graph.Outputs(i) for i in range(graph.OutputsLength())),
    )


def _tensor(model: Any, table: Any) -> Tensor:
    name = table.Name().decode()
    shape = tuple(int(n) for n in table.ShapeAsNumpy()) if table.ShapeLength() else ()
    buffer = model.Buffers(table.Buffer())
    if buffer.DataLength() == 0:
        return Tensor(name, shape, None)
    dtype = _DTYPES.get(table.Type())
    if dtype is None:
        raise EngineError(f"TFLite tensor {name!r} has type number {table.Type()}, which is not supported")
    values = np.frombuffer(buffer.DataAsNumpy().tobytes(), dtype)
    sparsity = table.Sparsity()
    return Tensor(name, shape, values.reshape(shape) if sparsity is None else _dense(sparsity, shape, values))


def _dense(sparsity: Any, shape: tuple[int, ...], values: Array) -> Array:
    order = sparsity.TraversalOrderAsNumpy().tolist()
    blocks = sparsity.BlockMapAsNumpy().tolist() if sparsity.BlockMapLength() else []
    axes = [_axis(sparsity.DimMetadata(i)) for i in range(sparsity.DimMetadataLength())]
    return densify(values, shape, order, blocks, axes)


def _axis(metadata: Any) -> SparseAxis:
    if metadata.Format() == tflite.DimensionType.DENSE:
        return SparseAxis(metadata.DenseSize(), None, None)
    segments = _indices(metadata.ArraySegmentsType(), metadata.ArraySegments())
    return SparseAxis(0, segments, _indices(metadata.ArrayIndicesType(), metadata.ArrayIndices()))


def _indices(kind: int, table: Any) -> npt.NDArray[np.int64]:
    vector = _INDEX_VECTORS[kind]()
    vector.Init(table.Bytes, table.Pos)
    return np.asarray(vector.ValuesAsNumpy(), np.int64)


def _operator(model: Any, table: Any) -> Operator:
    code = model.OperatorCodes(table.OpcodeIndex())
    # Files older than schema 3a keep the number in the deprecated byte; the larger of both is the right one.
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    kind = _OPERATOR_NAMES.get(number, f"operator number {number}")
    options = None
    if kind in _OPTION_READERS and table.BuiltinOptions() is not None:
        options = _OPTION_READERS[kind]()
        options.Init(table.BuiltinOptions().Bytes, table.BuiltinOptions().Pos)
    inputs = tuple(table.Inputs(i) for i in range(table.InputsLength()))
    return Operator(kind, inputs, table.Outputs(0), options)
