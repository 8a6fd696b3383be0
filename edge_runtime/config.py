"""Device configuration: TOML in, one frozen validated struct out; unknown keys are errors."""

from __future__ import annotations

import math
import tomllib
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from edge_runtime.cameras.spec import CameraSpec, camera_spec
from edge_runtime.errors import UserError
from edge_runtime.wearer import WearerSpec, wearer_spec

DEFAULT_PATH: Final = Path(__file__).with_name("device.toml")


@dataclass(frozen=True, slots=True)
class Device:
    """One device. Core -1 leaves that thread unpinned, as does a core this machine lacks (with a warning)."""

    bus: str  # unix: for the simulated firmware of this process tree, unix:PATH for drives led by exo-edge drive run
    loop_core: int
    estimator_core: int
    loop_priority: int  # SCHED_FIFO; 0: ordinary scheduling
    estimator_priority: int  # SCHED_FIFO of its tick; the detector beside it stays ordinary
    actuator_delay_ms: float  # setpoint on the wire to torque at the motor
    rate_filter_hz: float  # low-pass of the firmware's hinge rate; a narrower one swings with the compensation
    virtual_estimator_ms: float  # lock-step runs: capture to intent, as a fixed time
    camera_rate_hz: float  # 0: the clip's own rate
    tissue_observer: str  # on: finite elements of both legs' tissue run beside the loop at camera rate; off
    tissue_budget_ms: float  # what they may take per frame; a second spent in frames over it turns them off
    certificate_days: float  # how long the certificate of an engine admits torque on hardware
    solve_budget_ms: float  # what inverse dynamics, muscle solve and knee contact of a frame may take together
    pose_engine: str = "full"  # lite, full, heavy, or an engine file (docs/cameras.md)
    camera: CameraSpec = field(default_factory=CameraSpec)  # the table [camera]: a live camera
    wearer: WearerSpec = field(default_factory=WearerSpec)  # the table [wearer]: where the wearer is first found


_RANGES: Final = {
    "loop_core": (-1, 1023),
    "estimator_core": (-1, 1023),
    "loop_priority": (0, 90),
    "estimator_priority": (0, 90),
    "actuator_delay_ms": (0.0, 5.0),
    "rate_filter_hz": (60.0, 1000.0),  # docs/tissue-inverse.md: stable from 60 Hz on, at 35 Hz it swings
    "virtual_estimator_ms": (0.0, 100.0),
    "camera_rate_hz": (0.0, 240.0),
    "certificate_days": (1.0, 3650.0),
    "solve_budget_ms": (0.01, 16.6),
    "tissue_budget_ms": (0.1, 100.0),
}


def load_device(path: Path = DEFAULT_PATH) -> Device:
    """Read and validate a device file. Raises UserError with one line that names the file and the key."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); pass --device FILE") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not valid TOML ({error}); mend that line") from None
    if "drive" in raw:
        raise UserError(f"{path}: this is a drives file, not a device file; pass it as --drives FILE")
    names = {f.name for f in fields(Device)}
    needed = {f.name for f in fields(Device) if f.default is MISSING and f.default_factory is MISSING}
    if unknown := sorted(raw.keys() - names):
        raise UserError(f"{path}: unknown key `{unknown[0]}`; known keys are {', '.join(sorted(names))}")
    if missing := sorted(needed - raw.keys()):
        raise UserError(f"{path}: key `{missing[0]}` is missing; add it")
    return Device(**{name: _checked(name, value, path) for name, value in raw.items()})


def _checked(name: str, value: Any, path: Path) -> Any:
    if name == "bus":
        if not isinstance(value, str) or ":" not in value:
            raise UserError(
                f"{path}: `bus` must be unix:, unix:PATH, socketcan:INTERFACE or serial:DEVICE, got {value!r}"
            )
        return value
    if name in ("camera", "wearer"):
        if not isinstance(value, dict):
            raise UserError(f"{path}: `{name}` must be a table, got {value!r}")
        return camera_spec(value, path) if name == "camera" else wearer_spec(value, path)
    if name == "pose_engine":
        if not isinstance(value, str) or not value:
            raise UserError(f"{path}: `pose_engine` must be lite, full, heavy or an engine file, got {value!r}")
        return value if "." not in value else str(path.parent / value)
    if name == "tissue_observer":
        if value not in ("on", "off"):
            raise UserError(f'{path}: `tissue_observer` must be "on" or "off", got {value!r}')
        return value
    low, high = _RANGES[name]
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not number or not low <= value <= high:
        raise UserError(f"{path}: `{name}` must be a number from {low:g} to {high:g}, got {value!r}")
    if isinstance(low, int) and value != int(value):
        raise UserError(f"{path}: `{name}` must be a whole number, got {value!r}")
    return int(value) if isinstance(low, int) else float(value)
