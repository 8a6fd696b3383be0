"""The GRF engine as a stream: warm-up, gaps, bad input, mirror image, and no force that pulls."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest

from engines.errors import EngineError
from engines.grf import GrfEngine, GrfResult
from engines.grf.engine import GAP_S, MARKERS, ROUGH_RAD, WARM_UP_S
from engines.grf.features import COORDINATES, GRID_S, RECENT
from engines.grf.weights import ZOO_PATH, read_limits
from tests.engines.test_grf_features import MIRROR, MIRROR_SIGN

ALL = np.ones(len(COORDINATES), dtype=np.bool_)
STILL = np.zeros(len(COORDINATES))
MASS_KG = 70.0
FRAME_NS = 16_666_667


@pytest.fixture(scope="module")
def engine() -> GrfEngine:
    return GrfEngine()


def gait(t_s: float, side_shift: float = 0.0) -> np.ndarray:
    """Something like walking at one stride per second, with a body that bounces as its forces make it."""
    q = np.zeros(len(COORDINATES))
    for side, shift in (("r", side_shift), ("l", side_shift + np.pi)):
        phase = 2 * np.pi * t_s + shift
        q[COORDINATES.index(f"hip_flexion_{side}")] = 0.2 + 0.4 * np.cos(phase)
        q[COORDINATES.index(f"knee_angle_{side}")] = 0.5 - 0.4 * np.sin(phase)
        q[COORDINATES.index(f"ankle_angle_{side}")] = 0.15 * np.sin(phase)
    q[COORDINATES.index("pelvis_ty")] = 0.95 + 0.035 * np.sin(4 * np.pi * t_s)
    q[COORDINATES.index("pelvis_list")] = 0.05 * np.sin(2 * np.pi * t_s)
    return q


def stream(
    engine: GrfEngine, frames: int, observed: np.ndarray = ALL, first: int = 0, mirrored: bool = False
) -> list[GrfResult]:
    results = []
    for i in range(first, first + frames):
        q = gait(i * FRAME_NS * 1e-9)
        q = q[MIRROR] * MIRROR_SIGN if mirrored else q
        results.append(engine.step(i * FRAME_NS, q, STILL, observed, MASS_KG))
    return results


def same(a: GrfResult, b: GrfResult) -> bool:
    fields = ("force_n", "cop_ankle_m", "contact", "sd_n")
    return a.valid == b.valid and all(np.array_equal(getattr(a, f), getattr(b, f)) for f in fields)


def test_warms_up_and_then_answers(engine: GrfEngine) -> None:
    engine.reset()
    results = stream(engine, 60)
    valid = [r.valid for r in results]
    assert valid.index(True) == pytest.approx(WARM_UP_S * 60, abs=1)
    assert all(valid[valid.index(True) :])
    early = results[0]
    assert early.reason == "warming_up"
    assert not early.force_n.any() and np.isinf(early.sd_n).all()


def test_reset_and_a_second_engine_give_the_same_stream(engine: GrfEngine) -> None:
    engine.reset()
    first = stream(engine, 50)
    engine.reset()
    again, other = stream(engine, 50), stream(GrfEngine(), 50)
    assert all(same(a, b) and same(a, c) for a, b, c in zip(first, again, other, strict=True))


def test_mirrored_motion_gives_the_mirrored_force(engine: GrfEngine) -> None:
    engine.reset()
    plain = stream(engine, 60)[-1]
    engine.reset()
    mirrored = stream(engine, 60, mirrored=True)[-1]
    flip = np.array([1.0, 1.0, -1.0])
    assert mirrored.force_n == pytest.approx(plain.force_n[::-1] * flip, abs=1e-2)
    assert mirrored.cop_ankle_m == pytest.approx(plain.cop_ankle_m[::-1] * flip, abs=1e-5)
    assert mirrored.contact == pytest.approx(plain.contact[::-1], abs=1e-5)
    assert mirrored.sd_n == pytest.approx(plain.sd_n[::-1], rel=1e-4)


def test_ground_pushes_only_and_not_where_there_is_no_contact(engine: GrfEngine) -> None:
    engine.reset()
    results = [r for r in stream(engine, 200) if r.valid]
    assert min(r.force_n[:, 1].min() for r in results) >= 0.0
    swing = [r.force_n[foot] for r in results for foot in (0, 1) if r.contact[foot] < 0.1]
    assert swing and not np.any(swing)


def test_force_goes_with_the_weight(engine: GrfEngine) -> None:
    engine.reset()
    light = stream(engine, 60)[-1]
    engine.reset()
    for i in range(60):
        heavy = engine.step(i * FRAME_NS, gait(i * FRAME_NS * 1e-9), STILL, ALL, 2 * MASS_KG)
    assert heavy.force_n == pytest.approx(2 * light.force_n)
    assert heavy.sd_n == pytest.approx(2 * light.sd_n)


def test_a_gap_ends_the_history(engine: GrfEngine) -> None:
    engine.reset()
    stream(engine, 60)
    t_ns = 60 * FRAME_NS
    late_ns = t_ns + round((GAP_S + 0.1) * 1e9)
    after = engine.step(late_ns, gait(late_ns * 1e-9), STILL, ALL, MASS_KG)
    assert (after.valid, after.reason) == (False, "gap")
    following = engine.step(late_ns + FRAME_NS, gait(0.0), STILL, ALL, MASS_KG)
    assert following.reason == "warming_up"


def test_dropped_frames_short_of_a_gap_are_bridged(engine: GrfEngine) -> None:
    engine.reset()
    stream(engine, 60)
    t_ns = 59 * FRAME_NS + round(GAP_S * 1e9)
    assert engine.step(t_ns, gait(t_ns * 1e-9), STILL, ALL, MASS_KG).valid


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_unreadable_coordinate_spoils_one_frame_and_leaves_no_trace(engine: GrfEngine, bad: float) -> None:
    engine.reset()
    stream(engine, 40)
    q = gait(0.7)
    q[COORDINATES.index("knee_angle_r")] = bad
    result = engine.step(40 * FRAME_NS, q, STILL, ALL, MASS_KG)
    assert (result.valid, result.reason) == (False, "bad_input")
    after = stream(engine, 40, first=41)
    assert all(r.valid and np.isfinite(r.force_n).all() for r in after)


def test_what_is_not_observed_may_be_anything(engine: GrfEngine) -> None:
    hidden = ALL.copy()
    hidden[[COORDINATES.index(c) for c in ("hip_adduction_r", "pelvis_list", "ankle_angle_l")]] = False
    engine.reset()
    plain = stream(engine, 50, hidden)[-1]
    engine.reset()
    for i in range(50):
        q = np.where(hidden, gait(i * FRAME_NS * 1e-9), np.nan)
        wild = engine.step(i * FRAME_NS, q, np.where(hidden, 0.0, np.nan), hidden, MASS_KG)
    assert plain.valid and same(plain, wild)


def test_nothing_of_the_legs_observed_is_no_answer(engine: GrfEngine) -> None:
    engine.reset()
    stream(engine, 60)
    result = engine.step(60 * FRAME_NS, gait(1.0), STILL, ~ALL, MASS_KG)
    assert (result.valid, result.reason) == (False, "hidden")


@pytest.mark.parametrize("mass_kg", [0.0, -1.0, float("nan"), float("inf")])
def test_an_impossible_mass_is_bad_input(engine: GrfEngine, mass_kg: float) -> None:
    engine.reset()
    assert engine.step(0, gait(0.0), STILL, ALL, mass_kg).reason == "bad_input"


def test_time_that_stands_still_is_refused_and_a_step_back_starts_anew(engine: GrfEngine) -> None:
    engine.reset()
    stream(engine, 40)
    assert engine.step(39 * FRAME_NS, gait(0.0), STILL, ALL, MASS_KG).reason == "bad_input"
    assert engine.step(40 * FRAME_NS, gait(0.7), STILL, ALL, MASS_KG).valid
    assert engine.step(10 * FRAME_NS, gait(0.0), STILL, ALL, MASS_KG).reason == "bad_input"
    assert engine.step(11 * FRAME_NS, gait(0.0), STILL, ALL, MASS_KG).reason == "warming_up"


def test_hours_of_frames_fit(engine: GrfEngine) -> None:
    engine.reset()
    fast_ns = 1_000_000
    results = [engine.step(i * fast_ns, gait(i * 1e-3), STILL, ALL, MASS_KG) for i in range(2500)]
    engine.reset()
    tail = [engine.step(i * fast_ns, gait(i * 1e-3), STILL, ALL, MASS_KG) for i in range(1500, 2500)]
    assert results[-1].cop_ankle_m == pytest.approx(tail[-1].cop_ankle_m)  # of the window alone
    assert results[-1].force_n == pytest.approx(tail[-1].force_n, abs=0.02 * MASS_KG * 9.81)  # and of what was learned


def test_uneven_frames_change_little(engine: GrfEngine) -> None:
    engine.reset()
    even = stream(engine, 61)[-1]
    engine.reset()
    times_ns = itertools.accumulate([0, *[12_000_000, 21_333_334] * 30])
    for t_ns in times_ns:
        uneven = engine.step(t_ns, gait(t_ns * 1e-9), STILL, ALL, MASS_KG)
    assert np.abs(uneven.force_n - even.force_n).max() < 0.1 * MASS_KG * 9.81


def test_wrong_length_is_a_programming_error(engine: GrfEngine) -> None:
    with pytest.raises(ValueError, match="expected"):
        engine.step(0, np.zeros(5), STILL, ALL, MASS_KG)
    with pytest.raises(ValueError, match="expected"):
        engine.step(0, STILL, STILL, ALL, MASS_KG, np.zeros(19))


def test_missing_or_damaged_weights_are_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a network")
    for path in (tmp_path / "absent.onnx", broken):
        with pytest.raises(EngineError, match=path.name) as caught:
            GrfEngine(path)
        assert "\n" not in str(caught.value)


FRONTAL = [any(part in name for part in ("list", "rotation", "adduction", "_tz")) for name in COORDINATES]
KNEE = COORDINATES.index("knee_angle_r")


def rough(sd_rad: float, at: int = KNEE) -> np.ndarray:
    sd = MARKERS.copy()
    sd[at] = sd_rad
    return sd


def told(engine: GrfEngine, sds: list[np.ndarray], observed: np.ndarray = ALL) -> list[GrfResult]:
    engine.reset()
    return [
        engine.step(i * FRAME_NS, gait(i * FRAME_NS * 1e-9), STILL, observed, MASS_KG, sd) for i, sd in enumerate(sds)
    ]


def test_motion_with_an_uncertain_angle_is_taken_as_one_camera_beside_the_wearer_sees_it(engine: GrfEngine) -> None:
    beside = told(engine, [MARKERS] * 60, ~np.array(FRONTAL))
    uncertain = told(engine, [rough(2 * ROUGH_RAD)] * 60)
    assert same(uncertain[-1], told(engine, [rough(np.nan)] * 60)[-1])
    assert np.array_equal(uncertain[-1].force_n, beside[-1].force_n)
    assert not np.array_equal(uncertain[-1].force_n, told(engine, [MARKERS] * 60)[-1].force_n)


def test_an_angle_at_the_limit_a_hidden_one_and_a_length_change_nothing(engine: GrfEngine) -> None:
    plain = told(engine, [MARKERS] * 60)
    assert same(plain[-1], told(engine, [rough(ROUGH_RAD)] * 60)[-1])
    assert same(plain[-1], told(engine, [rough(0.02, COORDINATES.index("pelvis_ty"))] * 60)[-1])
    hidden = ALL.copy()
    hidden[KNEE] = False
    plain = told(engine, [MARKERS] * 60, hidden)
    assert same(plain[-1], told(engine, [rough(np.inf)] * 60, hidden)[-1])


def test_what_was_uncertain_is_forgotten_when_the_network_no_longer_sees_it(engine: GrfEngine) -> None:
    frames = round(RECENT * GRID_S * 1e9 / FRAME_NS) + 2
    plain = told(engine, [MARKERS] * (30 + frames))
    once = told(engine, [MARKERS] * 30 + [rough(0.05)] + [MARKERS] * (frames - 1))
    apart = [not np.array_equal(a.force_n, b.force_n) for a, b in zip(plain, once, strict=True)]
    assert not any(apart[:30]) and apart[30] and apart[frames + 25]
    assert once[-1].contact == pytest.approx(plain[-1].contact, abs=0.05)


def test_force_that_the_motion_does_not_confirm_is_unfamiliar_but_rough_motion_cannot_tell(
    engine: GrfEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = told(engine, [MARKERS] * 120)[-1]
    assert known.valid
    limits = dataclasses.replace(read_limits(ZOO_PATH), unexplained=0.5 * known.unexplained)
    monkeypatch.setattr("engines.grf.engine.read_limits", lambda path: limits)
    strict = GrfEngine()
    refused = told(strict, [MARKERS] * 120)
    assert [r.reason for r in (refused[20], refused[-1])] == ["", "unfamiliar"]
    assert refused[-1].doubt == 1.0 and refused[-1].unexplained == pytest.approx(known.unexplained)
    filmed = told(strict, [rough(2 * ROUGH_RAD)] * 120)[-1]
    assert filmed.valid and filmed.unexplained == 0.0
