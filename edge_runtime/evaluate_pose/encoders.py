"""A simulated encoder at each knee: hinge angles as a device on soft tissue would give them. No hardware takes part."""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np

from edge_runtime.biomech.encoder import EncoderModel, KneeReadings
from edge_runtime.types import F64

_STIFFNESS: Final = (250.0, 750.0)
"""Nm/rad at a straight knee and at 80° flexion: the demo profile's interface."""
_STIFFER: Final = 1.15  # the simulated tissue, than the model of it
_TORQUE_NM: Final = 10.0
_TORQUE_HZ: Final = 1.0
_OFFSET_SD_RAD: Final = np.radians(1.0)
_WANDER_SD_RAD: Final = np.radians(0.5)  # the cuffs sit a little elsewhere every few seconds
_WANDER_HZ: Final = 0.3
_NOISE_RAD: Final = np.radians(0.05)


class SimulatedEncoders:
    """Hinges of one wearer, drawn from `name`: calibrated offsets that are off by about 1°, tissue 15 % stiffer than
    its model, slow wander of the cuffs, a torque of 10 Nm that swings at 1 Hz."""

    def __init__(self, name: str) -> None:
        self._random = np.random.default_rng(zlib.crc32(name.encode()))
        self._offset = self._random.normal(0.0, _OFFSET_SD_RAD, 2)
        self._phase = self._random.uniform(0.0, 2 * np.pi, 2)
        sd = np.full(2, np.hypot(_OFFSET_SD_RAD, _WANDER_SD_RAD))
        self._model = EncoderModel(
            np.zeros(2), sd, np.full(2, _STIFFNESS[0]), np.full(2, _STIFFNESS[1]), np.full(2, 0.2)
        )

    def read(self, t_s: float, knee_rad: F64) -> KneeReadings:
        """What the device makes of true knees [2] at `t_s`."""
        torque = _TORQUE_NM * np.sin(2 * np.pi * _TORQUE_HZ * t_s + self._phase)
        low, high = (_STIFFER * value for value in _STIFFNESS)
        stiffness = low + (high - low) * np.clip(knee_rad / np.radians(80.0), 0.0, 1.5)
        wander = np.sqrt(2.0) * _WANDER_SD_RAD * np.sin(2 * np.pi * _WANDER_HZ * t_s + 2 * self._phase)
        noise = self._random.normal(0.0, _NOISE_RAD, 2)
        return self._model.knees(knee_rad + torque / stiffness + self._offset + wander + noise, torque)
