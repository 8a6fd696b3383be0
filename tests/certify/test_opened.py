"""Opening the engines of a run: the chosen plan, else the CPU; nothing is built; doubts are named."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from edge_runtime.certify import opened
from edge_runtime.certify.build import build
from edge_runtime.certify.gate import distrusted, doubts, refusals
from edge_runtime.certify.opened import Engines
from edge_runtime.check import engine_findings
from edge_runtime.config import load_device
from engines.backends.base import Runner
from engines.backends.ort_cpu import OrtCpuRunner
from engines.backends.registry import BACKENDS
from engines.beside import Beside, Inline
from engines.certificate import FILE, PLAN
from engines.errors import EngineError
from engines.fetch import onnx_path
from engines.plans import certificate_files, chosen, plans_dir
from tests.certify.conftest import ZOO
from tests.certify.test_build import DEVICE, LATE_MS, SOON_MS, Bench, order, silent
from tests.engines.faulty import FaultyRunner


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def world(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    bench = Bench(monkeypatch)
    bench.in_situ_ms = {"ort_cpu": LATE_MS, "other": SOON_MS}
    build(order(), silent)
    return bench


def runs(engines: Engines) -> bool:
    return bool(np.isfinite(engines("grf_gait").infer()["force_bw"]).all())


def test_without_certificates_the_cpu_runs_and_nothing_is_built(cache: Path) -> None:
    engines = Engines(Inline, lambda: 0)
    assert runs(engines) and engines.notes == []
    assert not plans_dir().exists()
    found = distrusted(DEVICE, now())
    assert [(d.engine, d.reason) for d in found] == [(name, "certificate_missing") for name in ZOO]


def test_a_plan_that_does_not_open_is_said_and_the_cpu_runs(world: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(path: Path) -> Runner:
        raise EngineError("the device is lost")

    monkeypatch.setitem(BACKENDS, "other", replace(world.other, open=lost))
    engines = Engines(Inline, lambda: 0)
    assert runs(engines)
    assert engines.notes == ["engine grf_gait runs on the CPU: the device is lost"]


@pytest.mark.parametrize("change", [{"version": lambda: "other 2.0"}, {"why_not": lambda: "no GPU"}])
def test_a_foreign_plan_is_not_even_tried(
    world: Bench, monkeypatch: pytest.MonkeyPatch, change: dict[str, object]
) -> None:
    def never(path: Path) -> Runner:
        raise AssertionError("tried")

    monkeypatch.setitem(BACKENDS, "other", replace(world.other, open=never, **change))  # type: ignore[arg-type]
    assert runs(Engines(Inline, lambda: 0))
    assert {d.reason for d in distrusted(DEVICE, now())} == {"certificate_foreign"}


def test_expiry_counts_from_the_build(world: Bench) -> None:
    assert distrusted(DEVICE, now()) == []
    assert {d.reason for d in distrusted(DEVICE, now() + timedelta(days=91))} == {"certificate_expired"}


@pytest.mark.parametrize("file", [FILE, PLAN])
def test_a_changed_file_is_noticed(world: Bench, file: str) -> None:
    pair = chosen("grf_gait")
    assert pair is not None
    path = pair[0] / file
    path.write_bytes(path.read_bytes().replace(b"e", b"f", 1) + b" ")
    found = distrusted(DEVICE, now())
    assert [(d.engine, d.reason) for d in found] == [("grf_gait", "certificate_failed")]


def test_hardware_is_refused_by_name_and_a_simulation_warned_once(cache: Path) -> None:
    device = load_device()
    refused = [r for r in refusals(device) if r.reason.startswith("certificate")]
    assert [r.text.split(":")[0] for r in refused] == [f"engine {name}" for name in ZOO]
    doubt = doubts(device)
    assert doubt is not None and all(name in doubt.text for name in ZOO)
    assert "exo-edge engines build" in doubt.text


def test_keeping_warm_reaches_engines_of_the_tick_only(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nets: list[FaultyRunner] = []

    def counted(path: Path) -> FaultyRunner:
        nets.append(FaultyRunner(OrtCpuRunner(path)))
        return nets[-1]

    monkeypatch.setattr(opened, "OrtCpuRunner", counted)
    time_ns = [0]
    engines = Engines(Inline, lambda: time_ns[0])
    beside, on_tick = (engines(name) for name in ("inpaint_gait", "grf_gait"))
    placed: Beside[None, None] = engines.beside(beside)(lambda _: None, 1)
    before = [net.calls for net in nets]
    time_ns[0] = 2_000_000_000
    engines.keep_warm()
    assert [net.calls for net in nets] == [before[0], before[1] + 1]
    assert on_tick is not beside
    placed.close()


def test_another_network_in_place_of_a_certified_one_runs_on_the_processor_and_keeps_hardware_out(
    world: Bench, tmp_path: Path
) -> None:
    copy = tmp_path / "other.onnx"
    copy.write_bytes(onnx_path("grf_gait").read_bytes())
    before = world.builds
    assert np.isfinite(Engines(Inline, lambda: 0)("grf_gait", copy).infer()["force_bw"]).all()
    assert world.builds == before
    found = refusals(replace(load_device(), pose_engine="mine.toml"))
    assert any("pose engine mine.toml" in refusal.text for refusal in found)


def test_records_get_the_certificates_that_there_are(world: Bench) -> None:
    files = certificate_files()
    assert sorted(files) == sorted(ZOO)
    assert all(path.is_file() and path.name == FILE for path in files.values())


@pytest.mark.parametrize(("bus", "status"), [("unix:", "note"), ("socketcan:can9", "no")])
def test_the_check_forbids_torque_on_hardware_only_and_names_each_engine(cache: Path, bus: str, status: str) -> None:
    found = engine_findings(replace(load_device(), bus=bus))
    assert [(f.what, f.status) for f in found] == [(f"engine {name}", status) for name in ZOO]
    assert all("exo-edge engines build" in f.advice for f in found)


def test_a_certified_engine_is_fine_by_the_check(world: Bench) -> None:
    assert {(f.status, f.found.split(",")[0]) for f in engine_findings(load_device())} == {("ok", "other fp32")}
