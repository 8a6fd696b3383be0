"""Building: what is chosen, what is written down, what is rejected and why; nothing is built a second time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

import engines.plans
from edge_runtime.certify import build as building
from edge_runtime.certify.build import Order, build
from edge_runtime.certify.gate import distrusted
from edge_runtime.certify.opened import Engines
from edge_runtime.config import load_device
from edge_runtime.errors import UserError
from edge_runtime.types import F64
from engines.backends.base import Runner
from engines.backends.ort_cpu import OrtCpuRunner
from engines.backends.registry import BACKENDS, Backend
from engines.beside import Inline
from engines.certificate import PLAN, read_certificate
from engines.certify import Depth
from engines.device import device_facts
from engines.errors import EngineError
from engines.plans import Candidate, chosen, plans_dir, remove, stale, stored
from tests.certify.conftest import ZOO

QUICK = Depth(seconds=0.0, calls=5, idle_s=0.0, rests=1)
LATE_MS, SOON_MS = 50.0, 0.5
CPU = BACKENDS["ort_cpu"]
DEVICE = replace(load_device(), certificate_days=90.0)


def silent(what: str, part: float) -> None:
    pass


def order(engines: tuple[str, ...] = ZOO) -> Order:
    return Order(engines, None, QUICK, 1.0)


class Bench:
    """Two backends, both really onnxruntime: `other` may fail to build, and takes in situ as long as it is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.in_situ_ms = {"ort_cpu": SOON_MS, "other": LATE_MS}
        self.builds = 0
        self.why = ""
        self.other = Backend("other", False, True, ("fp32",), lambda: "", lambda: "other 1.0", self.build, OrtCpuRunner)
        monkeypatch.setitem(BACKENDS, "other", self.other)
        monkeypatch.setattr(building, "in_situ", self.in_situ)

    def build(self, graph: bytes, folder: Path) -> bytes:
        self.builds += 1
        if self.why:
            raise EngineError(self.why)
        return graph

    def in_situ(self, openers: Mapping[str, Callable[[], Runner]], pose: str, seconds: float) -> dict[str, F64]:
        names = list(BACKENDS)
        self.rounds = getattr(self, "rounds", 0) + 1
        which = [name for name in names if name in self.in_situ_ms][self.rounds - 1]
        return {name: np.full(10, self.in_situ_ms[which]) for name in openers}


@pytest.fixture
def world(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


def now() -> datetime:
    return datetime.now(UTC)


def test_the_quicker_in_situ_is_chosen_and_all_is_written_down(world: Bench) -> None:
    found = build(order(), silent)
    for name in ZOO:
        certificate = found[name]
        assert certificate.chosen == certificate.candidate == "ort_cpu fp32"
        assert {row["candidate"] for row in certificate.table} == {"ort_cpu fp32", "other fp32"}
        assert certificate.golden["rel_err"] < 1e-4
        assert certificate.in_situ_ms is not None and certificate.in_situ_ms["p99_9"] == SOON_MS
        pair = chosen(name)
        assert pair is not None and pair[1] == certificate
        assert (pair[0] / PLAN).is_file()
    assert distrusted(DEVICE, now()) == []


def test_another_backend_wins_where_it_is_quicker(world: Bench) -> None:
    world.in_situ_ms = {"ort_cpu": LATE_MS, "other": SOON_MS}
    build(order(), silent)
    pair = chosen("grf_gait")
    assert pair is not None and pair[1].backend == "other"
    engines = Engines(Inline, lambda: 0)
    assert engines("grf_gait").infer()["force_bw"].shape == (2, 3, 3)
    assert engines.notes == []


def test_nothing_within_the_budget_is_certified_as_a_failure(world: Bench) -> None:
    world.in_situ_ms = {"ort_cpu": LATE_MS, "other": LATE_MS}
    build(order(), silent)
    doubts = distrusted(DEVICE, now())
    assert {d.engine for d in doubts} == set(ZOO)
    assert all(d.reason == "certificate_failed" and "50.0 ms" in d.text for d in doubts)


def test_a_backend_that_refuses_is_a_row_with_its_reason(world: Bench) -> None:
    world.why = "unsupported operator Mod"
    table = build(order(), silent)["grf_gait"].table
    assert {"candidate": "other fp32", "rejected": "unsupported operator Mod"} in table


def test_a_second_build_takes_the_plans_that_are_there(world: Bench) -> None:
    build(order(), silent)
    count = world.builds
    world.rounds = 0
    build(order(), silent)
    assert world.builds == count


def test_a_build_that_is_stopped_leaves_whole_plans_only(world: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(graph: bytes, folder: Path) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setitem(BACKENDS, "other", replace(world.other, build=stopped))
    with pytest.raises(KeyboardInterrupt):
        build(order(), silent)
    assert [folder.name.startswith("ort_cpu") for folder in stored()] == [True]
    assert (stored()[0] / PLAN).is_file()
    assert {d.reason for d in distrusted(DEVICE, now())} == {"certificate_missing"}


def test_a_network_that_keeps_no_terms_stops_the_build_with_its_reason(
    world: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = {n: replace(t, rel_err={"fp32": 0.0}) for n, t in engines.plans.live_engines().items()}
    for name in ("edge_runtime.certify.build.live_engines", "engines.plans.live_engines"):
        monkeypatch.setattr(name, lambda *_: strict)
    for module in ("engines.plans", "engines.certify"):
        monkeypatch.setattr(f"{module}.engines_with_terms", lambda: strict)
    with pytest.raises(UserError, match=r"no plan keeps its terms .*relative error"):
        build(order(), silent)


def test_disk_full_is_one_line(world: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UserError, match="disk full") as error:
        build(order(), silent)
    assert "\n" not in str(error.value)


def test_plans_of_other_versions_are_stale_and_go(world: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    build(order(), silent)
    assert stale() == []
    monkeypatch.setitem(BACKENDS, "other", replace(world.other, version=lambda: "other 2.0"))
    old = stale()
    assert len(old) == len(ZOO) and all(folder.name.startswith("other-") for folder in old)
    assert remove(old) > 100_000
    assert len(stored()) == len(ZOO)


def test_the_key_of_a_plan_holds_weights_version_precision_and_device(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def folder(version: str = "1", precision: str = "fp32") -> Path:
        return Candidate("grf_gait", replace(CPU, version=lambda: version), precision).folder

    first = folder()
    assert first.parent == plans_dir() / "grf_gait"
    assert len({first, folder("2"), folder(precision="fp16")}) == 3
    facts = device_facts()
    for changed in (replace(facts, cpu="other"), replace(facts, power_mode="15W")):
        monkeypatch.setattr(engines.plans, "device_facts", lambda changed=changed: changed)
        assert folder() != first
    monkeypatch.setattr(engines.plans, "device_facts", lambda: replace(facts, gpu="H200"))
    assert folder() == first  # a plan for the processor does not depend on the GPU
    on_gpu = Candidate("grf_gait", replace(CPU, on_gpu=True, version=lambda: "1"), "fp32")
    assert on_gpu.folder != first


def test_certificates_are_read_from_where_they_were_written(world: Bench) -> None:
    build(order(), silent)
    assert all(read_certificate(folder) is not None for folder in stored())


def test_a_plan_that_was_changed_is_built_again(world: Bench) -> None:
    build(order(), silent)
    pair = chosen("grf_gait")
    assert pair is not None
    (pair[0] / PLAN).write_bytes(b"bad")
    assert {d.reason for d in distrusted(DEVICE, now())} == {"certificate_failed"}
    world.rounds = 0
    build(order(), silent)
    assert distrusted(DEVICE, now()) == []
