"""Builds and runs networks with TensorRT (8.5 to 11) and pycuda; stands alone: numpy, pycuda, tensorrt, Python 3.9."""

from __future__ import annotations

import ctypes
import functools
import importlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

WARM_RUNS = 3  # the first loads kernels, the second still touches new pages; the third is the check

_THREAD_LOCAL_CAPTURE = 1  # CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: other threads may allocate meanwhile


class TensorRtError(RuntimeError):
    """No GPU, a refused network, a foreign plan, a lost device: `str()` is the one line to show."""


@dataclass(frozen=True)
class BuildOptions:
    """How to build a plan.

    `workspace_mib` limits scratch memory; `timing_cache` is a file that makes the next build quicker, written when it
    is not there; `tactic_sources` names the libraries to take kernels from (`CUBLAS_LT`; None: TensorRT's choice);
    `dla_core` builds for that DLA core, layers it cannot run fall back to the GPU; `compute_capabilities` (`SM86`) is
    for TensorRT-RTX only, which builds for GPUs that are not there.
    """

    workspace_mib: int = 1024
    timing_cache: Path | None = None
    tactic_sources: tuple[str, ...] | None = None
    dla_core: int | None = None
    compute_capabilities: tuple[str, ...] = ()


def build_plan(onnx_file: bytes, options: BuildOptions | None = None, api: Any = None) -> bytes:
    """The plan of a network with static shapes, for this machine's GPU unless the options say otherwise.

    The types in the graph decide: float16 and Q/DQ nodes are taken as they stand, everything else stays IEEE float32
    (TF32 off). TensorRT before 10, and a DLA before TensorRT 11, choose types themselves; there float32 layers of a
    mixed graph are only preferred. `api` is the module to build with, `tensorrt` by default. TensorRtError: the parser
    or the builder refuses, with the reason.
    """
    options = options or BuildOptions()
    trt = api or _tensorrt()
    logger = _logger(trt)
    logger.lines.clear()
    builder = _made(logger, "builder", lambda: trt.Builder(logger))
    network, strong = _network(trt, builder, options)
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(onnx_file):
        raise TensorRtError(f"TensorRT {trt.__version__} cannot read the network: {parser.get_error(0).desc()}")
    config = _config(trt, builder, options)
    if not strong:
        _allow_graph_types(trt, network, config)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise TensorRtError(f"TensorRT {trt.__version__} cannot build the network: {_last(logger)}")
    if options.timing_cache is not None:
        _replace(options.timing_cache, bytes(config.get_timing_cache().serialize()))
    return bytes(plan)


class CudaContext:
    """The device's primary CUDA context, one for all engines of a process, shared by their threads.

    It is current only inside `current()`; a runner enters it for each call. TensorRtError: no driver, no such device.
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
            "cuda": ".".join(str(part) for part in self.cuda.get_version()),
            "driver": str(self.cuda.get_driver_version()),
            "tensorrt": str(_tensorrt().__version__),
        }

    @contextmanager
    def current(self) -> Iterator[None]:
        """Make the context current on this thread; not for the hot path."""
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
        self._engine: Any = None
        self._execution: Any = None
        self._stream: Any = None
        self.graph_refused = ""
        with context.current():
            try:
                self._open(plan, dla_core)
            except self._cuda.Error as error:
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
        """Run `WARM_RUNS` times on whatever the inputs hold."""
        for _ in range(WARM_RUNS):
            self.infer()

    def infer(self) -> Mapping[str, Any]:
        """Run once; returns the output arrays by name, filled again by the next call."""
        self.start()
        return self.finish()

    def start(self) -> None:
        """Begin a run on what the inputs hold now; they must not change before `finish`."""
        if self._execution is None:
            raise ValueError("infer() on a closed runner")
        self._guarded(self._enqueue if self._graph is None else self._graph.launch)

    def finish(self) -> Mapping[str, Any]:
        """Wait for the run that was begun; returns the output arrays."""
        self._guarded(self._stream.synchronize)
        return self._outputs

    def close(self) -> None:
        """Free the engine and its memory; calling it twice is harmless."""
        if self._execution is None:
            return
        with self._context.current():
            if self._graph is not None:
                self._graph.close()
            self._graph = self._execution = self._engine = self._stream = None
            self._device.clear()

    def _open(self, plan: Path, dla_core: int | None) -> None:
        self._engine = _load_engine(plan, dla_core)
        execution = _made(_logger(_tensorrt()), "execution context", self._engine.create_execution_context)
        self._stream = self._cuda.Stream()
        flags = self._cuda.host_alloc_flags.DEVICEMAP if self._mapped else 0
        for name, shape, dtype, buffers in _tensors(self._engine, self._inputs, self._outputs):
            array = buffers[name] = self._cuda.pagelocked_zeros(shape, dtype, mem_flags=flags)
            if self._mapped:
                address = int(array.base.get_device_pointer())
            else:
                self._device[name] = self._cuda.mem_alloc(max(array.nbytes, 1))
                address = int(self._device[name])
            execution.set_tensor_address(name, address)
        self._execution = execution
        self._enqueue()  # what loads on first use must not be recorded
        self._stream.synchronize()
        self._record()

    def _record(self) -> None:
        try:
            self._graph = _Graph(int(self._stream.handle), self._enqueue)
        except (TensorRtError, self._cuda.Error) as error:
            self.graph_refused = str(error)
            self._stream = self._cuda.Stream()  # a stream whose recording failed may refuse further work

    def _enqueue(self) -> None:
        if not self._mapped:
            for name, array in self._inputs.items():
                self._cuda.memcpy_htod_async(self._device[name], array, self._stream)
        if not self._execution.execute_async_v3(self._stream.handle):
            raise TensorRtError(f"TensorRT cannot run the network: {_last(_logger(_tensorrt()))}")
        if not self._mapped:
            for name, array in self._outputs.items():
                self._cuda.memcpy_dtoh_async(array, self._device[name], self._stream)

    def _guarded(self, act: Callable[[], Any]) -> None:
        try:
            self._context.handle.push()
            try:
                act()
            finally:
                self._cuda.Context.pop()
        except self._cuda.Error as error:
            raise TensorRtError(f"the GPU failed ({error}): open the engine again in a new process") from error


class _Graph:
    """What `enqueue` puts into a stream, recorded once and launched again and again. pycuda has no call for it."""

    def __init__(self, stream: int, enqueue: Callable[[], None]) -> None:
        self._driver = ctypes.CDLL("libcuda.so.1")  # pycuda has loaded it
        self._stream = ctypes.c_void_p(stream)
        self._executable = ctypes.c_void_p()
        graph = ctypes.c_void_p()
        _check("cuStreamBeginCapture", self._driver.cuStreamBeginCapture_v2(self._stream, _THREAD_LOCAL_CAPTURE))
        try:
            enqueue()
        finally:
            ended = self._driver.cuStreamEndCapture(self._stream, ctypes.byref(graph))
        _check("cuStreamEndCapture", ended)
        made = self._driver.cuGraphInstantiateWithFlags(ctypes.byref(self._executable), graph, ctypes.c_ulonglong(0))
        self._driver.cuGraphDestroy(graph)
        _check("cuGraphInstantiate", made)

    def launch(self) -> None:
        """Run it all; returns at once."""
        _check("cuGraphLaunch", self._driver.cuGraphLaunch(self._executable, self._stream))

    def close(self) -> None:
        """Free the recording."""
        self._driver.cuGraphExecDestroy(self._executable)


def _check(call: str, status: int) -> None:
    if status != 0:
        raise TensorRtError(f"the GPU failed ({call}: CUDA error {status}): open the engine again in a new process")


def _tensorrt() -> Any:
    return _loaded("tensorrt")


def _loaded(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except (ImportError, OSError) as error:
        raise TensorRtError(f"{module} cannot be loaded ({error}): see docs/jetson.md") from error


@functools.cache
def _logger(trt: Any) -> Any:
    """Keeps errors and the last warning; TensorRT holds on to it, so it lives as long as the process."""

    class Keeper(trt.ILogger):
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.lines: list[str] = []
            self.warnings: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            line = " ".join(message.split())
            if severity == trt.ILogger.WARNING:
                self.warnings = [line]
            elif severity in (trt.ILogger.INTERNAL_ERROR, trt.ILogger.ERROR):
                self.lines.append(line)

    return Keeper()


def _last(logger: Any) -> str:
    """The first error, which the later ones follow from; a missing driver is only warned of."""
    return str((logger.lines[:1] or logger.warnings or ["no reason given"])[0])


def _made(logger: Any, what: str, make: Callable[[], Any]) -> Any:
    try:
        made = make()
    except TypeError:  # pybind11 when the factory returned nothing
        made = None
    if made is None:
        raise TensorRtError(f"TensorRT offers no {what} on this machine: {_last(logger)}")
    return made


def _network(trt: Any, builder: Any, options: BuildOptions) -> tuple[Any, bool]:
    """An empty network, and whether it takes its types from the graph; a DLA could not before TensorRT 11."""
    kinds = trt.NetworkDefinitionCreationFlag
    strong = hasattr(kinds, "STRONGLY_TYPED") and (options.dla_core is None or not hasattr(trt.BuilderFlag, "FP16"))
    kind = kinds.STRONGLY_TYPED if strong else kinds.EXPLICIT_BATCH
    return builder.create_network(1 << int(kind)), strong


def _config(trt: Any, builder: Any, options: BuildOptions) -> Any:
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_mib << 20)
    config.clear_flag(trt.BuilderFlag.TF32)
    if options.tactic_sources is not None:
        config.set_tactic_sources(sum(1 << int(_named(trt, "TacticSource", name)) for name in options.tactic_sources))
    if options.timing_cache is not None:
        known = options.timing_cache.read_bytes() if options.timing_cache.is_file() else b""
        config.set_timing_cache(config.create_timing_cache(known), False)
    if options.dla_core is not None:
        if not 0 <= options.dla_core < builder.num_DLA_cores:
            raise TensorRtError(f"there is no DLA core {options.dla_core}: this device has {builder.num_DLA_cores}")
        config.default_device_type = trt.DeviceType.DLA
        config.DLA_core = options.dla_core
        config.set_flag(trt.BuilderFlag.GPU_FALLBACK)
    if options.compute_capabilities:
        config.num_compute_capabilities = len(options.compute_capabilities)
        for i, name in enumerate(options.compute_capabilities):
            config.set_compute_capability(_named(trt, "ComputeCapability", name), i)
    return config


def _named(trt: Any, kind: str, name: str) -> Any:
    if not hasattr(getattr(trt, kind, None), name):
        raise TensorRtError(f"TensorRT {trt.__version__} knows no {kind} {name}")
    return getattr(getattr(trt, kind), name)


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
    """Write a file that appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_bytes(data)
    os.replace(partial, path)


def _load_engine(plan: Path, dla_core: int | None) -> Any:
    trt = _tensorrt()
    logger = _logger(trt)
    logger.lines.clear()
    if not plan.is_file():
        raise TensorRtError(f"plan {plan} is missing: run `exo-edge engines build`")
    runtime = _made(logger, "runtime", lambda: trt.Runtime(logger))
    if dla_core is not None:
        runtime.DLA_core = dla_core
    engine = runtime.deserialize_cuda_engine(plan.read_bytes())
    if engine is None:
        raise TensorRtError(f"plan {plan} does not fit this machine ({_last(logger)}): run `exo-edge engines build`")
    return engine


def _tensors(engine: Any, inputs: Any, outputs: Any) -> Iterator[tuple[str, tuple[int, ...], Any, Any]]:
    """Name, shape and numpy type of every tensor that goes in or out, and to which of the two it belongs."""
    trt = _tensorrt()  # its own `nptype` fails in TensorRT 8 where numpy has no `np.bool`
    types: dict[Any, Any] = {trt.float32: np.float32, trt.float16: np.float16, trt.int32: np.int32, trt.int8: np.int8}
    types[trt.bool] = np.bool_
    if hasattr(trt, "int64"):
        types[trt.int64] = np.int64
    for i in range(engine.num_io_tensors):
        name = engine.get_tensor_name(i)
        side = inputs if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT else outputs
        yield name, tuple(engine.get_tensor_shape(name)), types[engine.get_tensor_dtype(name)], side
