"""What a parameter study varies: TOML in, a list of cases out. Cuffs x tissues x knee angles x misalignments."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, fields, replace
from itertools import product
from pathlib import Path
from typing import Any, Final

from edge_runtime.errors import UserError
from edge_runtime.tissue.geometry import Layer, Phantom, phantom_for


@dataclass(frozen=True, slots=True)
class StudyCuff:
    """Both cuffs of a case."""

    name: str
    length_m: float = 0.12
    prestrain: float = 0.0
    wrap_deg: float = 360.0


@dataclass(frozen=True, slots=True)
class StudyTissue:
    """Tissue of a case; `layers` (share of the way from bone to skin where it ends, kPa) replace `young_kpa`."""

    name: str
    young_kpa: float = 60.0
    loss_s: float = 0.02
    stiffening: float = 0.0
    layers: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Study:
    """A person, the torque, and what is varied."""

    height_m: float
    mass_kg: float
    torque_nm: float
    knee_deg: tuple[float, ...]
    misalignment_mm: tuple[tuple[float, float], ...]
    cuff: tuple[StudyCuff, ...]
    tissue: tuple[StudyTissue, ...]

    def cases(self) -> list[Case]:
        """All combinations, tissue by tissue."""
        return [
            Case(self.height_m, self.mass_kg, self.torque_nm, cuff, tissue, knee, offset)
            for tissue, cuff, knee, offset in product(self.tissue, self.cuff, self.knee_deg, self.misalignment_mm)
        ]


@dataclass(frozen=True, slots=True)
class Case:
    """One combination; `misalignment_mm` (x forward, z up) is the hinge's from the knee."""

    height_m: float
    mass_kg: float
    torque_nm: float
    cuff: StudyCuff
    tissue: StudyTissue
    knee_deg: float
    misalignment_mm: tuple[float, float]

    @property
    def key(self) -> str:
        """Everything that the result depends on, as text."""
        return repr(asdict(self))

    def phantom(self) -> Phantom:
        """The leg in the device. Raises UserError where the numbers do not make one."""
        leg = phantom_for(self.height_m, self.mass_kg)
        shape = {"length_m": self.cuff.length_m, "prestrain": self.cuff.prestrain}
        wrap = {"wrap_rad": self.cuff.wrap_deg * 3.141592653589793 / 180.0}
        tissue = self.tissue
        layers = tuple(Layer(share, 1e3 * kpa) for share, kpa in tissue.layers)
        material = replace(
            leg.material, young_pa=1e3 * tissue.young_kpa, loss_s=tissue.loss_s, stiffening=tissue.stiffening,
            layers=layers,
        )  # fmt: skip
        x, z = self.misalignment_mm
        return replace(
            leg,
            material=material,
            device=replace(leg.device, misalignment_m=(x / 1e3, z / 1e3)),
            thigh_cuff=replace(leg.thigh_cuff, **shape, **wrap),
            shank_cuff=replace(leg.shank_cuff, **shape, **wrap),
        )


DEFAULTS: Final = Study(
    height_m=1.75,
    mass_kg=75.0,
    torque_nm=8.0,
    knee_deg=(0.0, 40.0, 80.0),
    misalignment_mm=((0.0, 0.0), (20.0, 0.0), (0.0, 20.0)),
    cuff=(
        StudyCuff("8 cm", 0.08),
        StudyCuff("12 cm", 0.12),
        StudyCuff("12 cm, tight", 0.12, prestrain=0.05),
    ),
    tissue=(
        StudyTissue("soft, 25 kPa", 25.0),
        StudyTissue("60 kPa", 60.0),
        StudyTissue("muscle 90, fat 30 kPa", 60.0, layers=((0.5, 90.0), (1.0, 30.0))),
    ),
)
"""`exo-edge tissue study defaults`."""


def load_study(path: Path) -> Study:
    """Read and validate a study. Raises UserError with one line that names the file and the key."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); name a study file, or `defaults`") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not valid TOML ({error}); mend that line") from None
    values: dict[str, Any] = {f.name: getattr(DEFAULTS, f.name) for f in fields(Study)}
    _known(raw, values, str(path))
    try:
        values |= {key: raw[key] for key in ("height_m", "mass_kg", "torque_nm") if key in raw}
        values |= {key: tuple(map(float, raw[key])) for key in ("knee_deg",) if key in raw}
        if "misalignment_mm" in raw:
            values["misalignment_mm"] = tuple((float(x), float(z)) for x, z in raw["misalignment_mm"])
        for key, kind in (("cuff", StudyCuff), ("tissue", StudyTissue)):
            if key in raw:
                values[key] = tuple(_entry(kind, entry, f"{path}: [[{key}]]") for entry in raw[key])
        study = Study(**values)
        _check(study)
    except (TypeError, ValueError) as error:
        raise UserError(f"{path}: {error}; see docs/tissue-observer.md for the form of each key") from None
    return study


def _entry(kind: Any, raw: Any, where: str) -> Any:
    if not isinstance(raw, dict) or "name" not in raw:
        raise UserError(f"{where}: each needs a `name`")
    _known(raw, [f.name for f in fields(kind)], where)
    if "layers" in raw:
        raw = raw | {"layers": tuple((float(share), float(kpa)) for share, kpa in raw["layers"])}
    return kind(**raw)


def _known(raw: Any, names: Any, where: str) -> None:
    if unknown := sorted(raw.keys() - set(names)):
        raise UserError(f"{where}: unknown key `{unknown[0]}`; known keys are {', '.join(sorted(names))}")


def _check(study: Study) -> None:
    """Names are labels of the table and the plots, so no two alike; every case must make a leg."""
    for key, entries in (("cuff", study.cuff), ("tissue", study.tissue)):
        names = [entry.name for entry in entries]
        if not names or len(set(names)) < len(names):
            raise UserError(f"study: [[{key}]] needs at least one entry, each with a name of its own; got {names}")
    if not study.knee_deg or not study.misalignment_mm:
        raise UserError("study: `knee_deg` and `misalignment_mm` need at least one entry each")
    if not all(0.0 <= knee <= 120.0 for knee in study.knee_deg) or not 0.1 <= study.torque_nm <= 100.0:
        raise UserError("study: `knee_deg` must be from 0 to 120, `torque_nm` from 0.1 to 100")
    for case in study.cases():
        case.phantom()
