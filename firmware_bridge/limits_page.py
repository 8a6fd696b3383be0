"""Text of docs/limits.md: the limits as a person reads them, with the reason for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from firmware_bridge.schema import JointLimits, Table

WHY: Final[Mapping[str, str]] = {
    "torque_nm": "Highest magnitude.",
    "slew_up_nm_per_s": "Growth of the magnitude.",
    "slew_down_nm_per_s": "Loss of the magnitude: faster, so that letting go is never held back.",
    "slew_tolerance_ms": "Jitter of the stamps: a stream may run ahead of its slew limit by this much time.",
    "window_nm": "Largest change within the window, except toward zero, which is always allowed. Less than "
    "the full torque, so that a swing from one side to the other takes more than one window.",
    "window_ms": "The window. Kept in 25 buckets, so it reaches back 250 to 260 ms; a host whose window is "
    "260 ms is never refused.",
    "lease_ms": "A setpoint is valid for so long after it arrives; shorter gaps are survived.",
    "power_w": "Mechanical power into the wearer: commanded torque times measured velocity.",
    "velocity_max_degps": "Above it the encoder or the wearer is in trouble.",
    "position_min_deg": "Soft stop in extension: below it no torque pushes further into extension.",
    "position_max_deg": "Soft stop in flexion: above it no torque pushes further into flexion.",
    "tracking_nm": "Distance between commanded and measured torque; more means that the drive does not obey.",
    "persist_ms": "Velocity and tracking rest on measurements; they trip after so long.",
    "yield_ms": "So do power and soft stop, which a fast leg can reach under full torque: the host then has to let it "
    "all go at its release rate, and may be a lease late. They trip after so long.",
    "opposing_nm": "Opposing wearer: moving against more torque than this. Less is help that any leg overrides.",
    "opposing_velocity_degps": "Opposing wearer: and faster than this. Slower is standing, or encoder noise.",
    "opposing_ms": "Opposing wearer: for longer than this. It counts up while so and down while not. Level walking has "
    "phases in which the leg yields under its own muscles: loading response and pre-swing, 12 % of a stride each "
    "(Perry and Burnfield, Gait Analysis, 2010), 130 ms at a normal and 170 ms at a slow stride of 1.4 s. What lasts "
    "longer, sitting down or a stair down as well, is left to the wearer alone.",
    "i2t_nm": "Torque that the drive may give for ever: the mean square of torque stays below its square.",
    "i2t_s": "Time constant of that mean, a first-order filter.",
}


def render(table: Table, note: str) -> str:
    """Markdown page of all limits; `note` says where it comes from."""
    return "\n".join(
        [
            "# Limits",
            "",
            f"<!-- {note} -->",
            "",
            "Two guards read one table, `firmware_bridge/limits.toml`. The firmware's governor rejects what "
            "lies outside and latches SAFE with a reason. The host's limiter keeps every setpoint inside "
            f"{table.host_factor:g} of the same limits, so that the governor never trips in normal life.",
            "",
            "The values are decisions for a research device, not measurements; no certification is claimed.",
            "",
            *_joints(table),
            *_shared(table),
            *_codes(table),
        ]
    )


def _joints(table: Table) -> list[str]:
    lines = ["## Joints", ""]
    for name, joint in table.joints.items():
        host = table.host_limits(name)
        lines += [f"### {name}", "", "| limit | firmware | host | why |", "|---|---|---|---|"]
        lines += [_row(key, joint, host) for key in WHY]
        lines.append("")
    return lines


def _row(key: str, joint: JointLimits, host: JointLimits) -> str:
    return f"| `{key}` | {getattr(joint, key):g} | {getattr(host, key):g} | {WHY[key]} |"


def _shared(table: Table) -> list[str]:
    age, host = table.age, table.host
    return [
        "## Age",
        "",
        f"The latency by design is {age.latency_ms:g} ms, and an estimate cannot be replaced before the camera's "
        f"next frame. From then on it is late: full torque for {age.late_full_ms:g} ms, none from "
        f"{age.late_zero_ms:g} ms on, a straight line between. The host takes its own camera's period for that; the "
        f"firmware, which reads plain age, the slowest allowed ({age.frame_max_ms:g} ms): full torque up to an age of "
        f"{age.full_ms:g} ms, none from {age.zero_ms:g} ms on. The setpoint carries its age in whole "
        "milliseconds, cut.",
        "",
        "## Host alone",
        "",
        f"No torque on a joint not heard for {host.joint_silent_ms:g} ms, nor on any joint where the governor's "
        f"state was not heard for {host.governor_silent_ms:g} ms. Each time assistance begins, torque grows from "
        f"nothing over {host.engage_ms:g} ms. While the estimated contact force of a knee is above "
        f"{host.kcf_full_bw:g} body weights, its assistance is less, in a straight line to none at "
        f"{host.kcf_zero_bw:g}; walking on the level "
        "loads a knee with 2 to 3 (instrumented implants: Bergmann et al. 2014, PLoS ONE 9, e86035).",
        "",
        "A period of the loop in which no cycle began is a missed deadline. After one, torque does not grow in that "
        f"cycle. From {host.missed_fade} in a row on, torque fades to nothing over {host.missed_fade_ms:g} ms; after "
        f"{host.missed_recover_ms:g} ms on time it comes back, at the rate at which assistance begins. "
        f"{host.missed_safe} in a row are SAFE. Misses are in a row until a cycle follows the one before it on time.",
        "",
        *_safe_and_frames(table),
    ]


def _safe_and_frames(table: Table) -> list[str]:
    safe, protocol = table.safe, table.protocol
    return [
        "## SAFE",
        "",
        f"Torque falls to zero in a straight line within {safe.ramp_ms:g} ms. Then the drive only damps: "
        f"{safe.damping_nm_s_per_rad:g} Nm s/rad, at most {safe.damping_max_nm:g} Nm, against the motion. "
        f"SAFE stays until the host asks to clear it, at least {safe.clear_after_ms:g} ms after it began, "
        f"with every joint below {safe.clear_velocity_degps:g} deg/s, no torque asked for, all hashes equal.",
        "",
        "## Frames",
        "",
        f"Up to {protocol.max_delta_counter - 1} lost frames in a row are accepted; "
        f"{protocol.consecutive_errors_max} broken ones in a row end in SAFE. A setpoint is queued up to "
        f"{protocol.ahead_max_ms:g} ms ahead of its `apply_at` and still applied up to "
        f"{protocol.late_max_ms:g} ms after it. A host silent for {protocol.host_timeout_ms:g} ms is gone.",
        "",
    ]


def _codes(table: Table) -> list[str]:
    lines = ["## Reason codes", "", "| code | name |", "|---|---|"]
    for name, code in table.reasons.items():
        lines.append(f"| {code} | {_link(name)} |")
    lines += ["", "## What the limiter tells", ""]
    lines += ["Per setpoint and joint, in telemetry: the last rule that changed the torque, as a number.", ""]
    lines += ["| code | name |", "|---|---|"]
    lines += [f"| {code} | {_link(name)} |" for code, name in enumerate(table.limiter_reasons)]
    return [*lines, ""]


def _link(name: str) -> str:
    return name if name in {"none", "clear_request"} else f"[{name}](reasons/{name}.md)"
