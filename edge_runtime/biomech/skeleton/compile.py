"""Compiles an OpenSim model file; needs the extra `opensim`, and is not used at run time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge_runtime.biomech.skeleton.format import Compiled, Skeleton
from edge_runtime.biomech.skeleton.opensim_module import first_line, import_opensim, read_model
from edge_runtime.biomech.skeleton.reader import FunctionTable, Reader
from edge_runtime.biomech.skeleton.sample import Progress, sample
from edge_runtime.errors import UserError


@dataclass(frozen=True, slots=True)
class Scaling:
    """What OpenSim's own scaling applies before compiling: length `factors` (x, y, z) by body, and final `mass_kg`.

    Muscles' optimal and slack lengths follow their paths, inertias their bodies; without `mass_kg` the mass stays.
    """

    factors: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    mass_kg: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """How well the model is represented: RMSE on poses held out, and forces of the file that were left out."""

    arm_error_m: dict[str, float]  # by "muscle coordinate"
    length_error_m: dict[str, float]  # by muscle
    left_out: dict[str, int]  # class of force: how many


def compile_model(
    path: Path, scaling: Scaling | None = None, progress: Progress = lambda done, count: None, seed: int = 0
) -> tuple[Compiled, Report]:
    """Read, scale, sample and fit `path`. Raises UserError where it is missing or uses what is not known here."""
    opensim = import_opensim()
    model, state = read_model(opensim, path)
    if scaling:
        state = _scale(opensim, model, state, scaling, path)
    table = FunctionTable()
    reader = Reader(opensim, model, table, path)
    tree, names = reader.tree()
    muscles = reader.muscles()
    fitted = sample(opensim, model, state, names, tree, table.arrays(), seed, progress)
    skeleton = Skeleton(tree, table.arrays(), fitted.basis, fitted.lengths, fitted.pulls, fitted.pull_joint, muscles)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    arms = {f"{names.muscles[m]} {names.coordinates[c]}": error for (m, c), error in fitted.arm_error_m.items()}
    lengths = dict(zip(names.muscles, fitted.length_error_m.tolist(), strict=True))
    scaled = f" scaled {dict(scaling.factors)} {scaling.mass_kg} kg" if scaling else ""
    return Compiled(skeleton, names, f"{path.name} sha256 {digest}{scaled}"), Report(arms, lengths, reader.left_out())


def _scale(opensim: Any, model: Any, state: Any, scaling: Scaling, path: Path) -> Any:
    """Scale in place as OpenSim's ScaleTool does; returns the new state."""
    bodies = model.getBodySet()
    known = [bodies.get(i).getName() for i in range(bodies.getSize())]
    scales = opensim.ScaleSet()
    for body, factors in scaling.factors.items():
        if body not in known:
            raise UserError(f"model {path}: has no body {body} to scale; it has {', '.join(known)}")
        scale = opensim.Scale()
        scale.setSegmentName(body)
        scale.setScaleFactors(opensim.Vec3(*factors))
        scale.setApply(True)
        scales.cloneAndAppend(scale)
    mass = scaling.mass_kg or float(model.getTotalMass(state))
    try:
        done = model.scale(state, scales, True, mass)
    except RuntimeError as error:
        raise UserError(f"model {path}: OpenSim cannot scale it: {first_line(error)}") from error
    if not done:
        raise UserError(f"model {path}: OpenSim cannot scale it")
    return model.initSystem()
