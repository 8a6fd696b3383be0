"""What can be wrong with a camera, by name."""

from __future__ import annotations

from typing import Final

CAMERA_FAULTS: Final = (
    "camera_stalled",
    "camera_black",
    "camera_exposure",
    "camera_blurred",
    "camera_moved",
)
"""Why no estimate is made from a frame; each has a page docs/reasons/<fault>.md."""

STEREO_EVENTS: Final = ("stereo_sync", "stereo_reprojection")
"""What two cameras may disagree in; each has a page docs/reasons/<event>.md."""
