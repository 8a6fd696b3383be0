"""Doubt: reserves in proportion, capped solves and repeated lateness as a whole, a leg not seen by its time."""

from __future__ import annotations

import numpy as np
import pytest

from edge_runtime.doubt import (
    CAUSES,
    KNEE_PEAK_NM_PER_KG,
    NO_DOUBT,
    RESERVE_FULL,
    RESERVE_NONE,
    Doubt,
    SolveWatch,
    inferred_doubt,
    whole_body_doubt,
    worse,
)

MASS_KG, BUDGET_NS, LATE_FRAMES = 80.0, 1_000_000, 3
PEAK_NM = KNEE_PEAK_NM_PER_KG * MASS_KG


def watch() -> SolveWatch:
    return SolveWatch(MASS_KG, BUDGET_NS, LATE_FRAMES)


@pytest.mark.parametrize(
    ("share_of_peak", "doubt"),
    [(0.0, 0.0), (RESERVE_FULL, 0.0), (0.2, 0.5), (RESERVE_NONE, 1.0), (5.0, 1.0), (float("nan"), 1.0)],
)
def test_reserves_doubt_their_own_leg_in_proportion(share_of_peak: float, doubt: float) -> None:
    for sign in (-1.0, 1.0):
        found = watch().judge(np.array([sign * share_of_peak * PEAK_NM, 0.0]), False, 0)
        assert found.share == pytest.approx([doubt, 0.0], abs=1e-12)
        assert CAUSES[found.cause] == ("reserve" if doubt else "")


def test_only_lateness_in_a_row_is_a_doubt() -> None:
    judge, none = watch(), np.zeros(2)
    for spent_ns in [BUDGET_NS + 1, BUDGET_NS + 1, BUDGET_NS] * 3:
        assert not judge.judge(none, False, spent_ns).cause
    path = [CAUSES[judge.judge(none, False, BUDGET_NS + 1).cause] for _ in range(4)]
    assert path == ["", "", "solve_late", "solve_late"]
    assert judge.late
    assert not judge.judge(none, False, BUDGET_NS).share.any()
    assert not judge.late


def test_a_capped_solve_is_doubted_whatever_it_leaves_over() -> None:
    found = watch().judge(np.zeros(2), True, 0)
    assert found.share.tolist() == [1.0, 1.0]
    assert CAUSES[found.cause] == "solve_capped"


@pytest.mark.parametrize(("lost_s", "share"), [(0.0, 0.0), (0.1, 0.0), (0.55, 0.5), (1.0, 1.0), (3.0, 1.0)])
def test_a_leg_inferred_fades_its_own_help_in_time(lost_s: float, share: float) -> None:
    found = inferred_doubt(np.array([0.0, lost_s]))
    assert found.share == pytest.approx([0.0, share])
    assert CAUSES[found.cause] == ("leg_inferred" if share else "")


def test_the_worse_of_two_doubts_counts_leg_by_leg_and_names_the_larger() -> None:
    reserve = Doubt(np.array([0.8, 0.0]), CAUSES.index("reserve"))
    ground = whole_body_doubt(0.5, "unphysical")
    assert worse(reserve, ground).share.tolist() == [0.8, 0.5]
    assert CAUSES[worse(reserve, ground).cause] == CAUSES[worse(ground, reserve).cause] == "reserve"
    assert CAUSES[worse(NO_DOUBT, ground).cause] == "unphysical"
    assert whole_body_doubt(0.0, "") is NO_DOUBT


def test_a_share_that_is_no_number_takes_everything_never_nothing() -> None:
    nan = Doubt(np.array([float("nan"), 0.0]), CAUSES.index("reserve"))
    for found in (worse(nan, NO_DOUBT), worse(NO_DOUBT, nan), inferred_doubt(np.array([float("nan"), 0.0]))):
        assert found.share.tolist() == [1.0, 0.0]
        assert CAUSES[found.cause] in ("reserve", "leg_inferred")
    for cause in ("", "unphysical"):
        found = whole_body_doubt(float("nan"), cause)
        assert found.share.tolist() == [1.0, 1.0]
        assert CAUSES[found.cause] == "unphysical"
