"""Certificates: what is written is read, what is changed is noticed, and only the right one is trusted."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engines.certificate import (
    FILE,
    PLAN,
    REASONS,
    Certificate,
    judge,
    plan_intact,
    read_certificate,
    write_certificate,
)
from engines.device import DeviceFacts, device_facts
from engines.errors import EngineError

NOW = datetime(2026, 6, 1, tzinfo=UTC)
HERE = DeviceFacts("aarch64", "Cortex-A78AE", 8, "Orin", "8.7", "36.4", "MAXN")
GOOD = Certificate(
    engine="grf_gait",
    backend="ort_cpu",
    backend_version="onnxruntime 1.31",
    precision="fp32",
    onnx_sha256="a" * 64,
    plan_sha256="b" * 64,
    device=HERE,
    date=NOW.isoformat(),
    golden={"rel_err": 1e-6},
    accuracy={"missing": "no data"},
    latency_ms={"n": 3, "p50": 0.2, "p99_9": 0.3},
    first_after_idle_ms=0.25,
    budget_ms=2.0,
    in_situ_ms={"n": 3, "p50": 0.3, "p99_9": 0.9},
    chosen="ort_cpu fp32",
    table=({"candidate": "ort_cpu fp32"},),
)
PAGES = Path(__file__).resolve().parents[2] / "docs" / "reasons"


def reason_of(certificate: Certificate, **other: Any) -> str | None:
    given: dict[str, Any] = {"sha": "a" * 64, "version": "onnxruntime 1.31", "device": HERE, "now": NOW, "days": 90.0}
    given |= other
    found = judge(certificate, given["sha"], given["version"], given["device"], given["now"], given["days"])
    if found is None:
        return None
    assert found.engine in found.text and "exo-edge engines build" in found.text and "\n" not in found.text
    return found.reason


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert read_certificate(tmp_path) is None
    write_certificate(tmp_path, GOOD)
    assert read_certificate(tmp_path) == GOOD


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in _leaves(item, (*path, key))]
    if isinstance(value, list):
        return [leaf for i, item in enumerate(value) for leaf in _leaves(item, (*path, i))]
    return [path]


def test_any_change_is_noticed(tmp_path: Path) -> None:
    write_certificate(tmp_path, GOOD)
    text = (tmp_path / FILE).read_text()
    for path in _leaves(json.loads(text)["certificate"]):
        document = json.loads(text)
        at = document["certificate"]
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = "x" if not isinstance(at[path[-1]], str) else at[path[-1]] + "x"
        (tmp_path / FILE).write_text(json.dumps(document))
        with pytest.raises(EngineError, match="engines build"):
            read_certificate(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 1}', '{"schema": 2, "certificate": {}, "sha256": ""}'])
def test_a_damaged_file_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(EngineError, match=r"certificate\.json") as error:
        read_certificate(tmp_path)
    assert "\n" not in str(error.value)


def test_the_right_one_is_trusted_to_its_last_day() -> None:
    assert reason_of(GOOD) is None
    assert reason_of(GOOD, now=NOW + timedelta(days=90)) is None
    assert reason_of(GOOD, now=NOW + timedelta(days=90, seconds=1)) == "certificate_expired"
    assert reason_of(GOOD, now=NOW - timedelta(days=2)) == "certificate_expired"  # a clock that went back


@pytest.mark.parametrize(
    "other",
    [
        {"sha": "c" * 64},
        {"version": "onnxruntime 1.32"},
        *(
            {"device": replace(HERE, **change)}
            for change in ({"cpu": "x"}, {"cores": 4}, {"gpu": "H200"}, {"driver": "37"}, {"power_mode": "15W"})
        ),
    ],
)
def test_another_device_or_version_is_foreign(other: dict[str, Any]) -> None:
    assert reason_of(GOOD, **other) == "certificate_foreign"


def test_broken_terms_and_a_date_that_is_none_fail() -> None:
    assert reason_of(replace(GOOD, problem="relative error 1e-2")) == "certificate_failed"
    assert reason_of(replace(GOOD, date="yesterday")) == "certificate_failed"
    assert reason_of(replace(GOOD, date="2026-06-01T00:00:00")) == "certificate_failed"  # without a zone


def test_a_plan_that_is_not_the_one_certified_fails(tmp_path: Path) -> None:
    missing = plan_intact(GOOD, tmp_path)
    (tmp_path / PLAN).write_bytes(b"plan")
    changed = plan_intact(GOOD, tmp_path)
    assert missing is not None and "missing" in missing.text
    assert changed is not None and changed.reason == "certificate_failed"

    right = hashlib.sha256(b"plan").hexdigest()
    assert plan_intact(replace(GOOD, plan_sha256=right), tmp_path) is None


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_its_page(reason: str) -> None:
    text = (PAGES / f"{reason}.md").read_text()
    assert f"`{reason}`" in text and "exo-edge engines build" in text


def test_this_device_has_facts() -> None:
    facts = device_facts()
    assert facts.machine and facts.cpu and facts.cores >= 1
