"""The simulated rig's side channel: where the wearer moves the knees, and what reached them; never on hardware.

Messages are those of firmware_bridge/simulator/link.h: 6 words out (kind, time, two angles, two velocities), 13 words
back (time, governor state and reason, then per joint knee torque, knee angle, hinge angle, drive torque, command).
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from edge_runtime.intent import at
from edge_runtime.rt.cycle import KNEE_NM_COLUMNS, KNEE_RAD_COLUMNS
from edge_runtime.rt.libc import as_pointer, call_step, libc_read, libc_write, load_relaxed
from edge_runtime.rt.mailbox import I64
from edge_runtime.rt.torque import Torque
from edge_runtime.shared import START_NS
from edge_runtime.types import F64
from firmware_bridge.table import STATES

_KNEES: Final = 2  # the simulated rig has a right and a left knee
WEARER: Final = 1  # real time: a new reference
TICK: Final = 2  # lock-step: a new reference, and step one millisecond
_WEARER_WORDS: Final = 6
_TRUTH_WORDS: Final = 13
_READS_MAX: Final = 8
_TRACKING_RADPS: Final = 20.0  # critically damped following of the video
FOLLOWS_LATE_S: Final = 2.0 / _TRACKING_RADPS
"""How far a simulated wearer without a path is behind the one that the camera sees."""
_RATE_MAX_RADPS: Final = 8.0  # a scene cut must not throw the simulated leg; gait stays below both
_ACCELERATION_MAX_RADPS2: Final = 120.0
_PATH_RADPS: Final = 60.0  # following of a path, which is smooth and known: behind by acceleration / 60², 2° in gait
_STEP_S: Final = 1e-3  # of the following; where the loop stood still, the simulated knee went on at its velocity
_SAFE: Final = STATES["SAFE"]
_STANDING_RAD: Final = 0.09  # 5 deg: knees of a person who stands

_KNEE_NM_R, _KNEE_NM_L = KNEE_NM_COLUMNS
_KNEE_RAD_R, _KNEE_RAD_L = KNEE_RAD_COLUMNS


class Path(NamedTuple):
    """Knees [n, 2] rad, right and left, spread evenly over `pass_ns`; then they begin again."""

    knees_rad: F64
    pass_ns: int


class Rig(NamedTuple):
    """Buffers of the side channel; `fd` int64 [1], -1 where there is no simulated rig.

    `step` int64 [2]: address and handle of firmware inside this process (firmware_bridge/simulator/embedded.h), which
    is called for a tick instead; zeros where it is another process.
    """

    fd: I64
    step: I64
    path: F64  # [n, 2] where the wearer moves the knees, over and over; empty: as the intent predicts
    pass_ns: I64  # [1] how long once along the path takes
    control: I64  # of the run: when its first frame, and the path, begins
    reference: F64  # the wearer's knees: angles, then velocities
    out_words: I64
    out_values: F64
    truth_words: I64
    truth_values: F64


def new_rig(fd: int, path: Path | None = None, control: I64 | None = None) -> Rig:
    """Allocate the channel's buffers; the wearer stands, until START_NS of `control` tells that the `path` begins.

    `step` is set by who has the firmware in this process.
    """
    knees, pass_ns = path if path is not None else (np.zeros((0, _KNEES)), 1)
    control = np.zeros(START_NS + 1, np.int64) if control is None else control
    out, truth = np.zeros(_WEARER_WORDS, np.int64), np.zeros(_TRUTH_WORDS, np.int64)
    values: npt.NDArray[Any] = out.view(np.float64)
    reference = np.array([_STANDING_RAD] * _KNEES + [0.0] * _KNEES)
    return Rig(
        np.array([fd]), np.zeros(2, np.int64), knees, np.array([pass_ns]), control, reference, out, values, truth,
        truth.view(np.float64),
    )  # fmt: skip


@njit(cache=True, nogil=True)
def exchange(rig: Rig, torque: Torque, kind: int, now_ns: int, dt_s: float) -> bool:
    """Send the wearer's motion and take the newest truth into the telemetry row.

    With `TICK` it waits for the answer (lock-step). False where the simulation is gone.
    """
    if rig.fd[0] < 0:
        return True
    _refer(rig, torque, kind, now_ns, dt_s)
    if kind == TICK and rig.step[0] != 0:
        call_step(rig.step[0], rig.step[1], rig.out_words.ctypes.data, rig.truth_words.ctypes.data)
        _take_truth(rig, torque.row)
        return True
    fd = np.int32(rig.fd[0])
    libc_write(fd, as_pointer(rig.out_words.ctypes.data), _WEARER_WORDS * 8)
    fresh = False
    for _ in range(1 if kind == TICK else _READS_MAX):
        size = libc_read(fd, as_pointer(rig.truth_words.ctypes.data), _TRUTH_WORDS * 8)
        if size == 0:
            return False
        if size != _TRUTH_WORDS * 8:
            break
        fresh = True
    if fresh:
        _take_truth(rig, torque.row)
    return fresh or kind != TICK


@njit(cache=True, nogil=True)
def _take_truth(rig: Rig, row: F64) -> None:
    row[_KNEE_NM_R] = rig.truth_values[3]
    row[_KNEE_NM_L] = rig.truth_values[4]
    row[_KNEE_RAD_R] = rig.truth_values[5]
    row[_KNEE_RAD_L] = rig.truth_values[6]


@njit(cache=True, nogil=True)
def _refer(rig: Rig, torque: Torque, kind: int, now_ns: int, dt_s: float) -> None:
    """The wearer follows the path; without one the knees that the acting intent predicts for now. Stops in SAFE."""
    intent, start_ns = torque.intent[0], load_relaxed(rig.control, START_NS)
    known = len(rig.path) > 0 and start_ns > 0
    rig.out_words[0] = kind
    rig.out_words[1] = now_ns
    for joint in range(min(_KNEES, torque.joints.size)):
        rate = rig.reference[_KNEES + joint]
        angle = rig.reference[joint] + rate * max(dt_s - _STEP_S, 0.0)
        step_s, target, target_rate, tracking = min(dt_s, _STEP_S), angle, 0.0, _TRACKING_RADPS
        if torque.state[0].governor_state == _SAFE:
            pass
        elif known:
            count, tracking = len(rig.path), _PATH_RADPS
            place = max(now_ns - start_ns, 0) % rig.pass_ns[0] * count // rig.pass_ns[0]
            target = rig.path[place, joint]
            target_rate = (target - rig.path[place - 1, joint]) * count / (rig.pass_ns[0] * 1e-9)
        elif intent.valid == 1:
            target = at(intent.knee_rad[joint], now_ns - intent.t_act_ns)
        pull = tracking * (tracking * (target - angle) + 2.0 * (target_rate - rate))
        pull = min(max(pull, -_ACCELERATION_MAX_RADPS2), _ACCELERATION_MAX_RADPS2)
        rate = min(max(rate + pull * step_s, -_RATE_MAX_RADPS), _RATE_MAX_RADPS)
        rig.reference[joint] = angle + rate * step_s
        rig.reference[_KNEES + joint] = rate
        rig.out_values[2 + joint] = rig.reference[joint]
        rig.out_values[2 + _KNEES + joint] = rate
