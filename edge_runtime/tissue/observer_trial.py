"""Simulated walking in a device whose interface may not be the observer's, and may slip: what the observer measures."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from edge_runtime.tissue.full_pace import FullPace
from edge_runtime.tissue.geometry import Phantom
from edge_runtime.tissue.observer import LegObserver, Measured, Seen
from edge_runtime.tissue.reduced_pace import Hinge, Reduced
from edge_runtime.tissue.watch import CAUSES, FitWatch, Judgement, Moment, SteadyKnee
from edge_runtime.types import F64

FRAME_S: Final = 1.0 / 60.0
_NOISE_CORRELATED_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Walk:
    """Level gait as bumps of knee flexion, with a flexing and an extending burst of the motor; the camera sees the knee
    `delay_s` late, with a bias, and with an error that stays alike for 0.1 s. All made up; what the camera's error is
    on people, `exo-edge evaluate pose` says."""

    strides: int = 10
    stride_s: float = 1.1
    torque_nm: float = 10.0
    noise_rad: float = math.radians(2.0)
    bias_rad: float = math.radians(4.0)
    delay_s: float = 0.012
    seed: int = 1

    @property
    def frames(self) -> int:
        """Number of camera frames."""
        return round(self.strides * self.stride_s / FRAME_S)

    def knee_rad(self, time_s: float) -> float:
        """Knee flexion: loading response and swing, from a straight start."""
        at = time_s / self.stride_s
        return _rise(time_s) * math.radians(3.0 + 16.0 * _bump(at, 0.14, 0.07) + 57.0 * _bump(at, 0.72, 0.095))

    def motor_nm(self, time_s: float) -> float:
        """Torque of the motor."""
        at = time_s / self.stride_s
        return _rise(time_s) * self.torque_nm * (_bump(at, 0.15, 0.06) - 0.5 * _bump(at, 0.55, 0.05))

    def errors_rad(self) -> F64:
        """Error of the camera's knee in each frame [frames]."""
        rng = np.random.default_rng(self.seed)
        keep = math.exp(-FRAME_S / _NOISE_CORRELATED_S)
        out = np.empty(self.frames)
        error = 0.0
        for i, draw in enumerate(rng.normal(size=self.frames)):
            error = keep * error + math.sqrt(1.0 - keep**2) * self.noise_rad * draw
            out[i] = self.bias_rad + error
        return out


class Plant(Protocol):
    """The true leg in the device."""

    def step(self, torque_nm: float, knee_rad: float) -> Hinge:
        """State as a frame begins; one frame on."""


class FullPlant:
    """Finite elements as the true leg, in `steps` to the frame; at rest where the first frame finds it."""

    def __init__(self, phantom: Phantom, steps: int) -> None:
        self._pace, self._began, self._knee_rad = FullPace(phantom, steps), False, 0.0

    def step(self, torque_nm: float, knee_rad: float) -> Hinge:
        """State as a frame begins; one frame on."""
        if not self._began:
            self._pace.rest(torque_nm, knee_rad)
            self._began, self._knee_rad = True, knee_rad
        reading = self._pace.step(torque_nm, knee_rad, FRAME_S)
        last_rad, self._knee_rad = self._knee_rad, knee_rad
        # its knee's smooth path passes by the frames' angles
        return Hinge(reading.hinge_rad + last_rad - reading.knee_rad, reading.knee_torque_nm)


def measure(
    walk: Walk, plant: Plant, slipped: Plant | None = None, slip_frame: int = 0, turned_rad: float = 0.0
) -> Iterator[Measured]:
    """What camera and device measure, frame by frame; from `slip_frame` on the leg is `slipped`, and a cuff has turned
    on the skin by `turned_rad`."""
    errors = walk.errors_rad()
    for k in range(walk.frames):
        leg = slipped if slipped is not None and k >= slip_frame else plant
        # the plant hands back the state as the frame begins, which is where it was taken to a frame ago
        torque_nm, begun_s = walk.motor_nm(k * FRAME_S), (k - 1) * FRAME_S
        hinge = leg.step(torque_nm, walk.knee_rad(k * FRAME_S))
        seen_rad = walk.knee_rad(max(begun_s - walk.delay_s, 0.0)) + errors[k]
        turned = turned_rad if k >= slip_frame else 0.0
        yield Measured(seen_rad, hinge.hinge_rad + turned, walk.motor_nm(max(begun_s, 0.0)))


class Found(NamedTuple):
    """What came of a trial: frame of the first doubt and of a full one (-1: none), its cause, the last judgement."""

    first: int
    full: int
    cause: str
    last: Judgement


def found(judgements: list[Judgement]) -> Found:
    """Sums up the judgements of all frames."""
    shares = np.array([judgement.share for judgement in judgements])
    doubted, sure = np.flatnonzero(shares > 0.0), np.flatnonzero(shares >= 1.0)
    first = int(doubted[0]) if len(doubted) else -1
    cause = CAUSES[judgements[int(sure[0]) if len(sure) else first].cause] if first >= 0 else ""
    return Found(first, int(sure[0]) if len(sure) else -1, cause, judgements[-1])


def observe(observer: LegObserver, stream: Iterator[Measured]) -> list[Seen]:
    """All that the observer says of a walk."""
    seen = (observer.step(measured) for measured in stream)
    return [one for one in seen if one is not None]


def observe_reduced(interface: npt.NDArray[Any], stream: Iterator[Measured]) -> list[Judgement]:
    """The same watch with the reduced model as the observer's only one: milliseconds for a walk."""
    model, watch, steady, out = Reduced(interface, FRAME_S), FitWatch(), SteadyKnee(), []
    before, knees = Measured(0.0, 0.0, 0.0), (0.0, 0.0)
    for measured in stream:
        knee_rad = steady.step(measured.knee_rad, measured.hinge_rad, FRAME_S)
        hinge_rad = model.step(measured.torque_nm, knee_rad).hinge_rad
        bend, rate = hinge_rad - knees[1], (knees[1] - knees[0]) / FRAME_S
        measured_bend = before.hinge_rad - before.knee_rad
        out.append(watch.step(Moment(knees[1], rate, before.torque_nm, measured_bend, bend, bend), FRAME_S))
        before, knees = measured, (knees[1], knee_rad)
    return out


def slid(phantom: Phantom, down_m: float, turned_x_m: float = 0.0) -> Phantom:
    """The same leg after the whole device has slid down by `down_m` and forward by `turned_x_m`, cuffs and hinge."""
    x, z = phantom.device.misalignment_m
    return replace(
        phantom,
        device=replace(phantom.device, misalignment_m=(x + turned_x_m, z - down_m)),
        thigh_cuff=replace(phantom.thigh_cuff, centre_m=phantom.thigh_cuff.centre_m - down_m),
        shank_cuff=replace(phantom.shank_cuff, centre_m=phantom.shank_cuff.centre_m + down_m),
    )


def _bump(at: float, centre: float, width: float) -> float:
    return math.exp(-0.5 * (((at - centre + 0.5) % 1.0 - 0.5) / width) ** 2)


def _rise(time_s: float) -> float:
    share = min(1.0, time_s / 0.3)
    return share**2 * (3.0 - 2.0 * share)
