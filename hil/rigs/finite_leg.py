"""The right leg's tissue as finite elements in the loop: steps of 2 ms, and what the hinge does in between."""

from __future__ import annotations

from typing import Final

import numpy as np

from edge_runtime.tissue.geometry import SEGMENTS, Phantom, SegmentName
from edge_runtime.tissue.long_step import LongStepModel
from edge_runtime.tissue.pressure import PressureMap
from edge_runtime.tissue.rows import CuffMap
from edge_runtime.types import F64

STEP_MS: Final = 2
"""Of the finite elements, some 0.4 s of processor time for a second (exo-edge hil run --json)."""
_PRESSURE_STEPS: Final = 10  # a pressure map each 20 ms


class FiniteLeg:
    """Steps the full model every other millisecond up to the moment, and tells the hinge for each millisecond.

    In between the hinge goes on at its rate; the torque at the knee holds.
    """

    def __init__(self, phantom: Phantom, knee_rad: float) -> None:
        """At rest at a knee angle. Raises UserError where it finds no rest."""
        self._model = LongStepModel(phantom)
        self._model.rest(knee_rad)
        full = self._model.full
        self._maps = {name: PressureMap(phantom, name, full.built.mesh(name), full.tets(name)) for name in SEGMENTS}
        self._peak: dict[SegmentName, F64] = {}
        self._sum: dict[SegmentName, F64] = {}
        self._steps = 0
        self.hinge = np.array([knee_rad, 0.0])
        self.knee_nm = 0.0
        self.pressure_pa = 0.0
        self.samples = 0

    def step(self, millisecond: int, torque_nm: float, knee_rad: float, knee_radps: float) -> None:
        """To the end of a millisecond; `hinge` [2] (angle, rate) and `knee_nm` are new after it."""
        if millisecond % STEP_MS:
            self.hinge[0] += 1e-3 * self.hinge[1]
            return
        reading = self._model.step(STEP_MS * 1e-3, torque_nm, knee_rad, knee_radps)
        self.hinge[0], self.hinge[1] = reading.hinge_rad, reading.hinge_radps
        self.knee_nm = reading.knee_torque_nm
        self._steps += 1
        if self._steps % _PRESSURE_STEPS == 0:
            self._press()

    def _press(self) -> None:
        self.samples += 1
        self.pressure_pa = 0.0
        for name in SEGMENTS:
            patch = self._maps[name].at(self._model.points_m(name)).patch_pa
            self._peak[name] = np.maximum(self._peak.get(name, patch), patch)
            self._sum[name] = self._sum.get(name, 0.0) + patch
            self.pressure_pa = max(self.pressure_pa, float(patch.max()))

    def maps(self, now_ns: int) -> list[CuffMap]:
        """Highest and mean pressure of the run under each cuff."""
        return [
            cuff_map(self._maps[name], now_ns, name, self._sum[name] / self.samples, peak)
            for name, peak in self._peak.items()
        ]


def cuff_map(pressure: PressureMap, now_ns: int, name: SegmentName, mean_pa: F64, peak_pa: F64) -> CuffMap:
    """The right leg's map of one cuff from the means and peaks of its tiles [p], Pa."""
    patches = pressure.patches
    shape = patches.rows, patches.columns
    half_m = (patches.height_m[-1] - patches.height_m[0]) / max(patches.rows - 1, 1) / 2.0
    low_m, high_m = float(patches.height_m[0] - half_m), float(patches.height_m[-1] + half_m)
    return CuffMap(now_ns, "r", name, low_m, high_m, patches.half_rad, mean_pa.reshape(shape), peak_pa.reshape(shape))
