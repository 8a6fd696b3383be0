"""The GRF engine: keeps the recent motion, runs the network once per frame, says when it must not be believed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from engines.backends.base import Buffers, Opener
from engines.backends.ort_cpu import OrtCpuRunner
from engines.grf.context import context
from engines.grf.doubt import BLOCKS, Doubt, Gait, blocks_known
from engines.grf.features import (
    BASE,
    COM_Y,
    COORDINATES,
    F64,
    FRONTAL,
    GRID_S,
    RECENT,
    SIDES,
    Mask,
    base_channels,
    base_observed,
    derived,
    features,
    mask_from,
    outward,
    seen_from,
)
from engines.grf.newton import Asked, asked, mixed
from engines.grf.timing import SHIFTS_S, WINDOW, Timing, body_height, read_at
from engines.grf.weights import ZOO_PATH, read_limits
from engines.grf.window import Motion, foot_heading, from_foot

WARM_UP_S: Final = 0.3
"""Motion needed before the first answer; the network was trained on histories that start this late."""

GAP_S: Final = 0.2
"""A longer silence of the camera ends the history."""

ROUGH_RAD: Final = 0.01
"""Motion with an angle less certain than this is taken for video pose, whatever else is measured: markers are better
(0.003 rad from frame to frame), filled or filmed joints worse."""

_IN_THE_AIR: Final = 0.1
"""Probability of contact below which there is no force, as in the network."""

_NOW: Final = len(SHIFTS_S) // 2
_GRAVITY: Final = 9.80665  # m/s², standard gravity (CGPM 1901)
MARKERS: Final[F64] = np.full(len(COORDINATES), 0.003)
"""Deviation [16] of coordinates from markers, rad and m."""

_OUTWARD: Final = np.stack([outward(side) for side in SIDES])
_TILT: Final = BASE.index("tilt")
_SAGITTAL: Final = slice(BASE.index("tilt"), BASE.index("foot_l") + 1)
_ANGLES: Final = [not name.startswith("pelvis_t") or name == "pelvis_tilt" for name in COORDINATES]
_HIDDEN_IN_VIDEO: Final = [BASE.index(name) for name in FRONTAL]
_NEVER_NS: Final = -(2**62)


@dataclass(frozen=True, slots=True)
class GrfResult:
    """Ground reaction of both feet, sides r and l, axes x forward, y up, z to the wearer's right.

    `force_n` [2, 3] N; `cop_ankle_m` [2, 3] centre of pressure minus ankle joint centre, m (means something
    where there is contact); `contact` [2] probability 0..1; `sd_n` [2, 3] standard deviation of the force.
    `disagreement_n` [2, 3] N is the part of it that the networks' disagreement makes (epistemic). `doubt` 0..1: 0
    for motion as usual as in training, 1 where it must not be believed. `running` 0..1: how much it is that gait.
    `novelty` [2] (about 1 in training; of a leg, of both) and `disagreement_bw` are what doubt rests on, smoothed, and
    `unexplained`, how far the force is from what the body's motion asks (`Timing`; 0 where that is too rough to tell).
    `reason` is "" where `valid`, else "warming_up", "gap", "bad_input" or "hidden"; force and contact are then
    zero and the deviation infinite. With "unfamiliar" the motion is unlike all that was trained: an estimate is
    given all the same, not to be used; the further from training, the more it is Newton's law on the motion alone.
    """

    valid: bool
    reason: str
    force_n: F64
    cop_ankle_m: F64
    contact: F64
    sd_n: F64
    disagreement_n: F64 = field(default_factory=lambda: np.zeros((2, 3)))
    doubt: float = 0.0
    running: float = 0.0
    novelty: F64 = field(default_factory=lambda: np.zeros(len(BLOCKS)))
    disagreement_bw: float = 0.0
    unexplained: float = 0.0


def _invalid(reason: str) -> GrfResult:
    unknown = np.full((2, 3), np.inf)
    return GrfResult(False, reason, np.zeros((2, 3)), np.zeros((2, 3)), np.zeros(2), unknown, unknown, doubt=1.0)


def _heading(base: F64, observed: Mask) -> F64:
    """Direction of each foot [2] at the newest sample of a window, rad."""
    views = np.stack([seen_from(side, base[:, -1:]) for side in SIDES])
    masks = np.stack([mask_from(side, observed[:, -1:]) for side in SIDES])
    return foot_heading(views, masks)[:, 0]


class GrfEngine:
    """Causal estimate of the ground reaction from joint coordinates, one `step` per camera frame.

    `onnx_path` defaults to the weights in the zoo; `open_runner` decides what they run on. EngineError: no such file,
    damaged or another network.
    """

    def __init__(self, onnx_path: Path | None = None, open_runner: Opener = OrtCpuRunner) -> None:
        self._runner = open_runner(onnx_path or ZOO_PATH)
        self._runner.warm()
        self._input, self._context = self._runner.inputs["window"], self._runner.inputs["context"]
        self._limits = read_limits(onnx_path or ZOO_PATH)
        self._motion = Motion()
        self._since_ns = 0
        self._rough_ns = _NEVER_NS
        self._timing = Timing()
        self._gait = Gait()
        self._doubt = Doubt(self._limits)
        self._scale = np.array(self._limits.sd_scale)
        self._warm()

    def _warm(self) -> None:
        """One frame of nothing: compiles what is compiled, so that the first real one is not late."""
        for t_ns in (0, 1):
            self._motion.add(t_ns, np.zeros(len(BASE)), np.ones(len(BASE), dtype=np.bool_))
        self._infer(1, 1.0)
        self.reset()

    def reset(self) -> None:
        """Forget the history and the wearer."""
        self._restart()
        self._timing.reset()

    def _restart(self) -> None:
        self._motion.first = self._motion.end = 0
        self._rough_ns = _NEVER_NS
        self._gait.reset()
        self._doubt.reset()
        self._timing.pause()

    def step(self, t_ns: int, q: F64, qd: F64, observed: Mask, mass_kg: float, sd: F64 = MARKERS) -> GrfResult:
        """Ground reaction at the frame `t_ns`, from it and the frames before.

        `q` [16] rad and m in `COORDINATES` order, `observed` [16] what the camera saw; `mass_kg` of the wearer
        with what they carry. `qd` [16] is checked only: rates come from `q` on the network's own grid. `sd` [16] is the
        deviation of `q`, as of markers by default. While the motion that the network sees holds an angle worse than
        `ROUGH_RAD`, it is shown what one camera beside the wearer sees, and takes it for as rough as that.
        """
        if not q.shape == observed.shape == sd.shape == (len(COORDINATES),):
            raise ValueError(f"q {q.shape}, observed {observed.shape} and sd {sd.shape}: expected [16] each")
        motion = self._motion
        last_ns = int(motion.t_ns[motion.end - 1]) if motion.end else t_ns - 1
        if t_ns < last_ns:
            self.reset()
        readable = np.isfinite(q[observed]).all() and np.isfinite(qd[observed]).all()
        if t_ns <= last_ns or not readable or not (np.isfinite(mass_kg) and mass_kg > 0.0):
            return _invalid("bad_input")
        gap = t_ns - last_ns > GAP_S * 1e9
        if gap:
            self._restart()
        if motion.end == 0:
            self._since_ns = t_ns
        if not (sd[observed & _ANGLES] <= ROUGH_RAD).all():
            self._rough_ns = t_ns
        seen = base_observed(observed)
        motion.add(t_ns, base_channels(np.where(observed, q, 0.0)), seen)
        if gap:
            return _invalid("gap")
        if not seen[_SAGITTAL].any():
            return _invalid("hidden")
        if t_ns - self._since_ns < WARM_UP_S * 1e9:
            return _invalid("warming_up")
        return self._infer(t_ns, mass_kg)

    def _infer(self, t_ns: int, mass_kg: float) -> GrfResult:
        base, observed = self._motion.window()
        heading = _heading(base, observed)
        rough = t_ns - self._rough_ns < RECENT * GRID_S * 1e9
        if rough:
            observed[_HIDDEN_IN_VIDEO] = False
        views = np.stack([seen_from(side, base) for side in SIDES])
        masks = np.stack([mask_from(side, observed) for side in SIDES])
        self._input[...] = features(views[..., -RECENT:], masks[..., -RECENT:])
        self._context[...] = context(base, observed, 1)[:, 0]
        out = self._runner.infer()
        running = self._gait.step(t_ns, out["contact"][:, _NOW])
        force_bw, contact = self._in_time(t_ns, out, running, base, observed)
        known = blocks_known(masks[..., -RECENT:])
        unexplained = 0.0 if rough else self._timing.unexplained
        apart_bw = float(out["disagreement_bw"][:, 1].max())
        strange = self._doubt.step(t_ns, out["novelty"], known, apart_bw, unexplained)
        weight_n = mass_kg * _GRAVITY
        sd = out["sd_bw"] * (self._scale[0] + running * (self._scale[1] - self._scale[0]))
        found = Asked(force_bw, sd, contact, from_foot(out["cop_m"], heading).astype(np.float64))
        lost = self._doubt.lost(strange)
        motion = asked(base, observed, self._context[0]) if lost > 0.0 else None
        if motion is not None:
            found = mixed(found, motion, lost)
        return GrfResult(
            valid=strange < 1.0,
            reason="" if strange < 1.0 else "unfamiliar",
            force_n=found.force_bw * (_OUTWARD * weight_n),
            cop_ankle_m=found.cop_m * _OUTWARD,
            contact=found.contact,
            sd_n=found.sd_bw * weight_n,
            disagreement_n=out["disagreement_bw"] * weight_n,
            doubt=self._doubt.level(strange),
            running=running,
            novelty=self._doubt.novelty.copy(),
            disagreement_bw=self._doubt.disagreement_bw,
            unexplained=unexplained,
        )

    def _in_time(self, t_ns: int, out: Buffers, running: float, base: F64, observed: Mask) -> tuple[F64, F64]:
        """Force [2, 3] (BW) and contact [2] of a runner who lands earlier or later than the network expects."""
        value, known = derived(base[:, -WINDOW:], observed[:, -WINDOW:])
        total_bw = float(out["force_bw"][:, _NOW, 1].sum())
        height_m = body_height(value[COM_Y], value[_TILT])
        delay_s = self._timing.step(t_ns, total_bw, height_m, known[COM_Y] & known[_TILT]) * running
        force_bw, contact = read_at(out["force_bw"], delay_s), np.clip(read_at(out["contact"], delay_s), 0.0, 1.0)
        force_bw[contact < _IN_THE_AIR] = 0.0
        force_bw[:, 1] = np.maximum(force_bw[:, 1], 0.0)
        return force_bw, contact
