"""A scenario as data: what a bench engineer writes in TOML, and how it is read. docs/hil.md lists the keys."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import calibration
from edge_runtime.errors import UserError
from hil.faults.model import Fault, read_faults
from hil.motion import MOTIONS, Gait, Motion
from hil.toml_schema import build, load_toml, one_of, values_of, within
from hil.wish import WISHES, Assist, Wish

SCHEMA: Final = 1
LEAD_S: Final = 1.5
"""Before a scenario begins: the leg stands in its first pose while host and governor arm."""
TAIL_S: Final = 0.5
"""After its end: torque runs down."""
FOLDER: Final = Path(__file__).with_name("scenarios")
DEMO_PROFILE: Final = Path(calibration.__file__).with_name("profiles") / "demo.toml"
RIGS: Final = ("phantom-sim", "firmware", "phantom-serial")


@dataclass(frozen=True, slots=True)
class Tissue:
    """Gel of the phantom. `misalignment_mm`: hinge off the knee's axis, x forward and z up, which compensation does not
    know of."""

    young_kpa: float = field(default=60.0, metadata=within(10.0, 300.0))
    misalignment_mm: tuple[float, float] = field(default=(0.0, 0.0), metadata=within(-40.0, 40.0))


@dataclass(frozen=True, slots=True)
class Drive:
    """Drive and hinge between governor and phantom; defaults are those of the simulated firmware's drive."""

    delay_ms: float = field(default=1.0, metadata=within(0.0, 10.0))
    bandwidth_hz: float = field(default=100.0, metadata=within(5.0, 1000.0))
    viscous_nms_per_rad: float = field(default=0.05, metadata=within(0.0, 2.0))
    coulomb_nm: float = field(default=0.2, metadata=within(0.0, 3.0))
    torque_noise_nm: float = field(default=0.02, metadata=within(0.0, 2.0))
    """Standard deviation of the torque sensor's noise."""


@dataclass(frozen=True, slots=True)
class Wearer:
    """Who the knee belongs to: locked in a frame, driven by somebody who gives way as the impedance says, or free.

    A locked knee stays at `locked_deg`, or in the motion's first pose where that is left out; the motion's moment goes
    on.
    """

    knee: str = field(default="driven", metadata=one_of("locked", "driven", "free"))
    locked_deg: float | None = field(default=None, metadata=within(-5.0, 110.0))
    stiffness_nm_per_rad: float = field(default=150.0, metadata=within(0.0, 2000.0))
    damping_nms_per_rad: float = field(default=6.0, metadata=within(0.0, 100.0))
    inertia_kgm2: float = field(default=0.3, metadata=within(0.05, 2.0))


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens to the leg: `limp` (the wearer gives no more than `size` of their impedance), `stumble`
    (the knee is bent by `size` deg and comes back), `cuff_slip` (the device slides down by `size` mm)."""

    kind: str = field(metadata=one_of("limp", "stumble", "cuff_slip"))
    at_s: float = field(metadata=within(0.0, 86400.0))
    for_s: float = field(default=0.3, metadata=within(0.01, 86400.0))
    size: float = field(default=0.0, metadata=within(-90.0, 90.0))


@dataclass(frozen=True, slots=True)
class Bound:
    """One measure (`hil.scores.MEASURES`) and what it must keep; `unit` must be the measure's own."""

    name: str
    unit: str
    min: float | None = None
    max: float | None = None


@dataclass(frozen=True, slots=True)
class Expect:
    """What is right for this scenario. `verdict`: fail where the bounds are meant to be broken (a control).

    `arms`: no where host and governor must not arm. `safe`: reasons of the governor with which SAFE may and must be
    entered, none where empty; `events`, `limiter`: event codes and limiter reasons that must be seen.
    """

    verdict: str = field(default="pass", metadata=one_of("pass", "fail"))
    arms: str = field(default="yes", metadata=one_of("yes", "no"))
    safe: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    limiter: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """One run of the bench. Times count from the first frame, after host and governor have armed.

    `fidelity`: tissue of the right leg as finite elements (full) or all legs reduced. `compensation` off lets the
    wished torque through as it is. `fit` is how the torque loop knows the tissue: `static`, scaled to what the hinge
    does under 5 Nm, as a calibration finds; `none`, the profile's own values.
    """

    name: str
    title: str
    seconds: float = field(metadata=within(0.5, 86400.0))
    motion: Motion
    wish: Wish
    rig: str = field(default="phantom-sim", metadata=one_of(*RIGS))
    fidelity: str = field(default="reduced", metadata=one_of("reduced", "full"))
    firmware: str = field(default="process", metadata=one_of("process", "box"))
    seed: int = field(default=0, metadata=within(0, 2**32 - 1))
    from_s: float = field(default=1.2, metadata=within(0.0, 3600.0))
    """Measures count from here on: assistance takes 0.8 s to grow."""
    profile: str = ""
    compensation: str = field(default="on", metadata=one_of("on", "off"))
    fit: str = field(default="static", metadata=one_of("static", "none"))
    tissue: Tissue = Tissue()
    drive: Drive = Drive()
    wearer: Wearer = Wearer()
    event: tuple[Event, ...] = ()
    faults: tuple[Fault, ...] = ()
    measure: tuple[Bound, ...] = ()
    expect: Expect = Expect()
    tags: tuple[str, ...] = ()

    @property
    def profile_path(self) -> Path:
        """The wearer's profile; the demo's where none is named."""
        return Path(self.profile) if self.profile else DEMO_PROFILE


def load_scenario(path: Path) -> Scenario:
    """Read and check one file. Raises UserError with one line that names the file and the key."""
    from hil.scores import check_bounds

    raw = load_toml(path)
    if raw.pop("schema", None) != SCHEMA:
        raise UserError(f"{path}: `schema` must be {SCHEMA}")
    raw.setdefault("name", path.stem)
    motion = _chosen(MOTIONS, raw.pop("motion", None), path, "motion", Gait())
    wish = _chosen(WISHES, raw.pop("wish", None), path, "wish", Assist())
    faults = read_faults(raw.pop("fault", ()), str(path))
    rest = values_of(Scenario, raw, path, besides=("motion", "wish", "faults"))
    scenario = Scenario(motion=motion, wish=wish, faults=faults, **rest)
    check_bounds(scenario.measure, path)
    _check_times(scenario, path)
    if scenario.profile:
        return dataclasses.replace(scenario, profile=str(path.parent / scenario.profile))
    return scenario


def find(words: list[str]) -> list[Path]:
    """Files of scenarios given by name (of the shipped ones) or by path. Raises UserError where there is none."""
    found = []
    for word in words:
        path = Path(word) if word.endswith(".toml") else FOLDER / f"{word}.toml"
        if not path.is_file():
            raise UserError(f"{word}: no such scenario; `exo-edge hil list` names them, or pass a file NAME.toml")
        found.append(path)
    return found


def shipped() -> list[Path]:
    """All files that come with the product, by name."""
    return sorted(FOLDER.glob("*.toml"))


def _chosen(kinds: dict[str, Any], raw: Any, path: Path, name: str, default: Any) -> Any:
    if raw is None:
        return default
    if not isinstance(raw, dict) or raw.get("kind") not in kinds:
        raise UserError(f"{path}: `{name}.kind` must be one of {', '.join(kinds)}")
    rest = {key: value for key, value in raw.items() if key != "kind"}
    if name == "motion" and "file" in rest:
        rest["file"] = str(path.parent / str(rest["file"]))
    return build(kinds[raw["kind"]], rest, path, f"{name}.")


def _check_times(scenario: Scenario, path: Path) -> None:
    late = [f"fault {f.kind}" for f in scenario.faults if f.start_s >= scenario.seconds]
    late += [f"event {e.kind}" for e in scenario.event if e.at_s >= scenario.seconds]
    if late:
        raise UserError(
            f"{path}: {late[0]} begins after the end ({scenario.seconds:g} s); move it or make `seconds` longer"
        )
    if scenario.from_s >= scenario.seconds:
        raise UserError(f"{path}: `from_s` = {scenario.from_s:g} is not before the end ({scenario.seconds:g} s)")
