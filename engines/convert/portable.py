"""Makes a network portable: constants folded, no layer norm, no GRU, only what TensorRT's oldest parser here reads."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from engines.convert.recurrent import without_gru
from engines.convert.tensorrt_rules import refusals
from engines.errors import EngineError

NORM_PREFIX: Final = "layer_norm"
"""Names of the nodes that stand for a layer normalization begin with it: they are sensitive to half precision."""

_NORM: Final = "LayerNormalization"  # supported from TensorRT 8.6 on
_KEEP_MATMUL: Final = ["MatMulAddFusion"]  # it would wrap each product in two reshapes


def portable(graph: bytes) -> Any:
    """An ONNX file's network as an `onnx.ModelProto` that TensorRT 8.5 to 11 and ONNX Runtime all read.

    Computes the same up to rounding; shapes must be static. Constants are folded by ONNX Runtime, which also leaves
    out what half-precision storage and the exporter added. EngineError: damaged, or still an operator that some parser
    lacks, or a GRU over more than one frame.
    """
    import onnx

    model = onnx.shape_inference.infer_shapes(_folded(graph))
    plain = [part for node in model.graph.node for part in _without_norm(node, model.graph)]
    nodes = [part for node in plain for part in without_gru(node, model.graph)]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    _drop_unread(model.graph)
    onnx.checker.check_model(model, full_check=True)
    refused = refusals(model)
    if refused:
        raise EngineError(f"the network cannot be made portable: {refused[0]}")
    return model


def _folded(graph: bytes) -> Any:
    import onnx
    import onnxruntime as ort

    with tempfile.TemporaryDirectory() as folder:
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC  # ONNX operators only
        options.optimized_model_filepath = str(Path(folder) / "folded.onnx")
        options.log_severity_level = 3
        try:
            ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"], disabled_optimizers=_KEEP_MATMUL)
        except Exception as error:  # onnxruntime raises one class per status code, all of them bare Exceptions
            raise EngineError("the network's file is damaged: delete it, then run `exo-edge fetch`") from error
        model = onnx.load(options.optimized_model_filepath)
    plain = [entry for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    del model.opset_import[:]
    model.opset_import.extend(plain)  # ONNX Runtime lists its own domains, used or not
    return model


def _drop_unread(graph: Any) -> None:
    """Leave out constants that no node reads any more."""
    read = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _without_norm(node: Any, graph: Any) -> Iterator[Any]:
    """`node`, or what a layer normalization over the last axis is made of: (x - mean) / sqrt(variance + eps)."""
    if node.op_type != _NORM:
        yield node
        return
    from onnx import helper, numpy_helper

    said = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    if said.get("axis", -1) != -1 or len(node.output) > 1:
        raise EngineError(f"layer normalization {node.name!r} is not over the last axis alone: export it otherwise")
    x, scale, *bias = node.input
    out = f"{NORM_PREFIX}/{node.output[0]}"
    graph.initializer.append(numpy_helper.from_array(np.float32(said.get("epsilon", 1e-5)), f"{out}/eps"))
    steps: list[tuple[str, list[str], str, dict[str, Any]]] = [
        ("ReduceMean", [x], "mean", {"axes": [-1]}),
        ("Sub", [x, f"{out}/mean"], "centred", {}),
        ("Mul", [f"{out}/centred", f"{out}/centred"], "square", {}),
        ("ReduceMean", [f"{out}/square"], "variance", {"axes": [-1]}),
        ("Add", [f"{out}/variance", f"{out}/eps"], "above_zero", {}),
        ("Sqrt", [f"{out}/above_zero"], "spread", {}),
        ("Div", [f"{out}/centred", f"{out}/spread"], "normal", {}),
        ("Mul", [f"{out}/normal", scale], "scaled", {}),
    ]
    if bias:
        steps.append(("Add", [f"{out}/scaled", bias[0]], "shifted", {}))
    for kind, inputs, name, attributes in steps:
        last = name == steps[-1][2]
        output = node.output[0] if last else f"{out}/{name}"
        yield helper.make_node(kind, inputs, [output], name=f"{out}/{name}", **attributes)
