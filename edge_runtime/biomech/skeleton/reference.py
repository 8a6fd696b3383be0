"""OpenSim's own static optimization and joint reaction on a trial: the reference, at build time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from edge_runtime.biomech.skeleton.opensim_module import import_opensim, read_model
from edge_runtime.biomech.skeleton.person import RESERVE_NM
from edge_runtime.errors import UserError
from edge_runtime.types import SIDES

_UNBOUNDED: Final = 1e6
RESIDUAL_N: Final = 100.0
"""Strength of the actuators at the pelvis; no muscle spans it, so it does not touch the solution."""


@dataclass(frozen=True, slots=True)
class ReferenceJob:
    """What OpenSim shall solve. `feet`: prefixes of force, point and torque columns in `forces`, right and left."""

    model: Path
    coordinates: Path
    forces: Path
    feet: Sequence[Sequence[str]]
    span_s: tuple[float, float]
    power: Literal[2, 3, 4] = 2
    reserve_nm: float = RESERVE_NM
    cutoff_hz: float = 6.0


def run_reference(job: ReferenceJob, out: Path) -> dict[str, Path]:
    """Solve `job`, leaving OpenSim's files in the folder `out`: `activation`, `force` and `reaction` tables.

    Muscles on rigid tendons without passive force, a reserve on every coordinate; the knee's reaction acts on the tibia
    in tibia axes. Needs the extra `opensim`; raises UserError where OpenSim refuses.
    """
    opensim = import_opensim()
    out.mkdir(parents=True, exist_ok=True)
    model_path = _with_reserves(opensim, job, out)
    loads = _external_loads(opensim, job, out)
    optimization = opensim.StaticOptimization()
    optimization.setActivationExponent(float(job.power))
    optimization.setUseModelForceSet(True)
    optimization.setUseMusclePhysiology(True)
    _analyze(opensim, job, out, model_path, loads, optimization)
    force = out / "exo_StaticOptimization_force.sto"
    reaction = opensim.JointReaction()
    reaction.setName("JointReaction")
    reaction.setForcesFileName(str(force))
    reaction.setJointNames(_names(opensim, _knees(opensim, job.model)))
    reaction.setOnBody(_names(opensim, ["child"]))
    reaction.setInFrame(_names(opensim, ["child"]))
    _analyze(opensim, job, out, model_path, loads, reaction)
    return {
        "activation": out / "exo_StaticOptimization_activation.sto",
        "force": force,
        "reaction": out / "exo_JointReaction_ReactionLoads.sto",
    }


def _names(opensim: Any, values: list[str]) -> Any:
    names = opensim.ArrayStr()
    for value in values:
        names.append(value)
    return names


def _knees(opensim: Any, path: Path) -> list[str]:
    """The joints that carry the tibias."""
    model, _ = read_model(opensim, path)  # kept: its parts die with it
    joints = [model.getJointSet().get(i) for i in range(model.getJointSet().getSize())]
    carried = {joint.getChildFrame().findBaseFrame().getName(): joint.getName() for joint in joints}
    return [carried[f"tibia_{side}"] for side in SIDES]


def _with_reserves(opensim: Any, job: ReferenceJob, out: Path) -> Path:
    """The model with an unbounded actuator on every free coordinate, and no force but muscles and those."""
    model, state = read_model(opensim, job.model)
    coordinates = model.getCoordinateSet()
    free = [c for c in (coordinates.get(i) for i in range(coordinates.getSize())) if not c.isConstrained(state)]
    forces = model.updForceSet()
    for i in reversed(range(forces.getSize())):
        if opensim.Muscle.safeDownCast(forces.get(i)) is None:
            forces.remove(i)
    for coordinate in free:
        actuator = opensim.CoordinateActuator(coordinate.getName())
        actuator.setName(f"reserve_{coordinate.getName()}")
        actuator.setOptimalForce(RESIDUAL_N if coordinate.getName().startswith("pelvis_") else job.reserve_nm)
        actuator.setMinControl(-_UNBOUNDED)
        actuator.setMaxControl(_UNBOUNDED)
        model.addForce(actuator)
    model.finalizeConnections()
    path = out / "exo_reference.osim"
    model.printToXML(str(path))
    return path


def _external_loads(opensim: Any, job: ReferenceJob, out: Path) -> Path:
    loads = opensim.ExternalLoads()
    loads.setDataFileName(str(job.forces.resolve()))
    for side, (force, point, torque) in zip(SIDES, job.feet, strict=True):
        load = opensim.ExternalForce()
        load.setName(f"ground_{side}")
        load.set_applied_to_body(f"calcn_{side}")
        load.set_force_expressed_in_body("ground")
        load.set_point_expressed_in_body("ground")
        load.set_force_identifier(force)
        load.set_point_identifier(point)
        load.set_torque_identifier(torque)
        loads.cloneAndAppend(load)
    path = out / "exo_loads.xml"
    loads.printToXML(str(path))
    return path


def _analyze(opensim: Any, job: ReferenceJob, out: Path, model: Path, loads: Path, analysis: Any) -> None:
    begin, end = job.span_s
    analysis.setStartTime(begin)
    analysis.setEndTime(end)
    analysis.setOn(True)
    analysis.setInDegrees(False)
    analysis.setStepInterval(1)
    tool = opensim.AnalyzeTool()
    tool.setName("exo")
    tool.setModelFilename(str(model))
    tool.setCoordinatesFileName(str(job.coordinates.resolve()))
    tool.setExternalLoadsFileName(str(loads))
    tool.setLowpassCutoffFrequency(job.cutoff_hz)
    tool.setInitialTime(begin)
    tool.setFinalTime(end)
    tool.setReplaceForceSet(False)
    tool.setResultsDir(str(out))
    tool.getAnalysisSet().cloneAndAppend(analysis)
    settings = out / f"exo_{analysis.getConcreteClassName()}.xml"
    tool.printToXML(str(settings))
    if not opensim.AnalyzeTool(str(settings), True).run():
        raise UserError(
            f"trial {job.coordinates}: OpenSim's {analysis.getConcreteClassName()} failed; see its messages"
        )
