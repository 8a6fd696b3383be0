"""Trials of the watch: what is run, what is left out, and finite elements against finite elements on a small mesh."""

from __future__ import annotations

import math

import pytest

from edge_runtime.errors import UserError
from edge_runtime.tissue.geometry import Mesh, phantom_for
from edge_runtime.tissue.observer import LegObserver
from edge_runtime.tissue.observer_trial import FRAME_S, Walk
from edge_runtime.tissue.watch_trials import SLIP_STRIDE, Trial, run_trial, run_trials, trials


def test_only_a_trial_with_a_slip_has_a_frame_of_it() -> None:
    for trial in trials(phantom_for(1.75, 75.0)):
        slips = trial.slipped is not None or trial.turned_rad != 0.0
        assert (trial.slip_frame == round(SLIP_STRIDE * 1.1 / FRAME_S)) if slips else trial.slip_frame == 0


def test_a_name_that_is_no_trial_is_refused() -> None:
    with pytest.raises(UserError, match="no trial 'tissue x 7'"):
        run_trials(["tissue x 7"], 1.0, lambda: 0.0, print)


def test_what_there_is_no_time_for_is_left_out_by_name() -> None:
    result = run_trials(["tissue x 1"], 0.0, lambda: 0.0, print)
    assert result == {"trials": [], "left_out": ["tissue x 1"]}


def test_a_trial_that_ends_otherwise_than_expected_says_so() -> None:
    leg = phantom_for(1.75, 75.0, Mesh(1, 8, 5))
    walk = Walk(strides=3, noise_rad=0.0)
    observer = LegObserver(leg, None, FRAME_S)
    quiet = run_trial(observer, Trial("short", walk, leg, ""))
    assert quiet["as_expected"] and quiet["cause"] == "" and math.isnan(quiet["gain"])
    assert not run_trial(observer, Trial("short", walk, leg, "tissue_slip"))["as_expected"]
