"""What a synthetic person does in one take: measured gait, or a plausible squat, stair, sit-to-stand, march."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.training.people.bodies import F64
from engines.training.people.gaits import Gait, sample
from engines.training.people.skeleton import PELVIS_Q, TRUTH, UpperBody

_INDEX: Final = {name: i for i, name in enumerate(TRUTH)}
_MIRROR: Final = [
    _INDEX[name[:-1] + {"r": "l", "l": "r"}[name[-1]]] if name[-2:] in ("_r", "_l") else i
    for i, name in enumerate(TRUTH)
]
_MIRROR_SIGN: Final = np.array([-1.0 if name in ("pelvis_list", "pelvis_rotation") else 1.0 for name in TRUTH])

_RUNNERS: Final = "RBDS"

EXERCISES: Final = ("squat", "stairs", "sit_to_stand", "march")
"""Motions without measurement: drawn curves of plausible range (no person moved like this)."""

_RANGE_DEG: Final = {
    "hip_flexion": (-35.0, 115.0), "hip_adduction": (-30.0, 25.0), "hip_rotation": (-25.0, 25.0),
    "knee_angle": (-3.0, 135.0), "ankle_angle": (-40.0, 35.0),
}  # fmt: skip


@dataclass(frozen=True)
class Motion:
    """One motion: `t_s` [N], `q` [N, 13] rad in `TRUTH` order, `path_m` [N, 3] of the pelvis or None where the feet
    stay put; `upper` [N] what the coordinates do not say; `name`, `subject` of the gait; `flies`: both feet may leave
    the ground."""

    t_s: F64
    q: F64
    path_m: F64 | None
    upper: list[UpperBody]
    name: str
    subject: str
    flies: bool


def measured(gait: Gait, t_s: F64, random: np.random.Generator, strength: float) -> Motion:
    """A stretch of `gait` at `t_s` [N] from a random moment. `strength` 0 leaves the angles as measured; 1 alters pace,
    range and posture so that few people become many."""
    pace = float(np.exp(strength * random.normal(0.0, 0.15)))
    spare_s = (len(gait.q) - 1) / gait.fs - pace * t_s[-1]
    begin_s = random.uniform(0.0, len(gait.q) / gait.fs if gait.loops else max(0.0, spare_s))
    if not gait.loops and spare_s < 0.0:
        pace, begin_s = pace + spare_s / t_s[-1], 0.0
    q, pelvis, lumbar = sample(gait, begin_s + pace * t_s)
    q = _altered(q, random, strength)
    if random.random() < 0.5:  # as on a treadmill
        pelvis[:, 0] -= np.polyval(np.polyfit(t_s, pelvis[:, 0], 1), t_s)
    pelvis = pelvis - pelvis.mean(axis=0)
    if random.random() < 0.5:
        q, pelvis = q[:, _MIRROR] * _MIRROR_SIGN, pelvis * (1.0, 1.0, -1.0)
        lumbar = None if lumbar is None else lumbar * (1.0, -1.0, -1.0)
    return Motion(t_s, q, pelvis, upper_body(q, lumbar, random), gait.name, gait.subject, _RUNNERS in gait.subject)


def exercise(kind: str, t_s: F64, random: np.random.Generator) -> Motion:
    """One of `EXERCISES` with drawn depth, pace, posture and difference between the sides."""
    cycle_s = random.uniform(1.0, 1.8) if kind in ("stairs", "march") else random.uniform(1.8, 4.0)
    phase = t_s / cycle_s + random.random()
    q = np.zeros((len(t_s), len(TRUTH)))
    for side, shift in (("r", 0.0), ("l", 0.5 if kind in ("stairs", "march") else random.normal(0.0, 0.01))):
        for name, curve in _leg(kind, phase + shift, random).items():
            q[:, _INDEX[f"{name}_{side}"]] = np.radians(curve)
    bend = np.abs(q[:, [_INDEX["hip_flexion_r"], _INDEX["hip_flexion_l"]]]).mean(axis=1)
    lean = random.uniform(0.15, 0.5) if kind in ("squat", "sit_to_stand") else random.uniform(0.0, 0.1)
    q[:, _INDEX["pelvis_tilt"]] = -lean * bend + np.radians(random.normal(0.0, 5.0))
    for name in PELVIS_Q[1:]:
        q[:, _INDEX[name]] = np.radians(random.normal(0.0, 3.0) * np.sin(2 * np.pi * phase))
    for side in ("r", "l"):
        q[:, _INDEX[f"hip_flexion_{side}"]] -= q[:, _INDEX["pelvis_tilt"]]
    q = _limited(q)
    return Motion(t_s, q, None, upper_body(q, None, random), kind, kind, False)


def _leg(kind: str, phase: F64, random: np.random.Generator) -> dict[str, F64]:
    """Angles of one leg (deg) relative to an upright pelvis over `phase` in cycles."""
    swing = 0.5 - 0.5 * np.cos(2 * np.pi * phase)
    if kind in ("squat", "sit_to_stand"):
        held = np.clip(1.4 * swing - 0.2, 0.0, 1.0) if kind == "sit_to_stand" else swing
        depth = random.uniform(80.0, 105.0) if kind == "sit_to_stand" else random.uniform(35.0, 125.0)
        knee = random.uniform(0.0, 8.0) + depth * held
        shank = random.uniform(0.15, 0.4) * depth * held  # lean of the shank, which the ankle allows
        hip = knee - shank
        ankle = shank
    else:  # one leg lifts, the other carries: two humps of a stair's curve, one of a march's
        power = random.uniform(1.5, 3.0)
        knee = random.uniform(3.0, 12.0) + random.uniform(45.0, 95.0) * swing**power
        hip = random.uniform(0.0, 8.0) + random.uniform(30.0, 70.0) * (0.5 - 0.5 * np.cos(2 * np.pi * (phase - 0.06)))
        ankle = random.uniform(-5.0, 8.0) + random.uniform(5.0, 15.0) * np.sin(2 * np.pi * (phase + random.random()))
    wave = np.sin(2 * np.pi * (phase + random.random()))
    return {
        "hip_flexion": hip,
        "hip_adduction": random.normal(-3.0, 4.0) + random.normal(0.0, 3.0) * wave,
        "hip_rotation": random.normal(0.0, 5.0) + random.normal(0.0, 3.0) * wave,
        "knee_angle": knee,
        "ankle_angle": ankle,
    }


def _altered(q: F64, random: np.random.Generator, strength: float) -> F64:
    """Other range about the mean, another posture (the sole stays flat when hip and knee are moved)."""
    mean, other = q.mean(axis=0), q.copy()
    for i, name in enumerate(TRUTH):
        other[:, i] = mean[i] + (q[:, i] - mean[i]) * (1.0 + strength * random.normal(0.0, 0.12))
        other[:, i] += np.radians(strength * random.normal(0.0, 2.0))
        if name == "pelvis_tilt":
            tip = np.radians(strength * random.normal(0.0, 4.0))
            other[:, i] += tip
    crouch = np.radians(strength * max(0.0, random.normal(0.0, 12.0)))
    for side in ("r", "l"):
        other[:, _INDEX[f"hip_flexion_{side}"]] += 0.5 * crouch - tip
        other[:, _INDEX[f"knee_angle_{side}"]] += crouch
        other[:, _INDEX[f"ankle_angle_{side}"]] += 0.5 * crouch
    return _limited(other) if strength > 0.0 else other


def _limited(q: F64) -> F64:
    for i, name in enumerate(TRUTH):
        if name not in PELVIS_Q:
            low, high = _RANGE_DEG[name[:-2]]
            q[:, i] = np.clip(q[:, i], np.radians(low), np.radians(high))
    return q


def upper_body(q: F64, lumbar: F64 | None, random: np.random.Generator) -> list[UpperBody]:
    """Trunk as measured, rigid on the pelvis or upright; arms that swing against the legs; toes that bend late."""
    trunk = _trunk(q, lumbar, random)
    hips = q[:, [_INDEX["hip_flexion_l"], _INDEX["hip_flexion_r"]]]
    swing = random.uniform(0.2, 1.1) * (hips - hips.mean(axis=0)) + np.radians(random.normal(0.0, 10.0))
    if random.random() < 0.15:  # hands held forward
        swing = 0.2 * swing + np.radians(random.uniform(20.0, 80.0))
    elbow = np.radians(random.uniform(5.0, 95.0)) + 0.5 * np.maximum(swing, 0.0)
    abduction = np.radians(random.uniform(4.0, 22.0, 2))
    bends = random.uniform(0.0, 1.0) * (random.random() < 0.6)
    nod, turn = np.radians(random.normal(0.0, 7.0)), np.radians(random.normal(0.0, 8.0))
    pose = []
    for i in range(len(q)):
        pitch = [_foot_pitch(q[i], side) for side in ("r", "l")]
        toes = np.array([bends * np.clip(-angle, 0.0, np.radians(35.0)) for angle in pitch])
        arms = np.stack([swing[i], abduction, elbow[i]], axis=1)
        pose.append(UpperBody(trunk[i], arms, toes, np.array([nod, turn])))
    return pose


def _foot_pitch(q: F64, side: str) -> float:
    """Toes up (rad) in the sagittal plane."""
    angle = {name: float(q[_INDEX[f"{name}_{side}"]]) for name in ("hip_flexion", "knee_angle", "ankle_angle")}
    return float(q[0]) + angle["hip_flexion"] - angle["knee_angle"] + angle["ankle_angle"]


def _trunk(q: F64, lumbar: F64 | None, random: np.random.Generator) -> F64:
    """Lean back, list and turn [N, 3] of the trunk relative to the pelvis, rad."""
    way = random.random()
    if lumbar is not None and way < 0.35:
        return lumbar
    if way < 0.65:
        return np.zeros((len(q), 3))
    upright = -q[:, :3] * (1.0, random.uniform(0.3, 1.0), random.uniform(0.5, 1.6))
    upright[:, 0] += np.radians(random.normal(-5.0, 5.0))
    return np.asarray(upright)
