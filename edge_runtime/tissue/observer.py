"""The full finite-element model of one leg, run frame by frame beside the torque loop from what was measured.

It says what skin under the cuffs feels, what a stride loses in the interface, and whether the leg in the device is the
one that the model was made of. Nothing in the torque loop waits for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from edge_runtime.tissue.full_pace import FullPace
from edge_runtime.tissue.geometry import SEGMENTS, Phantom, SegmentName
from edge_runtime.tissue.pressure import FLAG_DISCOMFORT_PA, FLAG_PAIN_PA, Pressure, PressureMap
from edge_runtime.tissue.reduced_pace import Hinge, Reduced
from edge_runtime.tissue.simulate import Reading
from edge_runtime.tissue.springs import spring_interface
from edge_runtime.tissue.strides import StrideEnergy
from edge_runtime.tissue.svk import MIN_DET_F
from edge_runtime.tissue.watch import DAY_S, LOADED_NM, FitWatch, Judgement, Moment, SteadyKnee
from edge_runtime.types import F64

KNEE_MAX_RADPS: Final = 8.0
"""The model's knee turns no faster: after a gap in the estimates it catches up instead of being torn along."""
LONGEST_GAP_S: Final = 0.1
"""Frames left out for no longer are one longer step; after more the model settles anew. As `intent.HORIZON_NS`."""
SETTLE_S: Final = 0.3
"""After a start, a gap or a restart nothing is judged for so long."""
MEAN_S: Final = 10.0
"""Memory of the mean pressure that is held against the limit of comfort: several strides."""


class Measured(NamedTuple):
    """One leg at one instant: knee as the camera saw it, hinge and its torque as the device measured them."""

    knee_rad: float
    hinge_rad: float
    torque_nm: float


@dataclass(frozen=True, slots=True)
class Seen:
    """What the observer says about the frame before the last: `full_pace` is one behind.

    `settled`: False while the model catches up after a start or a gap; what it says then is not of the leg.
    `full`: True where finite elements speak, False where tissue is crushed (volume ratio `min_det_f` below 0.5) and the
    reduced model does; then pressures are the last good ones. `knee_rad`: the models' knee (`watch.SteadyKnee`);
    `hinge_rad`: where the model has the hinge, `reduced_rad` where the reduced model has it. `knee_nm`: torque at the
    knee. `loss_j`, `given_j`: of the last whole stride, see `strides.Energy`. `mean_pa`: mean pressure of each tile
    over `MEAN_S`.
    """

    settled: bool
    full: bool
    min_det_f: float
    knee_rad: float
    hinge_rad: float
    reduced_rad: float
    knee_nm: float
    loss_j: float
    given_j: float
    pressure: Mapping[SegmentName, Pressure]
    mean_pa: Mapping[SegmentName, F64]
    judgement: Judgement

    def uncomfortable(self, name: SegmentName) -> int:
        """Tiles under that cuff whose mean pressure is above the limit of comfort, less the map's error."""
        return int(np.count_nonzero(self.mean_pa[name] > FLAG_DISCOMFORT_PA))

    def painful(self, name: SegmentName) -> int:
        """Tiles under that cuff that hurt now, less the map's error."""
        return int(np.count_nonzero(self.pressure[name].patch_pa > FLAG_PAIN_PA))


class LegObserver:
    """Observer of one leg. `reduced` is the reduced model that compensation uses (`linkage.INTERFACE` record array
    [1]): it is watched, too. Without one the small-strain model stands in where tissue is crushed, and is not judged.

    `maps` evaluates the pressure under each cuff; `mean_pa` is as in `Seen`.
    """

    def __init__(self, phantom: Phantom, reduced: npt.NDArray[Any] | None, frame_s: float) -> None:
        self._model = FullPace(phantom)
        self._frame_s, self._watched = frame_s, reduced is not None
        self._reduced = Reduced(spring_interface(phantom) if reduced is None else reduced, frame_s)
        full = self._model.full
        self.maps = {name: PressureMap(phantom, name, full.built.mesh(name), full.tets(name)) for name in SEGMENTS}
        tets = {name: full.tets(name) for name in SEGMENTS}
        self._knee_rad, self._settled_s, self._before = 0.0, 0.0, Measured(0.0, 0.0, 0.0)
        self._shape = {
            name: (np.ascontiguousarray(t.tets), np.ascontiguousarray(t.gradients)) for name, t in tets.items()
        }
        self._watch, self._strides, self._steady = FitWatch(), StrideEnergy(), SteadyKnee()
        self.restart()

    def restart(self) -> None:
        """Device put on again, or another wearer: everything from rest at straight knee; the watch forgets."""
        self._watch.reset()
        self._steady.reset()
        self._rest()
        self._pressure = {name: self.maps[name].at(self._model.full.built.mesh(name).points_m) for name in SEGMENTS}
        self.mean_pa: dict[SegmentName, F64] = {name: p.patch_pa.copy() for name, p in self._pressure.items()}

    def warm(self) -> None:
        """Run all that a frame may need, compiled parts and first calls, and start over."""
        for _ in range(math.ceil(2.0 * SETTLE_S / self._frame_s)):
            self.step(Measured(0.0, 0.0, 2.0 * LOADED_NM))
        for knee_rad in np.linspace(0.0, 1.0, math.ceil(2.0 * DAY_S)).tolist():
            self._watch.step(Moment(knee_rad, 0.0, 2.0 * LOADED_NM, 0.02, 0.02, math.nan), 1.0)
        self.restart()

    def step(self, measured: Measured, frames: int = 1) -> Seen | None:
        """On by as many frames as have passed, one where none was left out. None where an input is not finite: the
        model then stands until the next good frame."""
        elapsed_s = frames * self._frame_s
        if not np.isfinite(measured).all():
            self._settled_s = 0.0
            return None
        dt_s = min(elapsed_s, max(LONGEST_GAP_S, self._frame_s))
        before, self._before = self._before, measured
        limit = KNEE_MAX_RADPS * dt_s
        behind = self._steady.step(measured.knee_rad, measured.hinge_rad, dt_s) - self._knee_rad
        knee_rad = self._knee_rad + min(max(behind, -limit), limit)
        caught_up = abs(behind) <= limit and dt_s == elapsed_s
        self._settled_s = self._settled_s + dt_s if caught_up else 0.0
        reading = self._model.step(measured.torque_nm, knee_rad, dt_s)
        beside = self._reduced.step(measured.torque_nm, knee_rad, dt_s)
        # the smooth path of the full model's knee passes by the frames' angles
        reduced = beside._replace(hinge_rad=beside.hinge_rad + reading.knee_rad - self._knee_rad)
        self._knee_rad = knee_rad
        seen = self._see(reading, reduced, before, dt_s)
        if (
            not math.isfinite(reading.hinge_rad + reading.knee_torque_nm + reduced.hinge_rad)
            or not seen.min_det_f > 0.0
        ):
            self._rest()
        return seen

    def _rest(self) -> None:
        self._model.reset()
        self._reduced.reset()
        self._strides.reset()
        self._knee_rad, self._settled_s = 0.0, 0.0
        self._before = Measured(0.0, 0.0, 0.0)

    def _see(self, reading: Reading, reduced: Hinge, before: Measured, dt_s: float) -> Seen:
        points = {name: self._model.points_m(name) for name in SEGMENTS}
        det = min(smallest_volume_ratio(points[name], *self._shape[name]) for name in SEGMENTS)
        whole, settled = det >= MIN_DET_F, self._settled_s >= SETTLE_S
        if whole and settled:
            self._press(points, dt_s)
        hinge_rad, knee_nm = (reading.hinge_rad, reading.knee_torque_nm) if whole else reduced
        if not settled:
            self._strides.reset()
        energy = self._strides.step(reading.motor_nm, hinge_rad, knee_nm, reading.knee_rad, dt_s)
        judgement = self._judge(reading, reduced, before, hinge_rad, dt_s) if settled else self._watch.last
        return Seen(
            settled, whole, det, reading.knee_rad, hinge_rad, reduced.hinge_rad, knee_nm, energy.loss_j, energy.given_j,
            dict(self._pressure), self.mean_pa, judgement,
        )  # fmt: skip

    def _press(self, points: Mapping[SegmentName, F64], dt_s: float) -> None:
        share = -math.expm1(-dt_s / MEAN_S)
        for name in SEGMENTS:
            self._pressure[name] = self.maps[name].at(points[name])
            self.mean_pa[name] += share * (self._pressure[name].patch_pa - self.mean_pa[name])

    def _judge(self, reading: Reading, reduced: Hinge, before: Measured, hinge_rad: float, dt_s: float) -> Judgement:
        moment = Moment(
            knee_rad=reading.knee_rad,
            knee_radps=reading.knee_radps,
            torque_nm=before.torque_nm,
            angle_rad=before.hinge_rad - before.knee_rad,
            full_rad=hinge_rad - reading.knee_rad,
            reduced_rad=reduced.hinge_rad - reading.knee_rad if self._watched else math.nan,
        )
        return self._watch.step(moment, dt_s)


@njit(cache=True, nogil=True)
def smallest_volume_ratio(points: Any, tets: Any, gradients: Any) -> float:
    """Smallest det F of elements `tets` [m, 4] with shape gradients [m, 4, 3], their nodes at `points` [n, 3]."""
    smallest = np.inf
    f = np.empty((3, 3))
    for e in range(len(tets)):
        for i in range(3):
            for j in range(3):
                f[i, j] = 0.0
                for corner in range(4):
                    f[i, j] += points[tets[e, corner], i] * gradients[e, corner, j]
        det = f[0, 0] * (f[1, 1] * f[2, 2] - f[1, 2] * f[2, 1]) - f[0, 1] * (f[1, 0] * f[2, 2] - f[1, 2] * f[2, 0])
        det += f[0, 2] * (f[1, 0] * f[2, 1] - f[1, 1] * f[2, 0])
        if not det > smallest:
            smallest = det
    return float(smallest)
