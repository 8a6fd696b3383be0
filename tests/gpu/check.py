"""Parity and latency of packed networks on a GPU; alone: Python 3.9, numpy, tensorrt + pycuda or onnxruntime.

In the folder that tests/gpu/pack.py filled:

    python check.py tensorrt              # the interpreter that has TensorRT and pycuda; writes tensorrt.json
    python check.py onnxruntime           # the one that has onnxruntime-gpu; writes onnxruntime.json
    python check.py table [--json]        # one table of both; exit status 0 where every bar is met
"""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).resolve().parent
CALLS = 2000
IDLE_S = 10.0
IDLE_RATIO = 1.5
TICK_S = 1.0
"""While nothing is asked of it the runtime runs an engine this often, so that it stays warm."""

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99_9": 0.999, "max": 1.0}


class TensorRt:
    """TensorRT by the product's own backend."""

    def __init__(self, tactic_sources: list[str] | None) -> None:
        self._backend: Any = importlib.import_module("tensorrt_pycuda")  # lies beside this file
        self._context = self._backend.CudaContext()
        sources = tuple(tactic_sources) if tactic_sources else None
        self._options = self._backend.BuildOptions(tactic_sources=sources, timing_cache=FOLDER / "timing.cache")

    def facts(self) -> dict[str, str]:
        """Library and device."""
        return dict(self._context.facts())

    def open(self, onnx_file: Path) -> Any:
        """A runner; the plan is built first and left beside the network."""
        plan = onnx_file.with_suffix(".plan")
        with self._context.current():
            plan.write_bytes(self._backend.build_plan(onnx_file.read_bytes(), self._options))
        return self._backend.TensorRtRunner(plan, self._context)


class Ort:
    """onnxruntime with its tensors on the device, as a CUDA graph."""

    def __init__(self, provider: str) -> None:
        import onnxruntime

        self._ort, self._provider = onnxruntime, provider
        if provider == "CUDAExecutionProvider" and hasattr(onnxruntime, "preload_dlls"):
            onnxruntime.preload_dlls()  # CUDA and cuDNN of the nvidia-* wheels, where they are installed
        if provider not in onnxruntime.get_available_providers():
            raise RuntimeError(f"onnxruntime {onnxruntime.__version__} has no {provider}: install onnxruntime-gpu")

    def facts(self) -> dict[str, str]:
        """Library and provider."""
        return {"onnxruntime": self._ort.__version__, "provider": self._provider}

    def open(self, onnx_file: Path) -> Any:
        """A runner."""
        return _OrtRunner(self._ort, onnx_file, self._provider)


class _OrtRunner:
    def __init__(self, ort: Any, onnx_file: Path, provider: str) -> None:
        on_gpu = provider == "CUDAExecutionProvider"
        device = "cuda" if on_gpu else "cpu"
        options = {"enable_cuda_graph": "1"} if on_gpu else {}
        session_options = ort.SessionOptions()
        session_options.log_severity_level = 3
        self._session = ort.InferenceSession(str(onnx_file), session_options, providers=[(provider, options)])
        if self._session.get_providers()[0] != provider:
            raise RuntimeError(f"{provider} does not start on this machine (see above)")
        self._binding = self._session.io_binding()
        self.inputs, self._given, self._found = {}, {}, {}
        for each in self._session.get_inputs():
            self.inputs[each.name] = np.zeros(each.shape, np.float32)
            self._given[each.name] = ort.OrtValue.ortvalue_from_numpy(self.inputs[each.name], device, 0)
            self._binding.bind_ortvalue_input(each.name, self._given[each.name])
        for each in self._session.get_outputs():
            self._found[each.name] = ort.OrtValue.ortvalue_from_numpy(np.zeros(each.shape, np.float32), device, 0)
            self._binding.bind_ortvalue_output(each.name, self._found[each.name])

    def warm(self) -> None:
        for _ in range(3):
            self.infer()

    def infer(self) -> Mapping[str, Any]:
        for name, array in self.inputs.items():
            self._given[name].update_inplace(array)
        self._session.run_with_iobinding(self._binding)
        return {name: value.numpy() for name, value in self._found.items()}

    def close(self) -> None:
        self._session = self._binding = None


def measure(runner: Any, golden: Mapping[str, Any]) -> dict[str, Any]:
    """Relative error against the golden vectors, times of calls with both copies, of the first one after a rest too."""
    names = [key[4:] for key in golden if key.startswith("out.")]
    runner.warm()
    found: dict[str, list[Any]] = {name: [] for name in names}
    for i in range(len(golden[f"out.{names[0]}"])):
        _feed(runner, golden, i)
        outputs = runner.infer()
        for name in names:
            found[name].append(np.array(outputs[name], np.float64))
    by_output = {name: relative_error(np.stack(found[name]), golden[f"out.{name}"]) for name in names}
    runner.warm()
    times_ms = np.array([_timed_ms(runner.infer) for _ in range(CALLS)])
    time.sleep(IDLE_S)
    cold_ms = kept_warm_ms = _timed_ms(runner.infer)
    for _ in range(round(IDLE_S / TICK_S)):
        time.sleep(TICK_S)
        kept_warm_ms = _timed_ms(runner.infer)
    return {
        "rel_err": max(by_output.values()),
        "rel_err_by_output": by_output,
        "latency_ms": {"n": CALLS, **{name: float(np.quantile(times_ms, q)) for name, q in QUANTILES.items()}},
        "first_after_idle_ms": kept_warm_ms,
        "first_after_cold_idle_ms": cold_ms,
        "graph_refused": getattr(runner, "graph_refused", ""),
    }


def relative_error(found: Any, expected: Any) -> float:
    """Largest difference over the largest value expected; infinite where something is not finite."""
    if not np.isfinite(found).all():
        return float("inf")
    return float(np.abs(found - expected).max() / (np.abs(expected).max() or 1.0))


def _feed(runner: Any, golden: Mapping[str, Any], i: int) -> None:
    for key, values in golden.items():
        if key.startswith("in."):
            runner.inputs[key[3:]][...] = values[i]


def _timed_ms(call: Callable[[], Any]) -> float:
    began_ns = time.perf_counter_ns()
    call()
    return (time.perf_counter_ns() - began_ns) * 1e-6


def run(backend: Any, name: str) -> dict[str, Any]:
    """Measure every packed network; what fails says why and the rest goes on."""
    rows = {}
    for case in _packed()["cases"]:
        key = f"{case['engine']} {case['precision']}"
        print(f"{name}: {key}", file=sys.stderr)
        with np.load(FOLDER / f"{case['engine']}.npz") as file:
            golden = dict(file)
        try:
            began_s = time.perf_counter()
            with closing(backend.open(FOLDER / f"{case['engine']}.{case['precision']}.onnx")) as runner:
                rows[key] = {"open_s": time.perf_counter() - began_s, **measure(runner, golden)}
        except Exception as error:  # each library raises its own; all of them belong into the table
            rows[key] = {"problem": " ".join(str(error).split())[:300]}
    return {"facts": backend.facts(), "host": platform.platform(), "rows": rows}


def judged(packed: Mapping[str, Any], results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row per network, precision and backend, with the bars that it breaks."""
    table = []
    for case in packed["cases"]:
        key = f"{case['engine']} {case['precision']}"
        other = results.get("onnxruntime", {}).get("rows", {}).get(key, {}).get("latency_ms", {}).get("p50")
        for name, result in results.items():
            row = result["rows"].get(key, {"problem": "not measured"})
            ours = name == "tensorrt"
            bars = {"p50_ms": packed["p50_ms"].get(case["engine"]), "other_p50_ms": other} if ours else {}
            table.append({"network": key, "backend": name, "broken": broken(row, case["rel_err"], bars), **row})
    return table


def broken(row: Mapping[str, Any], rel_err: float, bars: Mapping[str, Any]) -> list[str]:
    """Bars that a measured row does not meet."""
    if "problem" in row:
        return [row["problem"]]
    p50_ms, found = row["latency_ms"]["p50"], []
    if not row["rel_err"] <= rel_err:
        found.append(f"error above {rel_err:g}")
    if bars.get("p50_ms") is not None and p50_ms > bars["p50_ms"]:
        found.append(f"p50 above {bars['p50_ms']:g} ms")
    if bars.get("other_p50_ms") is not None and p50_ms > bars["other_p50_ms"]:
        found.append("slower than onnxruntime")
    if bars and row["first_after_idle_ms"] > IDLE_RATIO * p50_ms:
        found.append(f"first call after {IDLE_S:g} s of rest above {IDLE_RATIO:g} p50")
    return found


def as_text(table: list[dict[str, Any]], results: Mapping[str, Any]) -> str:
    """The table for people, in Markdown."""
    lines = [f"{name}: {json.dumps(result['facts'])}" for name, result in results.items()]
    head = "| network | backend | error | p50 ms | p99 ms | p99.9 ms | after rest kept warm, cold ms | |"
    lines += ["", head, "|---" * 8 + "|"]
    for row in table:
        cells = ["", "", "", "", ""]
        if "problem" not in row:
            latency = row["latency_ms"]
            cells = [f"{row['rel_err']:.1e}", *(f"{latency[q]:.3f}" for q in ("p50", "p99", "p99_9"))]
            cells.append(f"{row['first_after_idle_ms']:.3f}, {row['first_after_cold_idle_ms']:.3f}")
        lines.append(f"| {row['network']} | {row['backend']} | {' | '.join(cells)} | {'; '.join(row['broken'])} |")
    return "\n".join(lines)


def _packed() -> Any:
    return json.loads((FOLDER / "cases.json").read_text(encoding="utf-8"))


def _table(as_json: bool) -> int:
    paths = {name: FOLDER / f"{name}.json" for name in ("tensorrt", "onnxruntime")}
    results = {n: json.loads(path.read_text(encoding="utf-8")) for n, path in paths.items() if path.is_file()}
    if not results:
        print("gpu check: nothing is measured yet: run check.py tensorrt, and check.py onnxruntime", file=sys.stderr)
        return 1
    table = judged(_packed(), results)
    print(json.dumps({"results": results, "table": table}) if as_json else as_text(table, results))
    return 0 if "tensorrt" in results and not any(row["broken"] for row in table) else 1


def main() -> int:
    """Measure one backend, or print the table; returns the exit status."""
    parser = argparse.ArgumentParser(prog="check.py", description=__doc__)
    parser.add_argument("what", choices=("tensorrt", "onnxruntime", "table"))
    parser.add_argument("--json", action="store_true", help="the table as one JSON object")
    parser.add_argument("--tactic-sources", nargs="*", metavar="NAME", help="as CUBLAS_LT, where there is no cuDNN")
    parser.add_argument("--provider", default="CUDAExecutionProvider", help="of onnxruntime")
    options = parser.parse_args()
    if options.what == "table":
        return _table(options.json)
    try:
        backend = TensorRt(options.tactic_sources) if options.what == "tensorrt" else Ort(options.provider)
    except Exception as error:  # each library raises its own; the first line is what is missing
        print(f"gpu check: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    (FOLDER / f"{options.what}.json").write_text(json.dumps(run(backend, options.what)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
