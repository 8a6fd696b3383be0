"""The demo clip's people and the pose networks, for all who follow somebody in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engines.backends.ort_cpu import OrtCpuRunner
from tests.engines.composed import Scene


@pytest.fixture(scope="package")
def scene(assets: dict[str, Path]) -> Scene:
    return Scene(assets["demo_clip"])


@pytest.fixture(scope="package")
def runners(assets: dict[str, Path]) -> Iterator[tuple[OrtCpuRunner, OrtCpuRunner]]:
    """Detector and landmarks."""
    pair = OrtCpuRunner(assets["pose_detection"]), OrtCpuRunner(assets["pose_landmark"])
    yield pair
    for runner in pair:
        runner.close()
