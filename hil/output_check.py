"""Checks what the governor applied, step by step, against the limits table: an independent look at its one output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge_runtime.types import F64
from firmware_bridge.schema import JointLimits

_RESOLUTION_NM: Final = 0.01  # the command is whole hundredths: two of them may differ by one more than the torque does
_STEP_S: Final = 0.001
_STEPS_MAX: Final = 2  # a governor that slept through more moves as if it were this many


@dataclass(frozen=True, slots=True)
class OutputCheck:
    """How many steps broke each limit, and the greatest torque; `shortcuts`: ways out of SAFE other than by IDLE, and
    torque outside of it before ARMED."""

    steps: int
    torque: int
    slew: int
    window: int
    shortcuts: int
    peak_nm: float

    @property
    def violations(self) -> int:
        """All together; must be 0."""
        return self.torque + self.slew + self.window + self.shortcuts


def check_output(
    applied: npt.NDArray[Any], limits: JointLimits, states: Mapping[str, int], damping_max_nm: float = 0.0
) -> OutputCheck:
    """Check a record of TRUTH_DTYPE: command, slew and window of both joints, and the order of the states.

    The window bounds what is asked for. In SAFE torque up to `damping_max_nm` is the governor's own damping.
    """
    seconds = np.diff(applied["now_ns"]) * 1e-9
    safe = applied["state"] == states["SAFE"]
    sides = [np.ascontiguousarray(applied["command_nm"][:, side]) for side in range(2)]
    return OutputCheck(
        steps=len(applied),
        torque=sum(int((np.abs(nm) > limits.torque_nm + _RESOLUTION_NM / 2).sum()) for nm in sides),
        slew=sum(_too_fast(nm, seconds, limits) for nm in sides),
        window=sum(int((_outside_window(nm, limits) & ~(safe & (np.abs(nm) <= damping_max_nm))).sum()) for nm in sides),
        shortcuts=_shortcuts(applied, states),
        peak_nm=max(float(np.abs(nm).max()) for nm in sides),
    )


def _too_fast(nm: F64, seconds: F64, limits: JointLimits) -> int:
    """Steps that need more time than there was: a fall to or through zero first, then a rise."""
    before, after = nm[:-1], nm[1:]
    crosses = before * after < 0.0
    fall = np.where(crosses, np.abs(before), np.maximum(np.abs(before) - np.abs(after), 0.0))
    rise = np.where(crosses, np.abs(after), np.maximum(np.abs(after) - np.abs(before), 0.0))
    needs = np.maximum(fall - _RESOLUTION_NM, 0.0) / limits.slew_down_nm_per_s
    needs = needs + np.maximum(rise - _RESOLUTION_NM, 0.0) / limits.slew_up_nm_per_s
    return int((needs > np.minimum(seconds, _STEPS_MAX * _STEP_S) + 1e-6).sum())  # the governor counts in us


def _outside_window(nm: F64, limits: JointLimits) -> npt.NDArray[np.bool_]:
    """Steps where torque has grown by more than the window allows since the least of it in the last window."""
    low, high = nm.copy(), nm.copy()
    for back in range(1, round(limits.window_ms * 1e-3 / _STEP_S)):
        np.minimum(low[back:], nm[:-back], out=low[back:])
        np.maximum(high[back:], nm[:-back], out=high[back:])
    room = limits.window_nm + _RESOLUTION_NM
    return np.asarray(((nm > 0) & (nm > low + room)) | ((nm < 0) & (nm < high - room)))


def _shortcuts(applied: npt.NDArray[Any], states: Mapping[str, int]) -> int:
    applied = applied[np.isfinite(applied["command_nm"]).all(axis=1)]  # while the firmware is stopped it has no state
    state = applied["state"]
    left = np.flatnonzero((state[:-1] == states["SAFE"]) & (state[1:] != states["SAFE"]))
    not_idle = int((state[left + 1] != states["IDLE"]).sum())
    torque = (np.abs(applied["command_nm"]) > 0.0).any(axis=1)
    idle = np.isin(state, [states[name] for name in ("OFF", "IDLE", "READY")])
    begun = (state[1:] == states["ENGAGED"]) & np.isin(state[:-1], [states[n] for n in ("IDLE", "READY", "SAFE")])
    return not_idle + int((idle & torque).sum()) + int(begun.sum())


def safe_entries(applied: npt.NDArray[Any], states: Mapping[str, int]) -> dict[int, int]:
    """How often SAFE was entered, by reason code."""
    state = applied["state"]
    into = np.flatnonzero((state[1:] == states["SAFE"]) & (state[:-1] != states["SAFE"])) + 1
    reasons, counts = np.unique(applied["reason"][into], return_counts=True)
    return dict(zip(map(int, reasons), map(int, counts), strict=True))
