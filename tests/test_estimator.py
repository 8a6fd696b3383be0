"""The estimator's step: invalid spreads downstream with its reason, and never reaches the torque."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import calibration
from calibration.profile import load_profile
from edge_runtime.biomech.occlusion import OcclusionFill
from edge_runtime.body import body_of
from edge_runtime.doubt import CAUSES, NO_DOUBT, Doubt
from edge_runtime.estimate_row import REASONS
from edge_runtime.estimator import Estimator, Timing
from edge_runtime.telemetry import ESTIMATE_HEAD
from edge_runtime.types import COORDINATES, F64, U8, Frame
from engines.beside import Inline
from engines.grf.engine import ROUGH_RAD
from engines.inpaint import Fill
from engines.inpaint.window import SAMPLES
from firmware_bridge.table import TABLE

DEMO = Path(calibration.__file__).with_name("profiles") / "demo.toml"
PROFILE = load_profile(DEMO)
BUDGET_NS = 1_000_000
PICTURE = np.zeros((4, 4, 3), np.uint8)
FRAME_NS = 33_333_333


@dataclass
class Result:
    """A pose or a ground reaction, whichever fields it needs."""

    valid: bool
    reason: str
    xy_px: F64 | None = None
    visibility: F64 | None = None
    world_m: F64 | None = None
    score: float = 1.0
    sharpness: F64 | None = None
    size_px: tuple[int, int] = (0, 0)
    force_n: F64 | None = None
    cop_ankle_m: F64 | None = None
    contact: F64 | None = None
    sd_n: F64 | None = None
    doubt: float = 0.0


def standing() -> F64:
    """33 landmarks of a person in profile, facing left, in px."""
    xy = np.full((33, 2), 100.0)
    for left in (0, 1):
        xy[11 + left] = (200, 100)
        xy[23 + left] = (200, 250)
        xy[25 + left] = (195, 350)
        xy[27 + left] = (200, 450)
        xy[29 + left] = (210, 465)
        xy[31 + left] = (165, 468)
    xy[0] = (185, 60)
    return xy


class FakePose:
    """Shows a standing person, or the reason it is told."""

    detector_ran = False
    detector_ms = float("nan")

    def __init__(self) -> None:
        self.reason = ""
        self.resets = 0

    def reset(self) -> None:
        self.resets += 1

    def step(self, rgb: U8, t_capture_ns: int) -> Result:
        xy = standing()
        return Result(not self.reason, self.reason, xy_px=xy, visibility=np.ones(33), world_m=np.zeros((33, 3)))


class FakeGrf:
    """Half the weight under each foot, or what it is told."""

    def __init__(self) -> None:
        self.vertical_n = 270.0
        self.reason = ""
        self.doubt = 0.0

    def reset(self) -> None:
        pass

    def step(self, t_ns: int, q: F64, qd: F64, observed: np.ndarray, mass_kg: float, sd: F64) -> Result:
        self.sd = sd
        force = np.zeros((2, 3))
        force[:, 1] = self.vertical_n
        cop = np.tile([0.05, -0.08, 0.0], (2, 1))
        result = Result(not self.reason, self.reason, force_n=force, cop_ankle_m=cop, doubt=self.doubt)
        result.contact, result.sd_n = np.ones(2), np.ones((2, 3))
        return result


class NoFill:
    """Knows nothing of hidden joints."""

    force_sd_bw_per_rad = np.ones(3)

    def fill(self, t_s: F64, q: F64) -> Fill:
        nothing = np.full((10, SAMPLES), np.nan)
        return Fill(nothing, nothing, nothing, nothing[None], np.zeros(nothing.shape, dtype=np.bool_))


class Clock:
    """Stands still, or passes `step_ns` each time it is read."""

    def __init__(self) -> None:
        self.now_ns, self.step_ns = 0, 0

    def __call__(self) -> int:
        self.now_ns += self.step_ns
        return self.now_ns


class Chain:
    """An estimator between fakes, fed frame by frame."""

    def __init__(self) -> None:
        self.pose, self.grf = FakePose(), FakeGrf()
        self.clock = Clock()
        body = body_of(PROFILE, DEMO)
        timing = Timing(16_600_000, FRAME_NS, BUDGET_NS)
        legs = OcclusionFill(NoFill(), Inline)
        self.estimator = Estimator(self.pose, self.grf, legs, body, PROFILE, TABLE.host, timing, self.clock)
        self.estimator.warm()
        self.k = 0
        self.interface = NO_DOUBT

    def step(self, count: int = 1, cut: bool = False, exo_nm: float = 0.0) -> dict[str, float]:
        for _ in range(count):
            frame = Frame(PICTURE, self.k * FRAME_NS + 1, self.k, cut)
            step = self.estimator.step(frame, np.full(2, exo_nm), self.interface)
            self.k += 1
        self.intent = step.intent[0].copy()
        return dict(zip(ESTIMATE_HEAD, step.row.tolist(), strict=False))


@pytest.fixture(scope="module")
def shared_chain() -> Chain:
    return Chain()


@pytest.fixture
def chain(shared_chain: Chain) -> Chain:
    shared_chain.pose.reason, shared_chain.grf.reason, shared_chain.grf.vertical_n = "", "", 270.0
    shared_chain.grf.doubt = 0.0
    shared_chain.clock.step_ns = 0
    shared_chain.interface = NO_DOUBT
    shared_chain.estimator.reset()
    return shared_chain


def test_a_standing_person_gives_a_whole_row(chain: Chain) -> None:
    row = chain.step(30)
    assert row["valid"] == 1.0
    assert row["grf_y_r"] + row["grf_y_l"] == pytest.approx(540.0, abs=8.0)
    assert row["stance_r"] == row["stance_l"] == 1.0
    assert row["newton_after_bw"] < 1e-6 < row["newton_before_bw"]
    assert abs(np.degrees(row["knee_angle_l"])) < 20.0
    assert row["kcf_total_n_l"] > 100.0
    assert chain.intent["valid"] == 1


def test_the_network_hears_that_filmed_joints_are_rougher_than_markers(chain: Chain) -> None:
    chain.step(30)
    assert chain.grf.sd[COORDINATES.index("knee_angle_l")] > ROUGH_RAD


@pytest.mark.parametrize("reason", ["searching", "lost"])
def test_no_pose_is_no_torque_and_says_why(chain: Chain, reason: str) -> None:
    chain.step(30)
    chain.pose.reason = reason
    row = chain.step()
    assert (row["valid"], REASONS[int(row["reason"])]) == (0.0, reason)
    assert np.isnan(row["grf_y_r"])
    assert chain.intent["valid"] == 0
    assert not chain.intent["torque_nm"].any()


@pytest.mark.parametrize("reason", ["warming_up", "gap", "bad_input"])
def test_no_ground_reaction_is_no_torque(chain: Chain, reason: str) -> None:
    chain.grf.reason = reason
    row = chain.step(30)
    assert REASONS[int(row["reason"])] == reason
    assert chain.intent["valid"] == 0


def test_a_network_that_gives_nan_is_no_torque(chain: Chain) -> None:
    chain.grf.vertical_n = float("nan")
    row = chain.step(30)
    assert REASONS[int(row["reason"])] == "refinement"
    assert chain.intent["valid"] == 0
    assert not chain.intent["torque_nm"].any()
    chain.grf.vertical_n = 270.0
    assert chain.step(3)["valid"] == 1.0


@pytest.mark.parametrize("exo_nm", [float("nan"), float("inf")])
def test_a_torque_sensor_that_gives_no_number_is_no_torque_and_is_forgotten(chain: Chain, exo_nm: float) -> None:
    before = chain.step(30)
    row = chain.step(exo_nm=exo_nm)
    assert (row["valid"], REASONS[int(row["reason"])]) == (0.0, "muscle_solve")
    assert chain.intent["valid"] == 0 and not chain.intent["torque_nm"].any()
    row = chain.step(30)
    assert row["valid"] == 1.0
    assert row["knee_moment_nm_l"] == pytest.approx(before["knee_moment_nm_l"], abs=0.5)
    assert np.isfinite(chain.intent["torque_nm"]).all() and chain.intent["torque_nm"].any()


@pytest.mark.parametrize("vertical_n", [1e200, 1e12, -1e6])
def test_a_ground_reaction_beyond_all_measure_never_leaves_torque_that_is_no_number(
    chain: Chain, vertical_n: float
) -> None:
    chain.step(30)
    chain.grf.vertical_n = vertical_n
    row = chain.step()
    assert row["valid"] == 0.0 or row["doubt_r"] == row["doubt_l"] == 1.0
    assert np.isfinite(chain.intent["torque_nm"]).all()
    chain.grf.vertical_n = 270.0
    row = chain.step(60)
    assert row["valid"] == 1.0 and 0.0 <= row["doubt_r"] <= 1.0
    assert np.isfinite(chain.intent["torque_nm"]).all()


def test_a_cut_forgets_the_wearer(chain: Chain) -> None:
    chain.step(30)
    before = chain.pose.resets
    row = chain.step(cut=True)
    assert chain.pose.resets == before + 1
    assert row["valid"] == 0.0


def test_the_same_frames_give_the_same_bits(chain: Chain) -> None:
    first = chain.step(40)
    torque = chain.intent["torque_nm"].copy()
    chain.estimator.reset()
    second = chain.step(40)
    assert np.array_equal(torque, chain.intent["torque_nm"])
    same = [name for name in first if name not in ("t_capture_ns", "frame")]
    assert np.array_equal([first[n] for n in same], [second[n] for n in same], equal_nan=True)


def test_a_frame_over_its_budget_is_flagged_and_several_fade_assistance(chain: Chain) -> None:
    chain.step(30)
    before = np.abs(chain.intent["torque_nm"]).max()
    chain.clock.step_ns = BUDGET_NS // 3 + 1  # moments, muscles and knee are three readings apart
    late = [chain.step() for _ in range(2)]
    assert [row["solve_late"] for row in late] == [1.0, 1.0]
    assert [row["valid"] for row in late] == [1.0, 1.0]
    assert late[-1]["doubt_r"] == 0.0
    assert np.abs(chain.intent["torque_nm"]).max() == pytest.approx(before, rel=0.1)
    row = chain.step()
    assert (row["doubt_r"], CAUSES[int(row["doubt_cause"])]) == (1.0, "solve_late")
    chain.step(4)
    assert chain.intent["valid"] == 1
    assert not chain.intent["torque_nm"].any()
    chain.clock.step_ns = BUDGET_NS // 3
    row = chain.step(15)
    assert row["solve_late"] == 0.0
    assert np.abs(chain.intent["torque_nm"]).max() == pytest.approx(before, rel=0.1)


def test_a_clock_that_stands_still_flags_nothing(chain: Chain) -> None:
    rows = [chain.step() for _ in range(20)]
    solved = [row for row in rows if not np.isnan(row["solve_gradient_nm"])]
    assert solved
    assert not any(row["solve_late"] for row in solved)


def test_a_capped_solve_keeps_the_estimate_and_fades_assistance(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    chain.step(30)
    solver = chain.estimator._body._biomech._solver  # type: ignore[attr-defined]
    monkeypatch.setattr(solver, "_limit", 0)
    monkeypatch.setattr(solver, "_dual", solver._dual + 1.0)
    rows = [chain.step() for _ in range(5)]
    assert [CAUSES[int(row["doubt_cause"])] for row in rows] == ["solve_capped"] * 5
    assert [row["valid"] for row in rows] == [1.0] * 5
    assert not chain.intent["torque_nm"].any()


def test_motion_the_network_hardly_knows_fades_assistance_and_motion_it_does_not_know_ends_it(chain: Chain) -> None:
    chain.step(30)
    chain.grf.doubt = 0.6
    row = chain.step()
    assert (row["doubt_r"], row["doubt_l"], row["valid"]) == (0.6, 0.6, 1.0)
    assert CAUSES[int(row["doubt_cause"])] == "unfamiliar"
    chain.grf.reason, chain.grf.doubt = "unfamiliar", 1.0
    row = chain.step()
    assert row["valid"] == 0.0
    assert REASONS[int(row["reason"])] == "unfamiliar"


def test_forces_that_the_motion_contradicts_fade_assistance(chain: Chain) -> None:
    chain.step(30)
    chain.grf.vertical_n = 1500.0  # five body weights, believed to 1 N, under somebody who stands still
    rows = [chain.step() for _ in range(12)]
    assert CAUSES[int(rows[-1]["doubt_cause"])] == "unphysical"
    assert rows[-1]["doubt_r"] == rows[-1]["doubt_l"] == 1.0
    assert rows[-1]["newton_before_bw"] > 4.0
    assert rows[-1]["valid"] == 1.0
    assert not chain.intent["torque_nm"].any()


def test_doubt_about_an_interface_fades_that_leg_and_says_so(chain: Chain) -> None:
    chain.step(40)
    before = np.abs(chain.intent["torque_nm"][:, 0])
    assert (before > 0.0).all()
    chain.interface = Doubt(np.array([1.0, 0.0]), CAUSES.index("tissue_slip"))
    row = chain.step()
    assert (row["doubt_r"], row["doubt_l"], CAUSES[int(row["doubt_cause"])]) == (1.0, 0.0, "tissue_slip")
    assert 0.0 < abs(chain.intent["torque_nm"][0, 0]) <= before[0] * 1.2, "no step"
    chain.step(8)
    assert not chain.intent["torque_nm"][0].any() and chain.intent["torque_nm"][1].any()
