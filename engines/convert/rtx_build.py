"""Builds every network in every precision it ships with TensorRT-RTX's ahead-of-time builder, which needs no GPU.

`python -m engines.convert.rtx_build` prints one JSON object; needs the extra trt-ci.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from typing import Any, Final

from engines.backends.tensorrt_pycuda import BuildOptions, TensorRtError, build_plan
from engines.convert.graphs import graphs
from engines.convert.precision import convert, shipped
from engines.convert.tensorrt_rules import refusals
from engines.errors import EngineError

COMPUTE_CAPABILITY: Final = "SM86"
"""TensorRT-RTX builds for the GPUs that it runs on, Turing to Blackwell; 8.6 is the nearest to a Jetson Orin's 8.7."""

_MODULE: Final = "tensorrt_rtx_bindings"


def builder() -> Any:
    """The TensorRT-RTX module. EngineError: the extra trt-ci is not installed."""
    try:
        return importlib.import_module(_MODULE)
    except (ImportError, OSError) as error:
        raise EngineError(f"TensorRT-RTX is not there ({error}): pip install 'exo-edge[trt-ci]' (x86-64)") from error


def build_all(progress: Callable[[str], None] | None = None) -> dict[str, dict[str, str]]:
    """`ok`, or the reason why not, by engine and precision; each network is also checked for TensorRT 8.5's parser.

    EngineError: the builder or a network is not there.
    """
    api = builder()
    found: dict[str, dict[str, str]] = {}
    for engine, graph in graphs().items():
        for precision in shipped(engine):
            if progress is not None:
                progress(f"{engine} {precision}")
            found.setdefault(engine, {})[precision] = build_one(engine, graph, precision, api)
    return found


def build_one(engine: str, graph: bytes, precision: str, api: Any) -> str:
    """`ok`, or why the network in this precision cannot be built."""
    import onnx

    try:
        variant = convert(engine, graph, precision)
        model = onnx.load_from_string(variant)
        onnx.checker.check_model(model, full_check=True)
        problems = [*_dynamic(model), *refusals(model)]
        if problems:
            return problems[0]
        build_plan(variant, options_for(api), api)
    except (EngineError, TensorRtError, onnx.checker.ValidationError) as error:
        return " ".join(str(error).split())
    return "ok"


def options_for(api: Any) -> BuildOptions:
    """For a GPU of `COMPUTE_CAPABILITY` that need not be there."""

    def configure(config: Any) -> None:
        config.num_compute_capabilities = 1
        config.set_compute_capability(getattr(api.ComputeCapability, COMPUTE_CAPABILITY), 0)

    return BuildOptions(configure=configure)


def _dynamic(model: Any) -> list[str]:
    """Inputs and outputs whose shape is not fixed."""
    values = (*model.graph.input, *model.graph.output)
    return [
        f"{value.name} has no fixed shape"
        for value in values
        if any(side.dim_value < 1 for side in value.type.tensor_type.shape.dim)
    ]


def main() -> int:
    """Print what was built; 0 where every network builds in every precision it ships."""
    began_s = time.perf_counter()
    try:
        found = build_all(lambda line: print(line, file=sys.stderr))
    except EngineError as error:
        print(f"rtx build: {error}", file=sys.stderr)
        return 1
    seconds = round(time.perf_counter() - began_s, 1)
    print(json.dumps({"builder": str(builder().__version__), "seconds": seconds, "rtx_build": found}))
    return 0 if all(said == "ok" for row in found.values() for said in row.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
