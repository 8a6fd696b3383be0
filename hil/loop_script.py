"""A scripted wearer and a scripted wish for torque: plain sines in place of camera, engines and muscle solve."""

from __future__ import annotations

import math
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from edge_runtime.assembly import LATENCY_NS
from edge_runtime.intent import KNOT_SPACING_NS, KNOTS, new_intent
from edge_runtime.types import F64

FRAME_NS: Final = 33_333_333  # a 30 Hz camera, the slowest allowed
_COMPUTE_NS: Final = 10_000_000  # from capture to intent
_STRIDE_HZ: Final = 0.8
_TORQUE_NM: Final = 9.0  # 45 Nm/s at most: the host's own limits do not act
_KNEE_RAD: Final = 0.5  # middle of the swing
_SWING_RAD: Final = 0.25
_PHASES: Final = np.array([0.0, math.pi])  # right and left leg
_OMEGA: Final = 2.0 * math.pi * _STRIDE_HZ


class LoopScript(Protocol):
    """Who wishes and who moves; times are CLOCK_MONOTONIC, of which the first call is the begin."""

    def intent(self, now_ns: int) -> npt.NDArray[Any]:
        """The intent [1] published now; the array may be reused."""

    def wearer(self, now_ns: int) -> tuple[F64, F64]:
        """Knee angles and velocities [2] now, rad and rad/s."""


class Script:
    """Right and left knee half a stride apart; torque in phase with the knee's velocity, as one that helps."""

    def __init__(self) -> None:
        self._intent = new_intent()
        self._ahead_ns = np.arange(KNOTS) * KNOT_SPACING_NS

    def intent(self, now_ns: int) -> npt.NDArray[Any]:
        """The intent published now, of a frame captured a little earlier; the array is reused."""
        record = self._intent[0]
        record["sequence"] += 1
        record["t_capture_ns"] = now_ns - _COMPUTE_NS
        record["t_act_ns"] = record["t_capture_ns"] + LATENCY_NS
        record["frame_ns"] = FRAME_NS
        record["valid"] = 1
        times_s = (record["t_act_ns"] + self._ahead_ns) * 1e-9
        record["torque_nm"][:] = _TORQUE_NM * np.cos(_OMEGA * times_s[None, :] + _PHASES[:, None])
        record["knee_rad"][:] = _KNEE_RAD + _SWING_RAD * np.sin(_OMEGA * times_s[None, :] + _PHASES[:, None])
        return self._intent

    def wearer(self, now_ns: int) -> tuple[F64, F64]:
        """Knee angles and velocities [2] now, rad and rad/s."""
        phase = _OMEGA * now_ns * 1e-9 + _PHASES
        return _KNEE_RAD + _SWING_RAD * np.sin(phase), _SWING_RAD * _OMEGA * np.cos(phase)
