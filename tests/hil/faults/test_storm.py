"""Storms: drawn the same from a seed, a failure is shrunk and kept with a record that replays bit for bit."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from edge_runtime.commands.options import DEMO_PROFILE
from edge_runtime.errors import UserError
from firmware_bridge.table import TABLE
from hil.faults import judge as judging
from hil.faults.draw import EPISODE_S, draw_episode
from hil.faults.episode import Episode, read_episode
from hil.faults.model import make_fault
from hil.faults.shrink import shrink
from hil.faults.storm import MINIMAL_FILE, WHOLE_FILE, StormPlan, keep_failure, play_and_judge, replay, run_storm

ROOT = Path(__file__).resolve().parents[3]


def test_a_seed_draws_the_same_episodes_and_all_kinds_in_the_end() -> None:
    episodes = [draw_episode(1, number) for number in range(200)]
    assert episodes == [draw_episode(1, number) for number in range(200)]
    assert episodes[0] != draw_episode(2, 0)
    kinds = {fault.kind for episode in episodes for fault in episode.faults}
    assert len(kinds) >= 20
    assert all(1 <= len(episode.faults) <= 5 for episode in episodes)
    starts = [[fault.start_s for fault in episode.faults] for episode in episodes]
    assert all(times == sorted(times) for times in starts)


def test_a_short_storm_breaks_no_limit_and_explains_everything(tmp_path: Path) -> None:
    storm = run_storm(StormPlan(3 * EPISODE_S / 3600.0, 11, DEMO_PROFILE, tmp_path), lambda _: None)
    document = storm.document()
    assert storm.episodes == 3
    assert (document["violations"], document["hangs"], document["unexplained"]) == (0, 0, 0), storm.unexplained
    assert document["faults"] == sum(document["outcomes"].values()) >= 3
    assert not list(tmp_path.iterdir())


def test_shrinking_leaves_only_what_is_needed() -> None:
    guilty = make_fault("encoder_off", 4.0, 1.6, joint="left")
    others = [make_fault("can_loss", 1.0, 1.0, probability=0.1), make_fault("host_load", 2.0, 1.0)]
    whole = replace(draw_episode(1, 1), faults=(others[0], guilty, others[1]))

    def fails(episode: Episode) -> bool:
        return any(fault.kind == "encoder_off" for fault in episode.faults)

    small = shrink(whole, fails)
    (fault,) = small.faults
    assert fault.kind == "encoder_off" and fault.parameters["joint"] == "both" and fault.duration_s < 0.01
    assert small.seconds < 6.0
    assert shrink(whole, lambda _: False) == whole


def test_a_failure_is_kept_small_and_its_record_replays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tighter table than the governor's stands for a governor that breaks its own."""
    tight = replace(TABLE.joints["knee_r"], torque_nm=5.0)
    table = replace(TABLE, joints={**TABLE.joints, "knee_r": tight})
    episode = Episode(4.0, faults=(make_fault("can_duplicate", 1.0, 0.5), make_fault("encoder_stuck", 2.0, 0.5)))
    monkeypatch.setattr(judging, "TABLE", table)
    _, judgement = play_and_judge(episode, DEMO_PROFILE)
    assert judgement.output.torque > 0 and not judgement.passed
    keep_failure(episode, judgement, tmp_path / "kept", DEMO_PROFILE)
    minimal = read_episode(tmp_path / "kept" / MINIMAL_FILE)
    assert minimal.faults == () and minimal.seconds < 4.0
    assert read_episode(tmp_path / "kept" / WHOLE_FILE) == episode
    verdict, same = replay(tmp_path / "kept" / MINIMAL_FILE, DEMO_PROFILE)
    assert same and not verdict["passed"] and "limits broken" in verdict["why"]


def test_a_record_of_another_run_is_told(tmp_path: Path) -> None:
    episode = Episode(1.0)
    _, judgement = play_and_judge(episode, DEMO_PROFILE)
    keep_failure(episode, judgement, tmp_path, DEMO_PROFILE)
    text = (tmp_path / MINIMAL_FILE).read_text()
    (tmp_path / MINIMAL_FILE).write_text(text.replace("torque_nm = 9.0", "torque_nm = 7.0"))
    assert replay(tmp_path / MINIMAL_FILE, DEMO_PROFILE)[1] is False


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    episode = Episode(0.5)
    _, judgement = play_and_judge(episode, DEMO_PROFILE)
    with pytest.raises(UserError, match="cannot be written"):
        keep_failure(episode, judgement, tmp_path / "file" / "x", DEMO_PROFILE)


def test_the_command_prints_one_object_with_its_keys(tmp_path: Path) -> None:
    command = ["hil", "storm", "--hours", "0.001", "--seed", "3", "--out", str(tmp_path), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "edge_runtime.cli", *command], capture_output=True, text=True, check=False, cwd=ROOT
    )
    document = json.loads(done.stdout)
    assert done.returncode == 0
    assert {"virtual_hours", "faults", "violations", "hangs", "unexplained", "host", "commit"} <= document.keys()
