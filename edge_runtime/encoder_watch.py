"""Whether the knees' encoders can be believed: against themselves from one millisecond to the next, and against what
the camera sees of the same knees.

An encoder that says itself that it is dead is the governor's to see (reason `sensor`). This one looks for those that go
on talking: angles that jump, stand still while the knee moves, lie apart from the camera's, or come late.
docs/reasons/encoder_implausible.md says which errors stay unseen, and why they are bearable.
"""

from __future__ import annotations

from math import degrees, radians
from typing import Final

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
_HEARD_ROWS: Final = 5  # in so many cycles both encoders send ten messages, one alone and the governor six
_HEARD_MIN: Final = 8
_LOOK_BACK_NS: Final = 4_000_000_000
_HOLD_NS: Final = 1_000_000_000  # a jump is over in a moment, what it means is not
_FRAMES_MIN: Final = 6
_FAR_NS: Final = 1_000_000_000
_APART_NS: Final = 3_000_000_000
_FULL: Final = 0.8  # of a span must hold frames, at no less than 20 a second
_FRAME_MAX_NS: Final = 50_000_000
_MOVING_RADPS: Final = radians(60.0)  # root mean square, for lateness to show

_COLUMN: Final = {name: i for i, name in enumerate(CYCLE_FIELDS)}
_KEPT: Final = [
    _COLUMN[name]
    for name in (
        "t_ns", "received", "position_rad_r", "position_rad_l", "velocity_radps_r", "velocity_radps_l",
        "measured_nm_r", "measured_nm_l", "e2e_lost", "e2e_gaps", "e2e_repeats", "e2e_crc",
    )
]  # fmt: skip
_T, _RECEIVED, _POSITION, _VELOCITY, _TORQUE, _MISSED = 0, 1, slice(2, 4), slice(4, 6), slice(6, 8), slice(8, 12)
"""Columns of the rows that are kept."""
_HINGE, _KNEE, _SEEN, _SD, _RATE = slice(1, 3), slice(3, 5), slice(5, 7), slice(7, 9), slice(9, 11)
_PAIR_WIDTH: Final = 11
"""Of a frame's pair, after its time: hinge, knee by the encoder and by the camera, its deviation, hinge velocity."""
_SIDE_WORDS: Final = {"r": "right", "l": "left"}


def hinge_model(profile: Profile) -> EncoderModel:
    """How hinge and knee of this wearer hang together, by the profile's interface and offsets."""
    legs, known = (profile.interface_r, profile.interface_l), profile.encoders
    return EncoderModel(
        offset_rad=np.array([known.offset_r_rad, known.offset_l_rad]),
        offset_sd_rad=np.full(2, known.offset_sd_rad),
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
        self._rows = np.zeros((0, len(_KEPT)))
        self._fresh: list[F64] = []
        self._waiting: list[tuple[int, F64, F64]] = []
        self._pairs = np.zeros((0, _PAIR_WIDTH))
        self._jump_ns, self._jump = -(1 << 60), ""

    def see_cycles(self, rows: F64) -> None:
        """Telemetry rows [n, CYCLE_FIELDS] of the loop, oldest first, each row once."""
        self._fresh.append(rows[:, _KEPT])

    def see_knees(self, t_capture_ns: int, knee_rad: F64, sd_rad: F64) -> None:
        """What the camera alone saw of the knees [2], flexion positive, and its deviation; NaN where it saw none."""
        self._waiting.append((t_capture_ns, knee_rad.copy(), sd_rad.copy()))

    def forget_camera(self) -> None:
        """Begin anew with what the camera sees."""
        self._waiting.clear()
        self._pairs = self._pairs[:0]

    def problem(self, now_ns: int) -> str:
        """Which encoder is wrong and how, for people; empty where nothing speaks against them. Ask at 10 Hz or so."""
        if self._fresh:
            fresh = np.concatenate(self._fresh)
            self._fresh.clear()
            if len(self._rows) and fresh[0, _T] <= self._rows[-1, _T]:
                self._rows = self._rows[:0]  # a clock that went back, or another run
            self._look_for_jump(np.concatenate((self._rows[-(_BEFORE + _AFTER) :], fresh)))
            self._rows = np.concatenate((self._rows, fresh))
            self._pair_up()
            self._rows = self._rows[-_KEPT_ROWS:]
        if now_ns - self._jump_ns < _HOLD_NS:
            return self._jump
        return next((words for side in range(2) if (words := self._judge(side))), "")

    def _look_for_jump(self, rows: F64) -> None:
        """Only where each cycle brought the next reading of both: a late or a lost frame is no jump."""
        if len(rows) <= _BEFORE + _AFTER:
            return
        whole = np.abs(np.diff(rows[:, _T]) - _STEP_NS) < 0.5 * _STEP_NS
        heard = np.diff(rows[:, _RECEIVED])
        whole &= ((heard == 2.0) | (heard == 3.0)) & (np.diff(rows[:, _MISSED], axis=0) == 0.0).all(axis=1)
        held = np.convolve(whole, np.ones(_BEFORE + _AFTER), "valid") == _BEFORE + _AFTER
        for side, angle in enumerate(rows[1:, _POSITION].T):
            off = np.where(held, np.convolve(angle, _TAPS, "valid"), 0.0)
            worst = int(np.abs(off).argmax())
            if abs(off[worst]) > JUMP_RAD:
                self._jump_ns = int(rows[worst + _BEFORE + _AFTER, _T])
                self._jump = f"{_word(side)} encoder jumped by {degrees(off[worst]):.0f} deg"

    def _pair_up(self) -> None:
        """Each waiting frame with the reading of its moment; without one it is of no use."""
        t, pairs = self._rows[:, _T], []
        due = [frame for frame in self._waiting if frame[0] <= t[-1]]
        self._waiting = [frame for frame in self._waiting if frame[0] > t[-1]]
        for t_ns, seen_rad, sd_rad in due:
            at = int(np.searchsorted(t, t_ns, "right")) - 1
            if at >= _HEARD_ROWS and t_ns - t[at] <= 2 * _STEP_NS and self._heard(at):
                hinge, rate = self._rows[at, _POSITION], self._rows[at, _VELOCITY]
                knee = self._model.knees(hinge, self._rows[at, _TORQUE]).knee_rad
                pairs.append(np.concatenate(([t_ns], hinge, knee, seen_rad, sd_rad, rate)))
        if pairs:
            pairs = [*self._pairs, *pairs]
            self._pairs = np.array([pair for pair in pairs if pair[0] >= pairs[-1][0] - _LOOK_BACK_NS])

    def _heard(self, at: int) -> bool:
        """True where both encoders were heard of late: a row repeats the angle of one that was not."""
        received = self._rows[:, _RECEIVED]
        return bool(received[at] - received[at - _HEARD_ROWS] >= _HEARD_MIN)

    def _judge(self, side: int) -> str:
        pairs = self._pairs
        known = np.isfinite(pairs[:, _SEEN][:, side]) & np.isfinite(pairs[:, _KNEE][:, side])
        if np.count_nonzero(known) < _FRAMES_MIN or not known[-1]:
            return ""
        t_s = pairs[known, 0] * 1e-9
        hinge, knee, seen, sd, rate = (pairs[known, part][:, side] for part in (_HINGE, _KNEE, _SEEN, _SD, _RATE))
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
