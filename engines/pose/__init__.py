"""BlazePose: finds one person, then tracks 33 landmarks from frame to frame."""

from engines.pose.result import PoseResult
from engines.pose.tracker import PoseTracker

__all__ = ["PoseResult", "PoseTracker"]
