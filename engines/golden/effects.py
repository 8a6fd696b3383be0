"""What the outputs of a network come to in the end: pixels, body weights, degrees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engines.errors import EngineError
from engines.pose import detector, landmarks

F64 = npt.NDArray[np.float64]
Outputs = Mapping[str, npt.NDArray[Any]]


def point_px(outputs: Outputs) -> F64:
    """Hip centre and circle point [2, 2] of the best person, px of the detector's input; NaN where there is nobody."""
    people = detector.decode(outputs[detector.BOXES][0], outputs[detector.SCORES][0, :, 0], detector.anchors())
    return people[0].points_px * detector.SIZE if people else np.full((2, 2), np.nan)


def landmark_px(outputs: Outputs) -> F64:
    """Refined landmarks [39, 2], px of the crop."""
    raw = outputs[landmarks.COORDINATES].reshape(landmarks.POINTS, 5).astype(np.float64)
    return landmarks.refine(raw[:, :2], outputs[landmarks.HEATMAPS][0])


def force_pct_bw(outputs: Outputs) -> F64:
    """Force of both feet at three times [2, 3, 3], % of body weight."""
    return outputs["force_bw"].astype(np.float64) * 100.0


def joint_deg(outputs: Outputs) -> F64:
    """Filled joints of both legs [10, samples], degrees: the mean of the samples, as the engine takes it."""
    return np.degrees(outputs["samples"].astype(np.float64).mean(axis=0))


_EFFECTS: Final[Mapping[str, Callable[[Outputs], F64]]] = {
    f.__name__: f for f in (point_px, landmark_px, force_pct_bw, joint_deg)
}


def effect_of(name: str) -> Callable[[Outputs], F64]:
    """The effect that the manifest's terms name. EngineError: unknown."""
    if name not in _EFFECTS:
        raise EngineError(f"manifest.toml: unknown effect {name!r}; known are {', '.join(_EFFECTS)}")
    return _EFFECTS[name]
