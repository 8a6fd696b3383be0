"""The envelope: verdicts at their boundaries, and what admits torque on hardware."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge_runtime import envelope
from edge_runtime.config import load_device
from edge_runtime.envelope import Envelope, Facts, Verdict, check_envelope, config_hash, judge, read_envelope
from edge_runtime.errors import UserError

REASONS = Path(__file__).resolve().parents[1] / "docs" / "reasons"
FACTS = Facts("Cortex-A78AE", 8, "5.15.148-rt-tegra #1 SMP PREEMPT_RT", "0.1.0", "abc")
GOOD = Envelope(Verdict.PASS, 10.0, "2026-01-01T00:00:00+00:00", FACTS, {"missed": 0})


def figures(p99_9: float = 50.0, latest: float = 120.0, **other: Any) -> dict[str, Any]:
    wake = {"n": 600_000, "p50": 5.0, "p90": 8.0, "p99": 20.0, "p99_9": p99_9, "max": latest}
    return {"wake_us": wake, "missed": 0, "mailbox_sound": True, "rights_missing": ""} | other


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (figures(), Verdict.PASS),
        (figures(100.0, 250.0), Verdict.PASS),
        (figures(100.1), Verdict.MARGINAL),
        (figures(latest=250.1), Verdict.MARGINAL),
        (figures(200.0, 500.0), Verdict.MARGINAL),
        (figures(200.1), Verdict.FAIL),
        (figures(latest=500.1), Verdict.FAIL),
        (figures(missed=1), Verdict.FAIL),
        (figures(mailbox_sound=False), Verdict.FAIL),
        (figures(rights_missing="locked memory"), Verdict.FAIL),
    ],
)
def test_verdict(found: dict[str, Any], verdict: Verdict) -> None:
    given, against = judge(found)
    assert given is verdict
    assert bool(against) == (verdict is not Verdict.PASS)


def test_a_pass_of_this_machine_admits() -> None:
    assert check_envelope(GOOD, FACTS) is None


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (None, "envelope_missing"),
        (replace(GOOD, verdict=Verdict.MARGINAL), "envelope_failed"),
        (replace(GOOD, verdict=Verdict.FAIL), "envelope_failed"),
        (replace(GOOD, minutes=9.99), "envelope_failed"),
        *(
            (replace(GOOD, facts=facts), "envelope_foreign")
            for facts in (
                replace(FACTS, cpu="x"),
                replace(FACTS, cores=4),
                replace(FACTS, kernel="6.1"),
                replace(FACTS, version="0.0.9"),
                replace(FACTS, config="def"),
            )
        ),
    ],
)
def test_everything_else_is_refused_with_a_reason_that_has_a_page(given: Envelope | None, reason: str) -> None:
    refusal = check_envelope(given, FACTS)
    assert refusal is not None
    assert refusal.reason == reason
    assert "exo-edge accept" in refusal.text
    assert f"`{reason}`" in (REASONS / f"{reason}.md").read_text()


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "state" / "envelope.json"
    assert read_envelope(path) is None
    envelope.write_envelope(path, GOOD)
    assert read_envelope(path) == GOOD


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 1}', '{"schema": 2}', '{"schema": 1, "verdict": "GREAT"}'])
def test_a_damaged_file_refuses_and_says_so(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    (tmp_path / "envelope.json").write_text(text)
    with pytest.raises(UserError, match=r"envelope\.json.*exo-edge accept"):
        read_envelope(tmp_path / "envelope.json")
    refusal = envelope.hardware_refusal(load_device())
    assert refusal is not None
    assert refusal.reason == "envelope_failed"


def test_this_machine_is_admitted_by_its_own_pass_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    device = load_device()
    refusal = envelope.hardware_refusal(device)
    assert refusal is not None
    assert refusal.reason == "envelope_missing"
    envelope.write_envelope(envelope.envelope_path(), replace(GOOD, facts=envelope.facts_here(device)))
    assert envelope.hardware_refusal(device) is None
    refusal = envelope.hardware_refusal(replace(device, loop_core=device.loop_core + 1))
    assert refusal is not None
    assert refusal.reason == "envelope_foreign"


def test_config_hash_is_about_scheduling_alone() -> None:
    device = load_device()
    assert config_hash(device) == config_hash(replace(device, bus="socketcan:can0", camera_rate_hz=30.0))
    for key in ("loop_core", "loop_priority", "estimator_core", "estimator_priority"):
        assert config_hash(device) != config_hash(replace(device, **{key: getattr(device, key) + 1}))


def test_where_the_file_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/exo-edge:/other")
    assert envelope.envelope_path() == Path("/var/lib/exo-edge/envelope.json")
    monkeypatch.delenv("STATE_DIRECTORY")
    assert envelope.envelope_path() == Path("/state/exo-edge/envelope.json")
