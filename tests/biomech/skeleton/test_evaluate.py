"""`exo-edge evaluate muscle` on a folder whose truth is known: hand-made legs standing and squatting."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_runtime.biomech.skeleton.format import save
from edge_runtime.biomech.tables import read_table, write_sto
from edge_runtime.commands import evaluate_muscle
from edge_runtime.types import F64
from tests.biomech.skeleton.handmade import ARM_M, COORDINATES, HIP_M, MASS, SHANK_M, TENSION_N, THIGH_M, G, handmade

T = np.arange(300) / 100.0
TOTAL_N = float(handmade().skeleton.tree.mass.sum()) * G
BACK_M = -0.03 * (1.0 - np.cos(2 * np.pi * 0.5 * T))  # the force wanders behind the right knee and back
OVERSHOOT_NM, LIFT_N = 2.0, 50.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Standing straight on the right foot; references off by known amounts."""
    save(tmp_path / "legs.npz", handmade())
    data = tmp_path / "data"
    data.mkdir()
    zero = np.zeros_like(T)
    write_sto(data / "ik.sto", "ik", T, dict.fromkeys(COORDINATES, zero))
    force = {f"ground_force_r_v{a}": TOTAL_N + zero if a == "y" else zero for a in "xyz"}
    point = {
        "ground_force_r_px": BACK_M,
        "ground_force_r_py": zero - THIGH_M - SHANK_M,
        "ground_force_r_pz": zero + HIP_M,
    }
    other = {f"ground_force_l_{part}{axis}": zero for part in "vp" for axis in "xyz"}
    write_sto(data / "grf.sto", "grf", T, force | point | other)
    knee = TOTAL_N * BACK_M
    write_sto(data / "id.sto", "id", T, {"knee_angle_r_moment": knee + OVERSHOOT_NM})
    write_sto(data / "emg.sto", "emg", T, {"extensor_r": 7.0 - 3.0 * knee})
    tension = np.maximum(-knee / ARM_M["extensor"], 0.0)
    axial = TOTAL_N - (MASS["tibia"] + MASS["calcn"]) * G + tension
    write_sto(data / "jr.sto", "jr", T, {"knee_on_tibia_r_in_tibia_r_fy": -axial - LIFT_N})
    return data


def command(*words: str) -> int:
    parser = argparse.ArgumentParser()
    evaluate_muscle.configure(parser)
    return evaluate_muscle.run(parser.parse_args(words))


def evaluated(folder: Path, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    model = str(folder.parent / "legs.npz")
    assert command("--data", str(folder), "--model", model, "--json", *more) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_every_reference_is_scored(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = evaluated(folder, capsys)
    assert result["moment_rmse_nm"] == {"knee_angle_r": pytest.approx(OVERSHOOT_NM, abs=0.02)}
    assert result["emg_r"]["extensor_r"] == pytest.approx(1.0, abs=1e-3)
    idle = 0.01 * TENSION_N * (1.0 - ARM_M["flexor"] / ARM_M["extensor"])  # flexor's lower bound, and what balances it
    assert result["knee_force_rmse_n"] == pytest.approx(LIFT_N - idle, rel=0.02)
    assert result["knee_force_r"] > 0.999
    assert result["medial_rmse_n"] is None
    assert result["activation_max_delta"] is None
    assert result["tau_res_rms_nm"] < 0.1
    assert result["trials"] == 1
    assert {"host", "version", "commit", "date"} <= result.keys()


def test_measured_compartments_are_scored(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_sto(folder / "kcf.sto", "kcf", T, {"kcf_medial_r": np.zeros_like(T), "kcf_lateral_r": np.zeros_like(T)})
    result = evaluated(folder, capsys)
    assert result["medial_rmse_n"] > 100.0
    assert result["lateral_rmse_n"] > 100.0


def test_without_a_model_myolegs_takes_the_trial_and_says_what_size(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("--data", str(folder), "--json") == 0
    one = json.loads(capsys.readouterr().out)["per_trial"][0]
    assert one["model"] == "myolegs"
    assert "mass from the mean vertical force" in one["scaling"]


def test_written_tables_are_read_back(tmp_path: Path) -> None:
    values: F64 = np.sin(T)
    write_sto(tmp_path / "t.sto", "t", T, {"a": values})
    assert read_table(tmp_path / "t.sto").columns["a"] == pytest.approx(values, abs=1e-8)
