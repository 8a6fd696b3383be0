"""BlazePose: finds one person, then tracks 33 landmarks from frame to frame."""

from engines.pose.executors import Detect, DetectorExecutor, InlineDetector, ThreadedDetector
from engines.pose.result import PoseResult
from engines.pose.tracker import PoseTracker

__all__ = [
    "Detect",
    "DetectorExecutor",
    "InlineDetector",
    "PoseResult",
    "PoseTracker",
    "ThreadedDetector",
]
