"""The sections of the report and which chart stands where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from edge_runtime.report.payload import TOP_MUSCLES


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart of the payload with its caption; `size` is its share of the page's width."""

    chart: str
    title: str
    note: str = ""
    size: Literal["full", "half", "third"] = "half"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: `lead` says how to read it."""

    key: str
    title: str
    lead: str
    figures: tuple[Figure, ...]


SECTIONS: Final = (
    Section(
        "latency",
        "Latency",
        "From the capture of a frame to the first setpoint computed from it, on the wire. Drag over a chart "
        "to choose the time that the charts below show; a double click shows all.",
        (
            Figure("budget", "Where the median frame spends its time", size="full"),
            Figure("stages", "Stages", "bar: p50, line: p99, dot: max"),
            Figure("histogram", "Capture to setpoint", "frames per bin"),
            Figure("latency", "Latency over the run", size="full"),
            Figure("loop", "Torque loop, 1 kHz", "largest value of each moment", size="full"),
        ),
    ),
    Section(
        "torque",
        "Torque",
        "Each setpoint from what was asked to what arrived; below, the rule that limited it and the state "
        "of the governor. Flexion is positive.",
        (
            Figure("torque_r", "Right knee torque", size="full"),
            Figure("torque_l", "Left knee torque", size="full"),
        ),
    ),
    Section(
        "knee",
        "Knee angle and load",
        "Gaps and grey spans: no valid estimate. Dotted lines: the scene was cut. Flexion is positive.",
        (
            Figure("knee_r", "Right knee angle"),
            Figure("knee_l", "Left knee angle"),
            Figure("kcf_r", "Right knee contact force", "estimated"),
            Figure("kcf_l", "Left knee contact force", "estimated"),
        ),
    ),
    Section(
        "ground",
        "Ground reaction",
        "Estimated from the motion, both feet; forward is positive.",
        (
            Figure("grf_vertical", "Vertical", size="full"),
            Figure("grf_fore_aft", "Fore-aft", size="full"),
            Figure("gait_phase", "Gait phase", "from heel strike to heel strike, by the last stride"),
            Figure("newton", "Newton residual", "forces against the motion of the whole body"),
        ),
    ),
    Section(
        "muscles",
        "Muscle activations",
        "Static optimization, 0 to 1. Hover to read a muscle's name and value.",
        (
            Figure("activation_r", "Right leg"),
            Figure("activation_l", "Left leg"),
            *(Figure(f"muscle_{rank}", "", size="third") for rank in range(TOP_MUSCLES)),
        ),
    ),
    Section(
        "tissue",
        "Interface",
        "Finite elements of the tissue under the cuffs, run beside the loop from what was measured. Bend is hinge less "
        "knee; gain is measured over modelled bend, 1 where the tissue is as the model's; loss is what a stride loses.",
        (
            Figure("pressure_r", "Right cuffs, pressure", "exceeded on 5 % of the skin"),
            Figure("pressure_l", "Left cuffs, pressure", "exceeded on 5 % of the skin"),
            Figure("bend_r", "Right interface, bend"),
            Figure("bend_l", "Left interface, bend"),
            Figure("tissue_loss", "Energy lost per stride", size="third"),
            Figure("tissue_gain", "Gain", size="third"),
            Figure("tissue_doubt", "Doubt", "share taken", size="third"),
        ),
    ),
    Section("events", "Events", "Times from the start of the record.", ()),
)
