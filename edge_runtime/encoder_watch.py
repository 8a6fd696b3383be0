"""Whether the knees' encoders can be believed: against themselves from one millisecond to the next, and against what
the camera sees of the same knees.

An encoder that says itself that it is dead is the governor's to see (reason `sensor`). This one looks for those that go
on talking: angles that jump, stand still while the knee moves, lie apart from the camera's, or come late.
docs/reasons/encoder_implausible.md says which errors stay unseen, and why they are bearable.
"""

from __future__ import annotations

from collections import deque
from math import degrees, radians
from typing import Final, NamedTuple

import numpy as np

from calibration.profile import Profile
from edge_runtime.biomech.encoder import EncoderModel
from edge_runtime.telemetry import CYCLE_FIELDS
from edge_runtime.types import F64, SIDES

JUMP_RAD: Final = radians(3.0)
"""Off the line of the 10 ms before, on average over 5 ms. The sharpest motion of a leg, 10 000 deg/s² at a landing,
bends that line by 0.3°; noise of half a degree per reading gives a deviation of 0.6°."""
STUCK_RAD: Final = radians(0.02)  # two steps of JOINT_STATE: an encoder whose last digit flickers
MOVED_RAD: Final = radians(15.0)  # seen by the camera meanwhile; its frames differ by 2° where nobody moves
APART_RAD: Final = radians(20.0)
"""Median distance over 3 s. The camera's own lasting error is up to 10° (docs/pose.md), and three of its deviations
are allowed where that is more."""
FAR_RAD: Final = radians(25.0)
"""Root mean square over 1 s, likewise: five of the deviations that the pose head states from the side."""
LATE_S: Final = 0.060  # the camera's own lag is known to 10 ms or so, and its angles scatter
_LATE_SD_S: Final = 0.012  # of that estimate, for it to count: five of them make LATE_S

_BEFORE, _AFTER = 10, 5
_STEP_NS: Final = 1_000_000
_KEPT_ROWS: Final = 512
_LOOK_BACK_NS: Final = 4_000_000_000
_HOLD_NS: Final = 1_000_000_000  # a jump is over in a moment, what it means is not
_FRAMES_MIN: Final = 6
_FAR_NS: Final = 1_000_000_000
_APART_NS: Final = 3_000_000_000
_FULL: Final = 0.8  # of a span must hold frames, at no less than 20 a second
_FRAME_MAX_NS: Final = 50_000_000
_MOVING_RADPS: Final = radians(60.0)  # root mean square, for lateness to show

_COLUMN: Final = {name: i for i, name in enumerate(CYCLE_FIELDS)}
_T, _RECEIVED = _COLUMN["t_ns"], _COLUMN["received"]
_POSITION, _VELOCITY, _TORQUE = (
    [_COLUMN[f"{name}_{side}"] for side in SIDES] for name in ("position_rad", "velocity_radps", "measured_nm")
)
_SIDE_WORDS: Final = {"r": "right", "l": "left"}


class _Pair(NamedTuple):
    """One frame: hinge, knee by the encoder and by the camera, its deviation, hinge velocity; each [2]."""

    t_ns: int
    hinge_rad: F64
    knee_rad: F64
    seen_rad: F64
    sd_rad: F64
    rate_radps: F64


def hinge_model(profile: Profile) -> EncoderModel:
    """How hinge and knee of this wearer hang together; the hinge's zero is the straight knee."""
    legs = profile.interface_r, profile.interface_l
    return EncoderModel(
        offset_rad=np.zeros(2),
        offset_sd_rad=np.zeros(2),
        stiffness_nm_per_rad=np.array([leg.stiffness_nm_per_rad for leg in legs]),
        stiffness_80deg_nm_per_rad=np.array([leg.stiffness_80deg_nm_per_rad for leg in legs]),
        stiffness_sd=np.zeros(2),
    )


def _jump_taps() -> F64:
    """Mean of the 5 newest of 15 readings less the line through the 10 before, there; newest first to convolve with."""
    t = np.arange(_BEFORE, dtype=np.float64)
    at = _BEFORE + (_AFTER - 1) / 2.0
    centred = t - t.mean()
    line = 1.0 / _BEFORE + (at - t.mean()) * centred / (centred @ centred)
    return np.concatenate((-line, np.full(_AFTER, 1.0 / _AFTER)))[::-1]


_TAPS: Final = _jump_taps()


class EncoderWatch:
    """Watches both knees' encoders from the rows of the torque loop and the camera's view of the knees.

    `lag_s`: how far the knee that the encoders are on is known to be behind the one in the picture; that of a simulated
    wearer, who follows the video.
    """

    def __init__(self, model: EncoderModel, lag_s: float = 0.0) -> None:
        self._model, self._lag_s = model, lag_s
        self._rows = np.zeros((0, len(CYCLE_FIELDS)))
        self._waiting: deque[tuple[int, F64, F64]] = deque()
        self._pairs: deque[_Pair] = deque()
        self._jump_ns, self._jump = -(1 << 60), ""
        self._seen = ""

    def see_cycles(self, rows: F64) -> None:
        """Telemetry rows [n, CYCLE_FIELDS] of the loop, oldest first, each row once."""
        if len(self._rows) and rows[0, _T] <= self._rows[-1, _T]:
            self._rows = self._rows[:0]  # a clock that went back, or another run
        self._look_for_jump(np.concatenate((self._rows[-(_BEFORE + _AFTER - 1) :], rows)))
        self._rows = np.concatenate((self._rows, rows))[-_KEPT_ROWS:]
        while self._waiting and self._waiting[0][0] <= self._rows[-1, _T]:
            self._pair(*self._waiting.popleft())

    def see_knees(self, t_capture_ns: int, knee_rad: F64, sd_rad: F64) -> None:
        """What the camera alone saw of the knees [2], flexion positive, and its deviation; NaN where it saw none."""
        self._waiting.append((t_capture_ns, knee_rad.copy(), sd_rad.copy()))

    def forget_camera(self) -> None:
        """Begin anew with what the camera sees."""
        self._waiting.clear()
        self._pairs.clear()
        self._seen = ""

    def problem(self, now_ns: int) -> str:
        """Which encoder is wrong and how, for people; empty where nothing speaks against them."""
        return self._jump if now_ns - self._jump_ns < _HOLD_NS else self._seen

    def _look_for_jump(self, rows: F64) -> None:
        """Only where each cycle brought one reading of both: a late frame is no jump."""
        if len(rows) < _BEFORE + _AFTER:
            return
        whole = np.abs(np.diff(rows[:, _T]) - _STEP_NS) < 0.5 * _STEP_NS
        whole &= np.isin(np.diff(rows[:, _RECEIVED]), (2.0, 3.0))
        held = np.convolve(whole, np.ones(_BEFORE + _AFTER - 1), "valid") == _BEFORE + _AFTER - 1
        for side, column in enumerate(_POSITION):
            off = np.where(held, np.convolve(rows[:, column], _TAPS, "valid"), 0.0)
            worst = int(np.abs(off).argmax())
            if abs(off[worst]) > JUMP_RAD:
                self._jump_ns = int(rows[worst + _BEFORE + _AFTER - 1, _T])
                self._jump = f"{_word(side)} encoder jumped by {degrees(off[worst]):.0f} deg"

    def _pair(self, t_ns: int, seen_rad: F64, sd_rad: F64) -> None:
        """Judge anew with this frame and the reading of its moment; without one the frame is of no use."""
        at = int(np.searchsorted(self._rows[:, _T], t_ns, "right")) - 1
        if at < 0 or t_ns - self._rows[at, _T] > 2 * _STEP_NS:
            return
        row = self._rows[at]
        hinge = row[_POSITION]
        knee = self._model.knees(hinge, row[_TORQUE]).knee_rad
        if self._pairs and t_ns <= self._pairs[-1].t_ns:
            self._pairs.clear()
        self._pairs.append(_Pair(t_ns, hinge, knee, seen_rad, sd_rad, row[_VELOCITY]))
        while self._pairs[0].t_ns < t_ns - _LOOK_BACK_NS:
            self._pairs.popleft()
        self._seen = next((words for side in range(2) if (words := self._judge(side))), "")

    def _judge(self, side: int) -> str:
        pairs = [pair for pair in self._pairs if np.isfinite(pair.seen_rad[side]) and np.isfinite(pair.knee_rad[side])]
        if len(pairs) < _FRAMES_MIN or pairs[-1] is not self._pairs[-1]:
            return ""
        t_s = np.array([pair.t_ns for pair in pairs]) * 1e-9
        hinge = np.array([pair.hinge_rad[side] for pair in pairs])
        knee = np.array([pair.knee_rad[side] for pair in pairs])
        seen = np.array([pair.seen_rad[side] for pair in pairs])
        sd = np.array([pair.sd_rad[side] for pair in pairs])
        rate = np.array([pair.rate_radps[side] for pair in pairs])
        stuck, apart = _stuck(side, hinge, seen), _apart(side, t_s, knee - seen, sd)
        return stuck or apart or _late(side, t_s, knee, seen, rate, self._lag_s)


def _word(side: int) -> str:
    return _SIDE_WORDS[SIDES[side]]


def _stuck(side: int, hinge: F64, seen: F64) -> str:
    """The same angle over frames in which the camera saw the knee move."""
    moves = np.flatnonzero(np.abs(hinge - hinge[-1]) > STUCK_RAD)
    still = seen[moves[-1] + 1 if moves.size else 0 :]
    if len(still) < _FRAMES_MIN:
        return ""
    moved = abs(float(np.median(still[-3:]) - np.median(still[:3])))
    if moved <= MOVED_RAD:
        return ""
    return f"{_word(side)} encoder stands at {degrees(hinge[-1]):.0f} deg while the knee moved {degrees(moved):.0f} deg"


def _filled(t_s: F64, span_ns: int) -> bool:
    """True where frames cover the newest span without a hole."""
    newest = t_s[t_s >= t_s[-1] - span_ns * 1e-9]
    covered = (newest[-1] - newest[0]) * 1e9 >= _FULL * span_ns
    return covered and bool((np.diff(newest) * 1e9 < _FRAME_MAX_NS).all())


def _apart(side: int, t_s: F64, apart: F64, sd: F64) -> str:
    """Encoder and camera disagree grossly for a moment, or clearly for seconds."""
    for span_ns, bound_rad, size in ((_FAR_NS, FAR_RAD, _rms), (_APART_NS, APART_RAD, _lasting)):
        newest = t_s >= t_s[-1] - span_ns * 1e-9
        found = size(apart[newest])
        if found > max(bound_rad, 3.0 * float(np.median(sd[newest]))) and _filled(t_s, span_ns):
            return f"{_word(side)} encoder and camera are {degrees(found):.0f} deg apart"
    return ""


def _rms(values: F64) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _lasting(values: F64) -> float:
    return abs(float(np.median(values)))


def _late(side: int, t_s: F64, knee: F64, seen: F64, rate: F64, lag_s: float) -> str:
    """What the encoder shows less what is seen goes with the encoder's rate: knee(t) is about angle + delay · rate."""
    if not _filled(t_s, _LOOK_BACK_NS) or _rms(rate) < _MOVING_RADPS:
        return ""
    terms = np.stack((np.ones_like(knee), knee, rate), axis=1)
    normal = terms.T @ terms
    if np.linalg.cond(normal) > 1e8:
        return ""
    fit = np.linalg.solve(normal, terms.T @ (knee - seen))
    left = knee - seen - terms @ fit
    # neighbouring frames err alike: a fifth of them counts
    sd_s = _rms(left) * float(np.sqrt(np.linalg.inv(normal)[2, 2] * 5.0))
    late_s = -float(fit[2]) - lag_s
    if sd_s > _LATE_SD_S or late_s <= LATE_S:
        return ""
    return f"{_word(side)} encoder comes {1e3 * late_s:.0f} ms late"
