"""One measured trial streamed through network and physics, frame by frame, as it runs beside a camera."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from edge_runtime.biomech.body_motion import MARKER_NOISE_RAD, Differentiator
from edge_runtime.biomech.ground_physics import GroundPhysics, Refined
from edge_runtime.biomech.tracker import Mask
from edge_runtime.biomech.whole_body import BODY_COORDINATES, BodySegments
from edge_runtime.evaluate_grf.person import read_trunk, segments_of
from edge_runtime.types import COORDINATES, F64
from engines.grf import GrfEngine, GrfResult
from engines.grf.evaluate import Scored
from engines.grf.trials import GRAVITY, Trial

_OWN: Final = slice(0, len(COORDINATES))
_TRUNK: Final = slice(len(COORDINATES), len(BODY_COORDINATES))


@dataclass(frozen=True)
class Case:
    """A trial and its person; `q`, `observed` [N, 16] are what the chain is shown, at a noise of `noise_rad`, and `sd`
    [N, 16] the deviation that it is told (rad, m).

    Where the noise is more than that of markers the network sees the filtered coordinates, as it does live.
    """

    trial: Trial
    segments: BodySegments
    trunk_rad: F64 | None
    q: F64
    observed: Mask
    sd: F64
    noise_rad: float = MARKER_NOISE_RAD


def case_of(trial: Trial, path: Path) -> Case:
    """The case of a trial read from `path`, everything shown that was measured."""
    sd = np.full(trial.q.shape, MARKER_NOISE_RAD)
    return Case(trial, segments_of(trial), read_trunk(path), trial.q, trial.observed, sd)


def _per_frame(n: int, *shape: int) -> F64:
    return np.full((n, *shape), np.nan)


@dataclass
class Run:
    """What came of a case, frame by frame (NaN where nothing came), feet r and l.

    `plain`, `refined` force in body weights, deviation and centre of pressure minus ankle [N, 2, 3] of the network
    alone and after refinement; Newton residuals `before`, `left`, `after` [N] in body weights; `asked_bw`,
    `asked_sd_bw` [N, 6] what the motion asks (force, moment; in body weights and times m); `struck`, `lifted` [N, 2];
    `phase` [N, 2]; `doubt`, `network_ms`, `physics_ms` [N], `cpu_ms` [N] what both took of the process' own time;
    `angle_deg` [3], `frame_reason` of the frame at the end.
    """

    trial: Trial
    mask: Mask
    plain: dict[str, F64]
    refined: dict[str, F64]
    before: F64
    left: F64
    after: F64
    asked_bw: F64
    asked_sd_bw: F64
    struck: Mask
    lifted: Mask
    phase: F64
    doubt: F64
    network_ms: F64
    physics_ms: F64
    cpu_ms: F64
    angle_deg: F64 = field(default_factory=lambda: np.full(3, np.nan))
    frame_reason: str = ""

    def scored(self, which: dict[str, F64]) -> Scored:
        """`plain` or `refined` as the network's own scores take them."""
        step_ms = self.network_ms + self.physics_ms
        return Scored(self.trial, which["force_bw"], which["sd_bw"], which["cop_m"], self.mask, step_ms)


def empty_run(trial: Trial) -> Run:
    """A run of which nothing has come yet."""
    n = len(trial.t_s)

    def reaction() -> dict[str, F64]:
        return {key: _per_frame(n, 2, 3) for key in ("force_bw", "sd_bw", "cop_m")}

    def no() -> Mask:
        return np.zeros((n, 2), np.bool_)

    return Run(
        trial=trial,
        mask=no(),
        plain=reaction(),
        refined=reaction(),
        before=_per_frame(n),
        left=_per_frame(n),
        after=_per_frame(n),
        asked_bw=_per_frame(n, 6),
        asked_sd_bw=_per_frame(n, 6),
        struck=no(),
        lifted=no(),
        phase=_per_frame(n, 2),
        doubt=_per_frame(n),
        network_ms=_per_frame(n),
        physics_ms=_per_frame(n),
        cpu_ms=_per_frame(n),
    )


@dataclass
class Chain:
    """Network, derivatives and physics at one moment of a case."""

    engine: GrfEngine
    motion: Differentiator
    physics: GroundPhysics

    def fork(self) -> Chain:
        """A chain that goes on from the same moment on its own; only the network's session and buffers are shared."""
        return copy.deepcopy(self)

    def advance(self, case: Case, run: Run, frames: range) -> None:
        """Take the next `frames` of `case`, and put what comes of them into `run`."""
        trial = case.trial
        q, known = np.zeros(len(BODY_COORDINATES)), np.zeros(len(BODY_COORDINATES), np.bool_)
        still = np.zeros(len(COORDINATES))
        smooth = case.noise_rad > MARKER_NOISE_RAD
        known[_TRUNK] = case.trunk_rad is not None
        for i in frames:
            t_ns = round(trial.t_s[i] * 1e9)
            q[_OWN], known[_OWN] = case.q[i], case.observed[i]
            if case.trunk_rad is not None:
                q[_TRUNK] = case.trunk_rad[i]
            began_ns, marks = time.process_time_ns(), [time.perf_counter_ns()]
            self.motion.step(t_ns, q, known)
            marks.append(time.perf_counter_ns())
            shown = self.motion.motion[0, _OWN] if smooth else case.q[i]
            found = self.engine.step(t_ns, shown, still, case.observed[i], trial.mass_kg, case.sd[i])
            marks.append(time.perf_counter_ns())
            refined = self.physics.step(t_ns, self.motion.motion, known, found)
            marks.append(time.perf_counter_ns())
            run.cpu_ms[i] = (time.process_time_ns() - began_ns) * 1e-6
            run.network_ms[i] = (marks[2] - marks[1]) * 1e-6
            run.physics_ms[i] = (marks[3] - marks[2] + marks[1] - marks[0]) * 1e-6
            if refined is not None:
                _keep(run, i, found, refined, self.physics)
        run.angle_deg, run.frame_reason = self.physics.frame.angle_deg.copy(), self.physics.frame.reason


def begin(engine: GrfEngine, case: Case) -> Chain:
    """`engine`, its history forgotten, and fresh physics for the person of `case`."""
    engine.reset()
    motion = Differentiator(case.noise_rad)
    return Chain(engine, motion, GroundPhysics(case.segments, motion.cutoff_hz))


def stream(engine: GrfEngine, case: Case) -> Run:
    """Run `case` through `engine` and fresh physics; samples count where a plate, network and physics are valid."""
    run = empty_run(case.trial)
    begin(engine, case).advance(case, run, range(len(case.trial.t_s)))
    return run


def _keep(run: Run, i: int, found: GrfResult, refined: Refined, physics: GroundPhysics) -> None:
    weight_n = run.trial.mass_kg * GRAVITY
    for into, of in ((run.plain, found), (run.refined, refined)):
        into["force_bw"][i], into["sd_bw"][i] = of.force_n / weight_n, of.sd_n / weight_n
        into["cop_m"][i] = of.cop_ankle_m
    run.mask[i] = run.trial.valid[i]
    run.before[i], run.left[i], run.after[i] = refined.before, refined.left, refined.after
    run.asked_bw[i], run.asked_sd_bw[i] = physics.motion.wrench / weight_n, physics.motion.sd / weight_n
    run.struck[i], run.lifted[i], run.phase[i] = physics.events.struck, physics.events.lifted, physics.events.phase
    run.doubt[i] = refined.doubt
