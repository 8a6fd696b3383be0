"""An episode: a scripted wearer, a scripted wish for torque, a plant and faults; what storms draw and replay.

No camera and no engine: intents come from formulas, so that an hour takes a minute.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge_runtime.assembly import LATENCY_NS
from edge_runtime.errors import UserError
from edge_runtime.intent import KNOT_SPACING_NS, KNOTS, new_intent
from hil.faults.model import Fault, read_faults

_PHASES: Final = np.array([0.0, math.pi])  # right and left leg


@dataclass(frozen=True, slots=True)
class Motion:
    """Knees swing as sines, half a stride apart; torque asked for is a sine too, plus a constant.

    `torque_lead_rad` 0: torque in phase with the knee's velocity, as one that helps; pi: against it.
    """

    stride_hz: float = 0.8
    middle_rad: float = 0.5
    swing_rad: float = 0.25
    torque_nm: float = 9.0
    torque_lead_rad: float = 0.0
    constant_nm: float = 0.0
    camera_hz: float = 30.0

    @property
    def frame_ns(self) -> int:
        """The camera's period."""
        return round(1e9 / self.camera_hz)


@dataclass(frozen=True, slots=True)
class Plant:
    """The simulated knee against the profile's: factors."""

    tissue_stiffness: float = 1.0
    wearer_stiffness: float = 1.0
    transmission: float = 1.0
    drive_delay_ms: float = 1.0


@dataclass(frozen=True, slots=True)
class Episode:
    """What is played: `seconds` from the moment the firmware is armed."""

    seconds: float = 10.0
    motion: Motion = Motion()
    plant: Plant = Plant()
    faults: tuple[Fault, ...] = ()


RANGES: Final[Mapping[str, Mapping[str, tuple[float, float]]]] = {
    "motion": {
        "stride_hz": (0.1, 1.5),
        "middle_rad": (0.0, 1.2),
        "swing_rad": (0.0, 0.6),
        "torque_nm": (0.0, 60.0),
        "torque_lead_rad": (-math.pi, math.pi),
        "constant_nm": (-60.0, 60.0),
        "camera_hz": (30.0, 120.0),
    },
    "plant": {
        "tissue_stiffness": (0.2, 5.0),
        "wearer_stiffness": (0.1, 10.0),
        "transmission": (0.1, 1.5),
        "drive_delay_ms": (0.0, 5.0),
    },
}
"""What a file may hold."""


class MotionScript:
    """Intents of a motion; the array is reused."""

    def __init__(self, motion: Motion) -> None:
        self._motion = motion
        self._omega = 2.0 * math.pi * motion.stride_hz
        self._intent = new_intent()
        self._ahead_s = np.arange(KNOTS) * KNOT_SPACING_NS * 1e-9

    def intent(self, capture_ns: int, capture_s: float) -> npt.NDArray[Any]:
        """Intent of a frame captured at `capture_ns` on the host's clock, `capture_s` into the motion."""
        motion, record = self._motion, self._intent[0]
        record["sequence"] += 1
        record["t_capture_ns"], record["t_act_ns"] = capture_ns, capture_ns + LATENCY_NS
        record["frame_ns"], record["valid"] = motion.frame_ns, 1
        phase = self._omega * (capture_s + LATENCY_NS * 1e-9 + self._ahead_s)[None, :] + _PHASES[:, None]
        record["torque_nm"][:] = motion.torque_nm * np.cos(phase + motion.torque_lead_rad) + motion.constant_nm
        record["knee_rad"][:] = motion.middle_rad + motion.swing_rad * np.sin(phase)
        return self._intent


def read_episode(path: Path) -> Episode:
    """Read an episode's TOML file. UserError, one line, names file and key."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path}: not TOML ({error})") from error
    if unknown := [key for key in document if key not in ("seconds", "motion", "plant", "fault")]:
        raise UserError(f'{path}: unknown key "{unknown[0]}"; allowed: seconds, motion, plant, fault')
    return Episode(
        seconds=_number(document, "seconds", 10.0, (0.1, 1e5), str(path)),
        motion=Motion(**_numbers(document, "motion", asdict(Motion()), path)),
        plant=Plant(**_numbers(document, "plant", asdict(Plant()), path)),
        faults=read_faults(document.get("fault", []), str(path)),
    )


def write_episode(episode: Episode, path: Path, remarks: tuple[str, ...] = ()) -> None:
    """Write the file that `read_episode` reads; `remarks` go to its head."""
    lines = [f"# {remark}" for remark in remarks]
    lines.append(f"seconds = {episode.seconds!r}")
    for name, part in (("motion", episode.motion), ("plant", episode.plant)):
        lines += ["", f"[{name}]", *(f"{f.name} = {getattr(part, f.name)!r}" for f in fields(part))]
    for fault in episode.faults:
        lines += ["", "[[fault]]", *(f"{key} = {_toml(value)}" for key, value in fault.table().items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _toml(value: float | str | int) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _numbers(document: Mapping[str, Any], name: str, defaults: Mapping[str, float], path: Path) -> dict[str, float]:
    table, ranges = document.get(name, {}), RANGES[name]
    if unknown := [key for key in table if key not in ranges]:
        raise UserError(f'{path}: [{name}] unknown key "{unknown[0]}"; allowed: {", ".join(ranges)}')
    return {key: _number(table, key, defaults[key], span, f"{path}: [{name}]") for key, span in ranges.items()}


def _number(table: Mapping[str, Any], key: str, default: float, span: tuple[float, float], where: str) -> float:
    value = table.get(key, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not span[0] <= value <= span[1]:
        raise UserError(f"{where}: {key} = {value!r} must be a number from {span[0]:g} to {span[1]:g}")
    return float(value)
