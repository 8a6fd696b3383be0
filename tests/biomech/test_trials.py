"""Trials from OpenSim tables and .npz files, and every way in which they can be broken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_runtime.biomech.tables import read_table, write_sto
from edge_runtime.biomech.trials import find_trials, read_trial
from edge_runtime.errors import UserError
from edge_runtime.types import F64

T = np.arange(20) / 100.0
ONE = np.ones(len(T))


def forces(right: str, left: str) -> dict[str, F64]:
    columns: dict[str, F64] = {}
    for k, foot in enumerate((right, left)):
        columns |= {foot.format(part="v", axis=a): 100.0 * (k + 1) * ONE for a in "xyz"}
        columns |= {foot.format(part="p", axis=a): 0.1 * (k + 1) * ONE for a in "xyz"}
    return columns


def folder(path: Path, **tables: dict[str, F64]) -> Path:
    for name, columns in tables.items():
        write_sto(path / f"{name}.sto", name, T, columns)
    return path


WALK = {"pelvis_ty": 0.9 * ONE, "knee_angle_r": 0.5 * ONE, "knee_angle_l": 0.1 * ONE}
PLAIN = forces("ground_force_{part}{axis}", "1_ground_force_{part}{axis}")


def npz(path: Path, **changes: Any) -> Path:
    data: dict[str, Any] = {
        "t": T, "q": np.stack([30.0 * ONE, 0.9 * ONE], axis=1), "q_names": np.array(["knee_angle_r", "pelvis_ty"]),
        "mass_kg": 70.0,
    }  # fmt: skip
    for side in "rl":
        data |= {f"grf_{side}": np.tile([0.0, 300.0, 0.0], (20, 1)), f"cop_{side}": np.zeros((20, 3))}
    np.savez(path, **{k: v for k, v in (data | changes).items() if v is not None})
    return path


def test_tables_of_a_folder_become_one_trial(tmp_path: Path) -> None:
    moments = {"knee_angle_r_moment": 12.0 * ONE, "pelvis_ty_force": 3.0 * ONE}
    emg = {"soleus_l_activation": 0.2 * ONE}
    reaction = {"knee_r_on_tibia_r_in_tibia_r_fy": -800.0 * ONE}
    kcf = {"kcf_medial_l": 500.0 * ONE}
    folder(
        tmp_path, ik=WALK, grf=PLAIN, id=moments, EMG=emg, jr=reaction, kcf=kcf, so_activation={"soleus_l": 0.1 * ONE}
    )
    assert find_trials(tmp_path) == [tmp_path / "ik.sto"]
    trial = read_trial(tmp_path / "ik.sto")
    assert trial.coordinates == ("pelvis_ty", "knee_angle_r", "knee_angle_l")
    assert trial.q[0] == pytest.approx([0.9, 0.5, 0.1])
    assert trial.force_n[3] == pytest.approx(np.array([[100.0] * 3, [200.0] * 3]))
    assert trial.cop_m[3] == pytest.approx(np.array([[0.1] * 3, [0.2] * 3]))
    assert trial.rate_hz == pytest.approx(100.0)
    found = trial.references
    assert found.moment_nm["knee_angle_r"][0] == 12.0
    assert found.moment_nm["pelvis_ty"][0] == 3.0
    assert found.emg["soleus_l"][0] == 0.2
    assert found.activation["soleus_l"][0] == 0.1
    assert found.knee_n["r"][0] == 800.0
    assert found.knee_n["medial_l"][0] == 500.0


def test_degrees_are_turned_into_radians_and_metres_are_not(tmp_path: Path) -> None:
    folder(tmp_path, ik={"pelvis_ty": 0.9 * ONE, "knee_angle_r": 90.0 * ONE}, grf=PLAIN)
    path = tmp_path / "ik.sto"
    path.write_text(path.read_text().replace("inDegrees=no", "inDegrees=yes"))
    assert read_trial(path).q[0] == pytest.approx([0.9, np.pi / 2])


def test_state_paths_and_an_external_loads_file_are_understood(tmp_path: Path) -> None:
    states = {"/jointset/knee_r/knee_angle_r/value": 0.5 * ONE, "/jointset/knee_r/knee_angle_r/speed": ONE}
    folder(tmp_path, states=states, plates=forces("FP2_{part}{axis}", "FP1_{part}{axis}"))
    with pytest.raises(UserError, match="ExternalLoads"):
        read_trial(tmp_path / "states.sto")
    load = (
        "<ExternalForce><applied_to_body> calcn_{0} </applied_to_body><force_identifier>FP{1}_v</force_identifier>"
        "<point_identifier>FP{1}_p</point_identifier><torque_identifier>FP{1}_m</torque_identifier></ExternalForce>"
    )
    (tmp_path / "loads.xml").write_text(f"<a>{load.format('l', 1)}{load.format('r', 2)}</a>")
    trial = read_trial(tmp_path / "states.sto")
    assert trial.coordinates == ("knee_angle_r",)
    assert trial.force_n[0, :, 1] == pytest.approx([100.0, 200.0])  # FP2 is the right foot


def test_npz_is_read_and_what_no_plate_saw_is_masked(tmp_path: Path) -> None:
    seen = np.ones(20, np.bool_)
    seen[5] = False
    cop = np.zeros((20, 3))
    cop[7] = np.nan
    trial = read_trial(npz(tmp_path / "a.npz", valid_r=seen, cop_r=cop, kcf_medial_r=400.0 * ONE))
    assert trial.q[0] == pytest.approx([np.pi / 6, 0.9])
    assert trial.mass_kg == 70.0
    assert not trial.seen[5, 0]
    assert trial.force_n[[5, 7], 0].tolist() == [[0.0] * 3] * 2
    assert trial.force_n[6, 0, 1] == 300.0
    assert trial.references.knee_n["medial_r"][0] == 400.0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cop_l": None}, "cop_l"),
        ({"t": np.sort(np.r_[T[:-1], 9.0])}, "evenly spaced"),
        ({"q": np.full((20, 2), np.nan)}, "finite"),
        ({"grf_r": np.zeros((19, 3))}, "a.npz"),
    ],
)
def test_a_broken_npz_is_one_line_that_names_it(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    path = npz(tmp_path / "a.npz", **changes)
    with pytest.raises(UserError, match=words) as error:
        read_trial(path)
    assert "a.npz" in str(error.value)
    assert "\n" not in str(error.value)


def test_nothing_to_read_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        find_trials(tmp_path / "absent")
    with pytest.raises(UserError, match="no joint coordinates"):
        find_trials(tmp_path)
    folder(tmp_path, ik=WALK)
    with pytest.raises(UserError, match="no ground reaction"):
        read_trial(tmp_path / "ik.sto")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("time a\n0 1\n", "endheader"),
        ("endheader\ntime a\n0 1\n1 x\n", "numbers"),
        ("endheader\ntime a\n0 1\n0 1\n", "rises"),
        ("endheader\ntime a b\n0 1\n1 1\n", "columns"),
        ("endheader\n", "no rows"),
    ],
)
def test_a_broken_table_is_one_line_that_names_it(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "t.sto"
    path.write_text(text)
    with pytest.raises(UserError, match=words) as error:
        read_table(path)
    assert "t.sto" in str(error.value)
    assert "\n" not in str(error.value)


def test_csv_tables_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("time, kcf_medial_r\n0, 1\n1, 3\n")
    assert read_table(path).at(np.array([0.5, 2.0]), ["kcf_medial_r"])[:, 0] == pytest.approx(
        [2.0, np.nan], nan_ok=True
    )
