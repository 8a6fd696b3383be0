"""Reduced soft-tissue model of one leg as a TOML file: identification writes it, the runtime reads it."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Literal, get_type_hints

from calibration.profile import Profile, ProfileError

SCHEMA: Final = 1
DEGREE: Final = 4
ARMS: Final = 3
MODES: Final = 4

Row = tuple[float, ...]
Rows = tuple[Row, ...]


def _in(low: float, high: float, *shape: int) -> dict[str, Any]:
    """What a field holds: finite numbers of that shape (none: one number; -1: any length) from `low` to `high`."""
    return {"low": low, "high": high, "shape": shape}


@dataclass(frozen=True, slots=True)
class CuffTissue:
    """Tissue under one cuff: energy of the pose (ux, uz, phi) of cuff against bone, and the mass that moves with it.

    `terms`: rows (a, b, d, J): a term J (ux / reach_x)^a (uz / reach_z)^b (phi / reach_phi)^d. `loss`, `mass`,
    `swing`, `centrifugal`, `gyration`: see `edge_runtime.tissue.energy.CUFF`. `error`: of the force within reach, as a
    share of it, cross-validated; `growth`: what being beyond by once the reach adds.
    `modes`: rows (square of the angular frequency, coupling to the bone's turning, to its square, to the pose's rate).
    """

    terms: Rows = field(metadata=_in(-1e4, 1e4, -1, 4))
    reach: Row = field(metadata=_in(1e-4, 1.0, 3))
    loss: Rows = field(metadata=_in(-1e7, 1e7, 6, 10))
    error: float = field(metadata=_in(0.0, 1.0))
    growth: float = field(metadata=_in(0.0, 100.0))
    posture_per_rad: float = field(metadata=_in(-0.5, 5.0))
    centre_m: Row = field(metadata=_in(-0.6, 0.6, 2))
    mass: Rows = field(metadata=_in(-20.0, 20.0, 3, 3))
    swing: Row = field(metadata=_in(-10.0, 10.0, 3))
    centrifugal: Row = field(metadata=_in(-10.0, 10.0, 3))
    gyration: Rows = field(metadata=_in(-10.0, 10.0, 3, 3))
    modes: Rows = field(metadata=_in(-1e9, 1e9, MODES, 6))


@dataclass(frozen=True, slots=True)
class ReducedTissue:
    """One leg in its device; field names as in `edge_runtime.tissue.linkage.INTERFACE`, links thigh then shank.

    `stiffness` multiplies both energies; it is known to lie between `stiffness_low` and `stiffness_high`. `torque_nm`:
    up to which hinge torque the poses were identified. `provenance` says what the values come from.
    """

    provenance: str
    young_pa: float = field(metadata=_in(1e3, 1e6))
    torque_nm: float = field(metadata=_in(0.1, 100.0))
    stiffness: float = field(metadata=_in(0.02, 50.0))
    stiffness_low: float = field(metadata=_in(0.02, 50.0))
    stiffness_high: float = field(metadata=_in(0.02, 50.0))
    stiffness_bias: float = field(metadata=_in(1.0, 2.0))
    kelvin_time_s: float = field(metadata=_in(0.0, 1.0))
    arm_share: Row = field(metadata=_in(0.0, 20.0, ARMS))
    arm_time_s: Row = field(metadata=_in(1e-3, 1e3, ARMS))
    misalignment_m: Row = field(metadata=_in(-0.1, 0.1, 2))
    link_mass_kg: Row = field(metadata=_in(1e-3, 10.0, 2))
    link_com_m: Rows = field(metadata=_in(-0.6, 0.6, 2, 2))
    link_inertia_kgm2: Row = field(metadata=_in(1e-6, 1.0, 2))
    rotor_inertia_kgm2: float = field(metadata=_in(1e-6, 0.5))
    viscous_nms_per_rad: float = field(metadata=_in(0.0, 2.0))
    coulomb_nm: float = field(metadata=_in(0.0, 3.0))
    thigh: CuffTissue
    shank: CuffTissue

    @property
    def hash32(self) -> int:
        """First 32 bits of the SHA-256 of the file's text."""
        return int.from_bytes(hashlib.sha256(as_toml(self).encode()).digest()[:4], "big")


def tissue_of(profile: Profile, path: Path, side: Literal["r", "l"]) -> ReducedTissue | None:
    """The leg's model that the profile at `path` names, None where it names none. Raises ProfileError where the file
    is not the one whose hash the profile has."""
    name, known = getattr(profile.tissue, f"file_{side}"), getattr(profile.tissue, f"hash_{side}")
    if not name:
        return None
    tissue = load_tissue(path.parent / name)
    found = f"{tissue.hash32:08x}"
    if known != found:
        raise ProfileError(
            f"{path}: `tissue.hash_{side}` is {known or 'missing'}, {name} has {found}; "
            "see that it is this wearer's, then put that in"
        )
    return tissue


def tissues_of(profile: Profile, path: Path) -> dict[str, ReducedTissue]:
    """The legs (`r`, `l`) whose model the profile at `path` names; see `tissue_of`."""
    found = {"r": tissue_of(profile, path, "r"), "l": tissue_of(profile, path, "l")}
    return {side: tissue for side, tissue in found.items() if tissue is not None}


def as_toml(tissue: ReducedTissue) -> str:
    """The file's text; `load_tissue` reads the same values back."""
    lines = ["# Reduced soft-tissue model of one leg, from `exo-edge tissue reduce`.", f"schema = {SCHEMA}"]
    lines += _lines(tissue)
    for name in ("thigh", "shank"):
        lines += ["", f"[{name}]", *_lines(getattr(tissue, name))]
    return "\n".join(lines) + "\n"


def save_tissue(tissue: ReducedTissue, path: Path) -> None:
    """Write the file. Raises ProfileError where it cannot be written."""
    try:
        path.write_text(as_toml(tissue), encoding="utf-8")
    except OSError as error:
        raise ProfileError(f"{path}: cannot be written ({error.strerror}); name a file in a folder of yours") from None


def load_tissue(path: Path) -> ReducedTissue:
    """Read and validate. Raises ProfileError with one line that names the file and the key."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProfileError(f"{path}: cannot be read ({error.strerror}); run `exo-edge tissue reduce`") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProfileError(f"{path}: not valid TOML ({error}); make it again with `exo-edge tissue reduce`") from None
    if raw.pop("schema", None) != SCHEMA:
        raise ProfileError(f"{path}: `schema` must be {SCHEMA}; make it again with `exo-edge tissue reduce`")
    tissue: ReducedTissue = _read(ReducedTissue, raw, path, "")
    if not tissue.stiffness_low <= tissue.stiffness <= tissue.stiffness_high:
        raise ProfileError(f"{path}: `stiffness` must lie between `stiffness_low` and `stiffness_high`")
    for name in ("thigh", "shank"):
        _check_terms(getattr(tissue, name).terms, path, name)
    return tissue


def _lines(values: Any) -> Iterator[str]:
    for f in fields(values):
        value = getattr(values, f.name)
        if dataclasses.is_dataclass(value):
            continue
        if isinstance(value, str):
            yield f'{f.name} = "{_escaped(value)}"'
        elif f.name == "terms":
            yield "terms = ["
            yield from (f"  [{a:g}, {b:g}, {d:g}, {energy!r}]," for a, b, d, energy in value)
            yield "]"
        elif f.name in ("loss", "modes"):
            yield f"{f.name} = ["
            yield from (f"  {_toml(row)}," for row in value)
            yield "]"
        else:
            yield f"{f.name} = {_toml(value)}"


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return repr(float(value))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


def _read(cls: Any, raw: Any, path: Path, prefix: str) -> Any:
    if not isinstance(raw, dict):
        raise ProfileError(f"{path}: `{prefix.rstrip('.')}` must be a table")
    known = {f.name: f for f in fields(cls)}
    if unknown := sorted(raw.keys() - known.keys()):
        raise ProfileError(f"{path}: unknown key `{prefix}{unknown[0]}`; remove it or mend its spelling")
    if missing := sorted(known.keys() - raw.keys()):
        raise ProfileError(f"{path}: key `{prefix}{missing[0]}` is missing; add it")
    hints, values = get_type_hints(cls), {}
    for name, f in known.items():
        where = f"{prefix}{name}"
        if dataclasses.is_dataclass(hints[name]):
            values[name] = _read(hints[name], raw[name], path, f"{where}.")
        elif hints[name] is str:
            if not isinstance(raw[name], str) or not raw[name]:
                raise ProfileError(f"{path}: `{where}` must be a text that is not empty")
            values[name] = raw[name]
        else:
            values[name] = _shaped(raw[name], f.metadata["shape"], f.metadata, f"{path}: `{where}`")
    return cls(**values)


def _shaped(raw: Any, shape: tuple[int, ...], limits: Any, where: str) -> Any:
    if shape:
        if not isinstance(raw, list) or (shape[0] >= 0 and len(raw) != shape[0]) or not raw:
            count = f"{shape[0]} entries" if shape[0] >= 0 else "at least one row"
            raise ProfileError(f"{where} must be a list of {count}")
        return tuple(_shaped(item, shape[1:], limits, where) for item in raw)
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        raise ProfileError(f"{where} must hold finite numbers, got {raw!r}")
    if not limits["low"] <= raw <= limits["high"]:
        raise ProfileError(f"{where}: {raw:g} is outside {limits['low']:g} to {limits['high']:g}; identify it again")
    return float(raw)


def _check_terms(terms: Rows, path: Path, name: str) -> None:
    seen = set()
    for *powers, _ in terms:
        whole = all(p >= 0 and p == int(p) for p in powers)
        if not whole or not 1 <= sum(powers) <= DEGREE or tuple(powers) in seen:
            raise ProfileError(
                f"{path}: `{name}.terms` has powers {powers}; three whole numbers, sum 1 to {DEGREE}, each row once"
            )
        seen.add(tuple(powers))
