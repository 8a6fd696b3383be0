"""Leg model: MyoLegs (80 muscles) scaled to one person, with 20 independent coordinates instead of its own
34."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import mujoco
import myo_sim
import numpy as np
import numpy.typing as npt

from edge_runtime.biomech.hip_paths import add_wraps, move_attachments
from edge_runtime.biomech.scaling import Segments, scale_segments
from edge_runtime.errors import UserError
from edge_runtime.types import COORDINATES, F64, SIDES, Kinematics

LEG_DOFS: Final = (
    "hip_flexion", "hip_adduction", "hip_rotation", "knee_angle", "ankle_angle",
    "subtalar_angle", "mtp_angle",
)  # fmt: skip
PELVIS_DOFS: Final = COORDINATES[:6]
DOFS: Final = (*PELVIS_DOFS, *(f"{name}_{side}" for side in SIDES for name in LEG_DOFS))
"""Independent coordinates, 20: pelvis (rad, m), right leg, left leg; order of every moment vector."""
DOF_INDEX: Final = {name: i for i, name in enumerate(DOFS)}

UNSCALED_STATURE_M: Final = 1.689
"""Stature of unscaled MyoLegs: top of the skull mesh (1.752 m) minus lowest point of the foot meshes (0.063
m) in the neutral pose; `tests/biomech/test_model.py` measures it again. Soft tissue under heel and scalp is
not in it."""
GRAVITY_MPS2: Final = 9.80665
FORCE_MASS_EXPONENT: Final = 2.0 / 3.0
"""Muscle cross-section, hence optimal force, grows with body mass to this power under geometric similarity
(the human deviation from it: Warrener 2024, Frontiers in Earth Science 11:1301411)."""
MUJOCO_SERIES: Final = "4.0"

# MuJoCo joints of the pelvis in the order that they turn: OpenSim's pelvis is translated in the ground's axes
# and then rotated about its own z (tilt), x (list), y (rotation).
_PELVIS_JOINTS: Final = (
    ("pelvis_tx", mujoco.mjtJoint.mjJNT_SLIDE, (1.0, 0.0, 0.0)),
    ("pelvis_ty", mujoco.mjtJoint.mjJNT_SLIDE, (0.0, 1.0, 0.0)),
    ("pelvis_tz", mujoco.mjtJoint.mjJNT_SLIDE, (0.0, 0.0, 1.0)),
    ("pelvis_tilt", mujoco.mjtJoint.mjJNT_HINGE, (0.0, 0.0, 1.0)),
    ("pelvis_list", mujoco.mjtJoint.mjJNT_HINGE, (1.0, 0.0, 0.0)),
    ("pelvis_rotation", mujoco.mjtJoint.mjJNT_HINGE, (0.0, 1.0, 0.0)),
)
PLATEAU_CENTRE_M: Final = (0.0, -0.026, 0.0)
"""Tibial plateau in unscaled tibia axes: lowest point of the femoral condyles' mesh in full extension."""
KNEE_JOINTS: Final = (
    "knee_angle_translation2", "knee_angle_translation1", "knee_shear",
    "knee_angle", "knee_angle_rotation2", "knee_angle_rotation3",
)  # fmt: skip
"""Three slides and three hinges between femur and tibia. `knee_shear`, across the tibia, is added here and
never moves: with it virtual work on the six gives the whole wrench that crosses the knee."""
KNEE_AXIS_M: Final = (-0.00809, -0.00353, -0.00148)
"""Where the knee turns, in unscaled axes of the right tibia: centre of the knee joint of Rajagopal et al. 2016 (IEEE
Trans Biomed Eng 63:2068), both scaled `.osim` of the gait data over their scale factors. MyoLegs, made from that model,
has it in the tibia's origin, which takes 15 % of the quadriceps' lever off and gives the hamstrings 30 % more."""
NONE: Final = -1
_FROM_COORDINATES: Final = np.array([DOF_INDEX[name] for name in COORDINATES])


@dataclass(frozen=True, slots=True)
class LegBodies:
    """MuJoCo body ids of one leg; `knee` [6] joints of the tibia in `KNEE_JOINTS` order (each has one
    coordinate)."""

    tibia: int
    talus: int
    calcn: int
    knee: npt.NDArray[np.int64]


@contextmanager
def _quiet_attach() -> Iterator[None]:
    """Keep myo_sim's harmless "empty prefix" warning off the terminal and out of a MUJOCO_LOG.TXT."""
    previous = mujoco.get_mju_user_warning()
    mujoco.set_mju_user_warning(lambda _message: None)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Attaching a spec with an empty prefix")
            yield
    finally:
        mujoco.set_mju_user_warning(previous)


def load_unscaled() -> Any:
    """Compiled MyoLegs (`mujoco.MjModel`), upright; raises `UserError` on another MuJoCo series."""
    _require_mujoco()
    with _quiet_attach():
        return upright(myo_sim.load_spec("myolegs"))


def load_full_body() -> Any:
    """Compiled MyoFullBody (416 muscles; its legs are MyoLegs'), upright. Needs the extra `fullbody`.

    The upstream of its arms, MoBL-ARMS, allows no commercial use.
    """
    _require_mujoco()
    try:
        import musclemimic_models
    except ImportError as error:
        raise UserError(
            "MyoFullBody is not installed; install it with: pip install 'exo-edge[fullbody]' "
            "(the upstream of its arm model allows no commercial use)"
        ) from error
    with _quiet_attach():
        return upright(mujoco.MjSpec.from_file(str(musclemimic_models.get_xml_path("myofullbody"))))


def _require_mujoco() -> None:
    if not mujoco.__version__.startswith(MUJOCO_SERIES):
        raise UserError(
            f"MuJoCo {mujoco.__version__} is installed but the leg model needs {MUJOCO_SERIES}; "
            f"install it with: pip install 'mujoco=={MUJOCO_SERIES}.*'"
        )


def knee_axis(side: str) -> tuple[float, float, float]:
    """`KNEE_AXIS_M` of the leg `side`, which mirrors z."""
    x, y, z = KNEE_AXIS_M
    return x, y, z if side == "r" else -z


def upright(spec: Any) -> Any:
    """Compile a Myo model so that its world *is* OpenSim's: x forward, y up, z to the wearer's right.

    As published it stands in MuJoCo's z-up world on a free joint. Its pelvis frame already has OpenSim's axes, so the
    pelvis is put upright at the origin on OpenSim's six pelvis coordinates and gravity is turned to -y. This is the
    only place where the two worlds meet.
    """
    for name in ("Full Body", "sacrum", "pelvis"):
        spec.body(name).alt.type = mujoco.mjtOrientation.mjORIENTATION_QUAT
        spec.body(name).quat = [1.0, 0.0, 0.0, 0.0]
    root = spec.body("Full Body")
    root.pos = [0.0, 0.0, 0.0]
    spec.delete(root.joints[0])
    for name, kind, axis in _PELVIS_JOINTS:
        root.add_joint(name=name, type=kind, axis=axis)
    for side in SIDES:
        shear = spec.body(f"tibia_{side}").add_joint(name=f"knee_shear_{side}", axis=[0.0, 0.0, 1.0])
        shear.type, shear.limited = mujoco.mjtJoint.mjJNT_SLIDE, mujoco.mjtLimited.mjLIMITED_FALSE
        for joint in spec.body(f"tibia_{side}").joints:
            joint.pos = knee_axis(side)
    spec.option.gravity = [0.0, -GRAVITY_MPS2, 0.0]
    add_wraps(spec)
    model = spec.compile()
    move_attachments(model)
    return model


def scale(model: Any, height_m: float, mass_kg: float) -> None:
    """Scale a compiled model in place: lengths by stature, masses by body mass, optimal forces by
    mass^(2/3)."""
    length = height_m / UNSCALED_STATURE_M
    mass = mass_kg / float(model.body_mass.sum())
    for lengths in (
        model.body_pos, model.body_ipos, model.jnt_pos, model.site_pos, model.geom_pos, model.geom_size,
        model.mesh_vert, model.tendon_range, model.tendon_lengthspring, model.actuator_lengthrange,
    ):  # fmt: skip
        np.multiply(lengths, length, out=lengths)
    for joint in np.flatnonzero(model.jnt_type == mujoco.mjtJoint.mjJNT_SLIDE):
        model.jnt_range[joint] *= length
    for equality in _joint_equalities(model):
        if model.jnt_type[model.eq_obj1id[equality]] == mujoco.mjtJoint.mjJNT_SLIDE:
            model.eq_data[equality, :5] *= length
    model.body_mass *= mass
    model.body_inertia *= mass * length**2
    model.actuator_gainprm[:, 2] *= mass**FORCE_MASS_EXPONENT
    model.actuator_biasprm[:, 2] *= mass**FORCE_MASS_EXPONENT
    mujoco.mj_setConst(model, mujoco.MjData(model))


def _joint_equalities(model: Any) -> npt.NDArray[np.int64]:
    return np.flatnonzero(model.eq_type == mujoco.mjtEq.mjEQ_JOINT)


class LegModel:
    """MyoLegs (or MyoFullBody) of one person and its state; one instance serves one stream of frames, nothing is built
    per frame.

    `height_m` 1.0..2.3 and `mass_kg` 20..250 (ValueError outside). After `set_state` the arrays `q`, `qd`,
    `qdd` [20] follow `DOFS`, `data` holds all `model.nv` = 36 coordinates, and `jacobian` [36, 20] is
    dq_full/dq: knee translations, secondary rotations and the patella follow knee_angle through the quartics
    of the model's equality constraints. `dofs` are `DOFS`, then the free joints of trunk and arms where `unscaled`,
    the compiled model to scale (MyoLegs), has any. The Jacobian has one entry per row at most: `slope` [36] in column
    `driver` [36], or none (`NONE`).
    """

    def __init__(self, height_m: float, mass_kg: float, segments: Segments | None = None, unscaled: Any = None) -> None:
        if not 1.0 <= height_m <= 2.3:
            raise ValueError(f"height_m is {height_m}; give a stature between 1.0 and 2.3 m")
        if not 20.0 <= mass_kg <= 250.0:
            raise ValueError(f"mass_kg is {mass_kg}; give a body mass between 20 and 250 kg")
        self.height_m, self.mass_kg = height_m, mass_kg
        self.length_scale = height_m / UNSCALED_STATURE_M
        self.model = load_unscaled() if unscaled is None else unscaled
        scale(self.model, height_m, mass_kg)
        if segments:
            scale_segments(self.model, segments)
        self.data = mujoco.MjData(self.model)
        self.muscle_names = tuple(self.model.actuator(i).name for i in range(self.model.nu))
        self.legs = tuple(self._leg_bodies(side) for side in SIDES)
        self.dofs = (*DOFS, *self._other_joints())
        size = len(self.dofs)
        self.q, self.qd, self.qdd = np.zeros(size), np.zeros(size), np.zeros(size)
        self.jacobian = np.zeros((self.model.nv, size))
        self._full = np.array([self._address(name) for name in self.dofs])
        self.jacobian[self._full, np.arange(size)] = 1.0
        self.driver, self.slope = np.full(self.model.nv, NONE), np.zeros(self.model.nv)
        self.driver[self._full], self.slope[self._full] = np.arange(size), 1.0
        self._read_couplings()

    def _address(self, joint: str) -> int:
        return int(self.model.joint(joint).dofadr[0])

    def _other_joints(self) -> list[str]:
        """Joints beside `DOFS` that no equality moves."""
        moved = set(self.model.eq_obj1id[_joint_equalities(self.model)].tolist())
        names = (self.model.joint(i).name for i in range(self.model.njnt) if i not in moved)
        return [name for name in names if name not in DOF_INDEX and not name.startswith("knee_shear")]

    def _leg_bodies(self, side: str) -> LegBodies:
        tibia, talus, calcn = (self.model.body(f"{name}_{side}").id for name in ("tibia", "talus", "calcn"))
        knee = np.array([self._address(f"{name}_{side}") for name in KNEE_JOINTS])
        return LegBodies(tibia, talus, calcn, knee)

    def _read_couplings(self) -> None:
        rows = _joint_equalities(self.model)
        dependent = [self.model.joint(int(self.model.eq_obj1id[i])).name for i in rows]
        drivers = [int(self.model.eq_obj2id[i]) for i in rows]  # -1: fixed, the quartic is a constant
        self._coupled = np.array([self._address(name) for name in dependent])
        index = {name: i for i, name in enumerate(self.dofs)}
        self._driver = np.array([0 if i < 0 else index[self.model.joint(i).name] for i in drivers])
        self.driver[self._coupled] = self._driver
        self._quartic: F64 = self.model.eq_data[rows, :5].copy()

    def set_state(self, q: F64, qd: F64, qdd: F64) -> None:
        """Take independent coordinates [20] with their derivatives and place all bodies (positions only)."""
        self.q[:], self.qd[:], self.qdd[:] = q, qd, qdd
        c, data = self._quartic, self.data
        x, v = self.q[self._driver], self.qd[self._driver]
        slope = c[:, 1] + x * (2 * c[:, 2] + x * (3 * c[:, 3] + x * 4 * c[:, 4]))
        curvature = 2 * c[:, 2] + x * (6 * c[:, 3] + x * 12 * c[:, 4])
        data.qpos[self._full], data.qvel[self._full], data.qacc[self._full] = q, qd, qdd
        data.qpos[self._coupled] = c[:, 0] + x * (c[:, 1] + x * (c[:, 2] + x * (c[:, 3] + x * c[:, 4])))
        data.qvel[self._coupled] = slope * v
        data.qacc[self._coupled] = slope * self.qdd[self._driver] + curvature * v**2
        self.jacobian[self._coupled, self._driver] = self.slope[self._coupled] = slope
        mujoco.mj_kinematics(self.model, data)
        mujoco.mj_comPos(self.model, data)

    def reduce(self, full: F64) -> F64:
        """Forces on the independent coordinates [20] that do the work of `full` [36] on all: jacobian' full.

        Summed entry by entry: a threaded BLAS product of this size takes a hundred times longer on a busy machine.
        """
        moved = self.driver != NONE
        summed: Any = np.bincount(self.driver[moved], (full * self.slope)[moved], len(self.dofs))
        return np.asarray(summed, np.float64)

    def set_kinematics(self, kin: Kinematics) -> None:
        """As `set_state`, from the 16 estimated coordinates; subtalar and toe joints stay neutral."""
        full = np.zeros((3, len(self.dofs)))
        full[0, _FROM_COORDINATES], full[1, _FROM_COORDINATES] = kin.q, kin.qd
        full[2, _FROM_COORDINATES] = kin.qdd
        self.set_state(full[0], full[1], full[2])
