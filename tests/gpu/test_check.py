"""The check for GPU machines, as far as it goes without one: packing, measuring on the CPU, judging, the table."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.engines.small_nets import affine
from tests.gpu import check, pack

ROW = {
    "rel_err": 1e-4,
    "latency_ms": {"n": 3, "p50": 0.2, "p90": 0.2, "p99": 0.3, "p99_9": 0.3, "max": 0.4},
    "first_after_idle_ms": 0.25,
    "first_after_cold_idle_ms": 1.0,
}


@pytest.fixture
def packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pack, "graphs", lambda: {"net": affine()})
    monkeypatch.setattr(pack, "shipped", lambda engine: ("fp32", "fp16"))
    monkeypatch.setattr(pack, "convert", lambda engine, graph, precision: graph)
    monkeypatch.setattr(
        pack, "real_inputs", lambda engine, data, trials: [{"x": np.array([[1, 2, 3]], np.float32)}] * 9
    )
    pack.pack(tmp_path / "packed", None, lambda line: None)
    return tmp_path / "packed"


def run(packed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(packed / "check.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd="/", check=False)


def quick(packed: Path) -> None:
    source = (packed / "check.py").read_text(encoding="utf-8")
    (packed / "check.py").write_text(source.replace("IDLE_S = 10.0", "IDLE_S = 0.0"), encoding="utf-8")


def test_packed_folder_measures_and_judges_alone(packed: Path) -> None:
    quick(packed)
    assert run(packed, "onnxruntime", "--provider", "CPUExecutionProvider").returncode == 0
    told = run(packed, "table", "--json")
    rows = json.loads(told.stdout)["table"]
    assert [(row["network"], row["backend"]) for row in rows] == [
        ("net fp32", "onnxruntime"),
        ("net fp16", "onnxruntime"),
    ]
    assert all(row["rel_err"] == 0 and row["broken"] == [] and row["latency_ms"]["n"] == check.CALLS for row in rows)
    assert told.returncode == 1  # TensorRT was not measured


def test_what_is_missing_is_one_line(packed: Path) -> None:
    for arguments in (["table"], ["onnxruntime", "--provider", "NoSuchProvider"]):
        told = run(packed, *arguments)
        assert told.returncode == 1 and told.stdout == ""
        assert told.stderr.startswith("gpu check: ") and told.stderr.count("\n") == 1


def test_no_gpu_is_one_line(packed: Path) -> None:
    if any(Path(node).exists() for node in ("/dev/nvidia0", "/dev/nvgpu", "/dev/nvhost-gpu")):
        pytest.skip("this machine has a GPU")
    told = subprocess.run(["sh", str(packed / "run.sh")], capture_output=True, text=True, timeout=60, check=False)
    assert shutil.which("nvidia-smi") or (told.returncode == 1 and told.stderr.startswith("gpu-test: no NVIDIA GPU"))


def test_each_interpreter_runs_in_its_own_environment(packed: Path, tmp_path: Path) -> None:
    tools, log = tmp_path / "tools", tmp_path / "log"
    tools.mkdir()
    for name in ("nvidia-smi", "ort", "trt"):
        (tools / name).write_text(f'#!/bin/sh\necho "{name} ${{FOR_TRT:-}} ${{2:-}}" >> {log}\n', encoding="utf-8")
        (tools / name).chmod(0o755)
    (tmp_path / "env").write_text(f"export FOR_TRT=only TRT_PYTHON={tools}/trt\n", encoding="utf-8")
    given = {"PATH": f"{tools}:/usr/bin:/bin", "TRT_ENV": str(tmp_path / "env"), "ORT_PYTHON": str(tools / "ort")}
    subprocess.run(["sh", str(packed / "run.sh")], env=given, timeout=60, check=True)
    assert log.read_text(encoding="utf-8").splitlines() == ["ort  onnxruntime", "trt only tensorrt", "trt only table"]


def result(**change: Any) -> dict[str, Any]:
    return {"facts": {}, "rows": {"net fp32": {**ROW, **change}}}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        ({"rel_err": 6e-4}, ["error above 0.0005"]),
        ({"rel_err": float("nan")}, ["error above 0.0005"]),
        ({"latency_ms": {"p50": 0.5, "p99": 0.5, "p99_9": 0.5}}, ["p50 above 0.4 ms", "slower than onnxruntime"]),
        ({"first_after_idle_ms": 0.31}, ["first call after 10 s of rest above 1.5 p50"]),
    ],
)
def test_bars(change: dict[str, Any], said: list[str]) -> None:
    packed = {"cases": [{"engine": "net", "precision": "fp32", "rel_err": 5e-4}], "p50_ms": {"net": 0.4}}
    table = check.judged(packed, {"tensorrt": result(**change), "onnxruntime": result()})
    assert table[0]["broken"] == said
    assert table[1]["broken"] == []
    text = check.as_text(table, {"tensorrt": result(**change)})
    assert text.count("| net fp32 |") == 2


def test_a_network_that_failed_is_in_the_table() -> None:
    packed = {"cases": [{"engine": "net", "precision": "fp32", "rel_err": 5e-4}], "p50_ms": {}}
    results = {"tensorrt": {"facts": {}, "rows": {"net fp32": {"problem": "no memory"}}}, "onnxruntime": result()}
    assert check.judged(packed, results)[0]["broken"] == ["no memory"]
    assert "no memory" in check.as_text(check.judged(packed, results), results)


def test_not_finite_is_an_infinite_error() -> None:
    assert check.relative_error(np.array([1.0, np.nan]), np.array([1.0, 1.0])) == float("inf")
    assert check.relative_error(np.array([2.0, 0.0]), np.array([1.0, 4.0])) == 1.0


def test_check_is_python_3_9_and_alone() -> None:
    tree = ast.parse(Path(check.__file__).read_text(encoding="utf-8"), feature_version=(3, 9))
    names = {a.name.partition(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    assert names - set(sys.stdlib_module_names) == {"numpy", "onnxruntime"}
