"""Reads OpenSim's .sto and .mot tables, and .csv tables with a time column; writes .sto."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from edge_runtime.errors import UserError
from edge_runtime.types import F64

SUFFIXES: Final = (".sto", ".mot", ".csv")


@dataclass(frozen=True, slots=True)
class Table:
    """`time_s` [N] and the other `columns` {name: [N]}; `degrees`: angles among them are in degrees."""

    path: Path
    time_s: F64
    columns: dict[str, F64]
    degrees: bool

    def at(self, time_s: F64, names: list[str]) -> F64:
        """The columns `names` [N, len(names)] at `time_s` [N], linearly between samples; NaN outside the table."""
        rows = [np.interp(time_s, self.time_s, self.columns[name], left=np.nan, right=np.nan) for name in names]
        return np.stack(rows, axis=1) if rows else np.zeros((len(time_s), 0))


def column_names(path: Path) -> tuple[str, ...]:
    """The names of a table's columns without reading its rows. Raises UserError where it is not a table."""
    return _head(path)[1]


def read_table(path: Path) -> Table:
    """The whole table. Raises UserError with one line where it cannot be read, or its time does not rise."""
    skip, names, degrees = _head(path)
    delimiter = "," if path.suffix == ".csv" else None
    try:
        rows = np.loadtxt(path, skiprows=skip, delimiter=delimiter, ndmin=2)
    except (ValueError, OSError) as error:
        raise UserError(f"table {path}: {error}; give numbers in every cell") from None
    if rows.shape[1] != len(names):
        raise UserError(f"table {path}: {len(names)} names over {rows.shape[1]} columns; write the table again")
    columns = {name: np.ascontiguousarray(rows[:, i]) for i, name in enumerate(names)}
    time_s = columns.pop("time", np.zeros(0))
    if len(time_s) < 2 or not (np.diff(time_s) > 0.0).all():
        raise UserError(f"table {path}: needs a column time that rises over at least two rows")
    return Table(path, time_s, columns, degrees)


def _head(path: Path) -> tuple[int, tuple[str, ...], bool]:
    """Lines before the first row, column names, whether angles are in degrees (OpenSim's default for neither)."""
    degrees, count = False, 0
    try:
        with path.open(encoding="utf-8") as file:
            if path.suffix != ".csv":
                for line in file:
                    count += 1
                    degrees |= line.replace(" ", "").strip().lower() == "indegrees=yes"
                    if line.strip() == "endheader":
                        break
                else:
                    raise UserError(f"table {path}: has no line endheader; give an OpenSim .sto or .mot file")
            for line in file:
                count += 1
                if line.strip():
                    names = line.strip().split("," if path.suffix == ".csv" else None)
                    return count, tuple(name.strip() for name in names), degrees
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"table {path}: {getattr(error, 'strerror', None) or 'not text'}; give a readable table"
        ) from None
    raise UserError(f"table {path}: has no rows")


def write_sto(path: Path, title: str, time_s: F64, columns: Mapping[str, F64]) -> None:
    """Write `columns` {name: [N]} at `time_s` [N] as OpenSim reads it; angles in it are in rad."""
    rows = np.column_stack([time_s, *columns.values()])
    head = [title, "version=1", f"nRows={rows.shape[0]}", f"nColumns={rows.shape[1]}", "inDegrees=no", "endheader"]
    header = "\n".join([*head, "\t".join(["time", *columns])])
    np.savetxt(path, rows, fmt="%.9g", delimiter="\t", header=header, comments="")
