"""The compiled drives for the tests of this folder."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from firmware_bridge.actuators.native import build_session, load_library


@pytest.fixture(scope="session")
def native(build_dir: Path) -> ctypes.CDLL:
    return load_library(build_dir)


@pytest.fixture(scope="session")
def session_executable(build_dir: Path) -> Path:
    return build_session(build_dir)
