"""The wearer's musculoskeletal model in the live path: MyoLegs, or the compiled model that the profile names."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol

import numpy as np

from calibration.profile import Profile
from edge_runtime.biomech.muscle_solve import Dynamics
from edge_runtime.biomech.pipeline import Biomechanics, legs_of
from edge_runtime.biomech.skeleton.format import load
from edge_runtime.biomech.skeleton.person import Person
from edge_runtime.errors import UserError
from edge_runtime.types import COORDINATES, F64, SIDES, SOLVED_DOFS, Grf, Kinematics, KneeLoad, Muscles
from engines.cache import sha256_hex

MASS_TOLERANCE: Final = 0.05
"""A model whose mass differs by more from the profile's is taken for somebody else's. A decision, not a measurement."""
_WARM_FRAMES: Final = 3


class Body(Protocol):
    """A frame in three timed parts, called in this order; one instance serves one stream of frames."""

    muscle_names: tuple[str, ...]

    def warm(self) -> None:
        """Compile and touch everything, then forget it."""

    def reset(self) -> None:
        """Forget the wearer's history."""

    def moments(self, kin: Kinematics, grf: Grf, exo_knee_nm: F64) -> F64:
        """Moments of the person's own tissues (Nm), in the model's own order; `exo_knee_nm` [2]."""

    def muscles(self, moment_nm: F64) -> Muscles:
        """The solve for those moments; reserves in `SOLVED_DOFS` order, NaN where the model has no such coordinate."""

    def knee(self, muscles: Muscles) -> KneeLoad:
        """Net moment and contact of both knees."""


class _Since:
    """Time from frame to frame where muscle dynamics are on; None where they bound nothing."""

    def __init__(self, dynamics: Dynamics) -> None:
        self._on = dynamics == "on"
        self._last_ns: int | None = None

    def reset(self) -> None:
        self._last_ns = None

    def dt_s(self, t_ns: int) -> float | None:
        last_ns, self._last_ns = self._last_ns, t_ns
        return (t_ns - last_ns) * 1e-9 if self._on and last_ns is not None else None


class MyoBody:
    """`Body` of MyoLegs."""

    def __init__(self, biomech: Biomechanics, dynamics: Dynamics = "off") -> None:
        self.muscle_names = biomech.muscle_names
        self._biomech, self._since, self._t_ns = biomech, _Since(dynamics), 0

    def warm(self) -> None:
        """See `Body`."""
        self._biomech.warm()

    def reset(self) -> None:
        """See `Body`."""
        self._biomech.reset()
        self._since.reset()

    def moments(self, kin: Kinematics, grf: Grf, exo_knee_nm: F64) -> F64:
        """See `Body`."""
        self._t_ns = kin.t_capture_ns
        return self._biomech.moments(kin, grf, exo_knee_nm)

    def muscles(self, moment_nm: F64) -> Muscles:
        """See `Body`."""
        return self._biomech.muscles(moment_nm, self._since.dt_s(self._t_ns))

    def knee(self, muscles: Muscles) -> KneeLoad:
        """See `Body`."""
        return self._biomech.knee(muscles)


class CompiledBody:
    """`Body` of a compiled OpenSim model: `Person.step_live` in three parts."""

    def __init__(self, person: Person, dynamics: Dynamics = "off") -> None:
        self.muscle_names = person.names.muscles
        self._person, self._since, self._t_ns = person, _Since(dynamics), 0
        both = [(k, person.solved.index(name)) for k, name in enumerate(SOLVED_DOFS) if name in person.solved]
        self._to, self._from = (list(column) for column in zip(*both, strict=True))

    def warm(self) -> None:
        """See `Body`."""
        rest, feet = np.zeros(len(COORDINATES)), np.zeros((len(SIDES), 3))
        kin = Kinematics(0, True, "", rest, rest, rest, rest, np.ones(len(COORDINATES), np.bool_))
        grf = Grf(0, True, "", feet, feet, np.zeros(len(SIDES)), feet)
        for _ in range(_WARM_FRAMES):
            self.knee(self.muscles(self.moments(kin, grf, np.zeros(len(SIDES)))))
        self.reset()

    def reset(self) -> None:
        """See `Body`."""
        self._person.reset()
        self._since.reset()

    def moments(self, kin: Kinematics, grf: Grf, exo_knee_nm: F64) -> F64:
        """See `Body`."""
        self._t_ns = kin.t_capture_ns
        return self._person.place_live(kin, grf, exo_knee_nm)

    def muscles(self, moment_nm: F64) -> Muscles:
        """See `Body`; the moments are those of the frame that was placed."""
        frame = self._person.balance(self._since.dt_s(self._t_ns))
        reserve = np.full(len(SOLVED_DOFS), np.nan)
        reserve[self._to] = frame.reserve_nm[self._from]
        return Muscles(
            frame.converged,
            frame.activation.copy(),
            frame.tension_n.copy(),
            reserve,
            frame.gradient_nm,
            frame.iterations,
            frame.activation >= 1.0,
            frame.capped,
        )

    def knee(self, muscles: Muscles) -> KneeLoad:
        """See `Body`."""
        knees = self._person.contact().knees
        total = knees.medial_n + knees.lateral_n
        return KneeLoad(self._person.knee_moments(), knees.medial_n.copy(), knees.lateral_n.copy(), total)


def body_of(profile: Profile, profile_path: Path) -> Body:
    """The model that the profile asks for. Raises UserError with one line where its compiled model cannot be used."""
    wearer, settings = profile.person, profile.muscles
    if not settings.model:
        return MyoBody(legs_of(wearer.height_m, wearer.mass_kg), settings.activation_dynamics)
    path = model_path(profile, profile_path)
    where = f"{profile_path}: `muscles.model`"
    try:
        if settings.sha256 and settings.sha256 != (found := sha256_hex(path)):
            raise UserError(
                f"{path} is another file than `muscles.sha256` says (it has {found}); restore the right one"
            )
        person = Person(load(path), wearer.height_m)
    except OSError as error:
        raise UserError(f"{where}: {path}: {error.strerror}; give a file made by exo-edge model compile") from None
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    if abs(person.mass_kg - wearer.mass_kg) > MASS_TOLERANCE * wearer.mass_kg:
        raise UserError(
            f"{where}: {path} is of a person of {person.mass_kg:.1f} kg, the profile of one of "
            f"{wearer.mass_kg:.1f} kg; name the wearer's own model, or compile it with --mass"
        )
    if missing := [f"knee_angle_{side}" for side in SIDES if f"knee_angle_{side}" not in person.solved]:
        raise UserError(f"{where}: {path}: no muscle moves {missing[0]}; compile a model with muscles at both knees")
    return CompiledBody(person, settings.activation_dynamics)


def model_path(profile: Profile, profile_path: Path) -> Path:
    """Where the compiled model lies: beside the profile, unless its path is absolute."""
    return profile_path.parent / profile.muscles.model
