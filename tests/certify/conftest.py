"""A cache of its own for every test, and engines that come with the product only."""

from __future__ import annotations

from pathlib import Path

import pytest

import engines.plans
from edge_runtime import check
from edge_runtime.certify import bench, build, gate, opened, report
from engines.plans import live_engines

ZOO = ("pose_head", "grf_gait", "inpaint_gait")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache; the only engines are those of the zoo, so that nothing need be fetched."""
    monkeypatch.setenv("EXO_EDGE_CACHE", str(tmp_path / "cache"))
    zoo = {name: terms for name, terms in live_engines().items() if name in ZOO}
    for module in (engines.plans, bench, build, check, gate):
        monkeypatch.setattr(module, "live_engines", lambda *_: zoo)
    for module in (engines.plans, bench, report, opened):
        monkeypatch.setattr(module, "engines_with_terms", lambda: zoo)
    monkeypatch.setattr("engines.certify.engines_with_terms", lambda: zoo)
    return tmp_path / "cache"
