"""Opens detector and landmark network for tracking off the device's clock: evaluation and training."""

from __future__ import annotations

from dataclasses import dataclass

from engines.backends.base import Runner
from engines.backends.ort_cpu import OrtCpuRunner
from engines.beside import Inline
from engines.fetch import onnx_path
from engines.manifest import PointsSpec
from engines.pose.slot import pose_engine
from engines.pose.tracker import PoseTracker


@dataclass(frozen=True)
class PoseNets:
    """Warm networks that several trackers may use one after the other."""

    detector: Runner
    landmarks: Runner
    points: PointsSpec

    def tracker(self) -> PoseTracker:
        """A tracker that has seen nobody yet, its detector in lock-step."""
        return PoseTracker(self.detector, self.landmarks, placement=Inline, points=self.points)


def open_nets(engine: str) -> PoseNets:
    """Networks of `engine`, a name of `engines.pose.slot`. EngineError where it is not known or not fetched."""
    chosen = pose_engine(engine)
    detector, landmarks = OrtCpuRunner(onnx_path("pose_detection")), OrtCpuRunner(chosen.onnx)
    detector.warm()
    landmarks.warm()
    return PoseNets(detector, landmarks, chosen.points)
