"""What the estimator asks of those who find the wearer and estimate ground reaction."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from edge_runtime.types import F64


class PoseSource(Protocol):
    """Finds the wearer in a frame (engines.pose.PoseTracker)."""

    def reset(self) -> None:
        """Forget the wearer."""

    def step(self, rgb: npt.NDArray[np.uint8], t_capture_ns: int) -> Any:
        """Landmarks of the wearer, with the fields of `Pose`."""

    @property
    def detector_ran(self) -> bool:
        """True where a detector run was collected in the last step."""

    @property
    def detector_ms(self) -> float:
        """Duration of that run."""


class GrfSource(Protocol):
    """Estimates ground reaction from motion (engines.grf.GrfEngine)."""

    def reset(self) -> None:
        """Forget the history."""

    def step(self, t_ns: int, q: F64, qd: F64, observed: npt.NDArray[np.bool_], mass_kg: float, sd: F64) -> Any:
        """Ground reaction, with the fields of `Grf`; `sd` [16] is the deviation of `q`."""
