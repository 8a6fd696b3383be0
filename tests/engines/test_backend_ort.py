"""The ONNX Runtime backend: the contract of all backends, and its world errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.backends.base import Runner
from engines.backends.ort_cpu import OrtCpuRunner
from engines.errors import EngineError
from tests.engines.backend_contract import RunnerContract


def save_net(path: Path, batch: int | str = 1, kind: int = TensorProto.FLOAT) -> Path:
    """y = 2 x + 1."""
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "two"], ["z"]), helper.make_node("Add", ["z", "one"], ["y"])],
        "net",
        [helper.make_tensor_value_info("x", kind, [batch, 3])],
        [helper.make_tensor_value_info("y", kind, [batch, 3])],
        [numpy_helper.from_array(np.array(v, dtype), n) for n, v in (("two", 2), ("one", 1))],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


class TestOrtCpuRunner(RunnerContract):
    @pytest.fixture
    def runner(self, tmp_path: Path) -> Runner:
        return OrtCpuRunner(save_net(tmp_path / "net.onnx"))


def test_missing_file_says_to_fetch(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"none\.onnx is missing: run `exo-edge fetch`"):
        OrtCpuRunner(tmp_path / "none.onnx")


@pytest.mark.parametrize("keep", [0, 40])
def test_damaged_file_is_one_line(tmp_path: Path, keep: int) -> None:
    path = save_net(tmp_path / "net.onnx")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(EngineError, match="damaged") as error:
        OrtCpuRunner(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("batch", "kind"), [("n", TensorProto.FLOAT), (1, TensorProto.FLOAT16)])
def test_refuses_what_it_cannot_bind(tmp_path: Path, batch: int | str, kind: int) -> None:
    with pytest.raises(EngineError, match="only static shapes"):
        OrtCpuRunner(save_net(tmp_path / "net.onnx", batch, kind))


def test_use_after_close_is_a_bug(tmp_path: Path) -> None:
    runner = OrtCpuRunner(save_net(tmp_path / "net.onnx"))
    runner.close()
    with pytest.raises(ValueError, match="closed"):
        runner.infer()


def test_leaves_the_thread_its_denormals(tmp_path: Path) -> None:
    OrtCpuRunner(save_net(tmp_path / "net.onnx")).infer()
    assert np.array(5e-324) * 1.0 > 0  # a library that flushes them changes the caller's own arithmetic
