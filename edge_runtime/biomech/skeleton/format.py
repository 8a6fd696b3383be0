"""The compiled model as arrays, and its .npz file."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from edge_runtime.errors import UserError
from edge_runtime.types import F64

I64 = npt.NDArray[np.int64]

FORMAT: Final = 2
GROUND: Final = 0
NONE: Final = -1


class Functions(NamedTuple):
    """Piecewise polynomials: pieces `first[i]` to `first[i + 1]` belong to function i; piece p is
    sum coefficient[p, k] (x - knot[p])^k from knot[p] on."""

    first: I64
    knot: F64
    coefficient: F64


class Tree(NamedTuple):
    """Bodies and joints. Body 0 is the ground; joint j carries body j + 1, and parents come first.

    A joint is six axes as in OpenSim's SpatialTransform: three successive rotations, then translations in the parent's
    joint frame, each a function of one coordinate. Positions m, masses kg, inertia kg m² about the mass centre.
    """

    parent: I64  # [J] body
    parent_rotation: F64  # [J, 3, 3] joint frame in the parent body
    parent_position: F64  # [J, 3]
    child_rotation: F64  # [J, 3, 3] joint frame in the child body
    child_position: F64  # [J, 3]
    axis: F64  # [J, 6, 3] in the joint frame
    coordinate: I64  # [J, 6] coordinate that moves it, NONE where nothing does
    function: I64  # [J, 6] its function, NONE where nothing moves it
    mass: F64  # [J] of the carried body
    com: F64  # [J, 3]
    inertia: F64  # [J, 3, 3]
    gravity: F64  # [3]
    coupled: I64  # [K] dependent coordinates
    driver: I64  # [K] what each depends on
    coupling: I64  # [K] function
    locked: I64  # [C] 1 where the model holds a coordinate still
    neutral: F64  # [C] its default value


class Basis(NamedTuple):
    """Monomials of scaled coordinates, one set per group of muscles that span the same coordinates.

    Group g has dimension `dimension[g]`, coordinates `span[g]`, and terms `term_first[g]` to `term_first[g + 1]`: the
    product over k of ((q[span[g, k]] - centre) / spread) to the power `exponent[term, k]`.
    """

    dimension: I64  # [G]
    span: I64  # [G, S]
    term_first: I64  # [G + 1]
    exponent: I64  # [T, S]
    centre: F64  # [C]
    spread: F64  # [C]


class Rows(NamedTuple):
    """Polynomials over a `Basis`: rows `first[g]` to `first[g + 1]` belong to group g, row r to muscle `muscle[r]`.

    The coefficients of row r start at `start[r]`, one per term of the group.
    """

    first: I64  # [G + 1]
    muscle: I64  # [R]
    start: I64  # [R]
    coefficient: F64


class Muscles(NamedTuple):
    """Hill parameters [n]; curves are functions of fibre length (optimal lengths) and fibre velocity (maximal)."""

    force_n: F64  # isometric
    optimal_m: F64  # fibre
    slack_m: F64  # tendon
    pennation_rad: F64  # at optimal fibre length
    velocity_max: F64  # optimal lengths per s
    active: I64
    passive: I64
    velocity: I64


class Skeleton(NamedTuple):
    """One person's model as compiled code takes it."""

    tree: Tree
    functions: Functions
    basis: Basis
    lengths: Rows  # muscle-tendon length, m
    pulls: Rows  # six rows per muscle and knee it crosses: see `pull_joint`
    pull_joint: I64  # [pull rows / 6] joint of the knee; rows are force x, y, z and moment x, y, z about its centre
    muscles: Muscles


class Names(NamedTuple):
    """What the arrays' indices mean."""

    bodies: tuple[str, ...]  # of joint j's carried body
    joints: tuple[str, ...]
    coordinates: tuple[str, ...]
    muscles: tuple[str, ...]


class Compiled(NamedTuple):
    """The content of a compiled model's file."""

    skeleton: Skeleton
    names: Names
    source: str  # name and sha256 of the .osim file


_PARTS: Final[dict[str, Any]] = {
    "tree": Tree, "functions": Functions, "basis": Basis, "lengths": Rows, "pulls": Rows, "muscles": Muscles,
}  # fmt: skip


def save(path: Path, model: Compiled) -> None:
    """Write the model; its content alone decides what is in it."""
    arrays: dict[str, Any] = {"format": np.array(FORMAT), "source": np.array(model.source)}
    arrays["pull_joint"] = model.skeleton.pull_joint
    for part in _PARTS:
        arrays |= {f"{part}.{name}": array for name, array in getattr(model.skeleton, part)._asdict().items()}
    arrays |= {f"names.{key}": np.array(names) for key, names in model.names._asdict().items()}
    try:
        with path.open("wb") as file:
            np.savez_compressed(file, **arrays)
    except OSError as error:
        raise UserError(f"model {path}: cannot write it: {error.strerror or error}") from error


def load(path: Path) -> Compiled:
    """Read a compiled model. Raises UserError with one line where the file is missing, broken or of another format."""
    try:
        with np.load(path, allow_pickle=False) as data:
            arrays = dict(data)
        if int(arrays["format"]) != FORMAT:
            raise UserError(
                f"model {path}: written in format {arrays['format']}, this program reads {FORMAT}; compile it again"
            )
        parts = {part: kind(*(arrays[f"{part}.{name}"] for name in kind._fields)) for part, kind in _PARTS.items()}
        skeleton = Skeleton(pull_joint=arrays["pull_joint"], **parts)
        names = Names(*(tuple(str(n) for n in arrays[f"names.{key}"]) for key in Names._fields))
        return Compiled(skeleton, names, str(arrays["source"]))
    except OSError as error:
        raise UserError(
            f"model {path}: {error.strerror or error}; give a file made by exo-edge model compile"
        ) from error
    except (KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"model {path}: not a compiled model ({error}); make it with exo-edge model compile") from error
