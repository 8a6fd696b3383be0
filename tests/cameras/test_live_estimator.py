"""The estimator on a live camera: rows and intents from a file played live, faults as invalid rows, events told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calibration.profile import load_profile
from edge_runtime import shared
from edge_runtime.body import body_of
from edge_runtime.camera import ClipSpec
from edge_runtime.cameras.spec import CameraSpec
from edge_runtime.commands.options import DEMO_PROFILE
from edge_runtime.config import DEFAULT_PATH, load_device
from edge_runtime.estimate_row import REASONS
from edge_runtime.live_estimator import estimate_live
from edge_runtime.plan import Plan
from edge_runtime.rt.mailbox import drain
from edge_runtime.telemetry import ESTIMATE_HEAD, estimate_fields
from edge_runtime.types import F64
from edge_runtime.wearer import WearerSpec

pytestmark = [pytest.mark.assets, pytest.mark.timeout(700)]
COLUMN = {name: i for i, name in enumerate(ESTIMATE_HEAD)}
FOLLOWED = {"", "settling", "warming_up"}
HER_BOX = (900, 350, 700, 600)

PAIR = "".join(
    f"[{name}]\nfocal_px = [1500.0, 1500.0]\ncentre_px = [884.0, 497.0]\ndistortion = [0.0, 0.0, 0.0, 0.0, 0.0]\n"
    f"rotation_rad = [0.0, 0.0, 0.0]\nshift_m = [{shift}, {shift}, 0.0]\n"
    for name, shift in (("first", 0.0), ("second", 0.5))
)


def plan_for(clip: Path, camera: CameraSpec, wearer: WearerSpec) -> Plan:
    device = replace(load_device(DEFAULT_PATH), camera=camera, estimator_core=-1, estimator_priority=0)
    profile = load_profile(DEMO_PROFILE)
    return Plan(ClipSpec(clip), 1, profile, DEMO_PROFILE, device, DEFAULT_PATH, Path(), wearer)


def estimated(plan: Plan, enough: Callable[[F64, shared.Rings], bool]) -> tuple[F64, shared.Rings]:
    """Rows of an estimator that ran until they, and what it says beside them, are enough; two minutes at most."""
    width = len(estimate_fields(body_of(plan.profile, plan.profile_path).muscle_names))
    rings = shared.local(width)
    worker = threading.Thread(target=estimate_live, args=(plan, rings), daemon=True)
    worker.start()
    deadline = time.monotonic() + 500  # a first start compiles
    while not rings.control[shared.ESTIMATOR_READY]:
        assert worker.is_alive() and time.monotonic() < deadline
        time.sleep(0.05)
    rings.control[shared.START_NS] = time.monotonic_ns()
    out, rows = np.zeros((shared.ESTIMATE_ROWS, width), np.int64), np.zeros((0, width))
    until = time.monotonic() + 120.0
    while time.monotonic() < until and not enough(rows, rings):
        time.sleep(0.1)
        count = drain(rings.estimates, out)
        rows = np.concatenate([rows, out[:count].view(np.float64)])
    rings.control[shared.STOP] = 1
    worker.join(10)
    assert not worker.is_alive() and rings.control[shared.ESTIMATOR_DONE]
    return rows, rings


def reasons_of(rows: F64) -> set[str]:
    return {REASONS[int(code)] for code in rows[:, COLUMN["reason"]]}


def followed(rows: F64, rings: shared.Rings) -> bool:
    return len(rows) > 20 and bool(reasons_of(rows) & FOLLOWED) and "searching" in reasons_of(rows)


def contradicted(rows: F64, rings: shared.Rings) -> bool:
    return bool(rings.control[shared.STEREO_SYNC] + rings.control[shared.STEREO_REPROJECTION] > 0)


def test_a_file_played_live_gives_estimates_and_stores_blurred_pictures_only(
    assets: dict[str, Path], tmp_path: Path
) -> None:
    camera = CameraSpec(f"file:{assets['demo_clip']}", rate_hz=10.0, stall_ms=2000.0)
    plan = replace(plan_for(assets["demo_clip"], camera, WearerSpec(box=HER_BOX)), pictures_to=tmp_path / "pictures")
    rows, rings = estimated(plan, followed)
    reasons = reasons_of(rows)
    assert len(rows) > 20 and (np.diff(rows[:, COLUMN["t_capture_ns"]]) > 0).all()
    assert np.isfinite(rows[:, COLUMN["t_ready_ns"]]).all()
    assert "camera_moved" not in reasons and "searching" in reasons
    assert reasons & FOLLOWED  # somebody was followed
    assert rings.control[shared.FRAMES] >= len(rows)
    assert (tmp_path / "pictures").is_dir()


def test_a_pair_that_contradicts_itself_is_told(assets: dict[str, Path], tmp_path: Path) -> None:
    """Twice the same file, said to be half a metre apart both ways: no point fits both pictures."""
    pair = tmp_path / "pair.toml"
    pair.write_text(PAIR)
    source = f"file:{assets['demo_clip']}"
    camera = CameraSpec(source, rate_hz=10.0, stall_ms=2000.0, second=source, pair=str(pair))
    rows, rings = estimated(plan_for(assets["demo_clip"], camera, WearerSpec(box=HER_BOX)), contradicted)
    assert contradicted(rows, rings)
    assert rings.control[shared.STEREO_AMOUNT : shared.STEREO_AMOUNT + 2].max() > 3000
