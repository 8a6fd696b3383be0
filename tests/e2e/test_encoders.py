"""Encoders in the whole chain: from the bus to the estimator, in lock-step, with the faults they can have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from edge_runtime.assembly import make_firmware
from edge_runtime.biomech.knee_fusion import CONTRADICTS, STALE, USED
from edge_runtime.doubt import CAUSES
from edge_runtime.plan import Plan
from edge_runtime.record.reader import Record, load
from edge_runtime.run import Clock, Outcome, View, execute
from firmware_bridge.simulator.faults import FaultLink, Order
from firmware_bridge.simulator.process import FirmwareProcess, Pace
from tests.e2e.test_virtual import plan_for

pytestmark = [pytest.mark.e2e, pytest.mark.assets]

LOST_S, STUCK_S, SHIFTED_S = (2.6, 2.68), (3.3, 4.3), (6.2, 7.2)
"""When each fault holds, on the run's clock; the clip's second pass begins at about 4.8 s."""
RIGHT, TO_HOST = 1.0, 2.0
SHIFT_RAD = 0.5


class PlaguedFirmware(FirmwareProcess):
    """Suffers the three faults; the orders wait in its socket from the start."""

    def start(self) -> None:
        super().start()
        with FaultLink(self.fault_path) as link:
            for kind, values, (begin_s, end_s) in (
                (Order.LOSS, (1.0, TO_HOST), LOST_S),
                (Order.ENCODER_STUCK, (RIGHT,), STUCK_S),
                (Order.ENCODER_OFFSET, (RIGHT, SHIFT_RAD), SHIFTED_S),
            ):
                link.order(kind, values, round(begin_s * 1e9), round((end_s - begin_s) * 1e9), 1)


def plagued(plan: Plan, pace: Pace, folder: Path) -> FirmwareProcess:
    firmware = make_firmware(plan, pace, folder)
    firmware.__class__ = PlaguedFirmware
    return firmware


@pytest.fixture(scope="module")
def healthy(assets: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return execute(plan_for(assets["demo_clip"], tmp_path_factory.mktemp("healthy"), 1), Clock.VIRTUAL, View.NONE)


@pytest.fixture(scope="module")
def faulty(assets: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Record:
    plan = plan_for(assets["demo_clip"], tmp_path_factory.mktemp("faulty"), 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edge_runtime.lockstep_run.make_firmware", plagued)
        # the supervisor's own watch would end it in SAFE, in which the simulated wearer stands still
        patch.setattr("edge_runtime.encoder_watch.EncoderWatch.problem", lambda *_: "")
        return load(execute(plan, Clock.VIRTUAL, View.NONE).folder)


def during(record: Record, span_s: tuple[float, float]) -> npt.NDArray[np.bool_]:
    t_s = record.estimates["t_capture_ns"] * 1e-9
    return np.asarray((t_s >= span_s[0]) & (t_s < span_s[1]))


def test_the_estimated_knee_is_the_wearers(healthy: Outcome) -> None:
    """Compensation is on and its tissue is not the plant's: were the bend not taken off well, the knee would lean on
    the torque that it asks for."""
    for side in ("r", "l"):
        found = healthy.summary["encoders"][side]
        assert found["knee_rmse_deg"] < 1.0
        assert found["encoder_rmse_deg"] < 1.0
        assert found["knee_sd_deg"]["p50"] < 2.0
        assert found["frames"]["used"] > 80
        assert "contradicts" not in found["frames"]


def test_lost_messages_widen_and_end(faulty: Record) -> None:
    e, lost = faulty.estimates, during(faulty, (LOST_S[0] + 0.03, LOST_S[1]))
    before = during(faulty, (LOST_S[0] - 0.2, LOST_S[0]))
    for side in ("r", "l"):
        assert (e[f"encoder_{side}"][lost] == STALE).all()
        assert np.isnan(e[f"encoder_rad_{side}"][lost]).all()
        assert e[f"knee_sd_rad_{side}"][lost].max() > 1.5 * e[f"knee_sd_rad_{side}"][before].max()


@pytest.mark.parametrize("span_s", [STUCK_S, SHIFTED_S], ids=["stuck", "shifted"])
def test_an_encoder_that_lies_is_left_aside_and_takes_help_away(faulty: Record, span_s: tuple[float, float]) -> None:
    e, late = faulty.estimates, during(faulty, (span_s[0] + 0.6, span_s[1]))
    valid = late & (e["valid"] == 1.0)
    assert valid.any()
    assert (e["encoder_r"][late] == CONTRADICTS).all()
    assert (e["doubt_r"][valid] == 1.0).all()
    assert (e["doubt_cause"][valid] == CAUSES.index("encoder")).all()
    assert (e["encoder_l"][late] == USED).all()
    settled = during(faulty, (span_s[0] + 0.8, span_s[1])) & valid
    assert np.abs(e["assist_nm_r"][settled]).max() < 0.1


def test_a_fault_of_an_encoder_makes_no_step_in_what_is_asked(healthy: Outcome, faulty: Record) -> None:
    def steps(record: Record) -> float:
        asked = np.where(record.estimates["valid"] == 1.0, record.estimates["assist_nm_r"], np.nan)
        return float(np.nanmax(np.abs(np.diff(asked))))

    assert steps(faulty) < 1.5 * steps(load(healthy.folder))
