"""Boxes for tests: a kernel or a clear skip, and runs of loop and governor inside."""

from __future__ import annotations

import io
import shlex
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import calibration
from calibration.profile import load_profile
from edge_runtime.config import load_device
from edge_runtime.errors import WORLD_ERRORS
from hil.canbox import Box, Time, run_box
from hil.loop_record import LoopRecord, load_run
from hil.loop_run import LoopPlan, LoopRun
from hil.uml.kernel import find_kernel
from tests.conftest import unavailable

EXO_EDGE = (sys.executable, "-m", "edge_runtime")
PROFILE = Path(calibration.__file__).with_name("profiles") / "demo.toml"
AT_ONCE = 2  # a box has one core


def require_kernel(time: Time) -> None:
    """Skip where no kernel can be had, or none with virtual time where that is needed."""
    try:
        kernel = find_kernel(None)
    except WORLD_ERRORS as error:
        unavailable(str(error))
    if time is Time.VIRTUAL and not kernel.has_virtual_time:
        unavailable(f"kernel {kernel.path} has no virtual time")


def inside(box: Box) -> tuple[int, str, str]:
    """Run it; status, stdout, stderr."""
    out, err = io.BytesIO(), io.BytesIO()
    status = run_box(box, out, err)
    return status, out.getvalue().decode(), err.getvalue().decode()


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Firmware and loop compiled on the host: a box reads the caches, what it compiles itself is lost."""
    require_kernel(Time.VIRTUAL)
    plan = LoopPlan("unix:", 0.1, tmp_path_factory.mktemp("warm"), load_profile(PROFILE), load_device())
    LoopRun(plan).run()


def loop_runs(folder: Path, seconds: float, faults: Sequence[str], beside: str = ":") -> list[LoopRecord]:
    """Loop and governor over vcan0 for so many virtual seconds, once per netem setting ("" for none).

    `beside`: a shell command that runs in the box at the same time.
    """

    def one(place: Path, netem: str) -> LoopRecord:
        place.mkdir()
        command = [*EXO_EDGE, "hil", "loop", "--bus", "socketcan:vcan0", "--seconds", str(seconds), "--out", str(place)]
        both = ["sh", "-c", f"{beside} & exec {shlex.join(command)}"]
        box = Box(both, time=Time.VIRTUAL, netem=netem, writable=(place,), timeout_s=5.0 * seconds + 120.0)
        status, _, err = inside(box)
        assert status == 0, err
        return load_run(place)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, [folder / str(i) for i in range(len(faults))], faults))


def states_seen(record: LoopRecord) -> list[int]:
    """The governor's states in the order in which they came, repeats left out."""
    state = record.applied["state"]
    return [int(s) for s in state[np.concatenate(([True], np.diff(state) != 0))]]
