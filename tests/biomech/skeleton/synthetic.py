"""A small OpenSim model of gait2392's kind, built by OpenSim's own API: it is nobody, and only exercises the compiler.

Knee flexion negative, knee translations through MultiplierFunction, a patella on a coordinate coupler, Thelen muscles,
a moving and a conditional path point, pin, weld and custom joints.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

KNEE_X = ((-2.1, -0.0032), (-1.2, 0.0018), (-0.5, 0.0040), (-0.1, 0.0029), (0.17, -0.005))
KNEE_Y = ((-2.1, -0.4226), (-1.2, -0.4082), (-0.5, -0.3990), (-0.1, -0.3960), (0.17, -0.3966))
POINT_X = ((-2.1, 0.018), (-1.0, 0.035), (-0.3, 0.047), (0.1, 0.050))
POINT_Y = ((-2.1, -0.02), (-1.0, 0.0), (-0.3, 0.012), (0.1, 0.015))


class Builder:
    """Builds the model; `write` leaves it as a file."""

    def __init__(self, opensim: Any) -> None:
        self.o, self.model = opensim, opensim.Model()
        self.model.setName("synthetic")
        pelvis = self._body("pelvis", 12.0, (-0.07, 0.0, 0.0), (0.1, 0.1, 0.06))
        self._pelvis_joint(pelvis)
        for side, z in (("r", 1.0), ("l", -1.0)):
            self._leg(pelvis, side, z)
        self.model.finalizeConnections()
        self._ranges()
        for side, z in (("r", 1.0), ("l", -1.0)):
            self._muscles(side, z)
            self._kneecap(side)

    def write(self, path: Path) -> Path:
        self.model.finalizeConnections()
        self.model.initSystem()
        self.model.printToXML(str(path))
        return path

    def _v(self, values: Any) -> Any:
        return self.o.Vec3(*values)

    def _body(self, name: str, mass: float, com: Any, inertia: Any) -> Any:
        body = self.o.Body(name, mass, self._v(com), self.o.Inertia(*inertia))
        self.model.addBody(body)
        return body

    def _spline(self, points: Any) -> Any:
        spline = self.o.SimmSpline()
        for x, y in points:
            spline.addPoint(x, y)
        spline.thisown = False  # the function that takes it deletes it
        return spline

    def _axis(self, transform: Any, index: int, coordinate: str | None, way: Any, function: Any = None) -> None:
        axis = transform.updTransformAxis(index)
        if coordinate:
            axis.setCoordinateNames(self.o.ArrayStr(coordinate, 1))
        function = function or (self.o.LinearFunction(1.0, 0.0) if coordinate else self.o.Constant(0.0))
        function.thisown = False
        axis.setAxis(self._v(way))
        axis.setFunction(function)

    def _custom(self, name: str, parent: Any, place: Any, child: Any, transform: Any) -> None:
        zero = self._v((0.0, 0.0, 0.0))
        self.model.addJoint(self.o.CustomJoint(name, parent, self._v(place), zero, child, zero, zero, transform))

    def _pelvis_joint(self, pelvis: Any) -> None:
        transform = self.o.SpatialTransform()
        axes = (
            ("pelvis_tilt", (0, 0, 1)), ("pelvis_list", (1, 0, 0)), ("pelvis_rotation", (0, 1, 0)),
            ("pelvis_tx", (1, 0, 0)), ("pelvis_ty", (0, 1, 0)), ("pelvis_tz", (0, 0, 1)),
        )  # fmt: skip
        for index, (name, way) in enumerate(axes):
            self._axis(transform, index, name, way)
        self._custom("ground_pelvis", self.model.getGround(), (0, 0, 0), pelvis, transform)

    def _leg(self, pelvis: Any, side: str, z: float) -> None:
        femur = self._body(f"femur_{side}", 8.0, (0, -0.17, 0), (0.13, 0.035, 0.14))
        tibia = self._body(f"tibia_{side}", 3.5, (0, -0.19, 0), (0.05, 0.005, 0.05))
        talus = self._body(f"talus_{side}", 0.1, (0, 0, 0), (0.001, 0.001, 0.001))
        calcn = self._body(f"calcn_{side}", 1.2, (0.1, 0.03, 0), (0.001, 0.004, 0.004))
        hip = self.o.SpatialTransform()
        for index, (name, way) in enumerate(
            (("flexion", (0, 0, 1)), ("adduction", (z, 0, 0)), ("rotation", (0, z, 0)))
        ):
            self._axis(hip, index, f"hip_{name}_{side}", way)
        for index, way in ((3, (1, 0, 0)), (4, (0, 1, 0)), (5, (0, 0, 1))):
            self._axis(hip, index, None, way)
        self._custom(f"hip_{side}", pelvis, (-0.07, -0.066, 0.083 * z), femur, hip)
        knee = self.o.SpatialTransform()
        self._axis(knee, 0, f"knee_angle_{side}", (0, 0, 1))
        for index, way in ((1, (0, 1, 0)), (2, (1, 0, 0)), (5, (0, 0, 1))):
            self._axis(knee, index, None, way)
        for index, way, points, scale in ((3, (1, 0, 0), KNEE_X, 1.05), (4, (0, 1, 0), KNEE_Y, 1.02)):
            moved = self.o.MultiplierFunction(self._spline(points), scale)
            self._axis(knee, index, f"knee_angle_{side}", way, moved)
        self._custom(f"knee_{side}", femur, (0, 0, 0), tibia, knee)
        turn, zero = self._v((0.1 * z, 0.17 * z, 0)), self._v((0, 0, 0))
        ankle = self.o.PinJoint(f"ankle_{side}", tibia, self._v((0, -0.43, 0)), turn, talus, zero, turn)
        ankle.updCoordinate().setName(f"ankle_angle_{side}")
        self.model.addJoint(ankle)
        heel = self._v((-0.049, -0.042, 0.008 * z))
        self.model.addJoint(self.o.WeldJoint(f"subtalar_{side}", talus, heel, zero, calcn, zero, zero))
        patella = self._body(f"patella_{side}", 0.1, (0, 0, 0), (1e-5, 1e-5, 1e-5))
        slide = self.o.SliderJoint(f"patellofemoral_{side}", femur, self._v((0.04, -0.4, 0)), zero, patella, zero, zero)
        slide.updCoordinate().setName(f"patella_{side}")
        self.model.addJoint(slide)

    def _ranges(self) -> None:
        coordinates = self.model.updCoordinateSet()
        for i in range(coordinates.getSize()):
            bent = coordinates.get(i).getName().startswith("knee")
            coordinates.get(i).setRangeMin(-2.0 if bent else -1.0)
            coordinates.get(i).setRangeMax(0.1 if bent else 1.0)

    def _kneecap(self, side: str) -> None:
        coupler = self.o.CoordinateCouplerConstraint()
        coupler.setName(f"kneecap_{side}")
        coupler.setIndependentCoordinateNames(self.o.ArrayStr(f"knee_angle_{side}", 1))
        coupler.setDependentCoordinateName(f"patella_{side}")
        function = self.o.PolynomialFunction(self.o.Vector.createFromMat(_row(0.004, 0.02, 0.001)))
        function.thisown = False
        coupler.setFunction(function)
        coupler.thisown = False
        self.model.addConstraint(coupler)

    def _muscle(self, name: str, points: Any, force: float, optimal: float, slack: float, pennation: float) -> Any:
        muscle = self.o.Thelen2003Muscle(name, force, optimal, slack, pennation)
        for i, (body, at) in enumerate(points):
            muscle.addNewPathPoint(f"{name}-P{i}", self.model.getBodySet().get(body), self._v(at))
        self.model.addForce(muscle)
        return muscle

    def _muscles(self, s: str, z: float) -> None:
        pelvis, femur, tibia, calcn = "pelvis", f"femur_{s}", f"tibia_{s}", f"calcn_{s}"
        table: tuple[tuple[str, Any, float, float, float, float], ...] = (
            ("glmax", ((pelvis, (-0.13, 0.03, 0.06 * z)), (femur, (-0.045, -0.06, 0.04 * z))), 1500, 0.14, 0.05, 0.0),
            ("iliacus", ((pelvis, (-0.03, -0.04, 0.08 * z)), (femur, (0, -0.06, 0))), 1200, 0.08, 0.03, 0.1),
            ("glmed", ((pelvis, (-0.05, 0.03, 0.12 * z)), (femur, (-0.02, -0.01, 0.06 * z))), 1200, 0.06, 0.05, 0.1),
            ("add", ((pelvis, (-0.05, -0.11, 0.01 * z)), (femur, (0, -0.23, 0.02 * z))), 1000, 0.12, 0.05, 0.1),
            ("hams", ((pelvis, (-0.12, -0.1, 0.07 * z)), (tibia, (-0.03, -0.04, -0.02 * z))), 2000, 0.1, 0.33, 0.2),
            ("gas", ((femur, (-0.02, -0.39, -0.02 * z)), (calcn, (0, 0.03, 0))), 2000, 0.06, 0.39, 0.3),
            ("sol", ((tibia, (-0.002, -0.15, 0)), (calcn, (0, 0.03, 0))), 4000, 0.05, 0.25, 0.4),
            ("ta", ((tibia, (0.03, -0.39, -0.02 * z)), (calcn, (0.11, 0.02, -0.03 * z))), 900, 0.05, 0.08, 0.1),
        )  # fmt: skip
        for name, *rest in table:
            self._muscle(f"{name}_{s}", *rest)
        vasti = self._muscle(f"vas_{s}", ((femur, (0.03, -0.20, 0.02 * z)),), 4000, 0.09, 0.16, 0.1)
        knee = f"/jointset/knee_{s}/knee_angle_{s}"
        around = self.o.ConditionalPathPoint()
        around.setName(f"vas_{s}-C")
        around.updSocket("coordinate").setConnecteePath(knee)
        around.updSocket("parent_frame").setConnecteePath(f"/bodyset/{femur}")
        around.setLocation(self._v((0.034, -0.38, 0)))
        around.setRangeMin(-2.6)
        around.setRangeMax(-1.75)
        glide = self.o.MovingPathPoint()
        glide.setName(f"vas_{s}-M")
        for axis in "xyz":
            glide.updSocket(f"{axis}_coordinate").setConnecteePath(knee)
        glide.updSocket("parent_frame").setConnecteePath(f"/bodyset/{tibia}")
        glide.set_x_location(self._spline(POINT_X))
        glide.set_y_location(self._spline(POINT_Y))
        glide.set_z_location(self.o.Constant(0.001))
        points = vasti.updGeometryPath().updPathPointSet()
        points.cloneAndAppend(around)
        points.cloneAndAppend(glide)


def _row(*values: float) -> Any:
    import numpy as np

    return np.array(values)


Change = Callable[[Builder], None]
"""What a test does to the model before it is written."""
