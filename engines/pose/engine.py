"""The landmark networks by the names a user gives them."""

from __future__ import annotations

from typing import Final

from engines.backends.base import Runner
from engines.backends.ort_cpu import OrtCpuRunner
from engines.errors import EngineError
from engines.fetch import onnx_path
from engines.manifest import load_manifest

ENGINES: Final = ("lite", "full", "heavy")
_NAMES: Final = {
    "detector": "pose_detection",
    "full": "pose_landmark",
    "lite": "pose_landmark_lite",
    "heavy": "pose_landmark_heavy",
}


def landmark_runner(engine: str) -> Runner:
    """A warm runner of one of `ENGINES`, or of the "detector". EngineError where it is not known or not fetched."""
    name = _NAMES[engine]
    if name not in load_manifest().engines:
        raise EngineError(f"pose engine {engine}: engines/manifest.toml has no {name}; take one that it names")
    runner = OrtCpuRunner(onnx_path(name))
    runner.warm()
    return runner
