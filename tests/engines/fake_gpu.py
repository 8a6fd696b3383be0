"""A GPU that is not there: TensorRT's and pycuda's calls as far as the runner uses them, and the driver's graphs.

Work put into a stream happens when the stream is waited for, not before, and work put in while recording only when the
recording is launched; so a runner that does not wait, or records too much, gives wrong numbers.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

PLAN = b"y = 2 x + 1"
Work = Callable[[], None]


class CudaError(Exception):
    """pycuda's base class of errors."""


class FakeGpu:
    """Counts what was asked of it; `fail` makes the next call of that name raise."""

    def __init__(self) -> None:
        self.memory: dict[int, Any] = {}
        self.calls: list[str] = []
        self.fail: set[str] = set()
        self.depth = 0
        self.recording: list[Work] | None = None
        self.recordings: dict[int, list[Work]] = {}
        self.queues: dict[int, list[Work]] = {}
        self.integrated = 0
        self.refuse_recording = False
        self.loaded = False
        self.refuse_to_run = False
        self.launch_status = 0
        self.foreign_plan = False
        self.closed: list[str] = []

    def count(self, name: str) -> int:
        return self.calls.count(name)

    def called(self, name: str) -> None:
        self.calls.append(name)
        if name in self.fail:
            raise CudaError(f"{name} failed: unspecified launch failure")
        if self.depth == 0 and name not in ("init", "push"):
            raise CudaError(f"{name}: no context is current")

    def freed(self, name: str) -> None:
        """Something was let go: freed, or lost where no context is current."""
        self.closed.append(name if self.depth else f"{name} leaked")

    def put(self, stream: int, work: Work) -> None:
        (self.queues[stream] if self.recording is None else self.recording).append(work)

    def at(self, array: Any) -> int:
        self.memory[id(array)] = array
        return id(array)


class Stream:
    """A queue of work."""

    gpu: FakeGpu

    def __init__(self) -> None:
        self.gpu.called("Stream")
        self.handle = 1000 + len(self.gpu.queues)
        self.gpu.queues[self.handle] = []

    def __del__(self) -> None:
        self.gpu.freed("Stream")

    def synchronize(self) -> None:
        self.gpu.called("synchronize")
        queue = self.gpu.queues[self.handle]
        while queue:
            queue.pop(0)()


def fake_pycuda(gpu: FakeGpu) -> Any:
    """The module pycuda.driver."""

    def push() -> None:
        gpu.called("push")
        gpu.depth += 1

    def pop() -> None:
        gpu.depth -= 1

    def pinned(shape: tuple[int, ...], dtype: Any, mem_flags: int) -> Any:
        gpu.called("pagelocked_zeros")
        whole = np.zeros(shape, dtype)

        class Held:
            __array_interface__ = whole.__array_interface__
            flags = mem_flags
            kept = whole

            def get_device_pointer(self) -> int:
                if not mem_flags:
                    raise CudaError("memory is not mapped")
                return gpu.at(whole)

        return np.asarray(Held())

    def alloc(size: int) -> int:
        gpu.called("mem_alloc")
        return gpu.at(np.zeros(size, np.uint8))

    def bytes_of(array: Any) -> Any:
        return array.reshape(-1).view(np.uint8)

    def to_device(target: int, source: Any, stream: Stream) -> None:
        gpu.called("memcpy_htod_async")
        gpu.put(stream.handle, lambda: np.copyto(gpu.memory[target], bytes_of(source)))

    def to_host(target: Any, source: int, stream: Stream) -> None:
        gpu.called("memcpy_dtoh_async")
        gpu.put(stream.handle, lambda: np.copyto(bytes_of(target), gpu.memory[source]))

    device = SimpleNamespace(
        retain_primary_context=lambda: SimpleNamespace(push=push, detach=lambda: gpu.calls.append("detach")),
        get_attribute=lambda which: gpu.integrated,
        compute_capability=lambda: (8, 7),
        name=lambda: "Fake",
    )
    return SimpleNamespace(
        Error=CudaError,
        init=lambda: gpu.called("init"),
        Device=lambda number: device,
        Context=SimpleNamespace(pop=pop),
        Stream=type("Stream", (Stream,), {"gpu": gpu}),
        device_attribute=SimpleNamespace(INTEGRATED=18),
        host_alloc_flags=SimpleNamespace(DEVICEMAP=2),
        pagelocked_zeros=pinned,
        mem_alloc=alloc,
        memcpy_htod_async=to_device,
        memcpy_dtoh_async=to_host,
        get_version=lambda: (12, 6, 0),
        get_driver_version=lambda: 12060,
    )


def fake_driver(gpu: FakeGpu) -> Any:
    """libcuda.so.1: recording of streams."""

    def begin(stream: Any, mode: int) -> int:
        gpu.recording = []
        return 0

    def end(stream: Any, graph: Any) -> int:
        graph._obj.value = len(gpu.recordings) + 1
        gpu.recordings[graph._obj.value] = gpu.recording or []
        gpu.recording = None
        return 901 if gpu.refuse_recording else 0  # CUDA_ERROR_STREAM_CAPTURE_INVALIDATED

    def instantiate(executable: Any, graph: Any, flags: Any) -> int:
        executable._obj.value = graph.value
        return 0

    def launch(executable: Any, stream: Any) -> int:
        gpu.calls.append("cuGraphLaunch")
        if gpu.launch_status:
            return gpu.launch_status
        gpu.queues[stream.value].extend(gpu.recordings[executable.value])
        return 0

    return SimpleNamespace(
        cuStreamBeginCapture_v2=begin,
        cuStreamEndCapture=end,
        cuGraphInstantiateWithFlags=instantiate,
        cuGraphLaunch=launch,
        cuGraphDestroy=lambda graph: gpu.calls.append("cuGraphDestroy"),
        cuGraphExecDestroy=lambda executable: gpu.calls.append("cuGraphExecDestroy"),
    )


class _Mode(enum.Enum):
    INPUT = 0
    OUTPUT = 1


class _Logger:
    INTERNAL_ERROR, ERROR, WARNING = range(3)


class Module:
    """What counts as a module; unlike a namespace it can be a key."""

    def __init__(self, **parts: Any) -> None:
        self.__dict__.update(parts)


def fake_tensorrt(gpu: FakeGpu) -> Any:
    """The module tensorrt with one plan, the network of the runners' contract."""
    addresses: dict[str, int] = {}

    def execute(stream: int) -> bool:
        gpu.called("execute_async_v3")
        if gpu.refuse_to_run:
            return False
        if gpu.recording is not None and not gpu.loaded:
            gpu.refuse_recording = True  # loading kernels is nothing that can be recorded

        def work() -> None:
            gpu.loaded = True
            x, y = (gpu.memory[addresses[name]].reshape(-1).view(np.float32) for name in ("x", "y"))
            y[...] = 2 * x + 1

        gpu.put(stream, work)
        return True

    def load(data: bytes) -> Any:
        return None if gpu.foreign_plan or data != PLAN else engine

    def runtime(logger: Any) -> Any:
        if gpu.foreign_plan:
            logger.log(_Logger.ERROR, "The engine plan file was built\n for another device")
        return SimpleNamespace(deserialize_cuda_engine=load)

    context = SimpleNamespace(set_tensor_address=addresses.__setitem__, execute_async_v3=execute)
    engine = SimpleNamespace(
        num_io_tensors=2,
        get_tensor_name=lambda i: "xy"[i],
        get_tensor_mode=lambda name: _Mode.INPUT if name == "x" else _Mode.OUTPUT,
        get_tensor_dtype=lambda name: SimpleNamespace(name="FLOAT"),
        get_tensor_shape=lambda name: (1, 3),
        create_execution_context=lambda: context,
    )
    return Module(ILogger=_Logger, Runtime=runtime, TensorIOMode=_Mode, __version__="0.fake")
