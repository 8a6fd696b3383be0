"""Parameters of a phantom leg in a device: segments, cuffs, tissue, hinge, mesh; and the phantom of a person.

Frame: knee axis = y through the origin, x forward, z up, thigh above. Lengths along a segment count from the knee.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from edge_runtime.errors import UserError

SegmentName = Literal["thigh", "shank"]
SEGMENTS: Final[tuple[SegmentName, SegmentName]] = ("thigh", "shank")
MODULUS_RANGE_PA: Final = (10e3, 300e3)
POISSON_RANGE: Final = (0.15, 0.45)
"""Linear tetrahedra lock beyond; below, their correction is not fitted (`mesh_factor`)."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Soft tissue round one bone, from `near_m` to `far_m` from the knee; the skin is an ellipse whose radii
    (x, y) change linearly between the two ends. `bone_offset_m` (x, y): bone axis from the skin's centre."""

    near_m: float
    far_m: float
    bone_radius_m: float
    near_radii_m: tuple[float, float]
    far_radii_m: tuple[float, float]
    bone_offset_m: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        _above("segment: near_m", self.near_m, 0.0)
        _above("segment: far_m", self.far_m, self.near_m)
        _above("segment: bone_radius_m", self.bone_radius_m, 0.0)
        room = min(*self.near_radii_m, *self.far_radii_m) - math.hypot(*self.bone_offset_m)
        _above("segment: skin radius less bone offset", room, 1.1 * self.bone_radius_m)


@dataclass(frozen=True, slots=True)
class Cuff:
    """A stiff shell glued to the skin over `length_m` about `centre_m` from the knee.

    `wrap_rad` of it round the front (2 pi: closed); `prestrain` is how far it presses the skin inward, as a share of
    the distance to the limb's centre line.
    """

    centre_m: float
    length_m: float = 0.12
    wrap_rad: float = 2.0 * math.pi
    prestrain: float = 0.0

    def __post_init__(self) -> None:
        _above("cuff: length_m", self.length_m, 0.0)
        _between("cuff: wrap_rad", self.wrap_rad, 0.5, 2.0 * math.pi)
        _between("cuff: prestrain", self.prestrain, -0.1, 0.2)


@dataclass(frozen=True, slots=True)
class Layer:
    """Tissue from the layer below outward to `outer_share` of the way from bone to skin."""

    outer_share: float
    young_pa: float

    def __post_init__(self) -> None:
        _between("layer: outer_share", self.outer_share, 0.05, 1.0)
        _between("layer: young_pa", self.young_pa, *MODULUS_RANGE_PA)


@dataclass(frozen=True, slots=True)
class Material:
    """St. Venant-Kirchhoff tissue with Kelvin-Voigt loss: stress = E (strain + `loss_s` strain rate).

    `layers` from bone to skin replace `young_pa` where given. `stiffening` b makes stress exp(b^2 e^2) times larger at
    strain e (see `edge_runtime.tissue.svk`); 0 is none.
    """

    young_pa: float = 60e3
    poisson: float = 0.45
    loss_s: float = 0.02
    density_kgpm3: float = 1000.0
    layers: tuple[Layer, ...] = ()
    stiffening: float = 0.0

    def __post_init__(self) -> None:
        _between("material: young_pa", self.young_pa, *MODULUS_RANGE_PA)
        _between("material: poisson", self.poisson, *POISSON_RANGE)
        _between("material: loss_s", self.loss_s, 0.0, 1.0)
        _between("material: density_kgpm3", self.density_kgpm3, 100.0, 3000.0)
        _between("material: stiffening", self.stiffening, 0.0, 6.0)
        shares = [layer.outer_share for layer in self.layers]
        if shares and (shares != sorted(set(shares)) or shares[-1] != 1.0):
            raise UserError(f"material: layers end at {shares}; list them from bone to skin, the last at 1.0")

    def young_at(self, share: float) -> float:
        """Modulus, Pa, at `share` of the way from bone (0) to skin (1)."""
        return next((layer.young_pa for layer in self.layers if share <= layer.outer_share), self.young_pa)


@dataclass(frozen=True, slots=True)
class Device:
    """The exoskeleton: hinge axis from the knee's (x, z) in the thigh's frame, m; motor and frame.

    Each half of the frame (thigh, shank) has `frame_mass_kg` / 2 at its cuff's centre, `frame_inertia_kgm2` about it.
    """

    misalignment_m: tuple[float, float] = (0.0, 0.0)
    rotor_inertia_kgm2: float = 0.02
    frame_mass_kg: float = 0.6
    frame_inertia_kgm2: float = 0.003

    def __post_init__(self) -> None:
        for axis, value in zip("xz", self.misalignment_m, strict=True):
            _between(f"device: misalignment {axis}", value, -0.06, 0.06)
        _above("device: rotor_inertia_kgm2", self.rotor_inertia_kgm2, 0.0)
        _above("device: frame_mass_kg", self.frame_mass_kg, 0.0)
        _above("device: frame_inertia_kgm2", self.frame_inertia_kgm2, 0.0)


@dataclass(frozen=True, slots=True)
class Mesh:
    """Cells from bone to skin, round the limb, along it; six linear tetrahedra each."""

    radial: int = 2
    around: int = 12
    along: int = 8

    def __post_init__(self) -> None:
        if self.radial < 1 or self.around < 6 or self.around % 2 or self.along < 3:
            raise UserError(f"mesh {self}: needs at least 1 radial, 6 around (even), 3 along")


@dataclass(frozen=True, slots=True)
class Phantom:
    """One leg in one device: everything the finite-element model is built from."""

    thigh: Segment
    shank: Segment
    thigh_cuff: Cuff
    shank_cuff: Cuff
    material: Material = field(default_factory=Material)
    device: Device = field(default_factory=Device)
    mesh: Mesh = field(default_factory=Mesh)

    def __post_init__(self) -> None:
        for name in SEGMENTS:
            segment, cuff = self.segment(name), self.cuff(name)
            low, high = cuff.centre_m - cuff.length_m / 2, cuff.centre_m + cuff.length_m / 2
            if low <= segment.near_m or high >= segment.far_m:
                raise UserError(
                    f"{name} cuff: reaches from {low:.3f} to {high:.3f} m from the knee, the tissue from "
                    f"{segment.near_m:.3f} to {segment.far_m:.3f}; move or shorten the cuff"
                )

    def segment(self, name: SegmentName) -> Segment:
        """Tissue of that segment."""
        return self.thigh if name == "thigh" else self.shank

    def cuff(self, name: SegmentName) -> Cuff:
        """Cuff on that segment."""
        return self.thigh_cuff if name == "thigh" else self.shank_cuff


@dataclass(frozen=True, slots=True)
class _Share:
    """One segment as shares of stature and body mass, with its centre of mass from the upper end."""

    length: float
    mass: float
    centre: float
    density_kgpm3: float


_THIGH: Final = _Share(length=0.2425, mass=0.1416, centre=0.4095, density_kgpm3=1050.0)
_SHANK: Final = _Share(length=0.2493, mass=0.0433, centre=0.4395, density_kgpm3=1090.0)
"""Length, mass, centre of mass: men, hip to knee centre and knee centre to lateral malleolus: de Leva 1996, J. Biomech.
29:1223, table 4. Densities: Dempster 1955, in Winter 2009, Biomechanics and Motor Control of Human Movement, t. 4.1."""
_TISSUE: Final = (0.12, 0.68)
"""Modelled part of a segment, as shares of its length from the knee: an assumption; the rest feels no cuff."""
_CUFF_AT: Final = 0.40
"""Cuff centre as a share of the segment's length from the knee: an assumption about the device."""
_BONE_SHARE: Final = 0.0085
"""Bone radius as a share of stature, 15 mm at 1.76 m: an assumption of the phantom, not a measured bone."""


def phantom_for(height_m: float, mass_kg: float, mesh: Mesh | None = None) -> Phantom:
    """The leg of a person of that stature and mass with the default cuffs, tissue and device.

    Each segment is a frustum whose two end radii follow from its mass, density and centre of mass (sources above), so
    its girths are those of an average man of that build; put measured girths in with `with_girth`.
    """
    _between("height_m", height_m, 1.2, 2.2)
    _between("mass_kg", mass_kg, 30.0, 160.0)
    cuffs = [Cuff(_CUFF_AT * share.length * height_m, length_m=0.0686 * height_m) for share in (_THIGH, _SHANK)]
    thigh = _segment(_THIGH, height_m, mass_kg, knee_at=1.0)
    shank = _segment(_SHANK, height_m, mass_kg, knee_at=0.0)
    return Phantom(thigh, shank, cuffs[0], cuffs[1], mesh=mesh or Mesh())


def with_girth(segment: Segment, near_girth_m: float, far_girth_m: float) -> Segment:
    """That segment with measured circumferences at its two ends; ellipses keep their shape (Ramanujan 1914)."""
    near, far = (
        _scaled(radii, girth)
        for radii, girth in ((segment.near_radii_m, near_girth_m), (segment.far_radii_m, far_girth_m))
    )
    return replace(segment, near_radii_m=near, far_radii_m=far)


def _segment(share: _Share, height_m: float, mass_kg: float, knee_at: float) -> Segment:
    """Frustum cut to the modelled part; the knee is at the upper end of the shank (0) or the lower of the thigh (1)."""
    length = share.length * height_m
    ratio = _taper(share.centre)
    volume = share.mass * mass_kg / share.density_kgpm3
    upper = math.sqrt(3.0 * volume / (math.pi * length * (1.0 + ratio + ratio**2)))
    near, far = (upper * (1.0 + (ratio - 1.0) * abs(knee_at - at)) for at in _TISSUE)
    return Segment(
        _TISSUE[0] * length, _TISSUE[1] * length, _BONE_SHARE * height_m, (near, near), (far, far)
    )  # fmt: skip


def _taper(centre: float) -> float:
    """Ratio of the lower to the upper radius of a frustum whose centre of mass lies at `centre` of its length."""
    # centre = (1 + 2 t + 3 t^2) / (4 (1 + t + t^2)), a quadratic in t
    a, b, c = 3.0 - 4.0 * centre, 2.0 - 4.0 * centre, 1.0 - 4.0 * centre
    return (-b + math.sqrt(b * b - 4.0 * a * c)) / (2.0 * a)


def _scaled(radii: tuple[float, float], girth_m: float) -> tuple[float, float]:
    x, y = radii
    h = ((x - y) / (x + y)) ** 2
    factor = girth_m / (math.pi * (x + y) * (1.0 + 3.0 * h / (10.0 + math.sqrt(4.0 - 3.0 * h))))
    return factor * x, factor * y


def _above(what: str, value: float, low: float) -> None:
    if not (math.isfinite(value) and value > low):
        raise UserError(f"{what}: must be above {low:g}, got {value:g}")


def _between(what: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise UserError(f"{what}: must be from {low:g} to {high:g}, got {value:g}")
