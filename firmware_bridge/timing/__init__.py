"""What the governor costs on this machine, measured by a C program around the real functions."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from firmware_bridge.errors import BridgeError
from firmware_bridge.simulator.build import build_program

SOURCE: Final = Path(__file__).resolve().parent

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class GovernorCost:
    """Time per call, ns, of an engaged run; two readings of the clock with nothing between took `clock_ns`."""

    frame_ns: I64
    step_ns: I64
    clock_ns: I64


def measure(out_dir: Path, milliseconds: int) -> GovernorCost:
    """Compile into `out_dir` and run for so many steps; raises BridgeError with one line."""
    program = build_program(out_dir, "governor-cost", SOURCE)
    done = subprocess.run([str(program), str(milliseconds)], capture_output=True, check=False)
    if done.returncode != 0:
        raise BridgeError(f"{program}: did not stay engaged (status {done.returncode}); run: exo-edge can generate")
    data = np.frombuffer(done.stdout, np.int64)
    parts: list[I64] = []
    while data.size:
        parts.append(data[1 : 1 + int(data[0])])
        data = data[1 + int(data[0]) :]
    return GovernorCost(*parts)
