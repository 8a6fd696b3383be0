"""Builds and runs networks with TensorRT (8.5 to 11) and pycuda; stands alone: numpy, pycuda, tensorrt, Python 3.9."""

from __future__ import annotations

import ctypes
import functools
import importlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_WARM_RUNS = 3  # the first loads kernels, the second still touches new pages; the third is the check
_NUMPY: dict[str, Any] = {"FLOAT": np.float32, "HALF": np.float16, "INT32": np.int32, "INT64": np.int64}
_NUMPY |= {"INT8": np.int8, "BOOL": np.bool_}  # its own `nptype` fails in TensorRT 8 where numpy has no `np.bool`
_THREAD_LOCAL_CAPTURE = 1  # CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: other threads may allocate meanwhile


class TensorRtError(RuntimeError):
    """No GPU, a refused network, a foreign plan, a lost device: `str()` is the one line to show."""


@dataclass(frozen=True)
class BuildOptions:
    """How to build a plan.

    `workspace_mib` limits scratch memory; `timing_cache` is a file that makes the next build quicker: begun anew where
    it is absent, damaged or of another TensorRT or GPU, left alone where it cannot be written; `tactic_sources` names
    the libraries to take kernels from (`CUBLAS_LT`; None: TensorRT's choice); `dla_core` builds for that DLA core,
    layers it cannot run fall back to the GPU; `configure` is given the builder's configuration last.
    """

    workspace_mib: int = 1024
    timing_cache: Path | None = None
    tactic_sources: tuple[str, ...] | None = None
    dla_core: int | None = None
    configure: Callable[[Any], None] | None = None


def build_plan(onnx_file: bytes, options: BuildOptions | None = None, api: Any = None) -> bytes:
    """The plan of a network with static shapes, for this machine's GPU unless the options say otherwise.

    The types in the graph decide: float16 and Q/DQ nodes are taken as they stand, everything else stays IEEE float32
    (TF32 off). TensorRT before 10, and a DLA before TensorRT 11, choose types themselves; there float32 layers of a
    mixed graph are only preferred. `api` is the module to build with, `tensorrt` by default. TensorRtError: the parser
    or the builder refuses, with the reason.
    """
    options = options or BuildOptions()
    trt = api or _loaded()
    logger = _logger(trt)
    logger.forget()
    builder = _made(logger, "builder", lambda: trt.Builder(logger))
    kinds = trt.NetworkDefinitionCreationFlag  # a DLA was weakly typed while there were weak types
    strong = hasattr(kinds, "STRONGLY_TYPED") and (options.dla_core is None or not hasattr(trt.BuilderFlag, "FP16"))
    network = builder.create_network(1 << int(kinds.STRONGLY_TYPED if strong else kinds.EXPLICIT_BATCH))
    parser = trt.OnnxParser(network, logger)  # holds the weights until the plan is built
    if not parser.parse(onnx_file):
        said = parser.get_error(0).desc() if parser.num_errors else logger.reason()
        raise TensorRtError(f"TensorRT {trt.__version__} cannot read the network: {' '.join(said.split())}")
    config = _config(trt, builder, options)
    if not strong:
        _allow_graph_types(trt, network, config)
    cache = None if options.timing_cache is None else _timing_cache(config, options.timing_cache)
    logger.forget()  # what was wrong with an old cache
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise TensorRtError(f"TensorRT {trt.__version__} cannot build the network: {logger.reason()}")
    if options.timing_cache is not None and cache is not None:
        _replace(options.timing_cache, bytes(cache.serialize()))
    return bytes(plan)


class CudaContext:
    """The device's primary CUDA context, one for all engines of a process, shared by their threads.

    Current only inside `current()`, as for each call of a runner; a forked process cannot use its parent's.
    TensorRtError: no driver, no such device.
    """

    def __init__(self, device: int = 0) -> None:
        self.cuda = _loaded("pycuda.driver")
        try:
            self.cuda.init()
            self._device = self.cuda.Device(device)
            self.handle: Any = self._device.retain_primary_context()
        except self.cuda.Error as error:
            raise TensorRtError(f"CUDA device {device} cannot be opened: {error}") from error

    @property
    def shares_memory(self) -> bool:
        """Whether GPU and CPU have the same memory, as on a Jetson."""
        return bool(self._device.get_attribute(self.cuda.device_attribute.INTEGRATED))

    def facts(self) -> dict[str, str]:
        """What a plan depends on: GPU, compute capability, CUDA of pycuda and of the driver, TensorRT."""
        major, minor = self._device.compute_capability()
        return {
            "gpu": self._device.name(),
            "compute_capability": f"{major}.{minor}",
            "cuda": ".".join(map(str, self.cuda.get_version())),
            "driver": str(self.cuda.get_driver_version()),
            "tensorrt": str(_loaded().__version__),
        }

    @contextmanager
    def current(self) -> Iterator[None]:
        """Make the context current on this thread."""
        self.handle.push()
        try:
            yield
        finally:
            self.cuda.Context.pop()

    def close(self) -> None:
        """Let the context go, after all runners in it; calling it twice is harmless."""
        if self.handle is not None:
            self.handle.detach()
            self.handle = None


class TensorRtRunner:
    """A network from a plan file, after the `Runner` protocol: fixed pinned buffers, one stream, a replayed CUDA graph.

    `infer` is `start` and `finish`; between the two the caller may do other work. Copies and kernels of one run are
    recorded once and launched by a single call; where a network cannot be recorded, `graph_refused` says why and it
    runs without. Not for use from two threads at once.

    `memory`: "copy" between pinned host buffers and the GPU's own; "mapped" lets the GPU work on the pinned host
    buffers, which on a Jetson are the same memory; "auto" maps where GPU and CPU share memory. `dla_core` as built.
    TensorRtError: missing or foreign plan, no memory, lost device.
    """

    def __init__(self, plan: Path, context: CudaContext, memory: str = "auto", dla_core: int | None = None) -> None:
        if memory not in ("auto", "copy", "mapped"):
            raise ValueError(f"memory {memory!r}: one of auto, copy, mapped")
        self._context = context
        self._cuda = context.cuda
        self._mapped = memory == "mapped" or (memory == "auto" and context.shares_memory)
        self._inputs: dict[str, Any] = {}
        self._outputs: dict[str, Any] = {}
        self._device: dict[str, Any] = {}
        self._graph: _Graph | None = None
        self._execution: Any = None
        self._stream: Any = None
        self.graph_refused = ""
        with context.current():
            self._engine = _load_engine(plan, dla_core)
            try:
                self._open()
            except (TensorRtError, self._cuda.Error) as error:
                self._release()
                raise TensorRtError(f"plan {plan} cannot be opened: {error}") from error

    def __deepcopy__(self, memo: dict[int, Any]) -> TensorRtRunner:
        """The runner itself: a copy of what uses it goes on with the same engine and the same buffers."""
        memo.update({id(array): array for array in (*self._inputs.values(), *self._outputs.values())})
        return self

    @property
    def inputs(self) -> Mapping[str, Any]:
        """Input arrays by name, to be written in place."""
        return self._inputs

    def warm(self) -> None:
        """Run a few times on whatever the inputs hold."""
        for _ in range(_WARM_RUNS):
            self.infer()

    def infer(self) -> Mapping[str, Any]:
        """Run once; returns the output arrays by name, filled again by the next call."""
        self.start()
        return self.finish()

    def start(self) -> None:
        """Begin a run on what the inputs hold now; they must not change before `finish`."""
        self._guarded(self._enqueue if self._graph is None else self._graph.launch)

    def finish(self) -> Mapping[str, Any]:
        """Wait for the run that was begun; returns the output arrays."""
        self._guarded(self._wait)
        return self._outputs

    def close(self) -> None:
        """Free the engine and its memory; calling it twice is harmless."""
        if self._execution is None:
            return
        with suppress(self._cuda.Error), self._context.current():  # of a lost device there is nothing to free
            try:
                self._wait()  # a run may have been begun
            finally:
                self._release()

    def _release(self) -> None:
        """Free what the GPU holds, the context being current; arrays that a caller still has can be read."""
        if self._graph is not None:
            self._graph.close()
        self._graph = self._execution = self._engine = self._stream = None
        self._device.clear()

    def _open(self) -> None:
        trt = _loaded()
        self._execution = _made(_logger(trt), "execution context", self._engine.create_execution_context)
        self._stream = self._cuda.Stream()
        flags = self._cuda.host_alloc_flags.DEVICEMAP if self._mapped else 0
        for name in map(self._engine.get_tensor_name, range(self._engine.num_io_tensors)):
            dtype = _NUMPY[self._engine.get_tensor_dtype(name).name]
            shape = tuple(self._engine.get_tensor_shape(name))
            goes_in = self._engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT
            array = self._cuda.pagelocked_zeros(shape, dtype, mem_flags=flags)
            (self._inputs if goes_in else self._outputs)[name] = array
            if self._mapped:
                address = int(array.base.get_device_pointer())
            else:
                self._device[name] = self._cuda.mem_alloc(max(array.nbytes, 1))
                address = int(self._device[name])
            self._execution.set_tensor_address(name, address)
        self._enqueue()  # what loads on first use must not be recorded
        self._wait()
        try:
            self._graph = _Graph(self._cuda, int(self._stream.handle), self._enqueue)
        except (TensorRtError, self._cuda.Error, OSError) as error:
            self.graph_refused = str(error)
            self._stream = self._cuda.Stream()  # a stream whose recording failed may refuse further work
        _logger(trt).forget()

    def _wait(self) -> None:
        self._stream.synchronize()

    def _enqueue(self) -> None:
        if not self._mapped:
            for name, array in self._inputs.items():
                self._cuda.memcpy_htod_async(self._device[name], array, self._stream)
        if not self._execution.execute_async_v3(self._stream.handle):
            raise TensorRtError(f"TensorRT cannot run the network: {_logger(_loaded()).reason()}")
        if not self._mapped:
            for name, array in self._outputs.items():
                self._cuda.memcpy_dtoh_async(array, self._device[name], self._stream)

    def _guarded(self, act: Callable[[], Any]) -> None:
        if self._execution is None:
            raise ValueError("this runner is closed")
        try:
            with self._context.current():
                act()
        except self._cuda.Error as error:
            raise TensorRtError(f"the GPU failed ({error}): open the engine again in a new process") from error


class _Graph:
    """What `enqueue` puts into a stream, recorded once and launched again and again. pycuda has no call for it."""

    def __init__(self, cuda: Any, stream: int, enqueue: Callable[[], None]) -> None:
        self._error = cuda.Error
        self._driver = ctypes.CDLL("libcuda.so.1")  # pycuda has loaded it
        self._stream = ctypes.c_void_p(stream)
        self._executable = ctypes.c_void_p()
        graph = ctypes.c_void_p()
        self._call("cuStreamBeginCapture_v2", self._stream, _THREAD_LOCAL_CAPTURE)
        try:
            try:
                enqueue()
            finally:
                ended = self._driver.cuStreamEndCapture(self._stream, ctypes.byref(graph))
            if ended != 0:
                raise self._error(f"cuStreamEndCapture: CUDA error {ended}")
            self._call("cuGraphInstantiateWithFlags", ctypes.byref(self._executable), graph, ctypes.c_ulonglong(0))
        finally:
            self._driver.cuGraphDestroy(graph)  # the executable is a copy; of no graph there is nothing to free

    def launch(self) -> None:
        self._call("cuGraphLaunch", self._executable, self._stream)

    def close(self) -> None:
        self._driver.cuGraphExecDestroy(self._executable)

    def _call(self, name: str, *arguments: Any) -> None:
        status = getattr(self._driver, name)(*arguments)
        if status != 0:
            raise self._error(f"{name}: CUDA error {status}")


def _loaded(module: str = "tensorrt") -> Any:
    try:
        return importlib.import_module(module)
    except (ImportError, OSError) as error:
        raise TensorRtError(f"{module} cannot be loaded ({error}): see docs/jetson.md") from error


@functools.cache
def _logger(trt: Any) -> Any:
    """What TensorRT says; it holds on to its logger, so there is one for the life of the process."""

    class Keeper(trt.ILogger):
        _error = _warning = ""

        def forget(self) -> None:
            self._error = self._warning = ""

        def log(self, severity: Any, message: str) -> None:
            line = " ".join(message.split())
            if severity == trt.ILogger.WARNING:
                self._warning = line
            elif severity in (trt.ILogger.INTERNAL_ERROR, trt.ILogger.ERROR):
                self._error = self._error or line

        def reason(self) -> str:
            """The first error, which later ones follow from; a missing driver is only warned of."""
            return self._error or self._warning or "no reason given"

    return Keeper()


def _made(logger: Any, what: str, make: Callable[[], Any]) -> Any:
    made = None
    with suppress(TypeError):  # pybind11 when the factory returned nothing
        made = make()
    if made is None:
        raise TensorRtError(f"TensorRT offers no {what} on this machine: {logger.reason()}")
    return made


def _config(trt: Any, builder: Any, options: BuildOptions) -> Any:
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_mib << 20)
    config.clear_flag(trt.BuilderFlag.TF32)
    if options.tactic_sources is not None:
        known = trt.TacticSource.__members__
        unknown = [name for name in options.tactic_sources if name not in known]
        if unknown:
            raise TensorRtError(f"TensorRT {trt.__version__} has no tactic source {unknown[0]}: {', '.join(known)}")
        config.set_tactic_sources(sum(1 << int(known[name]) for name in options.tactic_sources))
    if options.dla_core is not None:
        if not 0 <= options.dla_core < builder.num_DLA_cores:
            raise TensorRtError(f"there is no DLA core {options.dla_core}: this device has {builder.num_DLA_cores}")
        config.default_device_type = trt.DeviceType.DLA
        config.DLA_core = options.dla_core
        config.set_flag(trt.BuilderFlag.GPU_FALLBACK)
    if options.configure is not None:
        options.configure(config)
    return config


def _timing_cache(config: Any, path: Path) -> Any:
    """The cache in use: the file's, or an empty one where TensorRT does not take it; None where it takes neither."""
    known = b""
    with suppress(OSError):
        known = path.read_bytes()
    for data in (known, b""):
        cache = config.create_timing_cache(data)
        if cache is not None and config.set_timing_cache(cache, False):  # False: of this GPU and version only
            return cache
    return None


def _allow_graph_types(trt: Any, network: Any, config: Any) -> None:
    """Let a weakly typed builder use the types that the graph holds, and ask it to leave float32 layers as they are."""
    layers = [network.get_layer(i) for i in range(network.num_layers)]
    computing = [layer for layer in layers if layer.num_outputs and layer.type != trt.LayerType.CONSTANT]
    mixed = any(layer.get_output(0).dtype == trt.float16 for layer in computing)
    if any(layer.type == trt.LayerType.QUANTIZE for layer in layers):
        config.set_flag(trt.BuilderFlag.INT8)
    if mixed or config.default_device_type == trt.DeviceType.DLA:
        config.set_flag(trt.BuilderFlag.FP16)
    if mixed:
        config.set_flag(trt.BuilderFlag.PREFER_PRECISION_CONSTRAINTS)
        for layer in computing:
            if layer.get_output(0).dtype == trt.float32:
                layer.precision = trt.float32


def _replace(path: Path, data: bytes) -> None:
    """Write a file that appears whole or not at all; where that cannot be done it stays as it was."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        os.replace(partial, path)
    with suppress(OSError):
        partial.unlink()  # there only where that failed


def _load_engine(plan: Path, dla_core: int | None) -> Any:
    trt = _loaded()
    logger = _logger(trt)
    logger.forget()
    try:
        data = plan.read_bytes()
    except OSError as error:
        raise TensorRtError(f"plan {plan} cannot be read ({error.strerror}): run `exo-edge engines build`") from error
    runtime = _made(logger, "runtime", lambda: trt.Runtime(logger))
    if dla_core is not None:
        runtime.DLA_core = dla_core
    engine = runtime.deserialize_cuda_engine(data)
    if engine is None:
        raise TensorRtError(f"plan {plan} does not fit this machine ({logger.reason()}): run `exo-edge engines build`")
    return engine
