"""Compiled governor and firmware for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_bridge.simulator.build import build, build_library
from tests.firmware_bridge.harness import Governor


@pytest.fixture(scope="session")
def build_dir() -> Path:
    return Path(__file__).resolve().parents[2] / ".build" / "firmware"


@pytest.fixture(scope="session")
def library(build_dir: Path) -> Path:
    return build_library(build_dir)


@pytest.fixture(scope="session")
def firmware(build_dir: Path) -> Path:
    return build(build_dir)


@pytest.fixture
def governor(library: Path) -> Governor:
    return Governor(library)


@pytest.fixture
def armed(library: Path) -> Governor:
    g = Governor(library)
    g.arm()
    return g


@pytest.fixture
def make_armed(library: Path) -> Callable[[], Governor]:
    def make() -> Governor:
        g = Governor(library)
        g.arm()
        return g

    return make
