"""`bench solve`: its keys, what is absent said in one line, peers that agree, no random problem failing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edge_runtime import bench_solve
from edge_runtime.bench_peers import PEERS, make_qp, peer, timed
from edge_runtime.biomech.dual_newton import MAX_ITERATIONS, solve_dual
from edge_runtime.stats import to_json
from tests.conftest import unavailable


def test_random_problems_never_fail() -> None:
    tally = bench_solve.random_problems(1500)
    assert (tally.solves, tally.failures) == (1500, 0)
    assert tally.gradient_nm <= 1e-6


@pytest.mark.parametrize("name", PEERS)
def test_peers_solve_the_same_problem(name: str) -> None:
    solve = peer(name)
    if solve is None:
        unavailable(f"{name} is not installed: pip install 'exo-edge[bench]'")
    rng = np.random.default_rng(5)
    problems, expected = [], []
    for _ in range(3):
        arm = rng.normal(0.0, 20.0, (24, 6)) * (rng.random((24, 6)) < 0.5)
        moment = arm.T @ rng.random(24) * 1.3
        problems.append(make_qp(arm, moment, 0.01, np.full(6, 0.5)))
        ours = np.empty(24)
        low, one, ease = np.full(24, 0.01), np.ones(24), np.full(6, 0.5)
        solve_dual(arm, moment, one, low, one, ease, 2, MAX_ITERATIONS, np.zeros(6), ours)
        expected.append(ours)
    spent, found = timed(solve, problems)
    assert np.all(spent > 0.0)
    assert np.array(found) == pytest.approx(np.array(expected), abs=2e-4)


def test_without_data_it_says_what_it_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_solve, "RANDOM_PROBLEMS", 50)
    monkeypatch.setattr(bench_solve, "SECONDS", 2.0)
    monkeypatch.setattr(bench_solve, "PEER_FRAMES", dict.fromkeys(bench_solve.PEER_FRAMES, 1))
    monkeypatch.setattr(bench_solve, "PEERS", ("daqp",))
    result = json.loads(to_json(bench_solve.measure_solve(tmp_path)))
    err = capsys.readouterr().err
    assert "made up" in result["motion"]
    assert result["opensim"] is None
    assert any("gait2392" in line for line in result["left_out"])
    assert "bench solve leaves out gait2392" in err
    assert result["failures"] == 0
    assert {"p50", "p99"} <= set(result["warm_us"]["myolegs80"])
    assert "myolegs80" in result["frame_us"]
