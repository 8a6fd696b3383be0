"""The whole chain in lock-step with a compiled OpenSim model that the profile names, on real video."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from calibration.profile import Muscles, Person, load_profile
from edge_runtime.biomech.skeleton.format import save
from edge_runtime.biomech.skeleton.store import compiled_model
from edge_runtime.camera import ClipSpec
from edge_runtime.commands.options import DEMO_PROFILE
from edge_runtime.config import DEFAULT_PATH, load_device
from edge_runtime.errors import UserError
from edge_runtime.plan import Plan
from edge_runtime.record.reader import load
from edge_runtime.run import Clock, View, execute
from engines.cache import sha256_hex
from firmware_bridge.table import STATES
from tests.conftest import unavailable

pytestmark = [pytest.mark.e2e, pytest.mark.assets, pytest.mark.shared, pytest.mark.osim]


@pytest.fixture
def plan(assets: dict[str, Path], shared_data: Path, tmp_path: Path) -> Plan:
    """The demo clip with the legs of another person: what counts here is that the model runs, not whose it is."""
    (source,) = (shared_data / "treadmill_walk_60s").glob("*.osim")
    try:
        model = compiled_model(source)
    except UserError as error:
        unavailable(str(error))
    path, profile_path = tmp_path / "legs.npz", tmp_path / "profile.toml"
    save(path, model)
    profile_path.write_text(DEMO_PROFILE.read_text())
    person = Person(1.925, float(model.skeleton.tree.mass.sum()))
    muscles = Muscles(path.name, sha256_hex(path), "on")
    return Plan(
        clip=ClipSpec.demo(assets["demo_clip"]),
        passes=1,
        profile=dataclasses.replace(load_profile(DEMO_PROFILE), person=person, muscles=muscles),
        profile_path=profile_path,
        device=load_device(),
        device_path=DEFAULT_PATH,
        out=tmp_path / "runs",
    )


def test_it_assists_with_the_compiled_model(plan: Plan) -> None:
    outcome = execute(plan, Clock.VIRTUAL, View.NONE)
    assert outcome.problem is None
    record = load(outcome.folder)
    e = record.estimates
    valid = e["valid"] == 1.0
    assert record.attachments["model.npz"] == (plan.profile_path.parent / "legs.npz").read_bytes()
    assert len(record.muscles) == 80
    assert valid.mean() > 0.5
    assert (record.cycles["governor_state"] == STATES["ENGAGED"]).any()
    assert not (record.cycles["governor_state"] == STATES["SAFE"]).any()
    assert np.abs(record.cycles["limited_nm_r"]).max() > 2.0
    assert np.nanmax(e["solve_gradient_nm"]) <= 1e-6
    assert not np.nansum(e["solve_late"])
    weight_n = plan.profile.person.mass_kg * 9.80665
    assert 1.5 < np.nanmax(e["kcf_total_n_l"]) / weight_n < 8.0
    activation = np.array([e[f"activation_{name}"] for name in record.muscles])
    both = valid[1:] & valid[:-1] & (np.diff(e["t_capture_ns"]) < 40e6)
    fall = np.exp(-np.diff(e["t_capture_ns"]) * 1e-9 / 0.040)
    assert np.all(activation[:, 1:][:, both] >= (activation[:, :-1] * fall)[:, both] - 1e-9)


def test_a_model_that_is_gone_stops_the_run_before_it_starts(plan: Plan) -> None:
    (plan.profile_path.parent / "legs.npz").unlink()
    with pytest.raises(UserError, match=r"legs\.npz"):
        execute(plan, Clock.VIRTUAL, View.NONE)
    assert not plan.out.exists()
