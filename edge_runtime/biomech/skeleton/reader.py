"""Reads joints, couplings, masses and muscles of an OpenSim model into arrays."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Final

import numpy as np

from edge_runtime.biomech.skeleton import functions
from edge_runtime.biomech.skeleton.curves import CURVES
from edge_runtime.biomech.skeleton.format import NONE, Functions, Muscles, Names, Tree
from edge_runtime.errors import UserError
from edge_runtime.types import F64

_DENSE: Final = 400  # knots where a function is of a kind that is not piecewise cubic by itself
_SPLINES: Final = ("SimmSpline", "GCVSpline", "PiecewiseLinearFunction")
_X, _Y, _Z = np.eye(3)
_JOINT_AXES: Final = {
    "PinJoint": [(_Z, 0)],
    "UniversalJoint": [(_X, 0), (_Y, 1)],
    "GimbalJoint": [(_X, 0), (_Y, 1), (_Z, 2)],
    "BallJoint": [(_X, 0), (_Y, 1), (_Z, 2)],
    "SliderJoint": [(_X, 3)],
    "PlanarJoint": [(_Z, 0), (_X, 3), (_Y, 4)],
    "FreeJoint": [(_X, 0), (_Y, 1), (_Z, 2), (_X, 3), (_Y, 4), (_Z, 5)],
    "WeldJoint": [],
}
"""Axis and its place among the six, per coordinate, as OpenSim's joints define them."""


class FunctionTable:
    """Collects functions as piecewise polynomials."""

    def __init__(self) -> None:
        self._knots: list[F64] = []
        self._coefficients: list[F64] = []

    def add(self, knots: F64, coefficients: F64) -> int:
        """Pieces [n] with coefficients [n, k]; returns the function's index."""
        self._knots.append(knots)
        self._coefficients.append(coefficients)
        return len(self._knots) - 1

    def arrays(self) -> Functions:
        """Everything collected."""
        width = max(c.shape[1] for c in self._coefficients)
        padded = [np.pad(c, ((0, 0), (0, width - c.shape[1]))) for c in self._coefficients]
        first = np.concatenate([[0], np.cumsum([len(k) for k in self._knots])]).astype(np.int64)
        return Functions(first, np.concatenate(self._knots), np.concatenate(padded))


class Reader:
    """Reads an initialized model's parts into arrays; UserError where it uses what the runtime does not know."""

    def __init__(self, opensim: Any, model: Any, table: FunctionTable, path: Path) -> None:
        self._osim, self._model, self._table, self._path = opensim, model, table, path
        coordinates = model.getCoordinateSet()
        self._coordinates = [coordinates.get(i).getName() for i in range(coordinates.getSize())]

    def _fail(self, problem: str) -> UserError:
        return UserError(f"model {self._path}: {problem}; the runtime does not know it")

    def tree(self) -> tuple[Tree, Names]:
        """Joints from the ground outwards, with the bodies that they carry."""
        joints = self._sorted_joints()
        bodies = ["ground", *(_base(joint.getChildFrame()).getName() for joint in joints)]
        rows = [self._joint(joint) for joint in joints]
        parent = np.array([bodies.index(_base(joint.getParentFrame()).getName()) for joint in joints])
        frames = [np.array(column) for column in zip(*rows, strict=True)]
        mass, com, inertia = (np.array(c) for c in zip(*(self._body(name) for name in bodies[1:]), strict=True))
        coordinates = [self._model.getCoordinateSet().get(i) for i in range(len(self._coordinates))]
        tree = Tree(
            parent, frames[0], frames[1], frames[2], frames[3], frames[4], frames[5], frames[6], mass, com, inertia,
            _vec3(self._model.getGravity()), *self._couplings(),
            np.array([int(c.getDefaultLocked()) for c in coordinates]),
            np.array([c.getDefaultValue() for c in coordinates]),
        )  # fmt: skip
        muscles = self._model.getMuscles()
        names = Names(
            tuple(bodies[1:]), tuple(joint.getName() for joint in joints), tuple(self._coordinates),
            tuple(muscles.get(i).getName() for i in range(muscles.getSize())),
        )  # fmt: skip
        return tree, names

    def _sorted_joints(self) -> list[Any]:
        joints = self._model.getJointSet()
        waiting = [joints.get(i) for i in range(joints.getSize())]
        placed, known = [], {"ground"}
        while waiting:
            ready = [j for j in waiting if _base(j.getParentFrame()).getName() in known]
            if not ready:
                raise self._fail(f"joint {waiting[0].getName()} closes a loop")
            placed += ready
            known |= {_base(j.getChildFrame()).getName() for j in ready}
            waiting = [j for j in waiting if j not in ready]
        return placed

    def _joint(self, joint: Any) -> tuple[F64, F64, F64, F64, F64, Any, Any]:
        """Frames, axes, coordinates, functions of one joint."""
        before, after = (_offset(frame) for frame in (joint.getParentFrame(), joint.getChildFrame()))
        kind = joint.getConcreteClassName()
        axis, coordinate, function = np.zeros((6, 3)), np.full(6, NONE), np.full(6, NONE)
        if kind == "CustomJoint":
            transform = self._osim.CustomJoint.safeDownCast(joint).getSpatialTransform()
            for k in range(6):
                axis[k], coordinate[k], function[k] = self._axis(transform.getTransformAxis(k))
        elif kind in _JOINT_AXES:
            for i, (direction, k) in enumerate(_JOINT_AXES[kind]):
                axis[k], coordinate[k] = direction, self._coordinates.index(joint.get_coordinates(i).getName())
                function[k] = self._line(1.0, 0.0)
        else:
            raise self._fail(f"joint {joint.getName()} is a {kind}")
        return *before, *after, axis, coordinate, function

    def _axis(self, axis: Any) -> tuple[F64, int, int]:
        names = axis.getCoordinateNamesInArray()
        coordinate = self._coordinates.index(names.get(0)) if names.getSize() else NONE
        function = self._function(axis.getFunction()) if axis.hasFunction() else NONE
        direction = _vec3(axis.getAxis())
        return direction / np.linalg.norm(direction), coordinate, function

    def _line(self, slope: float, offset: float) -> int:
        return self._table.add(np.zeros(1), np.array([[offset, slope]]))

    def _function(self, function: Any, scale: float = 1.0) -> int:
        """Exact where OpenSim's function is a polynomial or a cubic spline; else a fine cubic through it."""
        kind = function.getConcreteClassName()
        while kind == "MultiplierFunction":
            multiplier = self._osim.MultiplierFunction.safeDownCast(function)
            scale *= multiplier.getScale()
            function = multiplier.getFunction()
            kind = function.getConcreteClassName()
        if kind == "Constant":
            return self._line(0.0, scale * self._osim.Constant.safeDownCast(function).getValue())
        if kind == "LinearFunction":
            line = self._osim.LinearFunction.safeDownCast(function)
            return self._line(scale * line.getSlope(), scale * line.getIntercept())
        if kind == "PolynomialFunction":
            c = self._osim.PolynomialFunction.safeDownCast(function).getCoefficients()
            return self._table.add(np.zeros(1), scale * np.array([[c.get(i) for i in range(c.size())][::-1]]))
        if kind not in _SPLINES:
            raise self._fail(f"a function is a {kind}")
        spline = getattr(self._osim, kind).safeDownCast(function)
        x = np.array([spline.getX(i) for i in range(spline.getSize())])
        if kind != "SimmSpline":
            x = np.linspace(x[0], x[-1], _DENSE)
        value, slope = (np.array([_derivative(self._osim, function, order, at) for at in x]) for order in (0, 1))
        return self._table.add(*functions.hermite(x, scale * value, scale * slope))

    def _couplings(self) -> tuple[Any, Any, Any]:
        """Coordinate couplers; any other constraint closes a loop that the runtime does not know."""
        rows: list[tuple[int, int, int]] = []
        constraints = self._model.getConstraintSet()
        for i in range(constraints.getSize()):
            if not constraints.get(i).get_isEnforced():
                continue
            coupler = self._osim.CoordinateCouplerConstraint.safeDownCast(constraints.get(i))
            if coupler is None:
                raise self._fail(
                    f"constraint {constraints.get(i).getName()} is a {constraints.get(i).getConcreteClassName()}"
                )
            drivers = coupler.getIndependentCoordinateNames()
            if drivers.getSize() != 1:
                raise self._fail(f"constraint {coupler.getName()} with {drivers.getSize()} drivers")
            dependent = self._coordinates.index(coupler.getDependentCoordinateName())
            scale = self._osim.PropertyHelper.getValueDouble(coupler.getPropertyByName("scale_factor"))
            function = self._function(coupler.getFunction(), scale)
            rows.append((dependent, self._coordinates.index(drivers.get(0)), function))
        columns = np.array(_drivers_first(rows), np.int64).reshape(-1, 3)
        return columns[:, 0].copy(), columns[:, 1].copy(), columns[:, 2].copy()

    def _body(self, name: str) -> tuple[float, F64, F64]:
        body = self._model.getBodySet().get(name)
        inertia = body.getInertia()
        moments, products = _vec3(inertia.getMoments()), _vec3(inertia.getProducts())
        xy, xz, yz = products
        full = np.array([[moments[0], xy, xz], [xy, moments[1], yz], [xz, yz, moments[2]]])
        return body.getMass(), _vec3(body.getMassCenter()), full

    def left_out(self) -> dict[str, int]:
        """Forces that the runtime does not have, counted by class; actuators of coordinates are not missed."""
        forces = self._model.getForceSet()
        kinds = [forces.get(i).getConcreteClassName() for i in range(forces.getSize())]
        return dict(Counter(kind for kind in kinds if kind not in CURVES and kind != "CoordinateActuator"))

    def muscles(self) -> Muscles:
        """Hill parameters; the curves as functions, shared between muscles where they are the same."""
        known: dict[bytes, int] = {}
        rows = []
        muscles = self._model.getMuscles()
        for i in range(muscles.getSize()):
            muscle = muscles.get(i)
            kind = muscle.getConcreteClassName()
            if kind not in CURVES:
                raise self._fail(f"muscle {muscle.getName()} is a {kind}")
            if self._osim.GeometryPath.safeDownCast(muscle.getPath()) is None:
                raise self._fail(
                    f"the path of muscle {muscle.getName()} is a {muscle.getPath().getConcreteClassName()}"
                )
            tables = [self._shared(known, *curve) for curve in CURVES[kind](self._osim, muscle)]
            rows.append((
                muscle.getMaxIsometricForce(), muscle.getOptimalFiberLength(), muscle.getTendonSlackLength(),
                muscle.getPennationAngleAtOptimalFiberLength(), muscle.getMaxContractionVelocity(), *tables,
            ))  # fmt: skip
        columns = list(zip(*rows, strict=True))
        return Muscles(*(np.array(c, float) for c in columns[:5]), *(np.array(c, np.int64) for c in columns[5:]))

    def _shared(self, known: dict[bytes, int], x: F64, value: F64, slope: F64) -> int:
        key = x.tobytes() + value.tobytes()
        if key not in known:
            known[key] = self._table.add(*functions.hermite(x, value, slope))
        return known[key]


def _drivers_first(rows: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """(dependent, driver, function), sorted so that a driver that is dependent itself comes before what it drives."""
    waiting, placed = list(rows), []
    while waiting:
        dependent = {row[0] for row in waiting}
        ready = [row for row in waiting if row[1] not in dependent] or waiting
        placed += ready
        waiting = [row for row in waiting if row not in ready]
    return placed


def _base(frame: Any) -> Any:
    return frame.findBaseFrame()


def _offset(frame: Any) -> tuple[F64, F64]:
    """Rotation [3, 3] and position [3] of a joint's frame in its body."""
    transform = frame.findTransformInBaseFrame()
    matrix = transform.R().asMat33()
    return np.array([[matrix.get(i, k) for k in range(3)] for i in range(3)]), _vec3(transform.p())


def _vec3(vector: Any) -> F64:
    return np.array([vector.get(i) for i in range(3)])


def _derivative(opensim: Any, function: Any, order: int, x: float) -> float:
    at = opensim.Vector(1, float(x))
    if order == 0:
        return float(function.calcValue(at))
    parts = opensim.StdVectorInt()
    for _ in range(order):
        parts.append(0)
    return float(function.calcDerivative(parts, at))
