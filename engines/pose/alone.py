"""Somebody who is alone in the picture: the wearer again, wherever they come from, if they also look like them."""

from __future__ import annotations

from typing import Final

import numpy as np

from engines.pose.identity import Sighting

ALONE_NS: Final = 400_000_000
ALONE_LOOKS: Final = 3
"""So long, and in so many looks, one and the same person is seen before they are taken up. Own choice."""

ALONE_LIMIT: Final = 0.46
"""How unlike the wearer's look theirs may be in the mean over that time; as for who is met where the wearer is expected
(`identity.RETURN_LIMIT`): being alone makes up for place and size, never for another look."""

ALONE_SIZE: Final = (0.5, 2.0)
"""Of the wearer's size in the picture when last seen: who walks toward the camera at 2 m/s from 4 m off is twice as
tall after a second. Own choice."""

ALONE_STEP: Final = 0.6
"""Between two looks, in radii of the body's circle; farther off it is somebody else. Own choice."""


class Alone:
    """Watches who is there while the wearer is lost. `reset` once the wearer is followed."""

    def __init__(self) -> None:
        self._company = False
        self._last: Sighting | None = None
        self._first_ns = 0
        self._unlike: list[float] = []

    def reset(self) -> None:
        """The wearer is followed: nobody is missed."""
        self._company = False
        self._begin()

    def count(self, people: int) -> None:
        """So many people were found in a search; once others are about, being alone is no evidence any more."""
        self._company = self._company or people > 1
        if people != 1:
            self._begin()

    def is_wearer(self, seen: Sighting, size: float, unlike: float, t_ns: int) -> bool:
        """Whether the one person there is the wearer; `size` over the wearer's own, `unlike` their look."""
        if self._company or np.isnan(unlike) or not ALONE_SIZE[0] <= size <= ALONE_SIZE[1]:
            self._begin()
            return False
        if self._last is not None and np.hypot(*(seen.hips_px - self._last.hips_px)) > ALONE_STEP * seen.radius_px:
            self._begin()
        self._first_ns = t_ns if self._last is None else self._first_ns
        self._last = seen
        self._unlike.append(unlike)
        sure = len(self._unlike) >= ALONE_LOOKS and t_ns - self._first_ns >= ALONE_NS
        return sure and float(np.mean(self._unlike)) <= ALONE_LIMIT

    def _begin(self) -> None:
        self._last, self._unlike = None, []
