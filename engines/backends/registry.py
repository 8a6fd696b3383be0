"""The backends that this device may offer: whether it does, why not, and how to build and open a plan with each."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from engines.backends import ort_cuda
from engines.backends.base import Runner
from engines.backends.ort_cpu import OrtCpuRunner
from engines.errors import EngineError

_TENSORRT: Final = "engines.backends.tensorrt_pycuda"


@dataclass(frozen=True, slots=True)
class Backend:
    """A way to run networks.

    `why_not()` is "" where this device offers it; `version()` names the libraries that a plan depends on. `build` turns
    a graph (ONNX) into a plan for this device and `open` runs it; both raise EngineError. `on_gpu`: whether a plan also
    depends on the GPU. `as_it_comes`: whether it takes a network as it comes, or needs the portable form. `precisions`:
    what it gains from, the safest first.
    """

    name: str
    on_gpu: bool
    as_it_comes: bool
    precisions: tuple[str, ...]
    why_not: Callable[[], str]
    version: Callable[[], str]
    build: Callable[[bytes, Path], bytes]
    open: Callable[[Path], Runner]


def backend(name: str) -> Backend:
    """The backend of that name. EngineError: unknown."""
    if name not in BACKENDS:
        raise EngineError(f"unknown backend {name!r}: known are {', '.join(BACKENDS)}")
    return BACKENDS[name]


def offered() -> tuple[Backend, ...]:
    """Those that this device offers; onnxruntime on the CPU is always among them."""
    return tuple(one for one in BACKENDS.values() if not one.why_not())


def _as_it_is(graph: bytes, folder: Path) -> bytes:
    """onnxruntime's plan is the graph: it optimizes while it opens."""
    del folder
    return graph


def _onnxruntime_version() -> str:
    import onnxruntime

    return f"onnxruntime {onnxruntime.__version__}"


def _tensorrt_why_not() -> str:
    for module in ("tensorrt", "pycuda"):
        if importlib.util.find_spec(module) is None:
            return f"no {module}: on a Jetson tensorrt comes with JetPack, pycuda with pip install exo-edge[jetson]"
    try:
        _tensorrt_context()
    except EngineError as error:
        return str(error)
    return ""


@cache
def _tensorrt_context() -> Any:
    """The one CUDA context of this process."""
    return _tensorrt_call(lambda library: library.CudaContext())


def _tensorrt_call(act: Callable[[Any], Any]) -> Any:
    library: Any = importlib.import_module(_TENSORRT)
    try:
        return act(library)
    except library.TensorRtError as error:
        raise EngineError(str(error)) from error


def _tensorrt_version() -> str:
    facts = _tensorrt_context().facts()
    return f"TensorRT {facts['tensorrt']}, CUDA {facts['cuda']}, driver {facts['driver']}"


def _tensorrt_build(graph: bytes, folder: Path) -> bytes:
    def act(library: Any) -> bytes:
        with _tensorrt_context().current():
            plan: bytes = library.build_plan(graph, library.BuildOptions(timing_cache=folder / "timing.cache"))
            return plan

    built: bytes = _tensorrt_call(act)
    return built


def _tensorrt_open(path: Path) -> Runner:
    runner: Runner = _tensorrt_call(lambda library: library.TensorRtRunner(path, _tensorrt_context()))
    return runner


BACKENDS: Final = {
    one.name: one
    for one in (
        Backend("ort_cpu", False, True, ("fp32",), lambda: "", _onnxruntime_version, _as_it_is, OrtCpuRunner),
        Backend(
            "ort_cuda",
            True,
            True,
            ("fp32", "fp16"),
            ort_cuda.why_not,
            _onnxruntime_version,
            _as_it_is,
            ort_cuda.OrtCudaRunner,
        ),
        Backend(
            "tensorrt",
            True,
            False,
            ("fp32", "fp16", "int8"),
            _tensorrt_why_not,
            _tensorrt_version,
            _tensorrt_build,
            _tensorrt_open,
        ),
    )
}
