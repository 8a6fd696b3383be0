"""The CUDA runner between doubles: its copies, contexts, threads and faults; the arithmetic is onnxruntime's own.

A processor stands in for the GPU: device memory is other host memory, the driver a record of its calls. What only a
GPU can show (the captured graph, timing) is not tested here.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.backends import ort_cuda
from engines.backends.base import Runner
from engines.backends.ort_cuda import OrtCudaRunner, why_not
from engines.errors import EngineError
from tests.engines.backend_contract import RunnerContract
from tests.engines.test_backend_ort import save_net


class Driver:
    """NVIDIA's driver library as far as the runner calls it; `lost` makes copies fail."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.lost = False
        self.locked: set[int] = set()

    def call(self, name: str, *arguments: Any) -> None:
        self.calls.append(name)
        if name in ("cuMemcpyHtoD_v2", "cuMemcpyDtoH_v2"):
            if self.lost:
                raise EngineError(f"CUDA {name} failed with status 700: the device is lost or out of memory")
            ctypes.memmove(*arguments)
        elif name == "cuMemHostRegister_v2":
            self.locked.add(arguments[0].value)

    def quietly(self, name: str, *arguments: Any) -> None:
        self.calls.append(name)
        self.locked.discard(arguments[0].value)

    def current(self) -> ctypes.c_void_p:
        return ctypes.c_void_p(1)


def on_processor(path: Path) -> Any:
    import onnxruntime as ort

    if not path.is_file():
        raise EngineError("missing")
    return ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def value_on_processor(shape: tuple[int, ...], dtype: Any) -> Any:
    import onnxruntime as ort

    return ort.OrtValue.ortvalue_from_shape_and_type(list(shape), dtype, "cpu", 0)


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    double = Driver()
    monkeypatch.setattr(ort_cuda, "_Driver", lambda: double)
    monkeypatch.setattr(ort_cuda, "_open", on_processor)
    monkeypatch.setattr(ort_cuda, "_on_device", value_on_processor)
    monkeypatch.setattr(ort_cuda, "why_not", lambda: "")
    return double


class TestOrtCudaRunner(RunnerContract):
    @pytest.fixture
    def runner(self, tmp_path: Path, driver: Driver) -> Runner:
        return OrtCudaRunner(save_net(tmp_path / "net.onnx"))


def test_a_call_copies_in_runs_and_copies_out_in_the_shared_context(tmp_path: Path, driver: Driver) -> None:
    runner = OrtCudaRunner(save_net(tmp_path / "net.onnx"))
    driver.calls.clear()
    runner.infer()
    assert driver.calls == ["cuCtxSetCurrent", "cuMemcpyHtoD_v2", "cuMemcpyDtoH_v2"]


def test_host_memory_is_locked_while_it_is_open_and_no_longer(tmp_path: Path, driver: Driver) -> None:
    runner = OrtCudaRunner(save_net(tmp_path / "net.onnx"))
    arrays = {runner.inputs["x"].ctypes.data, runner.infer()["y"].ctypes.data}
    assert driver.locked == arrays
    runner.close()
    assert driver.locked == set()
    with pytest.raises(ValueError, match="closed"):
        runner.infer()


def test_a_lost_device_is_an_error_in_that_call(tmp_path: Path, driver: Driver) -> None:
    runner = OrtCudaRunner(save_net(tmp_path / "net.onnx"))
    driver.lost = True
    with pytest.raises(EngineError, match="status 700: the device is lost"):
        runner.infer()
    driver.lost = False
    runner.inputs["x"][:] = 2.0
    np.testing.assert_allclose(runner.infer()["y"], 5.0)


def test_where_there_is_no_cuda_one_line_says_why(tmp_path: Path) -> None:
    if not why_not():
        pytest.skip("this machine offers onnxruntime CUDA")
    with pytest.raises(EngineError, match="cannot run on onnxruntime CUDA: ") as error:
        OrtCudaRunner(save_net(tmp_path / "net.onnx"))
    assert "\n" not in str(error.value)
