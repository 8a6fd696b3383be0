"""Kinematics filter on drawn stick figures with exactly known angles."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from math import cos, radians, sin

import numpy as np
import pytest

from edge_runtime.biomech import sagittal
from edge_runtime.biomech.encoder import EncoderModel, KneeReadings
from edge_runtime.biomech.kinematics import (
    FOOT_NEUTRAL_RAD,
    GAP_S,
    SETTLE_FRAMES,
    TRACKED,
    TRUNK_NEUTRAL_RAD,
    KinematicsFilter,
)
from edge_runtime.types import F64, Q_INDEX, Kinematics, Pose
from engines.pose.head.features import COORDINATES as HEAD_COORDINATES

HEIGHT_M, PX_PER_M, FPS = 1.7, 250.0, 60.0
Angles = dict[str, float]


def draw(t_s: float, angles: Angles, facing: int, hip_x_m: float = 0.0, noise_px: float = 0.0) -> Pose:
    """A walker in the image plane: angles by coordinate name (rad), `facing` +1 to the right."""
    points = np.zeros((33, 2))
    tilt = angles.get("pelvis_tilt", 0.0)
    hip = np.array([hip_x_m, 0.9])
    lean = TRUNK_NEUTRAL_RAD - tilt
    shoulder = hip + sagittal.TRUNK_SHARE * HEIGHT_M * np.array([sin(lean), cos(lean)])
    points[sagittal.NOSE] = shoulder + np.array([0.12, 0.2])
    for i, side in enumerate("rl"):
        thigh = tilt + angles.get(f"hip_flexion_{side}", 0.0)
        shank = thigh - angles.get(f"knee_angle_{side}", 0.0)
        foot = shank + angles.get(f"ankle_angle_{side}", 0.0) + FOOT_NEUTRAL_RAD
        knee = hip + sagittal.THIGH_SHARE * HEIGHT_M * np.array([sin(thigh), -cos(thigh)])
        ankle = knee + sagittal.SHANK_SHARE * HEIGHT_M * np.array([sin(shank), -cos(shank)])
        heel = ankle + np.array([-0.05, -0.06])
        points[sagittal.HIPS[i]], points[sagittal.SHOULDERS[i]] = hip, shoulder
        points[sagittal.EARS[i]] = shoulder + np.array([0.02, 0.2])
        points[sagittal.KNEES[i]], points[sagittal.ANKLES[i]], points[sagittal.HEELS[i]] = knee, ankle, heel
        points[sagittal.TOES[i]] = heel + 0.25 * np.array([cos(foot), sin(foot)])
    xy = np.column_stack([600 + facing * PX_PER_M * points[:, 0], 700 - PX_PER_M * points[:, 1]])
    if noise_px:
        xy += np.random.default_rng(int(t_s * 1e6)).normal(0.0, noise_px, xy.shape)
    return Pose(round(t_s * 1e9), True, "", xy, np.ones(33), np.zeros((33, 3)), 1.0)


def gait(t: float) -> Angles:
    """Smooth walking-like motion, 1 stride/s, with legs in opposite phase."""
    angles: Angles = {"pelvis_tilt": radians(-3)}
    for side, phase in (("r", 0.0), ("l", np.pi)):
        w = 2 * np.pi * t + phase
        angles[f"hip_flexion_{side}"] = radians(10 + 22 * cos(w))
        angles[f"knee_angle_{side}"] = radians(28 - 20 * cos(w + 1.2) - 6 * cos(2 * w))
        angles[f"ankle_angle_{side}"] = radians(8 * sin(w))
    return angles


def walk(facing: int, seconds: float = 3.0, noise_px: float = 0.0, fps: float = FPS) -> Iterator[tuple[float, Pose]]:
    for k in range(int(seconds * fps)):
        t = 1.0 + k / fps
        yield t, draw(t, gait(t), facing, 1.2 * (t - 1.0), noise_px)


def track(
    filt: KinematicsFilter, facing: int, spoil: Callable[[float, Pose], Pose] = lambda _t, pose: pose
) -> tuple[F64, list[Kinematics]]:
    times, out = [], []
    for t, pose in walk(facing):
        times.append(t)
        out.append(filt.step(spoil(t, pose)))
    return np.array(times), out


def error_deg(times: F64, out: list[Kinematics], name: str) -> F64:
    truth = np.array([gait(t)[name] for t in times])
    error: F64 = np.degrees(np.array([kin.q[Q_INDEX[name]] for kin in out]) - truth)
    return error


LEG_ANGLES = [name for name in TRACKED if name[-2:] in ("_r", "_l")]


@pytest.mark.parametrize("facing", [1, -1])
def test_known_angles_come_back_in_both_directions(facing: int) -> None:
    times, out = track(KinematicsFilter(HEIGHT_M), facing)
    for name in LEG_ANGLES:
        assert np.abs(error_deg(times, out, name)[20:]).max() < 2.0, name
    last = out[-1]
    assert last.valid
    assert last.q[Q_INDEX["pelvis_tilt"]] == pytest.approx(radians(-3), abs=radians(0.2))
    assert last.qd[Q_INDEX["pelvis_tx"]] == pytest.approx(1.2, rel=0.03)
    assert 0.8 < last.q[Q_INDEX["pelvis_ty"]] < 1.1
    assert [last.observed[Q_INDEX[name]] for name in TRACKED] == [True] * len(TRACKED)
    assert last.observed.sum() == len(TRACKED)
    assert last.q[Q_INDEX["hip_adduction_r"]] == 0.0
    assert last.sd[Q_INDEX["hip_adduction_r"]] > radians(5)


def test_far_leg_is_less_certain() -> None:
    for facing, near, far in ((1, "r", "l"), (-1, "l", "r")):
        _, out = track(KinematicsFilter(HEIGHT_M), facing)
        sd = out[-1].sd
        assert sd[Q_INDEX[f"knee_angle_{far}"]] > 1.4 * sd[Q_INDEX[f"knee_angle_{near}"]]


@pytest.mark.parametrize(("frequency_hz", "delay_ms"), [(1.0, 1.0), (2.0, 4.0)])
def test_delay_of_a_sinusoid(frequency_hz: float, delay_ms: float) -> None:
    """Delay from the phase at the fundamental: angles on time, velocity a little, acceleration much later."""
    filt, w = KinematicsFilter(HEIGHT_M), 2 * np.pi * frequency_hz
    times = 1.0 + np.arange(int(4 * FPS)) / FPS
    knee = Q_INDEX["knee_angle_r"]
    rows = []
    for t in times:
        kin = filt.step(draw(t, {"knee_angle_r": 0.6 + 0.4 * sin(w * t), "hip_flexion_r": 0.3}, 1))
        rows.append((kin.q[knee], kin.qd[knee], kin.qdd[knee]))
    late = slice(int(2 * FPS), None)
    phasor = np.exp(-1j * w * times[late]) @ np.array(rows)[late] / len(times[late])
    delays = [1e3 * ((-np.pi / 2 + order * np.pi / 2 - np.angle(p)) % (2 * np.pi)) for order, p in enumerate(phasor)]
    delays = [((d / 1e3 + np.pi) % (2 * np.pi) - np.pi) / w * 1e3 for d in delays]
    print(f"{frequency_hz} Hz: delay of q, qd, qdd {delays} ms, gain {2 * abs(phasor[0]) / 0.4:.3f}")
    assert abs(delays[0]) < delay_ms
    assert abs(delays[1]) < 15.0
    assert 0.0 < delays[2] < 65.0


def test_cut_is_adjustable() -> None:
    spread = []
    for cutoff_hz in (3.0, 10.0):
        filt, error = KinematicsFilter(HEIGHT_M, cutoff_hz), []
        for t in np.arange(1.0, 4.0, 1 / FPS):
            kin = filt.step(draw(t, {"hip_flexion_r": 0.3, "hip_flexion_l": -0.2}, 1, noise_px=2.0))
            error.append(kin.q[Q_INDEX["knee_angle_r"]])
        spread.append(np.std(error[60:]))
    assert spread[0] < 0.75 * spread[1]


def exchanged(pose: Pose) -> Pose:
    """Left and right leg landmarks swapped, as networks do when legs cross."""
    xy = pose.xy_px.copy()
    for right, left in (sagittal.HIPS, sagittal.KNEES, sagittal.ANKLES, sagittal.HEELS, sagittal.TOES):
        xy[[right, left]] = xy[[left, right]]
    return Pose(pose.t_capture_ns, True, "", xy, pose.visibility, pose.world_m, pose.score)


def test_short_swap_does_not_reach_the_output() -> None:
    filt = KinematicsFilter(HEIGHT_M)
    times, out = track(filt, 1, lambda t, pose: exchanged(pose) if 2.0 <= t < 2.05 else pose)
    assert filt.swaps == 3
    for name in LEG_ANGLES:
        assert np.abs(error_deg(times, out, name)[20:]).max() < 3.0, name


def test_lasting_swap_is_believed_in_the_end() -> None:
    filt = KinematicsFilter(HEIGHT_M)
    times, out = track(filt, 1, lambda t, pose: exchanged(pose) if t >= 2.0 else pose)
    late = np.array([kin.q[Q_INDEX["knee_angle_l"]] for kin in out])[-30:]
    truth = np.array([gait(t)["knee_angle_r"] for t in times])[-30:]
    assert np.degrees(np.abs(late - truth)).max() < 3.0


def test_outlier_is_gated_and_marked() -> None:
    def spoil(t: float, pose: Pose) -> Pose:
        if abs(t - 2.0) < 0.004:
            pose.xy_px[sagittal.ANKLES[0]] += [-180.0, -120.0]
        return pose

    times, out = track(KinematicsFilter(HEIGHT_M), 1, spoil)
    hit = int(np.argmin(np.abs(times - 2.0)))
    assert not out[hit].observed[Q_INDEX["knee_angle_r"]]
    assert out[hit].sd[Q_INDEX["knee_angle_r"]] > out[hit - 1].sd[Q_INDEX["knee_angle_r"]]
    assert np.abs(error_deg(times, out, "knee_angle_r")[hit - 3 : hit + 20]).max() < 8.0


def gone(pose: Pose, reason: str = "no person") -> Pose:
    return Pose(pose.t_capture_ns, False, reason, np.zeros((33, 2)), np.zeros(33), np.zeros((33, 3)), 0.0)


def test_lost_pose_widens_and_says_why() -> None:
    times, out = track(KinematicsFilter(HEIGHT_M), 1, lambda t, pose: gone(pose) if 2.0 < t < 2.1 else pose)
    lost = [k for k, kin in enumerate(out) if kin.reason == "no person"]
    assert len(lost) in (5, 6)
    assert not any(out[k].valid or out[k].observed.any() for k in lost)
    widths = [out[k].sd[Q_INDEX["knee_angle_l"]] for k in (lost[0] - 1, *lost)]
    assert np.all(np.diff(widths) > 0)
    assert out[lost[-1] + 1].valid
    assert np.abs(error_deg(times, out, "knee_angle_l")[lost[-1] + 8 :]).max() < 3.0


def test_long_gap_starts_anew() -> None:
    filt = KinematicsFilter(HEIGHT_M)
    poses = [pose for _, pose in walk(1)]
    for pose in poses[:60]:
        filt.step(pose)
    assert filt.step(poses[60]).valid
    after = filt.step(poses[60 + int(GAP_S * FPS) + 3])
    assert (after.valid, after.reason) == (False, "settling")


def test_settles_after_a_few_frames_and_after_reset() -> None:
    filt = KinematicsFilter(HEIGHT_M)
    for _ in range(2):
        reasons = [filt.step(pose).reason for _, pose in walk(1, 0.2)]
        assert reasons == ["settling"] * SETTLE_FRAMES + [""] * (len(reasons) - SETTLE_FRAMES)
        filt.reset()


def test_hidden_leg_makes_it_invalid() -> None:
    def spoil(t: float, pose: Pose) -> Pose:
        if t >= 2.0:
            pose.visibility[sagittal.KNEES[1]] = 0.1
        return pose

    _, out = track(KinematicsFilter(HEIGHT_M), 1, spoil)
    assert out[-1].reason == "hidden"
    assert not out[-1].observed[Q_INDEX["knee_angle_l"]]
    assert out[-1].observed[Q_INDEX["knee_angle_r"]]


def test_not_finite_landmarks_do_no_lasting_harm() -> None:
    def spoil(t: float, pose: Pose) -> Pose:
        if abs(t - 2.0) < 0.004:
            pose.xy_px[5] = np.nan
        return pose

    _, out = track(KinematicsFilter(HEIGHT_M), 1, spoil)
    assert [kin.reason for kin in out].count("bad_landmarks") == 1
    assert out[-1].valid
    assert np.isfinite(out[-1].q).all()


def test_one_odd_frame_does_not_turn_the_walker_round() -> None:
    def spoil(t: float, pose: Pose) -> Pose:
        if 2.0 <= t < 2.04:
            pose.xy_px[:, 0] = 1200 - pose.xy_px[:, 0]
        return pose

    filt = KinematicsFilter(HEIGHT_M)
    _, out = track(filt, 1, spoil)
    assert out[-1].valid
    assert out[-1].qd[Q_INDEX["pelvis_tx"]] > 0.0


def test_turning_round_starts_motion_anew() -> None:
    filt = KinematicsFilter(HEIGHT_M)
    reasons = [filt.step(pose).reason for _, pose in walk(1, 1.0)]
    for k in range(60):
        t = 2.0 + k / FPS
        reasons.append(filt.step(draw(t, gait(t), -1, 1.2 * (t - 2.0) - 1.2)).reason)
    assert "settling" in reasons[60:]
    assert reasons[-1] == ""


def test_poses_out_of_order_are_a_programmer_error() -> None:
    filt = KinematicsFilter(HEIGHT_M)
    poses = [pose for _, pose in walk(1, 0.1)]
    filt.step(poses[3])
    with pytest.raises(ValueError, match="feed poses in order"):
        filt.step(poses[2])


def test_fast_enough() -> None:
    filt, spent = KinematicsFilter(HEIGHT_M), []
    for _, pose in walk(1):
        start = time.thread_time_ns()
        filt.step(pose)
        spent.append((time.thread_time_ns() - start) * 1e-6)
    print(f"p50 {np.percentile(spent[5:], 50):.3f} ms, p99 {np.percentile(spent[5:], 99):.3f} ms")
    assert np.percentile(spent[5:], 90) < 0.3


class Told:
    """A head that says what it is told, as sure as it is told."""

    def __init__(self) -> None:
        self.q_rad, self.sd_rad = np.zeros(len(HEAD_COORDINATES)), np.full(len(HEAD_COORDINATES), radians(3.0))
        self.resets, self.valid = 0, True

    def reset(self) -> None:
        self.resets += 1

    def step(self, pose: Pose) -> Told:
        del pose
        return self

    def knees(self, right_rad: float, left_rad: float) -> None:
        for name, value in (("knee_angle_r", right_rad), ("knee_angle_l", left_rad)):
            self.q_rad[HEAD_COORDINATES.index(name)] = value


def readings(right_rad: float, left_rad: float, sd_deg: float) -> KneeReadings:
    return KneeReadings(np.array([right_rad, left_rad]), np.full(2, radians(sd_deg)), np.ones(2, np.bool_))


KNEE_R, KNEE_L = Q_INDEX["knee_angle_r"], Q_INDEX["knee_angle_l"]


def test_angles_and_deviation_are_the_heads() -> None:
    head = Told()
    filt = KinematicsFilter(HEIGHT_M, head=head)
    head.knees(0.5, 0.2)
    head.sd_rad[HEAD_COORDINATES.index("knee_angle_l")] = radians(9.0)
    for _, pose in walk(1, 0.5):
        kin = filt.step(pose)
    assert kin.valid
    assert kin.q[[KNEE_R, KNEE_L]] == pytest.approx([0.5, 0.2], abs=0.01)
    assert np.degrees(kin.sd[KNEE_R]) == pytest.approx(3.0, abs=0.7)
    assert np.degrees(kin.sd[KNEE_L]) > 8.9


def test_exchanged_legs_of_the_head_do_not_pass() -> None:
    """One to three frames in which the head has the legs exchanged: an outlier of both, held off."""
    for length in (1, 2, 3):
        head, out = Told(), []
        filt = KinematicsFilter(HEIGHT_M, head=head)
        for k, (_, pose) in enumerate(walk(1, 1.0)):
            head.knees(*((1.1, 0.1) if not 30 <= k < 30 + length else (0.1, 1.1)))
            out.append(filt.step(pose).q[[KNEE_R, KNEE_L]])
        assert np.degrees(np.abs(np.array(out)[20:] - [1.1, 0.1]).max()) < 3.0


def test_encoder_and_head_are_weighed_by_variance() -> None:
    head = Told()
    filt = KinematicsFilter(HEIGHT_M, head=head)
    head.knees(0.5, 0.5)
    for _, pose in walk(1, 0.5):
        kin = filt.step(pose, readings(0.6, 0.6, 1.0))
    assert kin.q[KNEE_R] == pytest.approx((0.5 / 9 + 0.6) / (1 / 9 + 1), abs=0.005)
    assert np.degrees(kin.sd[KNEE_R]) == pytest.approx((1 / 9 + 1) ** -0.5, rel=0.05)


def test_encoder_goes_on_where_nobody_is_seen() -> None:
    head = Told()
    filt, out = KinematicsFilter(HEIGHT_M, head=head), []
    for t, pose in walk(1, 1.5):
        knee = 0.6 + 0.4 * sin(2 * np.pi * t)
        head.knees(knee, knee)
        seen = pose if t < 2.0 else gone(pose)
        if t < 2.15:  # a longer gap begins anew
            kin = filt.step(seen, readings(knee, knee, 1.0))
            out.append((t, kin.q[KNEE_R] - knee, kin.valid))
    late = [abs(error) for t, error, _ in out if t > 1.5]
    assert np.degrees(max(late)) < 2.5
    assert not out[-1][2]  # and still says that the pose is missing


def test_a_reading_that_is_no_number_is_left_out() -> None:
    model = EncoderModel(np.zeros(2), np.full(2, 0.02), np.full(2, 250.0), np.full(2, 750.0), np.full(2, 0.2))
    read = model.knees(np.array([0.5, np.nan]), np.array([10.0, 0.0]))
    assert read.valid.tolist() == [True, False]
    stiffness = 250.0 + 500.0 * 0.5 / radians(80.0)
    assert read.knee_rad[0] == pytest.approx(0.5 - 10.0 / stiffness)
    assert read.sd_rad[0] == pytest.approx(np.hypot(0.02, 0.2 * 10.0 / stiffness))
    head = Told()
    filt = KinematicsFilter(HEIGHT_M, head=head)
    for _, pose in walk(1, 0.3):
        kin = filt.step(pose, read)
    assert np.isfinite(kin.q).all()
