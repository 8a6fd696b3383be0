"""What the landmark network gets wrong, learnt from filmed takes: what posture and view explain, and what is left.

The larger part of the errors in space follows from posture and view, so it is predicted; the rest, with legs that are
taken for each other, is taken over from takes of a similar side and motion, whole stretches of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from engines.errors import EngineError
from engines.pose.head.feature_rows import ANKLE, HIP, KNEE
from engines.pose.head.features import MIRRORED, POINTS
from engines.training.people.bodies import F64

_SEEN_AT_LEAST: Final = 16  # frames
_SIMILAR_DEG: Final = 20.0
_CROSSING: Final = [KNEE[0], ANKLE[0]]
_STRETCHES: Final = 12
"""So many stretches of filmed takes are tried; the one in which the legs cross and part most alike is used."""
_FAR: Final = 0.08
"""From this error in the image on, over the person's height, a landmark sits on the other leg, or was guessed."""
_USUAL: Final = np.repeat([_FAR, 0.35, np.inf], [2, 3, 2])
_LARGEST: Final = np.repeat([0.25, 0.5, np.inf], [2, 3, 2])
"""Errors, as in `Errors.of_landmark`, are cut to the first where posture is to explain them, to the second where they
are taken over."""
_FOLDS: Final = 4
_WAVES: Final = 800
_WAVE_SCALE: Final = 0.05
_RIDGE: Final = 0.01
"""Of 0.003 to 0.1 (and scales of 0.04 and 0.08) about the least error on takes left out."""


@dataclass(frozen=True)
class Errors:
    """Of one take at the frames where somebody was found: `t_s` [N]; `scene` [N, 19, 5] exact landmarks about the hips,
    in the image over the person's height and in space (m); `exchanged` [N, 19] how far the landmark has gone over to
    its counterpart on the other side, 0 to 1; `of_landmark` [N, 19, 7] the other errors of both, then visibility and
    sharpness."""

    yaw_deg: float
    t_s: F64
    scene: F64
    exchanged: F64
    of_landmark: F64


def scene_of(marks_px: F64, marks_m: F64) -> tuple[F64, float]:
    """`Errors.scene` of exact landmarks [N, 19, 2] and [N, 19, 3], and the person's height in the image (px)."""
    tall_px = float(np.ptp(marks_px[..., 1], axis=1).mean())
    hips = marks_px[:, list(HIP)].mean(axis=1, keepdims=True)
    return np.concatenate([(marks_px - hips) / tall_px, marks_m], axis=-1), tall_px


def errors_of(path: Path) -> Errors | None:
    """The errors in one filmed take (`extract`), None where the wearer was hardly found."""
    with np.load(path, allow_pickle=False) as file:
        seen, points = file["valid"], list(POINTS)
        if np.count_nonzero(seen) < _SEEN_AT_LEAST:
            return None
        marks_px, marks_m = (file[name][seen].astype(np.float64) for name in ("marks_px", "marks_m"))
        scene, tall_px = scene_of(marks_px, marks_m)
        found = [(file["xy_px"][seen][:, points] - marks_px) / tall_px, file["world_m"][seen][:, points] - marks_m]
        found += [file[name][seen][:, points, None] for name in ("visibility", "sharpness")]
        errors, across = np.concatenate(found, axis=-1), _across(scene)
        along = (errors[..., :2] * across[..., :2]).sum(axis=-1) / np.square(across[..., :2]).sum(axis=-1).clip(_FAR**2)
        exchanged = np.where(np.linalg.norm(errors[..., :2], axis=-1) > _FAR, along.clip(0.0, 1.0), 0.0)
        errors[..., :5] -= exchanged[..., None] * across
        return Errors(float(file["yaw_deg"]), file["t_s"][seen], scene, exchanged, errors)


def _across(scene: F64) -> F64:
    """From each landmark of `Errors.scene` to its counterpart [N, 19, 5]."""
    return np.asarray(scene[:, list(MIRRORED)] - scene)


def mirrored(one: Errors) -> Errors:
    """The take in a mirror."""
    flip = list(MIRRORED)
    scene = one.scene[:, flip] * (-1.0, 1.0, -1.0, 1.0, 1.0)
    errors = one.of_landmark[:, flip] * (-1.0, 1.0, -1.0, 1.0, 1.0, 1.0, 1.0)
    return Errors(-one.yaw_deg, one.t_s, scene, one.exchanged[:, flip], errors)


class ErrorModel:
    """Draws errors for exact landmarks. Ridge regression on random Fourier features (Rahimi & Recht 2007), one for each
    part of the takes left out, so that what is left over has the size that new takes show.

    `explained`: RMS [5] of the errors, exchanged legs apart, in x and y over the person's height and x, y, z in m: as
    filmed, and what posture and view do not tell of takes left out.
    """

    def __init__(self, takes: list[Errors], random: np.random.Generator) -> None:
        """EngineError: fewer takes than parts."""
        if len(takes) < _FOLDS:
            raise EngineError(
                f"{len(takes)} filmed takes, need {_FOLDS}; run `python -m engines.training.people.extract`"
            )
        rows = np.concatenate([one.scene.reshape(len(one.scene), -1) for one in takes])
        self._centre, self._spread = rows.mean(axis=0), rows.std(axis=0) + 1e-6
        self._waves = random.normal(0.0, _WAVE_SCALE, (rows.shape[1], _WAVES))
        self._phase = random.uniform(0.0, 2.0 * np.pi, _WAVES)
        both = [_usual(view) for one in takes for view in (one, mirrored(one))]
        self._low, self._high = np.quantile(np.concatenate([one.of_landmark for one in both]), (0.01, 0.99), axis=0)
        parts = [[one for i, one in enumerate(both) if i // 2 % _FOLDS != fold] for fold in range(_FOLDS)]
        self._weights = [self._fit(part) for part in parts]
        self._left = [self._left_over(one, i % _FOLDS) for i, one in enumerate(takes)]
        self.explained = _rms([_usual(one) for one in takes]), _rms([_usual(one) for one in self._left])

    def draw(
        self, marks_px: F64, marks_m: F64, yaw_deg: float, t_s: F64, random: np.random.Generator
    ) -> tuple[F64, F64, F64]:
        """Landmarks in the image [N, 19, 2] and in space [N, 19, 3] as the network might find them, and visibility and
        sharpness [2, N, 19], for exact ones at `t_s` [N] seen from `yaw_deg` off frontal."""
        scene, tall_px = scene_of(marks_px, marks_m)
        left = self._borrowed(scene, yaw_deg, t_s, random)
        error = self._predicted(scene, int(random.integers(_FOLDS))) + left.of_landmark
        error[..., :5] += left.exchanged[..., None] * _across(scene)
        xy, world = marks_px + tall_px * error[..., :2], marks_m + error[..., 2:5]
        return xy, world, np.clip(np.moveaxis(error[..., 5:], -1, 0), 0.0, 1.0)

    def _spectrum(self, scene: F64) -> F64:
        scaled = (scene.reshape(len(scene), -1) - self._centre) / self._spread
        waves = np.cos(scaled @ self._waves + self._phase)
        return np.concatenate([waves, 0.3 * scaled, np.ones((len(scene), 1))], axis=1)

    def _fit(self, takes: list[Errors]) -> F64:
        x = self._spectrum(np.concatenate([one.scene for one in takes]))
        y = np.concatenate([one.of_landmark.reshape(len(one.scene), -1) for one in takes])
        return np.asarray(np.linalg.solve(x.T @ x + _RIDGE * len(x) * np.eye(x.shape[1]), x.T @ y))

    def _predicted(self, scene: F64, fold: int) -> F64:
        found = (self._spectrum(scene) @ self._weights[fold]).reshape(len(scene), len(POINTS), -1)
        return np.asarray(np.clip(found, self._low, self._high))

    def _left_over(self, one: Errors, fold: int) -> Errors:
        """What the model without this take cannot tell of its errors."""
        left = np.clip(one.of_landmark - self._predicted(one.scene, fold), -_LARGEST, _LARGEST)
        return replace(one, of_landmark=left)

    def _borrowed(self, scene: F64, yaw_deg: float, t_s: F64, random: np.random.Generator) -> Errors:
        """What is left over in a stretch of a take from a similar side, as long as `t_s` [N]."""
        away = np.array([abs(abs(one.yaw_deg) - abs(yaw_deg)) for one in self._left])
        near = np.flatnonzero(away <= max(_SIMILAR_DEG, float(np.sort(away)[min(4, len(away) - 1)])))
        tried = [self._stretch(int(random.choice(near)), yaw_deg, t_s, random) for _ in range(_STRETCHES)]
        legs = _across(scene)[:, _CROSSING, :2]
        miss = [float(np.square(_across(one.scene)[:, _CROSSING, :2] - legs).mean()) for one in tried]
        return tried[int(np.argmin(miss))]

    def _stretch(self, number: int, yaw_deg: float, t_s: F64, random: np.random.Generator) -> Errors:
        """Take `number`, mirrored if it was filmed from the other side, begun anywhere at `t_s`, and run back and forth
        where it is too short."""
        one = self._left[number]
        own_s = one.t_s - one.t_s[0]
        phase = (random.uniform(0.0, own_s[-1]) + t_s - t_s[0]) % (2.0 * own_s[-1])
        at = np.interp(np.minimum(phase, 2.0 * own_s[-1] - phase), own_s, np.arange(len(own_s)))
        low = np.minimum(at.astype(int), len(own_s) - 2)
        share = (at - low)[:, None]

        def then(values: F64) -> F64:
            part = share.reshape(-1, *[1] * (values.ndim - 1))
            return np.asarray((1.0 - part) * values[low] + part * values[low + 1])

        found = Errors(one.yaw_deg, t_s, then(one.scene), then(one.exchanged), then(one.of_landmark))
        return mirrored(found) if one.yaw_deg * yaw_deg < 0.0 else found


def _usual(one: Errors) -> Errors:
    return replace(one, of_landmark=np.clip(one.of_landmark, -_USUAL, _USUAL))


def _rms(takes: list[Errors]) -> F64:
    every = np.concatenate([one.of_landmark[..., :5].reshape(-1, 5) for one in takes])
    return np.asarray(np.sqrt(np.square(every).mean(axis=0)))
