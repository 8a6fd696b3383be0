"""Shared memory between the processes: one named block with every ring and counter, laid out once here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import shared_memory
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_runtime.doubt import NO_DOUBT, Doubt
from edge_runtime.intent import intent_dtype
from edge_runtime.rt.mailbox import I64, latest, latest_words, stream_words
from edge_runtime.telemetry import cycle_width
from edge_runtime.tissue.rows import MAP_WIDTH, TISSUE_FIELDS

CYCLE_ROWS: Final = 4096  # 4 s of torque loop
ESTIMATE_ROWS: Final = 256  # 4 s of estimates
MISS_ROWS: Final = 256
ENCODER_ROWS: Final = 256  # a quarter of a second
TISSUE_ROWS: Final = 256
MAP_ROWS: Final = 16
DOUBT_WORDS: Final = 3  # float64: share r, share l, cause
_KNEES: Final = 2  # joints of the device: knees r, l
FEEDBACK_WORDS: Final = 2 * _KNEES  # float64: hinge torque r, l (Nm), hinge angle r, l (rad)

# words of the control block; each has one writer
STOP: Final = 0  # supervisor: 1 asks everyone to end
HEARTBEAT: Final = 1  # supervisor: counts up; the loop lets torque go when it stands still
MODE: Final = 2  # supervisor: wire mode for the setpoints
HOST_STATE: Final = 3  # supervisor: state of the machine
CLEAR: Final = 4  # supervisor: 1 asks the governor to leave SAFE
CLEARS: Final = 5  # supervisor: counts explicit clears; each releases what the loop has latched
CYCLES: Final = 8  # loop: cycles done
LOOP_READY: Final = 9  # loop: 1 once it runs
HASH_HEARD: Final = 10  # loop: bit per hash (protocol, limits, profile) that the firmware has sent
HASH_DIFFERS: Final = 11  # loop: bit per hash that is not ours
SILENCE_NS: Final = 12  # loop: age of the firmware stream not heard for longest
HEARTBEAT_LOST: Final = 13  # loop: 1 where the heartbeat stood still while torque was asked for
DEADLINES_LOST: Final = 14  # loop: 1 where it missed too many deadlines in a row, until CLEARS counts
BUS_STATE: Final = 15  # loop: edge_runtime.rt.bus_state; BUS_LOST beside it is latched until CLEARS counts
FRAMES: Final = 16  # estimator: frames done
ESTIMATOR_READY: Final = 17  # estimator: 1 once warm
ESTIMATOR_DONE: Final = 18  # estimator: 1 after the last frame
DROPPED: Final = 19  # estimator: frames it never looked at
ESTIMATOR_STEP: Final = 20  # estimator: how far its start has come, named in edge_runtime.startup
STEREO_SYNC: Final = 21  # estimator: how often the second camera's moment was another, told once per second
STEREO_REPROJECTION: Final = 22  # estimator: how often both cameras contradicted each other, likewise
STEREO_AMOUNT: Final = 25  # estimator, two words: by how much last, us and 1/1000 px
START_NS: Final = 24  # supervisor: capture time of the first frame, 0 = not yet
BUS_LOST: Final = 32  # loop: 1 where the bus was off or down while torque was asked for
LOOP_THREAD: Final = 33  # loop: its thread id, 0 = not yet
RIGHTS_MISSING: Final = 34  # loop: edge_runtime.rt.rights.Right that it could not get
BUS_SIMULATED: Final = 38  # loop: 1 where no frame on its bus can reach a real drive
WARM_FAULTS: Final = 35  # loop: minor page faults of its first cycles, -1 = not counted yet
MINOR_FAULTS: Final = 36  # loop: since it runs
MAJOR_FAULTS: Final = 37  # loop: since it runs
LOOP_STEP: Final = 39  # loop: how far its start has come, named in edge_runtime.startup
HASH_HOST: Final = 40  # loop, three words: our hashes, protocol, limits, profile
HASH_FIRMWARE: Final = 43  # loop, three words: what the firmware sent last for each
TISSUE_OFF: Final = 46  # tissue observer: 1 where it has turned itself off, over its budget
TISSUE_STEP: Final = 47  # tissue observer: 1 while it builds its models, 2 once warm
TISSUE_WARM: Final = 2  # value of TISSUE_STEP
_CONTROL_WORDS: Final = 48

MISS_FIELDS: Final = (
    "t_ns",  # end of the wake-up after the miss
    "cycle",
    "periods",  # missed in a row
    "wake_us",  # from the deadline to the wake-up
    "overrun_us",  # how long the cycle before was at work past its period
    "minor_faults",
    "major_faults",
    "voluntary",  # switches
    "involuntary",
    "cpu_us",
    "since_us",  # the counts are those of so long
)
"""Row of the ring in which the loop explains each stall."""

ENCODER_FIELDS: Final = (
    "heard_ns",  # cycle that took the newest joint state in; 0: none yet
    "hinge_rad",
    "knee_rad",  # where the tissue's model has the knee; NaN where it has none
    "knee_radps",
)
"""Of each joint, in the order of the limits table: a row per cycle of the loop in the ring of encoder readings."""


@dataclass(frozen=True, slots=True)
class Rings:
    """Views into the block; `memory` keeps it alive."""

    memory: shared_memory.SharedMemory | None
    control: I64
    intent: I64
    feedback: I64
    cycles: I64
    estimates: I64
    misses: I64
    tissue: I64
    tissue_maps: I64
    interface_doubt: I64
    encoders: I64


def _sizes(estimate_width: int, joints: int) -> dict[str, int]:
    return {
        "control": _CONTROL_WORDS,
        "intent": latest_words(intent_dtype(joints).itemsize // 8),
        "feedback": latest_words(2 * joints),
        "cycles": stream_words(CYCLE_ROWS, cycle_width(joints)),
        "estimates": stream_words(ESTIMATE_ROWS, estimate_width),
        "misses": stream_words(MISS_ROWS, len(MISS_FIELDS)),
        "tissue": stream_words(TISSUE_ROWS, len(TISSUE_FIELDS)),
        "tissue_maps": stream_words(MAP_ROWS, MAP_WIDTH),
        "interface_doubt": latest_words(DOUBT_WORDS),
        "encoders": stream_words(ENCODER_ROWS, len(ENCODER_FIELDS) * joints),
    }


class FeedbackReader:
    """The newest hinge torque and angle; a read that fails keeps the value before it."""

    def __init__(self, rings: Rings) -> None:
        self._ring = rings.feedback
        self._words = np.zeros(FEEDBACK_WORDS, np.int64)
        self._torque_nm = np.zeros(FEEDBACK_WORDS // 2)
        self._hinge_rad = np.zeros(FEEDBACK_WORDS // 2)

    def torque_and_hinge(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Hinge torque [2], Nm, and hinge angle [2], rad, of the same moment; the arrays are reused."""
        if latest(self._ring, self._words) > 0:
            values = self._words.view(np.float64)
            self._torque_nm[:], self._hinge_rad[:] = values[: len(self._torque_nm)], values[len(self._torque_nm) :]
        return self._torque_nm, self._hinge_rad

    def torque_nm(self) -> npt.NDArray[np.float64]:
        """Hinge torque [2], sides r, l; the array is reused."""
        if latest(self._ring, self._words) > 0:
            self._torque_nm[:] = self._words.view(np.float64)[: len(self._torque_nm)]
        return self._torque_nm


class DoubtReader:
    """The tissue observer's newest doubt; a read that fails keeps the one before it, and before the first there is
    none."""

    def __init__(self, rings: Rings) -> None:
        self._ring = rings.interface_doubt
        self._words = np.zeros(DOUBT_WORDS, np.int64)
        self._doubt = NO_DOUBT

    def doubt(self) -> Doubt:
        """As the observer published it last."""
        if latest(self._ring, self._words) > 0:
            values = self._words.view(np.float64)
            self._doubt = Doubt(values[:2].copy(), int(values[2]))
        return self._doubt


def doubt_words(doubt: Doubt) -> I64:
    """What the observer publishes for `DoubtReader`."""
    return np.array([*doubt.share, doubt.cause], np.float64).view(np.int64)


def create(estimate_width: int) -> Rings:
    """A new block, zeroed; the creator unlinks it at the end."""
    total = sum(_sizes(estimate_width, _KNEES).values())
    memory = shared_memory.SharedMemory(create=True, size=total * 8)
    return _views(memory, estimate_width)


def attach(name: str, estimate_width: int) -> Rings:
    """The block of the parent process, which alone removes it."""
    return _views(shared_memory.SharedMemory(name=name), estimate_width)


def local(estimate_width: int, joints: int = _KNEES) -> Rings:
    """The same rings in this process's own memory, for lock-step runs and tests; for any number of joints."""
    total = sum(_sizes(estimate_width, joints).values())
    return _split(np.zeros(total, np.int64), None, _sizes(estimate_width, joints))


def _views(memory: shared_memory.SharedMemory, estimate_width: int) -> Rings:
    sizes = _sizes(estimate_width, _KNEES)
    return _split(np.ndarray((sum(sizes.values()),), np.int64, buffer=memory.buf), memory, sizes)


def _split(words: npt.NDArray[np.int64], memory: shared_memory.SharedMemory | None, sizes: Mapping[str, int]) -> Rings:
    parts: dict[str, I64] = {}
    start = 0
    for name, size in sizes.items():
        parts[name] = words[start : start + size]
        start += size
    return Rings(memory=memory, **parts)
