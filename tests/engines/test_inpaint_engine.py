"""The committed inpainter: what it promises about any window, and that it is better than holding on measured gait."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.errors import EngineError
from engines.grf.trials import read_trial
from engines.inpaint import AHEAD_S, Inpainter
from engines.inpaint.simple import held
from engines.inpaint.weights import ZOO_PATH, read_facts
from engines.inpaint.window import AGES_S, LEGS, NOW, SAMPLES, mirror, on_grid
from tests.engines.test_inpaint_window import frames, gait, hidden_leg

MAX_BYTES = 2_000_000


@pytest.fixture(scope="module")
def inpainter() -> Inpainter:
    return Inpainter()


@given(gap_s=st.floats(0.0, 1.0), first=st.sampled_from((6, 11)), fps=st.sampled_from((30.0, 60.0, 100.0)))
@settings(max_examples=20, deadline=None)
def test_what_was_seen_stays_and_what_was_not_is_marked(
    inpainter: Inpainter, gap_s: float, first: int, fps: float
) -> None:
    t_s = frames(fps=fps)
    q = hidden_leg(t_s, gap_s, first)
    fill, window = inpainter.fill(t_s, q), on_grid(t_s, q)
    seen = window.seen[LEGS]
    assert np.allclose(fill.joints[seen], window.value[LEGS][seen], atol=1e-5)
    assert (fill.sd[seen] == 0.0).all() and (fill.sd[~seen] > 0.0).all()
    assert np.array_equal(fill.inferred, ~seen)
    assert np.isfinite(fill.joints).all() and np.abs(fill.joints).max() < 3.0


def test_left_and_right_are_mirror_images(inpainter: Inpainter) -> None:
    t_s = frames()
    right = hidden_leg(t_s, 0.4, 6)
    one, other = inpainter.fill(t_s, right), inpainter.fill(t_s, mirror(right.T).T)
    assert np.allclose(one.joints[:5], other.joints[5:], atol=1e-5)
    assert np.allclose(one.sd[:5], other.sd[5:], atol=1e-6)


def test_the_same_window_gives_the_same_fill(inpainter: Inpainter) -> None:
    t_s = frames()
    q = hidden_leg(t_s, 0.4)
    assert np.array_equal(inpainter.fill(t_s, q).joints, inpainter.fill(t_s, q).joints)


def test_frames_older_than_the_window_do_not_matter(inpainter: Inpainter) -> None:
    t_s = frames(3.0)
    recent = t_s > -1.6
    q = hidden_leg(t_s, 0.4)
    assert np.array_equal(inpainter.fill(t_s, q).joints, inpainter.fill(t_s[recent], q[recent]).joints)


def test_a_joint_that_was_hardly_seen_is_not_filled(inpainter: Inpainter) -> None:
    t_s = frames()
    q = gait(t_s)
    q[:, 6:11] = np.nan
    q[t_s < -1.3, 6:11] = 0.1
    fill = inpainter.fill(t_s, q)
    assert not fill.inferred[:5].any() and np.isnan(fill.joints[0, NOW])
    assert np.isnan(fill.near(0.01)[0][:5]).all() and np.isfinite(fill.near(0.01)[0][5:]).all()


def test_near_now_is_the_fill_between_its_samples(inpainter: Inpainter) -> None:
    t_s = frames()
    fill = inpainter.fill(t_s, hidden_leg(t_s, 0.4))
    assert AGES_S[-1] == pytest.approx(AHEAD_S)
    for sample in range(NOW, SAMPLES):
        value, _, _, sd = fill.near(AGES_S[sample])
        assert np.allclose(value, fill.joints[:, sample]) and np.allclose(sd, fill.sd[:, sample])
    h = 1e-4
    ahead, behind = fill.near(0.01 + h), fill.near(0.01 - h)
    _, rate, acceleration, _ = fill.near(0.01)
    assert np.allclose(rate, (ahead[0] - behind[0]) / (2 * h), atol=1e-3)
    assert np.allclose(acceleration, (ahead[1] - behind[1]) / (2 * h), atol=1e-3)


@pytest.mark.parametrize(("t", "q"), [((0,), (0, 16)), ((3,), (2, 16)), ((3,), (3, 15)), ((3, 1), (3, 16))])
def test_other_shapes_are_refused(inpainter: Inpainter, t: tuple[int, ...], q: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected"):
        inpainter.fill(np.zeros(t), np.zeros(q))


def test_a_missing_or_foreign_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="is missing: train it"):
        Inpainter(tmp_path / "none.onnx")
    with pytest.raises(EngineError, match="does not name its training people"):
        Inpainter(ZOO_PATH.with_name("grf_gait.onnx"))
    (tmp_path / "broken.onnx").write_bytes(ZOO_PATH.read_bytes()[:1000])
    with pytest.raises(EngineError, match="damaged"):
        Inpainter(tmp_path / "broken.onnx")


def test_the_weights_are_small_and_name_their_people() -> None:
    assert ZOO_PATH.stat().st_size <= MAX_BYTES
    facts = read_facts(ZOO_PATH)
    assert "2014001" in facts.held_out and not set(facts.held_out) & set(facts.trained)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["rbds_run/RBDS013_T35.npz", "schreiber2019_walk/2014001_C4_05.npz"])
def test_better_than_holding_on_people_it_never_saw(inpainter: Inpainter, shared_data: Path, name: str) -> None:
    trial = read_trial(shared_data / name)
    t_s = trial.t_s - trial.t_s[0]
    kept = t_s <= min(t_s[-1], 2.4)
    t_s, q = t_s[kept] - t_s[kept][-1], trial.q[kept]
    hidden = q.copy()
    hidden[t_s > -0.4, 6:11] = np.nan
    missing = ~on_grid(t_s, hidden).seen[LEGS] & on_grid(t_s, q).seen[LEGS]
    truth = on_grid(t_s, q).value[LEGS]
    ours = np.abs(inpainter.fill(t_s, hidden).joints - truth)[missing].mean()
    assert ours < 0.3 * np.abs(held(on_grid(t_s, hidden)) - truth)[missing].mean()
