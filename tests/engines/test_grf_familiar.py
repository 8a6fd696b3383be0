"""Motion unlike gait is refused or doubted, never answered with confidence; standing still is answered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engines.errors import EngineError
from engines.grf import GrfEngine, GrfResult
from engines.grf.features import COORDINATES
from engines.grf.leg import pelvis_to_ankle
from engines.grf.trials import GRAVITY, find_trials, read_trial

ALL = np.ones(len(COORDINATES), dtype=np.bool_)
STILL = np.zeros(len(COORDINATES))
MASS_KG = 70.0
FRAME_S = 1.0 / 60.0
WEIGHT_N = MASS_KG * GRAVITY
Motion = Callable[[float], np.ndarray]


@pytest.fixture(scope="module")
def engine() -> GrfEngine:
    return GrfEngine()


def posture(knee_deg: float, hip_deg: float, tilt_deg: float = 0.0, flat: bool = True) -> np.ndarray:
    """Both legs alike; the pelvis as high as flat feet on the ground put it."""
    q = np.zeros(len(COORDINATES))
    q[COORDINATES.index("pelvis_tilt")] = np.radians(tilt_deg)
    for side in ("r", "l"):
        q[COORDINATES.index(f"hip_flexion_{side}")] = np.radians(hip_deg)
        q[COORDINATES.index(f"knee_angle_{side}")] = np.radians(knee_deg)
        q[COORDINATES.index(f"ankle_angle_{side}")] = np.radians(knee_deg - hip_deg - tilt_deg) if flat else 0.0
    q[COORDINATES.index("pelvis_ty")] = 0.075 - pelvis_to_ankle(q[None], "r")[0, 1]
    return q


def jumping(t_s: float) -> np.ndarray:
    """Two-legged hops on the spot at 1.8 Hz, in the air for 0.3 s of each: ballistic while airborne."""
    period, air = 1.0 / 1.8, 0.3
    at = t_s % period
    if at < air:
        q = posture(15.0, 8.0, flat=False)
        q[COORDINATES.index("pelvis_ty")] += 0.5 * GRAVITY * at * (air - at)
        return q
    bend = np.sin(np.pi * (at - air) / (period - air))
    return posture(15.0 + 50.0 * bend, 8.0 + 30.0 * bend)


def sitting(t_s: float) -> np.ndarray:
    return posture(90.0 + np.sin(t_s), 88.0, tilt_deg=2.0)


def cycling(t_s: float) -> np.ndarray:
    q = posture(70.0, 60.0, tilt_deg=-25.0)
    for side, shift in (("r", 0.0), ("l", np.pi)):
        phase = 2.0 * np.pi * 1.3 * t_s + shift
        q[COORDINATES.index(f"hip_flexion_{side}")] += 0.4 * np.sin(phase)
        q[COORDINATES.index(f"knee_angle_{side}")] += 0.6 * np.sin(phase + 0.3)
    return q


def noise(t_s: float) -> np.ndarray:
    rng = np.random.default_rng(round(t_s * 1e6))
    return posture(20.0, 10.0) + 0.3 * rng.normal(size=len(COORDINATES))


def upside_down(t_s: float) -> np.ndarray:
    return posture(10.0, 5.0, tilt_deg=170.0 + np.sin(3.0 * t_s))


def stream(engine: GrfEngine, motion: Motion, seconds: float = 3.0) -> list[GrfResult]:
    engine.reset()
    times_s = np.arange(round(seconds / FRAME_S)) * FRAME_S
    results = [engine.step(round(t * 1e9), motion(t), STILL, ALL, MASS_KG) for t in times_s]
    return [r for r in results if r.reason in ("", "unfamiliar")][60:]


@pytest.mark.parametrize("motion", [jumping, sitting, cycling, noise, upside_down])
def test_motion_unlike_gait_is_refused_or_doubted(engine: GrfEngine, motion: Motion) -> None:
    results = stream(engine, motion)
    assert results
    assert np.mean([not r.valid or r.doubt > 0.5 for r in results]) > 0.9


def test_refused_motion_is_answered_from_what_carries_the_body_and_stays_refused(engine: GrfEngine) -> None:
    results = stream(engine, jumping, 6.0)
    refused = [r for r in results if r.reason == "unfamiliar"]
    assert len(refused) > 0.5 * len(results)
    total_n = np.array([r.force_n[:, 1].sum() for r in refused])
    assert total_n.mean() == pytest.approx(WEIGHT_N, rel=0.25) and total_n.min() < 0.1 * WEIGHT_N
    assert np.median([r.sd_n[:, 1].max() for r in refused]) > 0.1 * WEIGHT_N


@pytest.mark.parametrize("knee_deg", [3.0, 10.0, 25.0])
def test_standing_still_carries_half_the_weight_on_each_foot(engine: GrfEngine, knee_deg: float) -> None:
    results = stream(engine, lambda _: posture(knee_deg, 0.5 * knee_deg))
    assert np.mean([r.valid for r in results]) > 0.9
    force_n = np.array([r.force_n for r in results])
    assert force_n[:, :, 1] == pytest.approx(0.5 * WEIGHT_N, abs=0.1 * WEIGHT_N)
    assert np.abs(force_n[:, :, [0, 2]]).max() < 0.1 * WEIGHT_N


def test_refused_motion_still_says_what_it_was_and_recovers(engine: GrfEngine) -> None:
    results = stream(engine, noise)
    refused = [r for r in results if r.reason == "unfamiliar"]
    assert refused and all(r.doubt == 1.0 and np.isfinite(r.force_n).all() for r in refused)
    first = round(3.0 / FRAME_S)
    for i in range(first, first + 180):
        last = engine.step(round(i * FRAME_S * 1e9), posture(5.0, 2.0), STILL, ALL, MASS_KG)
    assert last.valid


@pytest.mark.shared
def test_measured_gait_is_familiar_and_its_reverse_is_doubted_more(engine: GrfEngine, shared_data: Path) -> None:
    trial = read_trial(find_trials(shared_data / "rbds_run")[0][0])
    forward: list[GrfResult] = []
    backward: list[GrfResult] = []
    for q, found in ((trial.q, forward), (trial.q[::-1], backward)):
        engine.reset()
        found += [engine.step(round(t * 1e9), q[i], STILL, ALL, MASS_KG) for i, t in enumerate(trial.t_s[:600])]
    assert np.mean([r.valid for r in forward[100:]]) > 0.98
    doubt = [np.mean([r.doubt for r in results[100:]]) for results in (forward, backward)]
    assert doubt[1] > doubt[0] + 0.3


def test_weights_that_do_not_say_their_limits_are_one_line(tmp_path: Path) -> None:
    import onnx

    from engines.grf.weights import METADATA_KEY, ZOO_PATH

    model = onnx.load(str(ZOO_PATH))
    for entry in model.metadata_props:
        if entry.key == METADATA_KEY:
            entry.value = '{"trained": [], "held_out": []}'
    onnx.save(model, str(tmp_path / "old.onnx"))
    with pytest.raises(EngineError, match="what it was trained for"):
        GrfEngine(tmp_path / "old.onnx")
