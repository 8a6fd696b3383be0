"""From keypoints to joints: a causal network over what the landmark net says, frame by frame."""

from engines.pose.head.engine import HeadResult, PoseHead
from engines.pose.head.features import Geometry

__all__ = ["Geometry", "HeadResult", "PoseHead"]
