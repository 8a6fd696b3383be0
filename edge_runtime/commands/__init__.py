"""The commands of `exo-edge`: one module each, listed here once; imports only what parsing a line needs."""

from __future__ import annotations

import argparse
from typing import Final, Protocol

from edge_runtime.commands import (
    accept,
    bench_batch,
    bench_drives,
    bench_frame,
    bench_governor,
    bench_loop,
    bench_serial,
    bench_solve,
    bench_tissue,
    camera_check,
    camera_reference,
    can_dump,
    can_firmware,
    can_generate,
    can_record,
    check,
    doctor,
    drive_emulate,
    drive_run,
    engines_bench,
    engines_build,
    engines_clean,
    engines_list,
    engines_verify,
    evaluate_clip,
    evaluate_grf,
    evaluate_inpaint,
    evaluate_kcf,
    evaluate_mediapipe,
    evaluate_muscle,
    evaluate_pose,
    evaluate_synergies,
    fault_inject,
    fault_list,
    fetch,
    hil_box,
    hil_compare,
    hil_judge,
    hil_list,
    hil_loop,
    hil_report,
    hil_run,
    hil_serial_soak,
    hil_storm,
    hil_validate,
    model_compile,
    model_reference,
    run,
    solve,
    tissue_reduce,
    tissue_study,
    tissue_verify,
    tissue_watch,
)


class Command(Protocol):
    """What a command's module has."""

    __name__: str
    HELP: str

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's options."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; returns the exit status. World errors are raised, see `edge_runtime.errors`."""


GROUPS: Final = {
    "bench": "measure speed",
    "evaluate": "measure accuracy",
    "engines": "the networks: built, proved and chosen for this device",
    "model": "musculoskeletal models made from OpenSim's",
    "tissue": "soft tissue between device and skeleton",
    "camera": "live cameras",
    "can": "the wire, and what is derived from firmware_bridge/limits.toml",
    "drive": "third-party drives behind a governor on this machine",
    "hil": "hardware in the loop: verdicts on runs",
    "fault": "what a bench makes a run suffer",
}
"""First words that several commands share."""

COMMANDS: Final[tuple[Command, ...]] = (
    fetch,
    run,
    solve,
    bench_frame,
    bench_batch,
    bench_governor,
    bench_solve,
    bench_drives,
    bench_serial,
    bench_loop,
    bench_tissue,
    evaluate_clip,
    evaluate_grf,
    evaluate_inpaint,
    evaluate_kcf,
    evaluate_mediapipe,
    evaluate_muscle,
    evaluate_pose,
    evaluate_synergies,
    model_compile,
    model_reference,
    tissue_reduce,
    tissue_study,
    tissue_verify,
    tissue_watch,
    camera_check,
    camera_reference,
    can_generate,
    can_firmware,
    can_dump,
    can_record,
    drive_run,
    drive_emulate,
    engines_build,
    engines_verify,
    engines_bench,
    engines_list,
    engines_clean,
    hil_box,
    hil_compare,
    hil_judge,
    hil_list,
    hil_loop,
    hil_serial_soak,
    hil_storm,
    fault_inject,
    fault_list,
    hil_report,
    hil_run,
    hil_validate,
    check,
    accept,
    doctor,
)
"""A module `group_word` is the command `exo-edge group word`."""


def words(command: Command) -> tuple[str, ...]:
    """What is typed for it: ("run",) or ("bench", "frame")."""
    name = command.__name__.rpartition(".")[2]
    group, _, word = name.partition("_")
    return (group, word.replace("_", "-")) if group in GROUPS and word else (name,)
