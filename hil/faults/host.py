"""What faults of camera, engines, processes and load do to the host's side of a run in lock-step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hil.faults.model import Fault

_HASHES: Final = ("protocol", "limits", "profile")


class HostFaults:
    """Answers what holds at a moment; `now_s` counts from the moment the firmware is armed. Deterministic."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._faults = faults
        self._loads = [(fault, np.random.default_rng(fault.seed)) for fault in faults if fault.kind == "host_load"]

    def edges_s(self) -> list[float]:
        """Every moment at which something begins or ends, in order."""
        ends = [f.start_s + f.duration_s for f in self._faults if f.duration_s > 0.0]
        return sorted({*(f.start_s for f in self._faults), *ends})

    def loop_held(self, now_s: float) -> bool:
        """True where the torque loop does not run; it dies with its supervisor."""
        return self._process(now_s, "loop") or self._killed(now_s, "supervisor")

    def loop_dead(self, now_s: float) -> bool:
        """True where it never will again."""
        return self._killed(now_s, "loop") or self._killed(now_s, "supervisor")

    def supervisor_held(self, now_s: float) -> bool:
        """True where the supervisor does not tick."""
        return self._process(now_s, "supervisor")

    def firmware_held(self, now_s: float) -> bool:
        """True where the firmware does not step."""
        return self._process(now_s, "firmware")

    def estimator_dead(self, now_s: float) -> bool:
        """True where the estimator's process is gone."""
        gone = self._begun("process_oom", now_s)
        return gone or self._killed(now_s, "estimator") or self._killed(now_s, "supervisor")

    def blind(self, now_s: float, frame: int) -> bool:
        """True where frame number `frame` does not come, or nobody looks at it; a slow camera gives every so many."""
        if self.estimator_dead(now_s) or self._process(now_s, "estimator"):
            return True
        slow = [f for f in self._holding("camera_slow", now_s) if frame % round(f.number("factor")) != 0]
        return bool(slow or self._holding("camera_stall", now_s))

    def late_ns(self, now_s: float) -> int:
        """How much longer than usual the estimate of a frame takes."""
        slow = sum(f.number("delay") for f in self._holding("engine_slow", now_s))
        busy = sum(rng.uniform(0.0, 4.0 * f.number("longest")) for f, rng in self._loads if f.holds(now_s))
        return round((slow + busy) * 1e6)

    def spoil(self, intent: npt.NDArray[Any], now_s: float) -> None:
        """What an engine's bad numbers would make of the intent if nothing between noticed."""
        if self._holding("engine_nan", now_s):
            intent[0]["torque_nm"][:] = np.nan

    def hashes_wrong(self, now_s: float) -> list[int]:
        """Indices of the hashes (protocol, limits, profile) that the host tells wrong."""
        return [_HASHES.index(f.choice("which")) for f in self._holding("mismatch", now_s)]

    def stall(self, now_s: float) -> tuple[float, float] | None:
        """Where load takes the processor: seconds until the loop's next stall, and its length; None without load."""
        for load, rng in self._loads:
            if load.holds(now_s) and load.number("share") > 0.0:
                wait_ms = rng.geometric(load.number("share"))
                return 1e-3 * float(wait_ms), 1e-3 * float(
                    rng.integers(1, round(load.number("longest")), endpoint=True)
                )
        return None

    def _holding(self, kind: str, now_s: float) -> list[Fault]:
        return [f for f in self._faults if f.kind == kind and f.holds(now_s)]

    def _begun(self, kind: str, now_s: float) -> bool:
        return any(f.kind == kind and now_s >= f.start_s for f in self._faults)

    def _killed(self, now_s: float, target: str) -> bool:
        killed = [f for f in self._faults if f.kind == "process_kill" and f.choice("target") == target]
        return any(now_s >= f.start_s for f in killed)

    def _process(self, now_s: float, target: str) -> bool:
        stopped = any(f.choice("target") == target for f in self._holding("process_stop", now_s))
        return stopped or self._killed(now_s, target)
