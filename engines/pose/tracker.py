"""Tracks the wearer: detector beside the tick to find them, landmark net on the tick to follow them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from engines.backends.base import Runner
from engines.beside import Beside, Reply, Threaded
from engines.errors import EngineError
from engines.pose.detector import U8, Box, Detection, PersonDetector
from engines.pose.landmarks import LandmarkNet, Landmarks
from engines.pose.result import PoseResult, no_pose
from engines.pose.roi import Roi, RoiTracker, roi_from_points

Detect = Callable[[U8], Detection | None]

MIN_PRESENCE: Final = 0.5
"""Below it the landmark net sees no person in the region (MediaPipe's min_tracking_confidence)."""

DETECTOR_TICKS: Final = 2
"""Frames that the detector takes where time is virtual; measured beside a camera of 60 Hz it takes one to two."""

MIN_SIDE_PX: Final = 16.0
"""A region smaller than this holds no person worth following; also catches collapsed points. Own choice."""


class PoseTracker:
    """Pose of one person, frame by frame.

    `search_box` (x, y, width, height in frame px) is where the detector looks for the wearer, None for the
    whole frame. `placement` decides where the detector runs. Both runners belong to the caller.
    """

    def __init__(
        self,
        detector: Runner,
        landmarks: Runner,
        search_box: Box | None = None,
        placement: Callable[[Detect, int], Beside[U8, Detection | None]] = Threaded,
    ) -> None:
        detect = PersonDetector(detector, search_box).detect
        self._executor = placement(detect, DETECTOR_TICKS)
        self._net = LandmarkNet(landmarks)
        self._roi_tracker = RoiTracker()
        self._roi: Roi | None = None
        self._ticket: int | None = None
        self._last_run: Reply[Detection | None] | None = None
        self._ran = False

    @property
    def detector_ran(self) -> bool:
        """Whether a detector run was collected in the last step."""
        return self._ran

    @property
    def detector_ms(self) -> float:
        """Duration of the last detector run collected, ms; NaN before the first."""
        return math.nan if self._last_run is None else self._last_run.elapsed_ms

    def reset(self) -> None:
        """Forget the person and any request under way (scene cut, new wearer)."""
        self._roi = None
        self._ticket = None
        self._ran = False

    def step(self, rgb: U8, t_capture_ns: int) -> PoseResult:
        """Pose in `rgb` uint8 [H, W, 3]. Never waits for the detector: while it works, or finds nobody, the
        result is invalid with reason "searching"; when the followed person is gone, with reason "lost"."""
        self._ran = False
        if self._roi is None:
            self._roi = self._search(rgb)
            if self._roi is None:
                return no_pose(t_capture_ns, "searching", 0.0)
        found = self._net.run(rgb, self._roi)
        if not _is_person(found):
            self._roi = None
            self._ticket = self._executor.submit(rgb)
            return no_pose(t_capture_ns, "lost", found.score)
        self._roi = self._roi_tracker.step(found.aux_px, self._roi, t_capture_ns)
        return PoseResult(
            t_capture_ns,
            valid=True,
            reason="",
            xy_px=found.xy_px,
            visibility=found.visibility,
            world_m=found.world_m,
            score=found.score,
        )

    def close(self) -> None:
        """End the detector's worker; the runners stay open."""
        self._executor.close()

    def _search(self, rgb: U8) -> Roi | None:
        """Region from a finished detection; else make sure that one is under way."""
        try:
            reply = self._executor.poll()
        except EngineError:
            self._ticket = None  # that request is never answered
            raise
        if reply is not None:
            self._last_run, self._ran = reply, True
        if self._ticket is not None and (reply is None or reply.ticket != self._ticket):
            return None
        if self._ticket is not None and reply is not None and reply.answer is not None:
            self._ticket = None
            self._roi_tracker.reset()
            return roi_from_points(reply.answer.points_px)
        self._ticket = self._executor.submit(rgb)
        return None


def _is_person(found: Landmarks) -> bool:
    finite = bool(np.isfinite(found.xy_px).all() and np.isfinite(found.world_m).all())
    side_px = roi_from_points(found.aux_px).side_px
    return found.score >= MIN_PRESENCE and finite and side_px >= MIN_SIDE_PX  # false where the side is NaN
