"""Intents of a synthetic estimator: a torque that swings like gait, so that the whole cycle has work to do."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from edge_runtime.intent import KNOT_SPACING_NS, KNOTS, new_intent
from edge_runtime.rt.mailbox import I64, publish
from firmware_bridge.table import TABLE

LATENCY_NS: Final = round(TABLE.age.latency_ms * 1e6)
_PEAK_NM: Final = 8.0
_MEAN_NM: Final = 4.0
_STRIDE_S: Final = 1.1  # an unhurried walk
_KNEE_RAD: Final = 0.5


def publish_intent(ring: I64, sequence: int, t_capture_ns: int, frame_ns: int, joints: int = 2) -> None:
    """Publish intent number `sequence` of a frame captured at `t_capture_ns`."""
    intent = new_intent(joints)
    record = intent[0]
    act_ns = t_capture_ns + LATENCY_NS
    phase = 2.0 * math.pi * (act_ns + np.arange(KNOTS) * KNOT_SPACING_NS) * 1e-9 / _STRIDE_S
    record["sequence"], record["t_capture_ns"], record["t_act_ns"] = sequence, t_capture_ns, act_ns
    record["frame_ns"], record["valid"] = frame_ns, 1
    record["torque_nm"][:] = _MEAN_NM + (_PEAK_NM - _MEAN_NM) * np.sin(phase)
    record["knee_rad"][:] = _KNEE_RAD
    publish(ring, intent.view(np.int64))
