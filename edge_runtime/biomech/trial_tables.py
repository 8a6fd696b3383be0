"""OpenSim tables that lie in one folder: what each holds, which belong together, the forces under both feet."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from edge_runtime.biomech.tables import SUFFIXES, Table, column_names, read_table
from edge_runtime.errors import UserError
from edge_runtime.types import F64, SIDES

_FEET: Final = (
    ("ground_force_r_v ground_force_r_p ground_torque_r_", "ground_force_l_v ground_force_l_p ground_torque_l_"),
    ("R_ground_force_v R_ground_force_p R_ground_torque_", "L_ground_force_v L_ground_force_p L_ground_torque_"),
    ("ground_force_v ground_force_p ground_torque_", "1_ground_force_v 1_ground_force_p 1_ground_torque_"),
    ("ground_force_1_v ground_force_1_p ground_moment_1_m", "ground_force_2_v ground_force_2_p ground_moment_2_m"),
)
"""Prefixes of force, point and torque columns, right and left foot, where no ExternalLoads file names them."""


def leaf(column: str) -> str:
    """`/jointset/hip_r/hip_flexion_r/value` is `hip_flexion_r`."""
    return column.split("/")[-2] if column.endswith("/value") else column


def kind_of(path: Path, columns: Sequence[str]) -> str:
    """What a table holds, by its columns; "" for what is of no use here."""
    name, leaves = path.stem.lower(), {leaf(column) for column in columns}
    if any(column.endswith("_moment") for column in columns):
        return "moments"
    if {"knee_angle_r", "knee_angle_l"} & leaves:
        return "coordinates"
    if any(column.endswith("vy") for column in columns):
        return "forces"
    if any(column.startswith("kcf_") for column in columns):
        return "contact"
    if any("_on_tibia" in column and column.endswith("_fy") for column in columns):
        return "reaction"
    if "emg" in name or "electromyography" in name:
        return "emg"
    return "activation" if "activation" in name else ""


def closest(path: Path, others: list[Path]) -> Path:
    """The one whose name shares the longest beginning with `path`'s."""

    def shared(other: Path) -> int:
        pairs = zip(path.stem, other.stem, strict=False)
        return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(path.stem), len(other.stem)))

    return max(others, key=shared)


def find_ground_reaction(path: Path) -> tuple[Path, list[tuple[str, ...]]]:
    """The table of forces beside the coordinates `path`, and right and left foot's prefixes of force, point and torque
    columns. Raises UserError where there is none, or the feet cannot be told."""
    candidates = []
    for other in sorted(p for p in path.parent.iterdir() if p.suffix in SUFFIXES and p != path):
        try:
            columns = column_names(other)
        except UserError:
            continue
        if kind_of(other, columns) == "forces":
            candidates.append(other)
    if not candidates:
        raise UserError(f"trial {path}: no ground reaction beside it; put its table (ground_force_..._vx ...) there")
    table = closest(path, candidates)
    columns = column_names(table)
    known = [[tuple(foot.split()) for foot in feet] for feet in _FEET]
    feet = _loads(path.parent, columns) or next((feet for feet in known if _has(columns, feet)), None)
    if feet is None:
        raise UserError(f"table {table}: cannot tell the feet; put the ExternalLoads .xml beside it")
    return table, feet


def read_feet(path: Path, time_s: F64) -> tuple[F64, F64, F64]:
    """Force, point and free moment [N, 2, 3] under both feet at `time_s` from the table beside the coordinates `path`.

    N, m, Nm; points are zero where no force is. Raises UserError as `find_ground_reaction`.
    """
    source, feet = find_ground_reaction(path)
    table = read_table(source)
    parts = []
    for part in range(3):
        names = [[f"{foot[part]}{axis}" for axis in "xyz"] for foot in feet]
        parts.append(np.nan_to_num(np.stack([_columns(table, side, time_s) for side in names], axis=1)))
    force, point, torque = parts
    touched = (np.abs(force) > 0.0).any(axis=2, keepdims=True)
    return force, np.where(touched, point, 0.0), torque


def _columns(table: Table, names: list[str], time_s: F64) -> F64:
    """Three columns at `time_s`; zero where the table has none, as of free moments that were not measured."""
    known = all(name in table.columns for name in names)
    return table.at(time_s, names) if known else np.zeros((len(time_s), 3))


def _has(columns: Sequence[str], feet: Sequence[Sequence[str]]) -> bool:
    return all(f"{foot[part]}{axis}" in columns for foot in feet for part in (0, 1) for axis in "xyz")


def _loads(folder: Path, columns: Sequence[str]) -> list[tuple[str, ...]] | None:
    """Right and left foot's prefixes from the ExternalLoads file whose columns the table has."""
    for path in sorted(folder.glob("*.xml")):
        try:
            root = ET.parse(path).getroot()
        except ET.ParseError:
            continue
        found: dict[str, tuple[str, ...]] = {}
        for load in root.iter("ExternalForce"):
            body = load.findtext("applied_to_body", "").strip()
            tags = ("force_identifier", "point_identifier", "torque_identifier")
            found[body[-1:]] = tuple(load.findtext(tag, "").strip() for tag in tags)
        feet = [found[side] for side in SIDES if side in found]
        if len(feet) == len(SIDES) and _has(columns, feet):
            return feet
    return None
