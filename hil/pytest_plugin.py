"""pytest plugin: `@pytest.mark.hil("scenario")` runs a scenario and fails the test where it is not as declared.

    @pytest.mark.hil("gait_1_2")
    def test_gait(hil_result):
        assert hil_result.scores["r"] > 0.8

The fixture `hil_result` is optional; the marker takes `rig=` as well. Nothing heavy is imported before it is used.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from hil.results import Result


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers", "hil(scenario, rig=''): run a scenario of the bench; exo-edge hil list names them"
    )


@pytest.fixture
def hil_result(request: pytest.FixtureRequest, tmp_path: Path) -> Result:
    """Result of the marked scenario (hil.results.Result); the test fails where it is not as declared."""
    marker = request.node.get_closest_marker("hil")
    if marker is None or len(marker.args) != 1:
        pytest.fail('hil_result needs one scenario: @pytest.mark.hil("name")')
    result = run_scenario(str(marker.args[0]), str(marker.kwargs.get("rig", "")), tmp_path / "hil")
    if not result.passed:
        broken = [finding.line for finding in result.findings if not finding.passed]
        pytest.fail("\n".join([f"scenario {result.scenario} is not as declared", result.error, *broken]), pytrace=False)
    return result


@pytest.fixture(autouse=True)
def _hil(request: pytest.FixtureRequest) -> None:
    """A marked test runs its scenario also where it does not ask for the result."""
    if request.node.get_closest_marker("hil") is not None:
        request.getfixturevalue("hil_result")


def run_scenario(name: str, rig: str, folder: Path) -> Result:
    """Run one scenario, by name or file, with its files in `folder`."""
    from edge_runtime.codecache import use_code_cache
    from engines.cache import cache_dir

    if "numba" not in sys.modules:  # no scenario runs code compiled from other sources
        use_code_cache(cache_dir())
    from hil.runner import Job, run_job
    from hil.scenario import find

    return run_job(Job(find([name])[0], rig, 0, folder / Path(name).stem))
