"""Training windows of the inpainter: measured gait at other tempi, mirrored, roughened like video, parts hidden."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engines.grf.features import COORDINATES, F64, Mask
from engines.grf.trials import Trial
from engines.inpaint.periodic import doubt, guess
from engines.inpaint.window import (
    AGES_S,
    LEG_JOINTS,
    LEGS,
    NOW,
    PAST,
    SAMPLES,
    STEP_S,
    Window,
    hides_left_more,
    masked,
    mirror,
)
from engines.training.grf_batches import SHARE

F32 = npt.NDArray[np.float32]

_DEG: Final = np.pi / 180.0
_TEMPO: Final = (0.85, 1.18)
"""Times are stretched by so much: walking from 0.6 to 1.5 strides a second, running up to 1.9."""

_SHORTEST_S: Final = 0.3
_LONGEST_GAP: Final = 55  # grid samples: 1.1 s
_FRONTAL: Final = np.array(
    [any(part in name for part in ("list", "rotation", "adduction", "_tz")) for name in COORDINATES]
)
_LENGTH: Final = np.array(["_t" in name and name != "pelvis_tilt" for name in COORDINATES])
# Video pose after a filter, standard deviations at full strength: white, slow (knots 0.12 s apart), constant.
_WHITE: Final = np.where(_LENGTH, 0.003, 1.0 * _DEG)
_SLOW: Final = np.where(_LENGTH, 0.01, 3.0 * _DEG)
_CONSTANT: Final = np.where(_LENGTH, 0.0, 4.0 * _DEG)
_KNOT_STEPS: Final = 6
_ROUGH: Final = 0.35
_WITHOUT_FRONTAL: Final = 0.45
_LATE_START: Final = 0.2


@dataclass(frozen=True)
class Example:
    """`window` as the inpainter gets it, `guess`, its `doubt` and `truth` [10, SAMPLES] rad, `scored` what to fill."""

    window: Window
    guess: F64
    doubt: F64
    truth: F64
    scored: Mask


class Windows:
    """Draws training windows from `trials`, seeded by `rng`; the sets come in the shares of the GRF training."""

    def __init__(self, trials: list[Trial], rng: np.random.Generator) -> None:
        self._rng = rng
        self._pools: dict[str, list[Trial]] = {}
        for trial in trials:
            if trial.t_s[-1] - trial.t_s[0] > _SHORTEST_S:
                self._pools.setdefault(trial.data_set, []).append(trial)
        shares = np.array([SHARE[name] for name in self._pools])
        self._shares = shares / shares.sum()

    def draw(self) -> Example:
        """One window; the leg that lacks more is the right one."""
        rng = self._rng
        q = self._motion()
        truth = q.copy()
        if rng.random() < _ROUGH:
            q, constant = self._rough(q)
            truth += constant[:, None]
        q[:, PAST:] = np.nan
        if rng.random() < _LATE_START:
            q[:, : PAST - round(rng.uniform(_SHORTEST_S, 1.4) / STEP_S)] = np.nan
        if rng.random() < _WITHOUT_FRONTAL:
            q[_FRONTAL] = np.nan
        known = np.repeat(np.any(np.isfinite(q), axis=1, keepdims=True), SAMPLES, axis=1)
        self._hide(q)
        if hides_left_more(np.isfinite(q)):
            q, truth, known = mirror(q), mirror(truth), mirror(known.astype(np.float64)) != 0.0
        window = masked(q)
        legs, seen = truth[LEGS], window.seen[LEGS]
        scored = ~seen & np.isfinite(legs) & known[LEGS] & np.any(seen, axis=1, keepdims=True)
        return Example(window, guess(window), doubt(window), np.where(np.isfinite(legs), legs, 0.0), scored)

    def _motion(self) -> F64:
        """True coordinates [16, SAMPLES] around a random moment of a random trial, NaN outside of it."""
        rng = self._rng
        pool = self._pools[str(rng.choice(list(self._pools), p=self._shares))]
        trial = pool[rng.integers(len(pool))]
        tempo = rng.uniform(*_TEMPO)
        now_s = rng.uniform(trial.t_s[0] + min(_SHORTEST_S * tempo, trial.t_s[-1] - trial.t_s[0]), trial.t_s[-1])
        at_s = now_s + AGES_S / tempo
        q = np.stack([np.interp(at_s, trial.t_s, row, np.nan, np.nan) for row in trial.q.T])
        q[_LENGTH] *= tempo**2  # dynamically similar: lengths with the square of times
        return mirror(q) if rng.random() < 0.5 else q

    def _rough(self, q: F64) -> tuple[F64, F64]:
        """`q` as video shows it, and the constant part of the error [16], which a fill should keep."""
        rng, n = self._rng, len(COORDINATES)
        strength = rng.uniform(0.1, 1.0)
        knots = rng.normal(size=(n, SAMPLES // _KNOT_STEPS + 3))
        at = np.arange(SAMPLES) / _KNOT_STEPS + rng.random()
        slow = np.stack([np.interp(at, np.arange(knots.shape[1]), row) for row in knots])
        constant = strength * rng.normal(size=n) * _CONSTANT
        white = rng.normal(size=q.shape) * _WHITE[:, None]
        return q + strength * (slow * _SLOW[:, None] + white) + constant[:, None], constant

    def _hide(self, q: F64) -> None:
        """A gap in one leg or a part of it, mostly up to now; sometimes the other leg lacks a little, too."""
        rng = self._rng
        end = SAMPLES if rng.random() < 0.85 else NOW - int(rng.integers(1, 40))
        gap = np.arange(max(0, min(end, PAST) - int(rng.integers(1, _LONGEST_GAP))), end)
        first = 6 + LEG_JOINTS * int(rng.integers(2))
        part = rng.random()
        rows = np.arange(first, first + LEG_JOINTS) if part < 0.75 else first + rng.integers(LEG_JOINTS, size=2)
        q[np.ix_(rows, gap)] = np.nan
        if part > 0.92:
            other = 17 - first  # first joint of the other leg: 11 for 6, 6 for 11
            q[other : other + LEG_JOINTS, PAST - int(rng.integers(1, 16)) :] = np.nan


def pool(windows: Windows, count: int) -> dict[str, F32]:
    """`count` drawn windows as arrays [count, channels, SAMPLES] by the names of `Example`."""
    size = (count, len(COORDINATES), SAMPLES)
    legs = (count, 2 * LEG_JOINTS, SAMPLES)
    out = {name: np.zeros(size, np.float32) for name in ("value", "seen")}
    out |= {name: np.zeros(legs, np.float32) for name in ("guess", "doubt", "truth", "scored")}
    for i in range(count):
        example = windows.draw()
        out["value"][i], out["seen"][i] = example.window.value, example.window.seen
        out["guess"][i], out["doubt"][i] = example.guess, example.doubt
        out["truth"][i], out["scored"][i] = example.truth, example.scored
    return out
