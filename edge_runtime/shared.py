"""Shared memory between the processes: one named block with every ring and counter, laid out once here."""

from __future__ import annotations

from dataclasses import dataclass
from multiprocessing import shared_memory
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_runtime.intent import INTENT_WORDS
from edge_runtime.rt.mailbox import I64, latest, latest_words, stream_words
from edge_runtime.telemetry import CYCLE_FIELDS

CYCLE_ROWS: Final = 4096  # 4 s of torque loop
ESTIMATE_ROWS: Final = 256  # 4 s of estimates
FEEDBACK_WORDS: Final = 4  # float64: hinge torque r, l (Nm), hinge angle r, l (rad)

# words of the control block; each has one writer
STOP: Final = 0  # supervisor: 1 asks everyone to end
HEARTBEAT: Final = 1  # supervisor: counts up; the loop lets torque go when it stands still
MODE: Final = 2  # supervisor: wire mode for the setpoints
HOST_STATE: Final = 3  # supervisor: state of the machine
CLEAR: Final = 4  # supervisor: 1 asks the governor to leave SAFE
CYCLES: Final = 8  # loop: cycles done
LOOP_READY: Final = 9  # loop: 1 once it runs
HASH_HEARD: Final = 10  # loop: bit per hash (protocol, limits, profile) that the firmware has sent
HASH_DIFFERS: Final = 11  # loop: bit per hash that is not ours
SILENCE_NS: Final = 12  # loop: age of the firmware stream not heard for longest
HEARTBEAT_LOST: Final = 13  # loop: 1 where the heartbeat stood still while torque was asked for
FRAMES: Final = 16  # estimator: frames done
ESTIMATOR_READY: Final = 17  # estimator: 1 once warm
ESTIMATOR_DONE: Final = 18  # estimator: 1 after the last frame
DROPPED: Final = 19  # estimator: frames it never looked at
START_NS: Final = 24  # supervisor: capture time of the first frame, 0 = not yet
HASH_HOST: Final = 32  # loop, three words: our hashes, protocol, limits, profile
HASH_FIRMWARE: Final = 35  # loop, three words: what the firmware sent last for each
_CONTROL_WORDS: Final = 40


@dataclass(frozen=True, slots=True)
class Rings:
    """Views into the block; `memory` keeps it alive."""

    memory: shared_memory.SharedMemory | None
    control: I64
    intent: I64
    feedback: I64
    cycles: I64
    estimates: I64


def _sizes(estimate_width: int) -> dict[str, int]:
    return {
        "control": _CONTROL_WORDS,
        "intent": latest_words(INTENT_WORDS),
        "feedback": latest_words(FEEDBACK_WORDS),
        "cycles": stream_words(CYCLE_ROWS, len(CYCLE_FIELDS)),
        "estimates": stream_words(ESTIMATE_ROWS, estimate_width),
    }


class FeedbackReader:
    """The newest hinge torque and angle; a read that fails keeps the value before it."""

    def __init__(self, rings: Rings) -> None:
        self._ring = rings.feedback
        self._words = np.zeros(FEEDBACK_WORDS, np.int64)
        self._torque_nm = np.zeros(FEEDBACK_WORDS // 2)

    def torque_nm(self) -> npt.NDArray[np.float64]:
        """Hinge torque [2], sides r, l; the array is reused."""
        if latest(self._ring, self._words) > 0:
            self._torque_nm[:] = self._words.view(np.float64)[: len(self._torque_nm)]
        return self._torque_nm


def create(estimate_width: int) -> Rings:
    """A new block, zeroed; the creator unlinks it at the end."""
    total = sum(_sizes(estimate_width).values())
    memory = shared_memory.SharedMemory(create=True, size=total * 8)
    return _views(memory, estimate_width)


def attach(name: str, estimate_width: int) -> Rings:
    """The block of the parent process, which alone removes it."""
    return _views(shared_memory.SharedMemory(name=name), estimate_width)


def local(estimate_width: int) -> Rings:
    """The same rings in this process's own memory, for lock-step runs and tests."""
    return _split(np.zeros(sum(_sizes(estimate_width).values()), np.int64), None, estimate_width)


def _views(memory: shared_memory.SharedMemory, estimate_width: int) -> Rings:
    total = sum(_sizes(estimate_width).values())
    return _split(np.ndarray((total,), np.int64, buffer=memory.buf), memory, estimate_width)


def _split(words: npt.NDArray[np.int64], memory: shared_memory.SharedMemory | None, width: int) -> Rings:
    parts: dict[str, I64] = {}
    start = 0
    for name, size in _sizes(width).items():
        parts[name] = words[start : start + size]
        start += size
    return Rings(memory=memory, **parts)
