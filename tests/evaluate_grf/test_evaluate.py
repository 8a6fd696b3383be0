"""Any folder in the data convention: subsets, signs, rates, damaged files; and the bars on measured people."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_runtime.biomech.body_motion import MARKER_NOISE_RAD
from edge_runtime.commands import evaluate_grf
from edge_runtime.evaluate_grf.evaluate import Question, evaluate
from edge_runtime.evaluate_grf.noise import LEVER_M, noisy
from edge_runtime.evaluate_grf.stream import case_of, stream
from edge_runtime.types import COORDINATES, F64
from engines.errors import EngineError
from engines.grf import GrfEngine
from engines.grf.trials import GRAVITY, read_trial
from engines.grf.weights import ZOO_PATH, read_split

MASS_KG = 70.0
PLAIN = Question()


def gait(t_s: F64) -> F64:
    """Something like walking at one stride per second, [N, 16] in degrees and m."""
    q = np.zeros((len(t_s), len(COORDINATES)))
    for side, shift in (("r", 0.0), ("l", np.pi)):
        phase = 2 * np.pi * t_s + shift
        q[:, COORDINATES.index(f"hip_flexion_{side}")] = 11 + 23 * np.cos(phase)
        q[:, COORDINATES.index(f"knee_angle_{side}")] = 30 - 25 * np.sin(phase)
        q[:, COORDINATES.index(f"ankle_angle_{side}")] = 9 * np.sin(phase)
    q[:, COORDINATES.index("pelvis_ty")] = 0.95 + 0.035 * np.sin(4 * np.pi * t_s)
    q[:, COORDINATES.index("pelvis_tx")] = 1.2 * t_s
    return q


def write(folder: Path, name: str = "a_1", rate_hz: float = 100.0, **changes: Any) -> Path:
    """A made-up trial of 2.5 s of somebody new; `changes` replace arrays, None drops one."""
    t_s = np.arange(round(2.5 * rate_hz)) / rate_hz
    load = np.clip(0.5 + np.cos(2 * np.pi * t_s), 0.0, 1.0)
    force = np.zeros((2, len(t_s), 3))
    force[:, :, 1] = MASS_KG * GRAVITY * np.array([load, 1.0 - load])
    arrays: dict[str, Any] = {
        "t": t_s, "q": gait(t_s), "q_names": np.array(COORDINATES), "mass_kg": MASS_KG, "subject": "somebody new",
        "grf_r": force[0], "grf_l": force[1], "cop_r": np.zeros((len(t_s), 3)), "cop_l": np.zeros((len(t_s), 3)),
    }  # fmt: skip
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.npz"
    np.savez(path, **{key: value for key, value in (arrays | changes).items() if value is not None})
    return path


def keys_hold(block: dict[str, Any]) -> None:
    for axis in ("vertical", "fore_aft", "lateral"):
        assert {"rmse_pct_bw", "mae_pct_bw", "peak_error_pct_bw"} <= block[axis].keys()
    assert {"cop_mm", "coverage_90", "newton_residual_pct_bw", "stance", "without_refinement", "events"} <= block.keys()


def test_keys_of_the_benchmark_table(tmp_path: Path) -> None:
    write(tmp_path)
    result = evaluate(tmp_path, PLAIN)
    keys_hold(result["overall"])
    assert result["trials"] == 1 and result["per_trial"][0]["subject"] == "somebody new"
    assert set(result["ms_per_frame"]) == {"n", "p50", "p90", "p99", "p99_9", "max"}
    assert result["cpu_ms_per_frame"]["n"] == result["ms_per_frame"]["n"]
    assert result["cpu_ms_per_frame"]["p50"] > 0.0
    assert result["overall"]["newton_residual_pct_bw"] < 0.01


@pytest.mark.parametrize("rate_hz", [50.0, 100.0, 200.0])
def test_any_frame_rate_gives_about_the_same(tmp_path: Path, rate_hz: float) -> None:
    reference = write(tmp_path / "reference")
    path = write(tmp_path / "other", rate_hz=rate_hz)
    engine = GrfEngine()
    a, b = (stream(engine, case_of(read_trial(p), p)) for p in (reference, path))
    at = [np.argmin(np.abs(b.trial.t_s - t)) for t in a.trial.t_s[100::10]]
    apart = a.refined["force_bw"][100::10] - b.refined["force_bw"][at]
    assert np.sqrt(np.mean(apart**2)) < 0.08


def test_a_negative_knee_is_turned_and_said(tmp_path: Path) -> None:
    plain = evaluate(write(tmp_path / "a").parent, PLAIN)
    path = write(tmp_path / "b")
    with np.load(path) as file:
        q = file["q"].copy()
    q[:, [name.startswith("knee") for name in COORDINATES]] *= -1.0
    turned = evaluate(write(tmp_path / "b", q=q).parent, PLAIN)
    assert turned["overall"]["vertical"] == plain["overall"]["vertical"]
    assert "knee_angle_r" in turned["harmonized"]["a_1"][0]


def test_a_knee_that_bends_both_ways_is_refused(tmp_path: Path) -> None:
    t_s = np.arange(250) / 100
    q = gait(t_s)
    q[:, COORDINATES.index("knee_angle_r")] = 60 * np.sin(2 * np.pi * t_s)
    write(tmp_path, q=q)
    with pytest.raises(EngineError, match="bends both ways"):
        evaluate(tmp_path, PLAIN)


@pytest.mark.parametrize("axes", [[0, 2, 1], [1, 0, 2]])
def test_forces_in_other_axes_are_refused(tmp_path: Path, axes: list[int]) -> None:
    path = write(tmp_path)
    with np.load(path) as file:
        force = {key: file[key][:, axes] for key in ("grf_r", "grf_l")}
    write(tmp_path, **force)
    with pytest.raises(EngineError, match="point up along y"):
        evaluate(tmp_path, PLAIN)


@pytest.mark.parametrize(
    "dropped",
    [
        ("pelvis_list", "pelvis_rotation", "pelvis_tz", "hip_adduction_r", "hip_adduction_l"),
        ("pelvis_tx",),
        ("ankle_angle_r", "ankle_angle_l"),
        ("hip_flexion_l", "knee_angle_l", "ankle_angle_l"),
    ],
)
def test_missing_coordinates_are_missing_not_zero(tmp_path: Path, dropped: tuple[str, ...]) -> None:
    kept = [i for i, name in enumerate(COORDINATES) if name not in dropped]
    t_s = np.arange(250) / 100
    path = write(tmp_path, q=gait(t_s)[:, kept], q_names=np.array(COORDINATES)[kept])
    trial = read_trial(path)
    absent = [i for i in range(len(COORDINATES)) if i not in kept]
    assert not trial.observed[:, absent].any() and trial.observed[:, kept].all()
    keys_hold(evaluate(tmp_path, PLAIN)["overall"])


def test_without_a_whole_leg_nothing_can_be_said(tmp_path: Path) -> None:
    write(tmp_path, q=np.zeros((250, 2)), q_names=np.array(["hip_flexion_r", "knee_angle_l"]))
    with pytest.raises(EngineError, match="q_names lacks"):
        evaluate(tmp_path, PLAIN)


def test_a_damaged_file_is_named_and_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "good")
    broken = tmp_path / "broken.npz"
    broken.write_bytes(write(tmp_path, "short").read_bytes()[:500])
    write(tmp_path, "short", mass_kg=-1.0)
    result = evaluate(tmp_path, PLAIN)
    assert result["trials"] == 1
    assert "copy the file again" in result["skipped"][str(broken)]
    assert "mass_kg" in result["skipped"][str(tmp_path / "short.npz")]
    assert not any("\n" in line for line in result["skipped"].values())


N = 250
NAN3 = np.full((N, 3), np.nan)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"q": np.radians(gait(np.arange(N) / 100))}, "not radians"),
        ({"q": 1e200 * gait(np.arange(N) / 100)}, "give degrees"),
        ({"q": np.full((N, 16), np.nan)}, "no finite knee"),
        ({"q": np.full((N, 16), "x")}, "q holds <U1; give numbers"),
        ({"t": 10.0 * np.arange(N)}, "t in seconds"),
        ({"t": np.arange(N) * 1e-9}, "t in seconds"),
        ({"t": 1.0}, "t must rise"),
        ({"t": np.where(np.arange(N) < N - 1, np.arange(N) / 100, np.inf)}, "t must rise"),
        ({"mass_kg": 70_000.0}, "in kg"),
        ({"mass_kg": "heavy"}, "give numbers"),
        ({"mass_kg": np.array([70.0, 71.0])}, "one person"),
        ({"grf_r": np.full((N, 3), [0.0, 0.5, 0.0]), "grf_l": NAN3}, "not in body weights"),
        ({"grf_r": np.full((N, 3), [0.0, 1e200, 0.0])}, "grf in N and mass_kg in kg"),
        ({"cop_r": np.full((N, 3), 100.0)}, "cop in m"),
        ({"valid_r": np.ones(3)}, "valid_r has shape"),
        ({"q_names": "knee_angle_r"}, "q_names lacks"),
    ],
)
def test_wrong_units_and_shapes_are_one_line_each(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    path = write(tmp_path, **changes)
    with pytest.raises(EngineError, match=says) as caught:
        read_trial(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_plate_whose_validity_is_unknown_measured_nothing(tmp_path: Path) -> None:
    assert not read_trial(write(tmp_path, valid_r=np.full(N, np.nan))).valid[:, 0].any()


def test_somebody_who_only_stands_may_have_straight_knees(tmp_path: Path) -> None:
    force = np.full((N, 3), [0.0, 0.5 * MASS_KG * GRAVITY, 0.0])
    assert read_trial(write(tmp_path, q=0.01 * gait(np.arange(N) / 100), grf_r=force, grf_l=force)).valid.all()


def test_no_damage_to_a_file_ends_in_anything_but_one_line(tmp_path: Path) -> None:
    with np.load(write(tmp_path)) as file:
        np.savez_compressed(tmp_path / "packed.npz", **dict(file))
    rng, broken = np.random.default_rng(0), tmp_path / "broken.npz"
    for good in ("a_1", "packed"):
        for _ in range(30):
            data = bytearray((tmp_path / f"{good}.npz").read_bytes())
            for at in rng.integers(0, len(data), 20):
                data[at] = rng.integers(256)
            broken.write_bytes(bytes(data))
            try:
                read_trial(broken)
            except EngineError as error:
                assert "\n" not in str(error)
    np.save(tmp_path / "one.npy", np.zeros(3))
    (tmp_path / "one.npy").rename(broken)
    with pytest.raises(EngineError, match="copy the file again"):
        read_trial(broken)


def command(*words: str) -> int:
    """`exo-edge evaluate grf` with these options, errors as they come."""
    parser = argparse.ArgumentParser()
    evaluate_grf.configure(parser)
    return evaluate_grf.run(parser.parse_args(words))


def test_only_people_of_the_training_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    write(tmp_path, subject="opensim_core_walk")  # trained on, and held out from no fold
    with pytest.raises(EngineError, match="--people all") as caught:
        command("--data", str(tmp_path), "--json")
    assert "\n" not in str(caught.value)


def test_json_is_one_object_and_people_can_be_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "opensim_core_walk"
    assert name in read_split(ZOO_PATH).trained
    write(tmp_path, subject=name)
    assert command("--data", str(tmp_path), "--people", "all", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["seen_in_training"] == [name] and result["host"]["cpu"]


def test_lines_for_a_person_tell_before_and_after(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path)
    assert command("--data", str(tmp_path)) == 0
    out = capsys.readouterr().out
    assert "→" in out and "Newton residual" in out and "heel strike" in out


@pytest.mark.parametrize("value", ["-1", "nan", "much", "100"])
def test_noise_must_be_degrees(tmp_path: Path, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command("--data", str(tmp_path), "--noise-deg", value)
    assert "from 0 to 45" in capsys.readouterr().err


def test_noise_is_seeded_and_makes_it_worse(tmp_path: Path) -> None:
    write(tmp_path)
    noisy = [evaluate(tmp_path, Question(noise_deg=4.0))["overall"]["vertical"] for _ in range(2)]
    assert noisy[0] == noisy[1] != evaluate(tmp_path, PLAIN)["overall"]["vertical"]


def test_hidden_legs_have_a_row_for_every_gap_and_fill(tmp_path: Path) -> None:
    write(tmp_path)
    table = evaluate(tmp_path, Question(occlude=True, gaps=1))["occlusion"][tmp_path.name]
    assert {(row["gap_s"], row["fill"]) for row in table} >= {(0.1, "hold"), (1.0, "masked network"), (0.5, "linear")}
    assert all(row["increase_pct"] is not None and row["gaps"] == 1 for row in table)


@pytest.mark.shared
def test_refinement_does_not_make_unseen_people_worse(shared_data: Path, tmp_path: Path) -> None:
    for name in ("RBDS001", "RBDS013"):
        (tmp_path / f"{name}_T25.npz").symlink_to(shared_data / "rbds_run" / f"{name}_T25.npz")
    for path in (shared_data / "schreiber2019_walk").glob("2014001_*.npz"):
        (tmp_path / path.name).symlink_to(path)
    block = evaluate(tmp_path, Question(people="all"))["overall"]
    for axis in ("vertical", "fore_aft", "lateral"):
        assert block[axis]["rmse_pct_bw"] <= 1.01 * block["without_refinement"][axis]["rmse_pct_bw"]
    assert block["newton_residual_pct_bw"] <= 1.0
    assert block["newton"]["before"]["mean"] > 5.0
    for event in block["events"].values():
        assert event["n"] > 10 and event["missed"] == 0 and event["median_ms"] < 20.0


def test_noise_is_told_with_the_coordinates(tmp_path: Path) -> None:
    path = write(tmp_path)
    case = case_of(read_trial(path), path)
    shaken = noisy(case, 2.0, np.random.default_rng(0))
    angle, length = COORDINATES.index("knee_angle_r"), COORDINATES.index("pelvis_ty")
    assert (case.sd == MARKER_NOISE_RAD).all()
    assert shaken.sd[:, angle] == pytest.approx(np.hypot(MARKER_NOISE_RAD, np.radians(2.0)))
    assert shaken.sd[:, length] == pytest.approx(np.hypot(MARKER_NOISE_RAD, LEVER_M * np.radians(2.0)))
