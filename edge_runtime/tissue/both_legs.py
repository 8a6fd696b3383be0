"""Observer of both legs at camera rate: intents and feedback in; rows, maps and doubt out. Live and in lock-step."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from calibration.profile import Profile
from edge_runtime.doubt import NO_DOUBT, TISSUE_CAUSE, Doubt
from edge_runtime.intent import HORIZON_NS, at
from edge_runtime.tissue.geometry import SEGMENTS
from edge_runtime.tissue.observer import LegObserver, Measured, Seen
from edge_runtime.tissue.rows import TISSUE_FIELDS, CuffMap
from edge_runtime.tissue.springs import phantom_of
from edge_runtime.types import F64, SIDES

MAP_NS: Final = 2_000_000_000
"""Time from map to map."""
_LEG_WIDTH: Final = (len(TISSUE_FIELDS) - 2) // len(SIDES)


class Observed(NamedTuple):
    """Of one frame: row [TISSUE_FIELDS], reused by the next; maps that are due; doubt about the interfaces; whether a
    model was run at all, for which it takes a valid estimate."""

    row: F64
    maps: list[CuffMap]
    doubt: Doubt
    worked: bool


class LegPair:
    """Two observers, right and left, at work at the same time: finite elements let go of the interpreter. Whichever is
    done first, the results are the same."""

    def __init__(self, right: LegObserver, left: LegObserver) -> None:
        self.legs: Final = (right, left)
        self._beside = ThreadPoolExecutor(1, "left-leg")

    def step(self, right: Measured, left: Measured, frames: int) -> tuple[Seen | None, Seen | None]:
        """`LegObserver.step` of both."""
        other = self._beside.submit(self.legs[1].step, left, frames)
        one = self.legs[0].step(right, frames)
        return one, other.result()


class TissueObserver:
    """Both legs of a profile; `clock_ns` times the work. Building takes seconds. Raises UserError where the profile's
    interface cannot be soft tissue."""

    def __init__(self, profile: Profile, frame_ns: int, clock_ns: Callable[[], int]) -> None:
        person, self._clock_ns, self._frame_ns = profile.person, clock_ns, frame_ns
        legs = []
        for values in (profile.interface_r, profile.interface_l):
            phantom = phantom_of(person.height_m, person.mass_kg, values.stiffness_nm_per_rad)
            legs.append(LegObserver(phantom, None, frame_ns * 1e-9))
        self._pair = LegPair(*legs)
        self._row = np.full(len(TISSUE_FIELDS), np.nan)
        self._peaks: list[dict[str, F64]] = [{}, {}]
        self._map_ns, self._last_ns = 0, 0
        self._doubt = NO_DOUBT

    def warm(self) -> None:
        """Compile and touch everything before the first frame."""
        for leg in self._pair.legs:
            leg.warm()

    def step(self, now_ns: int, intent: npt.NDArray[Any], torque_nm: F64, hinge_rad: F64) -> Observed:
        """One frame: the newest `intent` [1] tells the knees as the camera has them, predicted to `now_ns`; hinge
        torque and angle [2] are the device's newest. Frames left out since the last step lengthen this one."""
        began_ns = self._clock_ns()
        row = self._row
        row[:] = np.nan
        share, cause, maps, worked = self._doubt.share.copy(), self._doubt.cause, [], False
        frames = max(1, round((now_ns - self._last_ns) / self._frame_ns)) if self._last_ns else 1
        self._last_ns = now_ns
        right, left = (
            _measured(now_ns, intent[0], side, float(torque_nm[side]), float(hinge_rad[side])) for side in (0, 1)
        )
        both = self._pair.step(right, left, frames)
        for side, (seen, measured) in enumerate(zip(both, (right, left), strict=True)):
            worked |= seen is not None
            if seen is None or not seen.settled:
                continue
            share[side] = seen.judgement.share
            first = 2 + side * _LEG_WIDTH
            row[first : first + _LEG_WIDTH] = _leg_row(seen, measured)
            for name in SEGMENTS:
                patch = seen.pressure[name].patch_pa
                self._peaks[side][name] = np.maximum(self._peaks[side].get(name, patch), patch)
        causes = [row[2 + side * _LEG_WIDTH + _LEG_WIDTH - 1] for side in range(len(SIDES))]
        named = [int(c) for c in causes if np.isfinite(c) and c > 0]
        cause = min(named) if named else (cause if share.any() else 0)
        self._doubt = Doubt(share, cause)
        if now_ns - self._map_ns >= MAP_NS:
            maps = self._maps(now_ns)
        row[0], row[1] = now_ns, (self._clock_ns() - began_ns) * 1e-6
        return Observed(row, maps, self._doubt, worked)

    def _maps(self, now_ns: int) -> list[CuffMap]:
        self._map_ns = now_ns
        out = []
        for side, leg in enumerate(self._pair.legs):
            for name, peak in self._peaks[side].items():
                patches = leg.maps[name].patches  # type: ignore[index]
                shape = patches.rows, patches.columns
                step = (patches.height_m[-1] - patches.height_m[0]) / max(patches.rows - 1, 1)
                found = CuffMap(
                    now_ns, SIDES[side], name, float(patches.height_m[0] - step / 2.0),  # type: ignore[arg-type]
                    float(patches.height_m[-1] + step / 2.0), patches.half_rad,
                    leg.mean_pa[name].reshape(shape), peak.reshape(shape),  # type: ignore[index]
                )  # fmt: skip
                if found.fits:
                    out.append(found)
            self._peaks[side] = {}
        return out


def _measured(now_ns: int, intent: Any, side: int, torque_nm: float, hinge_rad: float) -> Measured:
    """NaN for the knee where there is no valid estimate young enough."""
    since_ns = now_ns - int(intent["t_act_ns"])
    usable = intent["valid"] and since_ns < HORIZON_NS
    knee_rad = at(intent["knee_rad"][side], since_ns) if usable else math.nan
    return Measured(knee_rad, hinge_rad, torque_nm)


def _leg_row(seen: Seen, measured: Measured) -> list[float]:
    """Values in the order of `rows.LEG_FIELDS`."""
    judged = seen.judgement
    pressures = []
    for name in SEGMENTS:
        pressure = seen.pressure[name]
        pressures += [pressure.p95_pa, pressure.highest_pa, seen.uncomfortable(name), seen.painful(name)]
    return [
        seen.full, seen.min_det_f, measured.torque_nm, measured.hinge_rad - measured.knee_rad,
        seen.hinge_rad - seen.knee_rad, seen.reduced_rad - seen.knee_rad, seen.knee_nm,
        *pressures, seen.loss_j, seen.given_j,
        judged.gain, judged.gain_sd, judged.slip_rad, judged.model_error, judged.share,
        judged.cause + TISSUE_CAUSE if judged.cause else 0,
    ]  # fmt: skip
