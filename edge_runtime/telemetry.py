"""The rows that the torque loop and the estimator publish to the recorder: one float64 array each, named once here."""

from __future__ import annotations

from typing import Final

from edge_runtime.types import COORDINATES, SIDES, SOLVED_DOFS

_JOINT_FIELDS: Final = (
    "position_rad",  # exoskeleton knee hinge (encoder), flexion positive
    "velocity_radps",
    "measured_nm",  # torque sensor of the drive
    "desired_nm",  # interpolated from the intent, faded by its age
    "compensated_nm",  # after interface compensation
    "limited_nm",  # after the limiter: what goes on the wire
    "compensation",  # share of interface compensation, 0 to 1
    "compensation_reason",  # what held it back: COMPENSATION_REASONS
    "limiter",  # which rule acted last: firmware_bridge.table.LIMITER_REASONS
    "age_ms",
    "knee_nm",  # simulated rig only: torque that reached the skeletal knee, NaN otherwise
    "knee_rad",  # simulated rig only: skeletal knee angle, NaN otherwise
)

CYCLE_FIELDS: Final = (
    "t_ns",  # loop clock at wake-up
    "cycle",
    "wake_us",  # wake-up after the deadline
    "compute_us",  # wake-up to last frame written
    "intent_seq",  # estimate that drives this cycle; 0 = none
    "intent_capture_ns",
    "intent_first",  # 1 on the first setpoint computed from that intent
    "mode",  # wire mode asked of the firmware
    "missed",  # deadlines missed so far
    "grade",  # what they do to torque now: edge_runtime.rt.deadlines
    "sent",  # frames sent so far
    "received",  # frames accepted so far
    "rejected",  # frames with a wrong CRC, counter or id so far
    "e2e_lost",  # frames missing within tolerance so far, all streams; docs/wire.md says how each is counted
    "e2e_gaps",
    "e2e_repeats",
    "e2e_crc",
    "governor_crc",  # what the governor says it counted of ours, modulo 256: GOVERNOR_STATE, mux COUNTERS
    "governor_gaps",
    "governor_repeats",
    "governor_rejected",
    "bus_state",  # BUS_STATES
    "tx_full",  # frames not sent so far because the send queue was full
    "rx_dropped",  # frames the receive queue had no room for so far
    "governor_state",
    "governor_reason",
    *(f"{name}_{side}" for side in SIDES for name in _JOINT_FIELDS),
)


BUS_STATES: Final = ("active", "warning", "passive", "bus-off", "down")
"""What the codes of `bus_state` mean; codes in edge_runtime.rt.bus_state."""

COMPENSATION_REASONS: Final = (
    "none",
    "spring",  # spring so stiff against the tissue that part of the deflection is left alone
    "interval",  # stiffness of the tissue hardly known
    "box",  # outside the poses in which the tissue model holds
    "rate",  # what compensation adds may not change faster
    "gain",  # the command is at 0 or at 1.3 times what is wanted
    "invalid",  # not computed: no compensation
)
"""What held interface compensation back; the last that acted."""


def cycle_width(joints: int) -> int:
    """Columns of a loop row for so many joints: those of CYCLE_FIELDS, and a group more for each joint past two."""
    return len(CYCLE_FIELDS) + max(0, joints - len(SIDES)) * len(_JOINT_FIELDS)


STAGES: Final = ("pose", "kinematics", "grf", "physics", "inverse_dynamics", "muscle", "kcf", "assist")

ESTIMATE_HEAD: Final = (
    "t_capture_ns",
    "t_ready_ns",  # intent published
    "frame",
    "cut",  # 1 where the scene was cut: the wearer is searched anew
    "valid",
    "reason",  # index into edge_runtime.estimator.REASONS
    "detector",  # 1 where a detector run was collected for this frame
    "detector_ms",  # what that run took, beside the tick
    *(f"{stage}_ms" for stage in STAGES),
    *COORDINATES,  # rad, m
    *(f"observed_{name}" for name in COORDINATES),
    *(f"world_{axis}_m" for axis in "xyz"),  # middle of the hips, biomech.world
    *(f"world_sd_{axis}_m" for axis in "xyz"),
    *(f"encoder_{side}" for side in SIDES),  # biomech.knee_fusion.ENCODER_STATES
    *(f"encoder_rad_{side}" for side in SIDES),  # knee by that side's encoder, NaN where it said nothing
    *(f"knee_sd_rad_{side}" for side in SIDES),  # deviation of the knee's angle above
    *(f"seen_knee_{side}" for side in SIDES),  # rad, by the camera alone, whatever encoders say; NaN where unseen
    *(f"seen_knee_sd_{side}" for side in SIDES),
    *(f"inferred_{side}" for side in SIDES),  # 1 where a joint of that leg was not seen but filled
    "inpaint_ms",  # what a fill collected for this frame took, beside the tick
    *(f"grf_{axis}_{side}" for side in SIDES for axis in "xyz"),  # N
    *(f"contact_{side}" for side in SIDES),
    *(f"stance_{side}" for side in SIDES),  # 1 while the foot is down
    *(f"gait_event_{side}" for side in SIDES),  # 1 heel strike, -1 toe-off, on their frame
    *(f"gait_phase_{side}" for side in SIDES),  # 0..1 since the heel strike, by the last stride
    *(f"stride_s_{side}" for side in SIDES),
    # |sum of forces - m (a - g)| in body weights: as predicted; refined, with the acceleration as measured; refined
    "newton_before_bw",
    "newton_left_bw",
    "newton_after_bw",
    *(f"frame_{axis}_deg" for axis in ("tilt", "list", "turn")),  # of the coordinates against gravity and the walk
    *(f"knee_moment_nm_{side}" for side in SIDES),
    *(f"kcf_{part}_n_{side}" for side in SIDES for part in ("medial", "lateral", "total")),
    *(f"kcf_relief_{side}" for side in SIDES),  # share of assistance taken away for that load, 0..1
    *(f"assist_nm_{side}" for side in SIDES),  # intent at the moment it acts
    "reserve_rms_nm",
    *(f"reserve_nm_{name}" for name in SOLVED_DOFS),  # moments that the muscles leave over
    "solve_gradient_nm",  # largest violation of the optimality conditions
    "solve_iterations",
    "solve_capped",  # 1 where the iterations ran out: activations are the last good ones
    "saturated",  # muscles at full activation
    "solve_late",  # 1 where inverse dynamics, muscles and knee took longer than the device's solve_budget_ms
    *(f"doubt_{side}" for side in SIDES),  # share of assistance that doubt takes away, before it fades in or out
    "doubt_cause",  # index into edge_runtime.doubt.CAUSES
)


def estimate_fields(muscles: tuple[str, ...]) -> tuple[str, ...]:
    """Names of an estimate row: the head, then one activation (0..1) per muscle."""
    return (*ESTIMATE_HEAD, *(f"activation_{name}" for name in muscles))
