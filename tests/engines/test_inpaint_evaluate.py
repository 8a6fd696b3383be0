"""The comparison of fills: what it reports, whom it refuses, and that the past alone decides."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines.errors import EngineError
from engines.grf.features import COORDINATES
from engines.grf.trials import Trial
from engines.inpaint import Inpainter
from engines.inpaint import evaluate as module
from engines.inpaint.evaluate import evaluate
from engines.inpaint.gaps import MIN_LEAD_S, SIMPLE, STREAMED, Gap, fills, gaps_of
from engines.inpaint.tables import ROWS
from tests.engines.test_inpaint_window import gait

ALL = np.ones(16, dtype=np.bool_)


def trial(seconds: float = 1.4) -> Trial:
    t_s = np.arange(0.0, seconds, 0.01)
    n = len(t_s)
    force, cop = np.zeros((n, 2, 3)), np.zeros((n, 2, 3))
    return Trial(
        "made",
        "nobody",
        "up",
        70.0,
        t_s,
        gait(t_s),
        force,
        cop,
        np.ones((n, 2), dtype=np.bool_),
        np.ones((n, 16), np.bool_),
    )


@pytest.fixture(scope="module")
def inpainter() -> Inpainter:
    return Inpainter()


def test_gaps_leave_a_lead_and_fit_the_trial() -> None:
    rng = np.random.default_rng(3)
    for gap in gaps_of(trial(), 0.3, 20, rng):
        assert gap.trial.t_s[gap.first] >= MIN_LEAD_S and gap.last < len(gap.trial.t_s)
        assert gap.trial.t_s[gap.last] - gap.trial.t_s[gap.first] == pytest.approx(0.3, abs=0.021)
    assert not list(gaps_of(trial(1.0), 0.3, 5, rng))


def test_no_fill_but_the_interpolation_knows_what_comes(inpainter: Inpainter) -> None:
    one = trial()
    gap = Gap(one, 0, 90, 110, 0.2)
    other = trial()
    other.q[gap.first :, gap.leg] += 1.0
    other.q[gap.first + 11 :] += 1.0  # half-way into the gap everything changes, also what is seen
    found, _, _ = fills(inpainter, gap, ALL)
    changed, _, _ = fills(inpainter, Gap(other, 0, 90, 110, 0.2), ALL)
    for name in ("held", "extrapolated", *STREAMED):
        assert np.allclose(found[name][:11], changed[name][:11]), name
    assert not np.allclose(found["interpolated"], changed["interpolated"])
    assert set(found) == {*SIMPLE, *STREAMED}


def test_reports_every_row_and_refuses_a_folder_of_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GAPS_S", (0.1,))
    made = trial()
    q = np.degrees(made.q)
    q[:, 3:6] = made.q[:, 3:6]
    folder = tmp_path / "made"
    folder.mkdir()
    force = np.tile([0.0, 350.0, 0.0], (len(q), 1))
    np.savez(
        folder / "up.npz",
        t=made.t_s,
        q=q,
        q_names=np.array(COORDINATES),
        grf_r=force,
        grf_l=force,
        mass_kg=np.float64(70.0),
        subject=np.array("nobody"),
    )
    result = evaluate(tmp_path, most=2)
    block = result["by_set"]["made"]["0.1"]
    assert set(block["rows"]) == set(ROWS) and block["gaps"] == result["gaps"] == 2
    assert block["rows"]["known"]["joint_mae_deg"] == 0.0 and block["rows"]["masked"]["joint_mae_deg"] is None
    assert result["seen_in_training"] == [] and result["fill_ms"]["p99"] > 0.0
    with pytest.raises(EngineError, match="holds nobody to score"):
        evaluate(tmp_path, ["somebody else"], most=1)
