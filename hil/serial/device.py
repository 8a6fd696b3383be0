"""An emulated serial bench: motor stage, load cell, encoder and pressure film, as its microcontroller has them.

Pure: bytes and time in, bytes out. It keeps the leases of docs/hil-serial.md, so that its torque shows whether a host
that has gone leaves any behind.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from hil.serial.connection import QUERY
from hil.serial.lines import BOOT_SPAN, LINE_MAX, VERSION, Command, Hello, Sample, decode, encode

STEP_US: Final = 1000
_RAMP_NM_PER_MS: Final = 0.4  # the stage lets go 20 Nm in 50 ms
_STIFFNESS_NM_PER_RAD: Final = 60.0
_DAMPING_NM_S_PER_RAD: Final = 2.0
_INERTIA_KG_M2: Final = 0.05
_PRESSURE_PA_PER_NM: Final = 900.0  # of the film under the cuff
_FILM_NOISE_PA: Final = 20.0


@dataclass(slots=True)
class Device:
    """One leg. `step` every millisecond; `sent` are all samples that it has ever sent."""

    seed: int
    leg: str = "r"
    torque_nm: float = 0.0
    angle_rad: float = 0.3
    rate_radps: float = 0.0
    asked_nm: float = 0.0
    sent: int = 0
    commands: int = 0
    refused: int = 0
    _rest: bytes = b""
    _boot: int = 0
    _sequence: int = 0
    _lease_end_us: int = -1
    _command: int | None = None
    _newest: int = -1
    _rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)
        self.restart()

    def restart(self) -> None:
        """Power off and on: it counts from 0 again, with a new boot number, and has no command."""
        self._boot = int(self._rng.integers(BOOT_SPAN))
        self._sequence, self._rest = 0, b""
        self.asked_nm, self._lease_end_us, self._command, self._newest = 0.0, -1, None, -1

    def step(self, now_us: int, data: bytes) -> bytes:
        """One millisecond: what came from the host, the stage, and what goes out."""
        out = self._hear(now_us, data)
        self._move(now_us)
        out += encode(self._measure(now_us))
        self._sequence += 1
        self.sent += 1
        return out

    def _hear(self, now_us: int, data: bytes) -> bytes:
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[-LINE_MAX:]
        out = b""
        for raw in lines:
            line = decode(raw)
            if raw + b"\n" == QUERY:
                out += encode(Hello(VERSION, self._boot, self.leg, 1_000_000 // STEP_US, "emulated"))
            elif isinstance(line, Command) and line.leg == self.leg and line.sequence > self._newest:
                self._obey(line, now_us)
            else:
                self.refused += 1
        return out

    def _obey(self, command: Command, now_us: int) -> None:
        self.commands += 1
        self._newest = self._command = command.sequence
        self.asked_nm = command.torque_nm
        self._lease_end_us = now_us + 1000 * command.lease_ms

    def _move(self, now_us: int) -> None:
        asked = self.asked_nm
        if now_us > self._lease_end_us:
            asked, self._command = 0.0, None
        self.torque_nm += min(max(asked - self.torque_nm, -_RAMP_NM_PER_MS), _RAMP_NM_PER_MS)
        held = _STIFFNESS_NM_PER_RAD * (self.angle_rad - 0.3) + _DAMPING_NM_S_PER_RAD * self.rate_radps
        self.rate_radps += 1e-3 * (self.torque_nm - held) / _INERTIA_KG_M2
        self.angle_rad += 1e-3 * self.rate_radps

    def _measure(self, now_us: int) -> Sample:
        return Sample(
            boot=self._boot,
            sequence=self._sequence,
            t_us=now_us,
            leg=self.leg,
            angle_rad=self.angle_rad,
            rate_radps=self.rate_radps,
            torque_nm=self.torque_nm,
            load_nm=self.torque_nm - _DAMPING_NM_S_PER_RAD * self.rate_radps,
            pressure_pa=max(0.0, _PRESSURE_PA_PER_NM * abs(self.torque_nm) + _FILM_NOISE_PA * self._rng.normal()),
            command=self._command,
        )
