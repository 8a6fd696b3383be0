"""Runs an ONNX file on ONNX Runtime's CUDA provider: buffers on the device, one CUDA graph replayed per call."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any, Final

from engines.backends.base import Buffers
from engines.backends.ort import OrtRunner
from engines.errors import EngineError

PROVIDER: Final = "CUDAExecutionProvider"
_PROVIDER_OPTIONS: Final = {
    "enable_cuda_graph": "1",
    "cudnn_conv_algo_search": "EXHAUSTIVE",
    "use_tf32": "0",  # FP32 is to mean FP32
}


def why_not() -> str:
    """Why this device cannot run it; "" where it can."""
    import onnxruntime as ort

    if PROVIDER not in ort.get_available_providers():
        return "onnxruntime has no CUDA provider: install onnxruntime-gpu in place of onnxruntime"
    try:
        count = ctypes.c_int()
        driver = _Driver()
        driver.call("cuInit", ctypes.c_uint(0))
        driver.call("cuDeviceGetCount", ctypes.byref(count))
    except EngineError as error:
        return str(error)
    return "" if count.value else "no CUDA device"


class OrtCudaRunner(OrtRunner):
    """A `Runner` on the first CUDA device; every call copies in, replays the captured graph and copies out.

    The arrays that a caller sees are page-locked host memory. All engines share the device's primary context; a call
    may come from any thread, one at a time. EngineError: no CUDA, no such file, damaged, shapes that cannot be bound,
    and from `infer` where the device is lost.
    """

    WARM_RUNS = 5
    """The first run allocates, the next ones capture the graph (onnxruntime, CUDA provider, `enable_cuda_graph`)."""

    def __init__(self, path: Path) -> None:
        if problem := why_not():
            raise EngineError(f"engine file {path} cannot run on onnxruntime CUDA: {problem}")
        super().__init__(_open(path), path)
        self._driver = _Driver()
        self._device: dict[str, Any] = {}
        for name, array in (*self._inputs.items(), *self._outputs.items()):
            self._device[name] = _on_device(array.shape, array.dtype)
            self._driver.call("cuMemHostRegister_v2", _address(array), ctypes.c_size_t(array.nbytes), ctypes.c_uint(0))
        for name in self._inputs:
            self._binding.bind_ortvalue_input(name, self._device[name])
        for name in self._outputs:
            self._binding.bind_ortvalue_output(name, self._device[name])
        self._context = self._driver.current()
        self._in = [self._copy(name, array) for name, array in self._inputs.items()]
        self._out = [self._copy(name, array) for name, array in self._outputs.items()]

    def infer(self) -> Buffers:
        """Run once; returns the output arrays by name, filled again by the next call."""
        self._refuse_closed()
        driver = self._driver
        driver.call("cuCtxSetCurrent", self._context)
        for device, host, size in self._in:
            driver.call("cuMemcpyHtoD_v2", device, host, size)
        outputs = super().infer()
        for device, host, size in self._out:
            driver.call("cuMemcpyDtoH_v2", host, device, size)
        return outputs

    def close(self) -> None:
        """Free the network and its device memory; calling it twice is harmless."""
        if self._session is None:
            return
        self._binding = self._session = None
        self._device.clear()
        for array in (*self._inputs.values(), *self._outputs.values()):
            self._driver.quietly("cuMemHostUnregister", _address(array))

    def _copy(self, name: str, array: Any) -> tuple[ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]:
        return ctypes.c_void_p(self._device[name].data_ptr()), _address(array), ctypes.c_size_t(array.nbytes)


class _Driver:
    """The few calls of NVIDIA's driver library that copying and page-locking take (CUDA driver API reference)."""

    def __init__(self) -> None:
        try:
            self._library = ctypes.CDLL("libcuda.so.1")
        except OSError:
            raise EngineError("no NVIDIA driver (libcuda.so.1) on this machine") from None

    def call(self, name: str, *arguments: Any) -> None:
        """Call it; EngineError with the driver's number where it fails."""
        status = getattr(self._library, name)(*arguments)
        if status:
            raise EngineError(f"CUDA {name} failed with status {status}: the device is lost or out of memory")

    def quietly(self, name: str, *arguments: Any) -> None:
        """Call it while cleaning up, where nothing can be done about a failure."""
        getattr(self._library, name)(*arguments)

    def current(self) -> ctypes.c_void_p:
        """The context of this thread: the primary one, once a session is open."""
        context = ctypes.c_void_p()
        self.call("cuCtxGetCurrent", ctypes.byref(context))
        return context


def _address(array: Any) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def _on_device(shape: tuple[int, ...], dtype: Any) -> Any:
    import onnxruntime as ort

    return ort.OrtValue.ortvalue_from_shape_and_type(list(shape), dtype, "cuda", 0)


def _open(path: Path) -> Any:
    if not path.is_file():
        raise EngineError(f"engine file {path} is missing: run `exo-edge engines build`")
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3  # errors only
    ort.preload_dlls()  # CUDA and cuDNN of the Python packages, where they are not the system's
    try:
        session = ort.InferenceSession(str(path), options, providers=[(PROVIDER, _PROVIDER_OPTIONS)])
    except Exception as error:  # onnxruntime raises one class per status code, all of them bare Exceptions
        reason = str(error).splitlines()[0]
        raise EngineError(f"engine file {path} does not open on onnxruntime CUDA: {reason}") from error
    if session.get_providers()[0] != PROVIDER:
        raise EngineError(f"engine file {path}: the CUDA provider does not load; are CUDA and cuDNN installed?")
    return session
