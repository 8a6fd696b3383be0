"""The profile of one wearer and one device fit: TOML in, frozen validated values out, with a hash for the handshake."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

SCHEMA = 1


class ProfileError(RuntimeError):
    """A profile that cannot be used: says which file, which key and what is expected."""


@dataclass(frozen=True, slots=True)
class Person:
    """Body size: sets the musculoskeletal model and the scale of the picture."""

    height_m: float
    mass_kg: float


@dataclass(frozen=True, slots=True)
class Interface:
    """Reduced visco-elastic model between exoskeleton hinge and skeletal knee (one leg).

    Stiffness rises linearly with knee flexion from `stiffness_nm_per_rad` at 0 deg to `stiffness_80deg_nm_per_rad`
    at 80 deg. A Kelvin-Voigt element in parallel with one Maxwell branch (a standard linear solid).
    `transmission` is the share of the hinge torque that reaches the knee at rest (cuff geometry).
    """

    stiffness_nm_per_rad: float
    stiffness_80deg_nm_per_rad: float
    damping_nms_per_rad: float
    maxwell_nm_per_rad: float
    maxwell_time_s: float
    transmission: float
    inertia_kgm2: float
    viscous_nms_per_rad: float
    coulomb_nm: float


@dataclass(frozen=True, slots=True)
class Assist:
    """How much help: the share of the biological knee moment, and this wearer's ceiling (can only tighten limits)."""

    share: float
    ceiling_nm: float


@dataclass(frozen=True, slots=True)
class Muscles:
    """Musculoskeletal model and how it is solved; the whole table may be left out.

    `model` is a compiled OpenSim model (`exo-edge model compile`), its path relative to the profile; "" is MyoLegs,
    scaled by height and mass. `sha256` in hex pins that file, "" pins nothing. With `activation_dynamics` "on" muscles
    activate and deactivate no faster than in reality.
    """

    model: str = ""
    sha256: str = ""
    activation_dynamics: Literal["off", "on"] = "off"


@dataclass(frozen=True, slots=True)
class Tissue:
    """Reduced soft-tissue models of both legs (`exo-edge tissue reduce`); the whole table may be left out.

    Paths relative to the profile, "" where the leg has none; `hash_r`, `hash_l`: what the command says of the file,
    so that the profile's hash covers it (`calibration.reduced_tissue.tissue_of`).
    """

    file_r: str = ""
    hash_r: str = ""
    file_l: str = ""
    hash_l: str = ""


@dataclass(frozen=True, slots=True)
class Encoders:
    """The hinges' encoders on this wearer; the whole table may be left out.

    Angle of each hinge at a straight knee, and how well that is known (standard deviation). Left out: a brace put on by
    eye, not measured.
    """

    offset_r_rad: float = 0.0
    offset_l_rad: float = 0.0
    offset_sd_rad: float = math.radians(5.0)


@dataclass(frozen=True, slots=True)
class Profile:
    """One wearer with one device fit; `id` is pseudonymous; `provenance` says where the values come from."""

    id: str
    person: Person
    interface_r: Interface
    interface_l: Interface
    assist: Assist
    provenance: str
    muscles: Muscles = Muscles()
    tissue: Tissue = Tissue()
    encoders: Encoders = Encoders()

    @property
    def hash32(self) -> int:
        """First 32 bits of the SHA-256 of the canonical values, less what is left at its default: what both sides of
        the bus compare."""
        values = dataclasses.asdict(self)
        if self.muscles == Muscles():
            del values["muscles"]
        if self.tissue == Tissue():
            del values["tissue"]
        if self.encoders == Encoders():
            del values["encoders"]
        canonical = json.dumps(values, sort_keys=True, separators=(",", ":"))
        return int.from_bytes(hashlib.sha256(canonical.encode()).digest()[:4], "big")


_RANGES: dict[str, tuple[float, float]] = {
    "height_m": (1.2, 2.2),
    "mass_kg": (30.0, 160.0),
    "stiffness_nm_per_rad": (20.0, 5000.0),
    "stiffness_80deg_nm_per_rad": (20.0, 10000.0),
    "damping_nms_per_rad": (0.0, 50.0),
    "maxwell_nm_per_rad": (0.0, 5000.0),
    "maxwell_time_s": (0.005, 10.0),
    "transmission": (0.5, 1.0),
    "inertia_kgm2": (0.0, 0.5),
    "viscous_nms_per_rad": (0.0, 2.0),
    "coulomb_nm": (0.0, 3.0),
    "share": (0.0, 0.5),
    "ceiling_nm": (0.0, 20.0),
    "offset_r_rad": (-0.5, 0.5),
    "offset_l_rad": (-0.5, 0.5),
    "offset_sd_rad": (0.001, 0.35),
}

_T = TypeVar("_T")


def load_profile(path: Path) -> Profile:
    """Read and validate a profile. Raises ProfileError with one line that names the file and the key."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProfileError(
            f"{path}: no such profile; pass --profile FILE, or copy calibration/profiles/demo.toml"
        ) from None
    except OSError as error:
        raise ProfileError(f"{path}: cannot be read ({error.strerror}); name a profile file") from None
    except UnicodeDecodeError:
        raise ProfileError(f"{path}: not a text file; restore it from a backup") from None
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{path}: not valid TOML ({error}); mend that line or restore the file") from None
    if raw.pop("schema", None) != SCHEMA:
        raise ProfileError(f"{path}: `schema` must be {SCHEMA}; calibrate again with this version")
    return _build(Profile, raw, path, "")


def _build(cls: type[_T], raw: Any, path: Path, prefix: str) -> _T:
    if not isinstance(raw, dict):
        raise ProfileError(f"{path}: `{prefix.rstrip('.')}` must be a table")
    names = {f.name for f in fields(cls)}  # type: ignore[arg-type]
    if unknown := sorted(raw.keys() - names):
        raise ProfileError(f"{path}: unknown key `{prefix}{unknown[0]}`; remove it or mend its spelling")
    required = {f.name for f in fields(cls) if f.default is dataclasses.MISSING}  # type: ignore[arg-type]
    if missing := sorted(required - raw.keys()):
        raise ProfileError(f"{path}: key `{prefix}{missing[0]}` is missing; add it")
    hints = get_type_hints(cls)
    return cls(**{name: _value(hints[name], raw[name], path, f"{prefix}{name}") for name in sorted(raw)})


def _value(kind: Any, raw: Any, path: Path, name: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return _build(kind, raw, path, f"{name}.")  # type: ignore[arg-type]
    if get_origin(kind) is Literal:
        if raw not in get_args(kind):
            raise ProfileError(f"{path}: `{name}` must be one of {', '.join(get_args(kind))}, got {raw!r}")
        return raw
    if kind is str:
        if not isinstance(raw, str) or not raw:
            raise ProfileError(f"{path}: `{name}` must be a text that is not empty")
        return raw
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        raise ProfileError(f"{path}: `{name}` must be a finite number, got {raw!r}")
    low, high = _RANGES[name.rsplit(".", 1)[-1]]
    if not low <= raw <= high:
        raise ProfileError(f"{path}: `{name}` = {raw:g} is outside {low:g} to {high:g}; measure it again")
    return float(raw)
