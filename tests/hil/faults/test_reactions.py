"""Every kind of fault in lock-step against the real loop, supervisor and compiled governor: what the table promises."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from calibration.profile import load_profile
from edge_runtime.commands.options import DEMO_PROFILE
from edge_runtime.config import load_device
from firmware_bridge.table import STATES, TABLE
from hil.faults.episode import Episode, Motion, Plant
from hil.faults.judge import judge
from hil.faults.kind import Choice, Reaction, Seam
from hil.faults.kinds import KINDS, LET_GO_MS
from hil.faults.model import Fault, make_fault
from hil.faults.player import play
from hil.faults.trace import Trace

PROFILE, DEVICE = load_profile(DEMO_PROFILE), load_device()
STEADY = Motion(swing_rad=0.1, torque_nm=0.0, constant_nm=8.0)  # a torque that is there whenever the fault comes
AT_S = 1.237  # between ticks and frames


def cases() -> Iterator[tuple[str, dict[str, str]]]:
    """Every kind for this seam, once for each word of its choices."""
    for name, kind in KINDS.items():
        if Seam.LOOP not in kind.seams:
            continue
        choices = {key: about for key, about in kind.parameters.items() if isinstance(about, Choice)}
        if not choices:
            yield name, {}
        for key, about in choices.items():
            yield from ((name, {key: word}) for word in about.options if (name, word) != ("process_kill", "firmware"))


def suffer(*faults: Fault, seconds: float) -> Trace:
    return play(Episode(seconds, STEADY, Plant(), faults), PROFILE, DEMO_PROFILE, DEVICE)


@pytest.mark.parametrize(
    ("kind", "words"), list(cases()), ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else value
)
def test_what_the_table_promises(kind: str, words: dict[str, str]) -> None:
    fault = make_fault(kind, AT_S, 0.7, seed=7, **words)
    trace = suffer(fault, seconds=AT_S + 2.0)
    result = judge(trace, (fault,))
    assert result.passed, (result.output, result.unexplained, result.hang)
    (finding,) = result.findings
    promised = KINDS[kind]
    if promised.reaction in (Reaction.SAFE, Reaction.ZERO):
        # a firmware that stands still cannot let go; what it promises counts from when it goes on
        stood_ms = 700.0 if words.get("target") == "firmware" else 0.0
        assert finding.zero_ms is not None and finding.zero_ms <= stood_ms + promised.deadline_ms(fault.parameters), (
            finding.outcome
        )
        assert finding.noticed, finding.outcome
    if promised.reaction is Reaction.ZERO:
        assert finding.safe_ms is None, finding.outcome


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("process_kill", {"target": "loop"}),
        ("process_kill", {"target": "supervisor"}),
        ("can_loss", {}),
        ("can_bus_off", {}),
        ("can_bus_off", {"side": "host"}),
        ("encoder_off", {}),
        ("encoder_off", {"joint": "left"}),
    ],
)
def test_torque_is_gone_within_lease_and_ramp_also_at_the_drive(kind: str, words: dict[str, str]) -> None:
    """The bar of the bench; the drive adds its delay and its current loop."""
    trace = suffer(make_fault(kind, AT_S, 0.7, seed=7, **words), seconds=AT_S + 0.7)
    gone = trace.applied_s >= AT_S + LET_GO_MS * 1e-3 + 0.010
    assert (trace.applied["state"][gone] == STATES["SAFE"]).all()
    assert abs(trace.applied["command_nm"][gone]).max() < 0.3 * TABLE.safe.damping_max_nm
    assert abs(trace.applied["drive_nm"][gone]).max() < 0.3 * TABLE.safe.damping_max_nm
    assert abs(trace.applied["command_nm"][trace.applied_s < AT_S]).max() > 6.0


def test_faults_in_combination_are_played_bit_identically() -> None:
    faults = (
        make_fault("can_corrupt", 1.0, 0.5, seed=3, probability=0.2),
        make_fault("encoder_noise", 0.8, 1.0, seed=4, sd=0.005),
        make_fault("host_load", 1.2, 0.8, seed=5, share=0.1),
        make_fault("can_delay", 1.6, 0.2, seed=6, delay=3.0, jitter=4.0),
    )
    first, second = (suffer(*faults, seconds=3.0) for _ in range(2))
    assert first.digest == second.digest
    assert first.rows.tobytes() == second.rows.tobytes()
    other = suffer(*(make_fault("can_corrupt", 1.0, 0.5, seed=99, probability=0.2), *faults[1:]), seconds=3.0)
    assert other.digest != first.digest


def test_a_run_without_faults_assists_to_its_end() -> None:
    result = judge(trace := suffer(seconds=3.0), ())
    assert result.passed and not trace.events[1:]
    assert trace.applied["state"][-1] == STATES["ENGAGED"]


def test_a_trip_that_no_fault_explains_is_said() -> None:
    fault = make_fault("can_loss", AT_S, 0.5)
    trace = suffer(fault, seconds=3.0)
    assert judge(trace, (fault,)).passed
    blind = judge(trace, ())
    assert not blind.passed and any("lease" in line for line in blind.unexplained)


def test_an_output_over_a_limit_is_seen() -> None:
    trace = suffer(seconds=2.0)
    trace.applied["command_nm"][1500] += 5.0
    assert judge(trace, ()).output.slew > 0
