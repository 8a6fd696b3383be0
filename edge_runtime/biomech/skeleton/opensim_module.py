"""The optional package OpenSim: imported where it is needed, silent, its errors as one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edge_runtime.errors import UserError


def import_opensim() -> Any:
    """The module, silent and without a log file. Raises UserError with the way to install it."""
    try:
        import opensim
    except ImportError as error:
        raise UserError("an .osim file needs OpenSim: pip install 'exo-edge[opensim]'") from error
    opensim.Logger.setLevelString("Error")
    opensim.Logger.removeFileSink()
    return opensim


def read_model(opensim: Any, path: Path) -> tuple[Any, Any]:
    """Model and initialized state. Raises UserError where the file is missing or OpenSim cannot read it."""
    if not path.is_file():
        raise UserError(f"model {path}: no such file; give an OpenSim model (.osim)")
    try:
        model = opensim.Model(str(path))
        return model, model.initSystem()
    except RuntimeError as error:
        raise UserError(f"model {path}: OpenSim cannot read it: {first_line(error)}") from error


def first_line(error: Exception) -> str:
    """What an exception of OpenSim says, without where in its sources."""
    return str(error).strip().splitlines()[0].rpartition("': ")[2]
