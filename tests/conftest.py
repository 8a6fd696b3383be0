"""Fixtures shared by all tests: fetched assets and measured data; a clear skip where they are absent."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest

from edge_runtime.codecache import use_code_cache
from engines.cache import cache_dir

use_code_cache(cache_dir())  # before anything imports numba: no test runs code compiled from other sources

from engines.errors import EngineError  # noqa: E402
from engines.fetch import asset_path, onnx_path, within_reach  # noqa: E402
from engines.manifest import load_manifest  # noqa: E402


def unavailable(reason: str) -> NoReturn:
    """Skip the test for `reason`; fail it where EXO_EDGE_REQUIRE=1 says that everything must be there."""
    if os.environ.get("EXO_EDGE_REQUIRE") == "1":
        pytest.fail(f"EXO_EDGE_REQUIRE=1, but {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def assets() -> dict[str, Path]:
    """Fetched assets and converted networks by their names in manifest.toml, those on the npm registry where npm is."""
    manifest = load_manifest()
    try:
        paths = {name: asset_path(name) for name in within_reach(manifest.assets)}
        return paths | {name: onnx_path(name) for name in within_reach(manifest.engines)}
    except EngineError as error:
        unavailable(str(error))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The measured gait data: `$EXO_EDGE_DATA`, else ../shared/data beside the checkout."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("EXO_EDGE_DATA") or beside)
    if not folder.is_dir():
        unavailable(f"measured gait data is not in {folder}: set EXO_EDGE_DATA")
    return folder
