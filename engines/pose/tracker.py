"""Tracks the wearer: detector beside the tick to find them, landmark net on the tick to follow them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from engines.backends.base import Runner
from engines.beside import Beside, Reply, Threaded
from engines.errors import EngineError
from engines.manifest import PointsSpec
from engines.pose.alone import Alone
from engines.pose.detector import U8, Box, Detection, PersonDetector, View
from engines.pose.identity import LOOK_LIMIT, RETURN_LIMIT, RETURN_OFF, Identity, Sighting
from engines.pose.landmarks import LandmarkNet, Landmarks
from engines.pose.prompt import Anybody, Prompt
from engines.pose.result import PoseResult, no_pose
from engines.pose.roi import ROI_SCALE, Roi, RoiTracker, roi_from_points
from engines.pose.sighting import MIN_SIDE_PX, around, sighting, stands, within

Detect = Callable[[View], list[Detection]]

MIN_PRESENCE: Final = 0.5
"""Below it the landmark net sees no person in the region (MediaPipe's min_tracking_confidence)."""

DETECTOR_TICKS: Final = 2
"""Frames that the detector takes where time is virtual; measured beside a camera of 60 Hz it takes one to two."""

LOOK_EVERY_NS: Final = 60_000_000
"""How often the look is compared; two odd looks in a row are one too many. Own choice."""

COAST_NS: Final = 500_000_000
"""How long the region goes on where the wearer is expected before the whole picture is searched. Own choice."""


class PoseTracker:
    """Pose of one person, frame by frame.

    `search_box` (x, y, width, height in frame px) is where the detector looks for the wearer, None for the
    whole frame. `placement` decides where the detector runs. `points` says how to read the landmark net (BlazePose),
    `prompt` who is the wearer at first; from then on only their own movement, size and look bring them back.
    `stature_px`: how tall the wearer stands in the picture where the prompt finds them, None where unknown. Both
    runners belong to the caller.
    """

    def __init__(
        self,
        detector: Runner,
        landmarks: Runner,
        search_box: Box | None = None,
        placement: Callable[[Detect, int], Beside[View, list[Detection]]] = Threaded,
        points: PointsSpec | None = None,
        prompt: Prompt | None = None,
        stature_px: float | None = None,
    ) -> None:
        self._executor = placement(PersonDetector(detector).people, DETECTOR_TICKS)
        self._search_box = search_box
        self._net = LandmarkNet(landmarks, points)
        self._prompt = prompt or Anybody()
        self._stature_px = stature_px
        self._roi_tracker = RoiTracker()
        self._last_run: Reply[list[Detection]] | None = None
        self._forget()

    def _forget(self) -> None:
        self._identity, self._alone = Identity(), Alone()
        self._roi: Roi | None = None
        self._doubtful: Roi | None = None
        self._angle_rad = 0.0
        self._ticket: int | None = None
        self._queue: list[Roi] = []
        self._seen: list[tuple[Sighting, Roi]] = []
        self._others = self._searched_near = False
        self._looked_ns = -LOOK_EVERY_NS
        self._odd_looks = 0
        self._coast_ns: int | None = None
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
        """Forget the person and any request under way (scene cut, new wearer); the prompt holds again."""
        self._forget()

    def step(self, rgb: U8, t_capture_ns: int) -> PoseResult:
        """Pose in `rgb` uint8 [H, W, 3]. Never waits for the detector: while it works, or finds nobody, the
        result is invalid with reason "searching"; when the followed person is gone, with reason "lost"; when
        somebody is there but not surely the wearer, with reason "wearer_lost"."""
        self._ran = False
        if self._roi is None:
            self._search(rgb, t_capture_ns)
            if self._roi is None:
                return no_pose(t_capture_ns, "wearer_lost" if self._others else "searching", 0.0)
        found = self._net.run(rgb, self._roi)
        if not self._is_person(found):
            self._lose(rgb, t_capture_ns)
            return no_pose(t_capture_ns, "lost", found.score)
        if not self._is_wearer(rgb, found, t_capture_ns):
            self._coast(rgb, t_capture_ns)
            return no_pose(t_capture_ns, "wearer_lost", found.score)
        self._alone.reset()
        self._roi = self._roi_tracker.step(found.aux_px, self._roi, t_capture_ns)
        self._angle_rad, self._others = self._roi.angle_rad, False
        return PoseResult(
            t_capture_ns,
            valid=True,
            reason="",
            xy_px=found.xy_px,
            visibility=found.visibility,
            sharpness=found.sharpness,
            world_m=found.world_m,
            score=found.score,
            size_px=(rgb.shape[1], rgb.shape[0]),
        )

    def close(self) -> None:
        """End the detector's worker; the runners stay open."""
        self._executor.close()

    def _is_wearer(self, rgb: U8, found: Landmarks, t_ns: int) -> bool:
        """Whether these landmarks are the wearer's; if so, they are learned."""
        seen = sighting(found)
        if not self._identity.known:
            if self._stature_px is not None and not stands(found, self._stature_px):
                return False
            self._identity.accept(sighting(found, rgb), t_ns, looked=True)
            return True
        coasting = self._coast_ns is not None
        looked = coasting or t_ns - self._looked_ns >= LOOK_EVERY_NS or self._odd_looks > 0
        if looked:
            seen, self._looked_ns = sighting(found, rgb), t_ns
            limit = RETURN_LIMIT if coasting else LOOK_LIMIT
            unlike = self._identity.unlike(seen)
            odd = unlike > limit or (coasting and math.isnan(unlike))
            self._odd_looks = self._odd_looks + 1 if odd else 0
        if coasting:
            moves = self._identity.off(seen, t_ns) > RETURN_OFF or not self._identity.size_fits(seen)
        else:
            moves = self._identity.moves_otherwise(seen, t_ns)
        if moves or self._odd_looks > (0 if coasting else 1):
            return False
        self._coast_ns = None
        self._identity.accept(seen, t_ns, looked and self._odd_looks == 0)
        return True

    def _coast(self, rgb: U8, t_ns: int) -> None:
        """Look where the wearer is expected; after a while, and before that is known, everywhere."""
        if not self._identity.settled:
            self._lose(rgb, t_ns)
            return
        if self._coast_ns is None:
            self._coast_ns = t_ns
            self._identity.distrust_recent()
        if t_ns - self._coast_ns > COAST_NS:
            self._lose(rgb, t_ns)
            self._others = True
            return
        x, y = self._identity.expected_px(t_ns)
        self._roi = Roi(float(x), float(y), 2 * self._identity.radius_px * ROI_SCALE, self._angle_rad)
        self._roi_tracker.reset()

    def _lose(self, rgb: U8, t_ns: int) -> None:
        """Search; for whom the prompt says where nobody was followed for long."""
        if self._identity.settled:
            self._searched_near = False
        else:
            self._identity, self._doubtful = Identity(), self._roi
        self._roi, self._coast_ns, self._odd_looks = None, None, 0
        self._queue, self._seen = [], []
        self._ask(rgb, t_ns)

    def _ask(self, rgb: U8, t_ns: int) -> None:
        """Have the detector look: near where the wearer is expected or prompted, and in turn everywhere."""
        if self._identity.known:
            near_px = self._identity.reach_px(t_ns) + 2 * self._identity.radius_px
            area = None if math.isinf(near_px) else (*self._identity.expected_px(t_ns).tolist(), near_px)
        else:
            area = self._prompt.area() or around(self._doubtful)
        self._searched_near = area is not None and not self._searched_near
        whole = self._search_box or (0, 0, rgb.shape[1], rgb.shape[0])
        box = within(area, whole) if area is not None and self._searched_near else self._search_box
        self._ticket = self._executor.submit(View(rgb, box))

    def _search(self, rgb: U8, t_ns: int) -> None:
        """Set the region from a finished detection; else make sure that one is under way."""
        if self._queue or self._seen:
            self._try_next(rgb, t_ns)
            return
        try:
            reply = self._executor.poll()
        except EngineError:
            self._ticket = None  # that request is never answered
            raise
        if reply is not None:
            self._last_run, self._ran = reply, True
        if self._ticket is not None and (reply is None or reply.ticket != self._ticket):
            return
        people = reply.answer if self._ticket is not None and reply is not None else []
        regions = self._candidates(people, t_ns)
        if not regions:
            self._ask(rgb, t_ns)
            return
        self._ticket = None
        if self._identity.known:
            self._queue = regions
            self._try_next(rgb, t_ns)
        else:
            self._follow(regions[0])

    def _candidates(self, people: list[Detection], t_ns: int) -> list[Roi]:
        """Regions of those who could be the wearer, the likeliest first."""
        self._others = bool(people) and (self._identity.known or self._others)
        if self._identity.known:
            self._alone.count(len(people))
            near = [p for p in people if len(people) == 1 or self._identity.in_reach(p.points_px[0], t_ns)]
            return [roi_from_points(p.points_px) for p in near]
        ranked = [(self._prompt.rank(p.points_px[0], p.shoulders_px), p) for p in people]
        fits = sorted(((rank, i) for i, (rank, _) in enumerate(ranked) if rank is not None))
        return [roi_from_points(people[i].points_px) for _, i in fits]

    def _try_next(self, rgb: U8, t_ns: int) -> None:
        """Look closely at one candidate per frame; once all have been looked at, choose by evidence."""
        region = self._queue.pop(0)
        found = self._net.run(rgb, region)
        if self._is_person(found):
            self._seen.append((sighting(found, rgb), roi_from_points(found.aux_px)))
        if self._queue:
            return
        chosen = self._choose(t_ns)
        if chosen is None:
            self._ask(rgb, t_ns)
        else:
            self._identity.restart_motion(self._seen[chosen][0])
            self._follow(self._seen[chosen][1])
        self._seen = []

    def _choose(self, t_ns: int) -> int | None:
        """Which of those looked at is the wearer: by place, size and look, or alone and looking like them."""
        people = [sighting for sighting, _ in self._seen]
        chosen = self._identity.choose(people, t_ns)
        if chosen is None and len(people) == 1:
            size, unlike = people[0].radius_px / self._identity.radius_px, self._identity.unlike(people[0])
            chosen = 0 if self._alone.is_wearer(people[0], size, unlike, t_ns) else None
        return chosen

    def _follow(self, region: Roi) -> None:
        self._roi_tracker.reset()
        self._roi = region

    def _is_person(self, found: Landmarks) -> bool:
        finite = np.isfinite(found.xy_px).all() and (np.isfinite(found.world_m).all() or not self._net.has_world)
        side_px = roi_from_points(found.aux_px).side_px
        return found.score >= MIN_PRESENCE and bool(finite) and side_px >= MIN_SIDE_PX  # false where the side is NaN
