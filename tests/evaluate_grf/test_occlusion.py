"""Hidden legs played from where they begin: the same as from the start, each short gap the beginning of a long one."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from edge_runtime.biomech.body_motion import MARKER_NOISE_RAD
from edge_runtime.evaluate_grf.fills import fills
from edge_runtime.evaluate_grf.occlusion import BEFORE_S, GAPS_PER_TRIAL, GAPS_S, filled, gaps, play, table
from edge_runtime.evaluate_grf.stream import Case, case_of, stream
from engines.grf import GrfEngine
from engines.grf.engine import ROUGH_RAD
from engines.grf.trials import read_trial
from engines.inpaint.history import Shared
from tests.engines.test_inpaint_stream import Clairvoyant
from tests.evaluate_grf.test_evaluate import write


@pytest.fixture
def case(tmp_path: Path) -> Case:
    path = write(tmp_path)
    return case_of(read_trial(path), path)


def test_what_is_played_from_the_gap_is_what_the_whole_part_gives(case: Case) -> None:
    engine, ways = GrfEngine(), fills()
    for gap in gaps([case], 2, np.random.default_rng(0)):
        played = play(engine, gap, ways)
        assert np.array_equal(
            played.whole.refined["force_bw"], stream(engine, gap.case).refined["force_bw"], equal_nan=True
        )
        for fill in ways:
            alone = stream(engine, filled(gap, fill)[0])
            found = played.runs[fill.name]
            for a, b in ((found.refined, alone.refined), (found.plain, alone.plain)):
                assert np.array_equal(a["force_bw"][gap.hidden], b["force_bw"][gap.hidden], equal_nan=True)
            assert not found.mask[~gap.hidden].any()


def test_a_filled_leg_comes_with_its_deviation_and_what_was_seen_with_that_of_markers(case: Case) -> None:
    (gap, *_) = gaps([case], 1, np.random.default_rng(0))
    inpainted = next(fill for fill in fills() if fill.name == "inpainted")
    found, _ = filled(gap, inpainted)
    seen = np.delete(found.sd[gap.hidden], gap.columns, axis=1)
    assert (seen == MARKER_NOISE_RAD).all() and (found.sd[~gap.hidden] == MARKER_NOISE_RAD).all()
    assert (found.sd[gap.hidden].max(axis=1) > ROUGH_RAD).all()


def test_short_gaps_are_scored_on_their_own_beginning(case: Case) -> None:
    (gap, *_) = gaps([case], 1, np.random.default_rng(0))
    rows = table([play(GrfEngine(), gap, fills()[:1])])
    assert [row["gap_s"] for row in rows] == list(GAPS_S)
    hidden_s = [np.ptp(gap.case.trial.t_s[gap.beginning(length_s)]) for length_s in GAPS_S]
    assert hidden_s == pytest.approx(GAPS_S, abs=0.011)


def test_places_spread_over_trials_and_legs(case: Case) -> None:
    cases = [dataclasses.replace(case, noise_rad=0.003 + k) for k in range(5)]
    found = gaps(cases, 5, np.random.default_rng(0))
    assert len({gap.case.noise_rad for gap in found}) == 5
    assert len({gap.columns[0] for gap in found}) == 2
    everything = gaps(cases, 1000, np.random.default_rng(0))
    assert len(everything) == GAPS_PER_TRIAL * len(cases)
    assert len({(gap.case.noise_rad, gap.columns[0]) for gap in everything}) == len(everything)


def test_a_short_trial_has_the_gap_that_fits_and_a_very_short_one_none(tmp_path: Path) -> None:
    path = write(tmp_path)
    whole = read_trial(path)
    for length_s, longest in ((BEFORE_S + 0.55, 0.5), (BEFORE_S, None)):
        names = ("t_s", "q", "force_bw", "cop_ankle_m", "valid", "observed")
        kept = whole.t_s <= length_s
        trial = dataclasses.replace(whole, **{name: getattr(whole, name)[kept] for name in names})
        found = gaps([case_of(trial, path)], 1, np.random.default_rng(0))
        assert [gap.length_s for gap in found] == ([longest] if longest else [])


def test_a_fill_is_made_once_for_all_who_ask_the_same() -> None:
    class Counting(Clairvoyant):
        asked = 0

        def fill(self, t_s, q):  # type: ignore[no-untyped-def]
            self.asked += 1
            return super().fill(t_s, q)

    source = Counting()
    shared = Shared(source, kept=2)
    t_s, q = np.arange(3.0), np.zeros((3, 16))
    first = shared.fill(t_s, q)
    assert shared.fill(t_s.copy(), q.copy()) is first and source.asked == 1
    for shift in (1.0, 2.0):
        shared.fill(t_s, q + shift)
    assert shared.fill(t_s, q) is not first and source.asked == 4
