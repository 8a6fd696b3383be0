"""Camera and estimator of an episode: frames at their rate, an intent of each later, and what faults do to it."""

from __future__ import annotations

from typing import NamedTuple

from edge_runtime.rt.mailbox import I64
from edge_runtime.types import F64
from hil.faults.episode import Episode, MotionScript
from hil.faults.host import HostFaults
from hil.sight import SimulatedSight


class Seen(NamedTuple):
    """What came of a frame captured at `captured_ns` of the host's clock: the intent's words, the knees [2] in it."""

    captured_ns: int
    words: I64
    knee_rad: F64
    sd_rad: F64


class EpisodeCamera:
    """Times are true ones but for `captured_ns`. The next frame is due at `due_ns`; `frame` counts them."""

    def __init__(self, episode: Episode, host: HostFaults, delay_ns: int) -> None:
        self._motion, self._host, self._delay_ns = episode.motion, host, delay_ns
        self._script = MotionScript(episode.motion)
        self._sight = SimulatedSight(len(episode.faults), episode.motion.frame_ns)
        self._waiting: tuple[int, Seen] | None = None
        self.due_ns = 0
        self.frame = 0

    @property
    def ready_ns(self) -> list[int]:
        """When the estimate in work is ready; empty where there is none."""
        return [] if self._waiting is None else [self._waiting[0]]

    def see(self, elapsed_ns: int, now_ns: int, now_s: float, knee_rad: F64) -> None:
        """Capture a frame; its intent comes later, and a busy estimator overlooks it."""
        self.due_ns += self._motion.frame_ns
        self.frame += 1
        if self._waiting is not None or self._host.blind(now_s, self.frame):
            return
        late_ns = self._host.late_ns(now_s)
        intent = self._script.intent(now_ns, now_s)
        self._host.spoil(intent, now_s)
        seen = Seen(now_ns, intent.view("i8").copy(), self._sight.look(knee_rad), self._sight.sd_rad)
        self._waiting = elapsed_ns + self._delay_ns + late_ns, seen

    def ready(self, elapsed_ns: int, now_s: float) -> Seen | None:
        """The estimate that is ready, once; None where there is none, or nobody left to tell it."""
        if self._waiting is None or elapsed_ns < self._waiting[0]:
            return None
        seen, self._waiting = self._waiting[1], None
        return None if self._host.blind(now_s, 0) else seen
