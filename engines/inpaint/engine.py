"""The inpainter: fills the joints of a leg that was not seen, from what was, and says how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from engines.backends.base import Opener
from engines.backends.ort_cpu import OrtCpuRunner
from engines.grf.features import COORDINATES, F64, Mask
from engines.inpaint.periodic import doubt, guess
from engines.inpaint.weights import ZOO_PATH, Facts, read_facts
from engines.inpaint.window import (
    AGES_S,
    AHEAD,
    LEG_JOINTS,
    LEGS,
    NOW,
    STEP_S,
    Window,
    hides_left_more,
    mirror_legs,
    on_grid,
)

MIN_SEEN_S: Final = 0.3
"""A joint seen for less than this within the window is not filled; training windows start this short."""

AHEAD_S: Final = AHEAD * STEP_S
"""How far past the newest frame a fill reaches."""

_NOISE_SEED: Final = 9  # one noise for every fill: fills of successive frames differ by what was seen, not by chance
_NEAR: Final = slice(NOW - 1, NOW + AHEAD + 1)
_NEAR_S: Final[F64] = AGES_S[_NEAR]


@dataclass(frozen=True, slots=True)
class Fill:
    """Joints of both legs, hip flexion to ankle, right then left, rad, on the grid `AGES_S` around the newest frame.

    `joints` [10, SAMPLES] as seen where seen; `sd` their standard deviation, 0 where seen; `samples` [K, 10, SAMPLES]
    from the same distribution; `inferred` [10, SAMPLES] what was filled. A joint that was hardly seen stays unfilled:
    not inferred, and NaN.
    """

    joints: F64
    sd: F64
    mean: F64
    samples: F64
    inferred: Mask

    def mirrored(self) -> Fill:
        """The same with left and right exchanged."""
        found = [mirror_legs(part) for part in (self.joints, self.sd, self.mean, self.samples)]
        return Fill(found[0], found[1], found[2], found[3], np.roll(self.inferred, LEG_JOINTS, axis=0))

    def near(self, age_s: float) -> tuple[F64, F64, F64, F64]:
        """Value, rate and acceleration (rad, per s, per s²) and deviation [10] at `age_s` from 0 to `AHEAD_S`.

        From the cubic through the four grid samples around.
        """
        powers = np.vander(_NEAR_S, 4, increasing=True)
        c = np.linalg.solve(powers, self.joints[:, _NEAR].T)
        a = age_s
        value = c[0] + a * (c[1] + a * (c[2] + a * c[3]))
        rate = c[1] + a * (2.0 * c[2] + 3.0 * a * c[3])
        sd = np.stack([np.interp(a, _NEAR_S, row) for row in self.sd[:, _NEAR]])
        return value, rate, 2.0 * c[2] + 6.0 * a * c[3], sd


class Inpainter:
    """Denoising network over 1.5 s of motion, after GaitDynamics (Tan et al. 2025), conditioned on what is seen.

    `onnx_path` defaults to the weights in the zoo; `open_runner` decides what they run on. EngineError: no such file,
    damaged or another network. Not for use from two threads at once.
    """

    def __init__(self, onnx_path: Path | None = None, open_runner: Opener = OrtCpuRunner) -> None:
        path = onnx_path or ZOO_PATH
        self.facts: Facts = read_facts(path)
        self.force_sd_bw_per_rad: F64 = np.array(self.facts.force_sd_bw_per_rad)
        self._runner = open_runner(path)
        noise = self._runner.inputs["noise"]
        noise[...] = np.random.default_rng(_NOISE_SEED).standard_normal(noise.shape)
        self._runner.warm()

    def fill(self, t_s: F64, q: F64) -> Fill:
        """Fill the hidden joints of the legs.

        `t_s` [N] rising, of the frames, the last one now; `q` [N, 16] rad and m in `COORDINATES` order, NaN where
        not seen. Frames older than 1.5 s are not read. ValueError: other shapes, or no frame.
        """
        if t_s.ndim != 1 or len(t_s) == 0 or q.shape != (len(t_s), len(COORDINATES)):
            raise ValueError(f"t {t_s.shape}, q {q.shape}: expected [N] and [N, 16], N at least 1")
        return self.fill_window(on_grid(t_s - t_s[-1], q))

    def fill_window(self, window: Window) -> Fill:
        """The same for a window on the grid."""
        if hides_left_more(window.seen):
            return self._infer(window.mirrored()).mirrored()
        return self._infer(window)

    def _infer(self, window: Window) -> Fill:
        inputs = self._runner.inputs
        inputs["value"][0], inputs["seen"][0] = window.value, window.seen
        inputs["guess"][0], inputs["doubt"][0] = guess(window), doubt(window)
        out = self._runner.infer()
        seen = window.seen[LEGS]
        enough = seen.sum(axis=1) * STEP_S >= MIN_SEEN_S - 1e-9
        unknown = ~(seen | enough[:, None])
        mean, sd, samples = (out[name].astype(np.float64) for name in ("mean", "sd", "samples"))
        joints = samples.mean(axis=0)
        joints[unknown] = np.nan
        return Fill(joints, sd[0], mean[0], samples, ~seen & enough[:, None])
