"""Builds the estimator and the simulated firmware of a plan from their parts; the one place that knows them all."""

from __future__ import annotations

from collections.abc import Callable
from math import radians
from pathlib import Path
from typing import Final

from calibration.profile import Profile
from calibration.reduced_tissue import tissues_of
from edge_runtime.biomech.occlusion import OcclusionFill
from edge_runtime.biomech.world import CameraPlace, up_of
from edge_runtime.body import body_of
from edge_runtime.certify.opened import Engines
from edge_runtime.encoders import EncoderFeed, encoder_fit
from edge_runtime.estimator import Estimator, Timing
from edge_runtime.estimator_sources import PoseSource
from edge_runtime.plan import Plan
from edge_runtime.rt.mailbox import I64
from edge_runtime.tissue.both_legs import TissueObserver
from engines.cache import cache_dir
from engines.grf import GrfEngine
from engines.inpaint import Inpainter
from engines.plans import POSE
from engines.pose import PoseTracker
from engines.pose.head import Geometry, PoseHead
from engines.pose.slot import ENGINES, pose_engine
from firmware_bridge.simulator.build import build
from firmware_bridge.simulator.process import FirmwareProcess, Pace, PlantParams
from firmware_bridge.table import TABLE

LATENCY_NS: Final = round(TABLE.age.latency_ms * 1e6)

PLANT_STIFFER: Final = 1.15
"""The simulated tissue is so much stiffer than the profile says: the compensation is not graded on its own model."""


def make_pose(plan: Plan, size_px: tuple[int, int], engines: Engines) -> PoseTracker:
    """The tracker of the wearer in pictures of `size_px` (width, height), with the plan's network and prompt.

    Raises EngineError where an asset is missing or the mask does not fit, UserError where box or spot do not.
    """
    engine = pose_engine(plan.device.pose_engine)
    prompt = plan.wearer.prompt(size_px, None if plan.live else plan.clip.crop)
    detector, landmarks = engines("pose_detection"), engines(ENGINES.get(engine.name, POSE), engine.onnx)
    stature_px = plan.wearer.stature_px(plan.profile.person.height_m)
    return PoseTracker(detector, landmarks, None, engines.beside(detector), engine.points, prompt, stature_px)


def make_estimator(
    plan: Plan, frame_ns: int, clock_ns: Callable[[], int], pose: PoseSource, engines: Engines
) -> Estimator:
    """Open the engines and assemble the chain behind `pose`; what is too slow for the tick runs beside it, where
    `engines` says. Raises EngineError where an asset is missing, UserError where the profile's model is."""
    filler, ground, angles = engines("inpaint_gait"), engines("grf_gait"), engines("pose_head")
    legs = OcclusionFill(Inpainter(None, lambda _: filler), engines.beside(filler))
    grf = GrfEngine(None, lambda _: ground)
    timing = Timing(LATENCY_NS, frame_ns, round(plan.device.solve_budget_ms * 1e6))
    body = body_of(plan.profile, plan.profile_path)
    place = camera_place(plan)
    head = PoseHead(Geometry(place.focal_px), None, lambda _: angles)
    return Estimator(pose, grf, legs, body, plan.profile, TABLE.host, timing, clock_ns, head, place)


def camera_place(plan: Plan) -> CameraPlace:
    """The camera as the device file has it; what is 0 there is not known."""
    spec = plan.device.camera
    up = up_of(radians(spec.pitch_deg), radians(spec.roll_deg))
    return CameraPlace(spec.focal_px or None, None, spec.height_m or None, up, spec.ground)


def make_encoders(plan: Plan, ring: I64) -> EncoderFeed | None:
    """The encoders' knees of this wearer, from the ring in which the torque loop tells them.

    None where they are on nobody in the picture: simulated knees before a live camera, other drives beside a clip.
    """
    if plan.live == plan.simulated:
        return None
    return EncoderFeed(ring, encoder_fit(plan.profile, tissues_of(plan.profile, plan.profile_path)))


def make_tissue_observer(plan: Plan, frame_ns: int, clock_ns: Callable[[], int]) -> TissueObserver | None:
    """Finite elements of both legs' tissue, seconds to build; None where the device file has them off."""
    return TissueObserver(plan.profile, frame_ns, clock_ns) if plan.device.tissue_observer == "on" else None


def make_firmware(plan: Plan, pace: Pace, folder: Path) -> FirmwareProcess:
    """Compile the governor and prepare its process with a simulated knee for this wearer; not started yet.

    It listens on a socket of its own, or attaches to the plan's virtual CAN interface.
    """
    priority = plan.device.loop_priority - 1 if pace is Pace.REALTIME and plan.device.loop_priority else 0
    params = folder / "plant.txt"
    plant_for(plan.profile, priority).write(params)
    program = build(cache_dir() / "firmware")
    bus = folder / "can" if plan.device.bus == "unix:" else plan.device.bus
    return FirmwareProcess(program, bus, folder / "rig", params, pace)


def plant_for(profile: Profile, priority: int) -> PlantParams:
    """A simulated knee like the profile's right leg, with stiffer tissue."""
    leg = profile.interface_r
    return PlantParams(
        hinge_inertia_kg_m2=leg.inertia_kgm2,
        hinge_viscous_nm_s_per_rad=leg.viscous_nms_per_rad,
        hinge_coulomb_nm=leg.coulomb_nm,
        tissue_stiffness_nm_per_rad=PLANT_STIFFER * leg.stiffness_nm_per_rad,
        tissue_stiffness_rise=leg.stiffness_80deg_nm_per_rad / leg.stiffness_nm_per_rad,
        tissue_damping_nm_s_per_rad=leg.damping_nms_per_rad,
        tissue_maxwell_nm_per_rad=leg.maxwell_nm_per_rad,
        tissue_maxwell_s=leg.maxwell_time_s,
        tissue_transmission=leg.transmission,
        profile_hash=profile.hash32,
        fifo_priority=priority,
    )
