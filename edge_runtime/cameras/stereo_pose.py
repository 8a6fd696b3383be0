"""The pose source of two cameras: each followed by a tracker of its own, world points from both where they agree."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from edge_runtime.cameras.stereo import Fused, View, fuse
from edge_runtime.types import U8, Frame
from engines.pose import PoseResult, PoseTracker

EVENT_EVERY_NS: Final = 1_000_000_000
"""A contradiction that lasts is told once per second. Own choice."""


@dataclass(slots=True)
class StereoCounts:
    """What the pair has been through: frames fused, and how often each contradiction."""

    fused: int = 0
    stereo_sync: int = 0
    stereo_reprojection: int = 0


class StereoPose:
    """A `PoseSource`: the first camera's pose, its world points taken from both cameras where these agree.

    `second` gives the second camera's newest frame for a moment of the first's, or None where there is no new one.
    `on_event` (name, t_ns, amount) is told of a contradiction when it begins and once per second while it lasts.
    """

    def __init__(
        self,
        trackers: tuple[PoseTracker, PoseTracker],
        views: tuple[View, View],
        second: Callable[[int], Frame | None],
        on_event: Callable[[str, int, float], None],
    ) -> None:
        self._trackers, self._views, self._second, self._on_event = trackers, views, second, on_event
        self._said: dict[str, int] = {}
        self._other: PoseResult | None = None
        self.counts = StereoCounts()

    @property
    def detector_ran(self) -> bool:
        """Of the first camera."""
        return self._trackers[0].detector_ran

    @property
    def detector_ms(self) -> float:
        """Of the first camera."""
        return self._trackers[0].detector_ms

    def reset(self) -> None:
        """Forget the wearer in both."""
        for tracker in self._trackers:
            tracker.reset()
        self._other = None

    def step(self, rgb: U8, t_capture_ns: int) -> PoseResult:
        """Pose of the first camera's frame; one camera alone goes on as if there were no other."""
        found = self._trackers[0].step(rgb, t_capture_ns)
        frame = self._second(t_capture_ns)
        if frame is not None:
            self._other = None if frame.fault else self._trackers[1].step(frame.rgb, frame.t_capture_ns)
        if self._other is None or not found.valid or not self._other.valid:
            return found
        return self._joined(found, self._other)

    def _joined(self, found: PoseResult, other: PoseResult) -> PoseResult:
        points, sight = np.stack([found.xy_px, other.xy_px]), np.stack([found.visibility, other.visibility])
        fused = fuse(self._views, points, sight, found.t_capture_ns - other.t_capture_ns)
        if fused.event:
            self._tell(fused, found.t_capture_ns)
        if math.isnan(fused.error_px) or fused.event:
            return found
        self.counts.fused += 1
        known = np.isfinite(fused.world_m)
        return replace(found, world_m=np.where(known, fused.world_m, found.world_m))

    def _tell(self, fused: Fused, t_ns: int) -> None:
        setattr(self.counts, fused.event, getattr(self.counts, fused.event) + 1)
        if t_ns - self._said.get(fused.event, -EVENT_EVERY_NS) >= EVENT_EVERY_NS:
            self._said[fused.event] = t_ns
            self._on_event(fused.event, t_ns, fused.amount)
