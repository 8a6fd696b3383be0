"""The serial phantom: a physical knee on a serial line, with load cell, motor stage, encoder and pressure film.

It commands torque only while fresh samples come, under a lease that the bench's own microcontroller ends; where the
line is cut it connects again by itself. docs/hil-serial.md says what a bench must speak.
"""

from __future__ import annotations

import math
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from edge_runtime.errors import UserError
from edge_runtime.types import F64
from firmware_bridge.table import TABLE
from hil.faults.model import Fault
from hil.rigs.base import JOINTS, RigSample
from hil.serial.connection import Connection, Opener
from hil.serial.lines import LEGS, Command, Sample, encode
from hil.serial.port import opener

if TYPE_CHECKING:
    from hil.scenario import Scenario

FILE_VARIABLE: Final = "EXO_EDGE_SERIAL_RIG"
"""Environment variable that names the rig's TOML file."""

FRESH_NS: Final = round(TABLE.host.joint_silent_ms * 1e6)
"""No torque on what has not been measured for so long: as on a leg."""

_LEASE_MS: Final = int(min(joint.lease_ms for joint in TABLE.joints.values()))
_CEILING_NM: Final = min(joint.torque_nm for joint in TABLE.joints.values())
_BAUDS: Final = (921_600, 460_800, 230_400, 115_200)
_KEYS: Final = ("port", "bauds", "ceiling_nm")


@dataclass(frozen=True, slots=True)
class SerialRigConfig:
    """`port`: device file; `bauds` to try, the likeliest first; `ceiling_nm`: most that the stage may be asked for."""

    port: str
    bauds: tuple[int, ...] = _BAUDS
    ceiling_nm: float = _CEILING_NM


def read_config(path: Path) -> SerialRigConfig:
    """The rig's TOML file. UserError names file and key."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); name the rig's file in {FILE_VARIABLE}") from error
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path}: not TOML ({error})") from error
    if unknown := [key for key in table if key not in _KEYS]:
        raise UserError(f'{path}: unknown key "{unknown[0]}"; allowed: {", ".join(_KEYS)}')
    port, bauds, ceiling = table.get("port"), table.get("bauds", list(_BAUDS)), table.get("ceiling_nm", _CEILING_NM)
    if not isinstance(port, str) or not port:
        raise UserError(f'{path}: port is missing: the device file of the bench, as "/dev/ttyACM0"')
    if not isinstance(bauds, list) or not bauds or not all(type(b) is int and 9600 <= b <= 4_000_000 for b in bauds):
        raise UserError(f"{path}: bauds = {bauds!r} must be a list of rates from 9600 to 4000000")
    if type(ceiling) not in (int, float) or not 0.0 <= ceiling <= _CEILING_NM:
        raise UserError(f"{path}: ceiling_nm = {ceiling!r} must be a number from 0 to {_CEILING_NM:g}")
    return SerialRigConfig(port, tuple(bauds), float(ceiling))


class PhantomSerial:
    """Implements `hil.rigs.base.Rig` on a serial line. A leg that the bench does not have stays NaN and not valid.

    It runs in real time only: `step` once per millisecond, with CLOCK_MONOTONIC. `samples`: all that came with the
    last step; `connection` tells what was lost; `withheld`: commands that went out as zero for want of a fresh sample.
    """

    name = "phantom-serial"

    def __init__(self, opening: Opener, bauds: tuple[int, ...] = _BAUDS, ceiling_nm: float = _CEILING_NM) -> None:
        self.connection = Connection(opening, bauds)
        self.samples: list[Sample] = []
        self.withheld = 0
        self._ceiling_nm = ceiling_nm
        self._newest: dict[str, Sample] = {}
        self._heard_ns = dict.fromkeys(LEGS, -(1 << 62))
        self._sequence = 0

    @classmethod
    def from_environment(cls) -> PhantomSerial:
        """The rig that `EXO_EDGE_SERIAL_RIG` names. UserError where it names none."""
        named = os.environ.get(FILE_VARIABLE)
        if not named:
            raise UserError(f"rig phantom-serial: set {FILE_VARIABLE} to the rig's TOML file (docs/hil-serial.md)")
        config = read_config(Path(named))
        return cls(opener(config.port), config.bauds, config.ceiling_nm)

    def open(self, scenario: Scenario | None) -> None:
        """See `Rig`. It connects with the first steps; a bench that does not answer shows as not valid."""

    def step(self, command_nm: F64, now_ns: int) -> RigSample:
        """See `Rig`: newest samples in, then a command for each leg that is fresh."""
        self.samples = self.connection.poll(now_ns)
        for sample in self.samples:
            self._newest[sample.leg] = sample
            self._heard_ns[sample.leg] = now_ns
        for index, leg in enumerate(LEGS):
            if leg in self._newest:
                self._command(leg, float(command_nm[index]), now_ns)
        return self._sample(now_ns)

    def inject(self, fault: Fault) -> None:
        """See `Rig`: a real bench has the faults that somebody brings about with their hands."""
        raise UserError(f"rig phantom-serial: {fault.kind} cannot be injected here; on this rig it is done by hand")

    def close(self) -> None:
        """See `Rig`: no torque, then the port; the lease ends what the last line did not reach."""
        for leg in self._newest:
            self._send(leg, 0.0, 0)
        self.connection.close()
        self._newest.clear()

    def _command(self, leg: str, asked_nm: float, now_ns: int) -> None:
        torque_nm = min(max(asked_nm, -self._ceiling_nm), self._ceiling_nm) if math.isfinite(asked_nm) else 0.0
        if torque_nm != 0.0 and not self._usable(leg, now_ns):
            self.withheld += 1
            torque_nm = 0.0
        self._send(leg, torque_nm, now_ns)

    def _send(self, leg: str, torque_nm: float, now_ns: int) -> None:
        line = Command(self._sequence, max(now_ns, 0) // 1000, leg, torque_nm, _LEASE_MS)
        self.connection.send(encode(line), now_ns)
        self._sequence += 1

    def _usable(self, leg: str, now_ns: int) -> bool:
        """True where this leg's encoder and load cell have been heard of late."""
        newest = self._newest.get(leg)
        if newest is None or newest.angle_rad is None or newest.load_nm is None:
            return False
        return now_ns - self._heard_ns[leg] <= FRESH_NS

    def _sample(self, now_ns: int) -> RigSample:
        values = np.full((5, JOINTS), np.nan)
        valid = np.zeros(JOINTS, np.bool_)
        for index, leg in enumerate(LEGS):
            if (s := self._newest.get(leg)) is None:
                continue
            shown = (s.angle_rad, s.rate_radps, s.torque_nm, s.load_nm, s.pressure_pa)
            values[:, index] = [math.nan if value is None else value for value in shown]
            valid[index] = self._usable(leg, now_ns)
        reason = "" if any(valid) else self.connection.problem or "no fresh sample"
        angle, rate, torque, load, pressure = values
        nothing = np.full(JOINTS, np.nan)
        return RigSample(angle, rate, torque, load, nothing, pressure, valid, reason)
