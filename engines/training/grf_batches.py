"""Training batches of the GRF network: crops of trials, resized, roughened like video pose, with parts hidden."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engines.grf.context import context
from engines.grf.features import (
    BASE,
    F64,
    HISTORY,
    RECENT,
    SIDES,
    Mask,
    features,
    mask_from,
    outward,
    seen_from,
)
from engines.grf.trials import Trial
from engines.grf.window import foot_heading, to_foot
from engines.training.grf_data import EXTRA, RUN, STAND, WALK, Sequence, sequences, similar

F32 = npt.NDArray[np.float32]
SHARE: Final = {RUN: 0.45, WALK: 0.38, EXTRA: 0.13, STAND: 0.04}
"""How often a training sequence comes from each set."""

_DEG: Final = np.pi / 180.0
_LEAD: Final = HISTORY - 1  # REACH, and two for the differences
_FRONTAL: Final = slice(BASE.index("list"), BASE.index("twist_l") + 1)
# Video pose after a filter, standard deviations at full strength: white, slow (knots 0.12 s apart), constant.
_WHITE: Final = np.array([0.6 * _DEG, *[1.0 * _DEG] * 6, *[1.0 * _DEG] * 6, 0.002, 0.004, 0.004])
_SLOW: Final = np.array([1.5 * _DEG, *[3.0 * _DEG] * 6, *[2.0 * _DEG] * 6, 0.006, 0.015, 0.015])
_CONSTANT: Final = np.array([4.0 * _DEG, *[4.0 * _DEG] * 6, *[3.0 * _DEG] * 6, 0.0, 0.0, 0.0])
_PLACEMENT: Final = np.array([1.0 * _DEG, *[0.8 * _DEG] * 6, *[0.8 * _DEG] * 6, 0.0, 0.0, 0.0])
_KNOT_STEPS: Final = 12
_SIZES: Final = (0.82, 0.88, 0.94, 1.06, 1.12, 1.18)
_RESIZED: Final = 0.5
"""Share of sequences from a person made taller or shorter."""

_EXACT: Final = 0.55
"""Share of sequences as a laboratory measures them; the others lack the frontal plane, as one camera does."""

_EXACT_SIDE_VIEW: Final = 0.25
"""Share of the sequences without frontal plane that are exact all the same."""


@dataclass(frozen=True)
class Batch:
    """Inputs `x` [2B, 62 + L, FEATURES], `context` [2B, L, CONTEXT]; targets of both feet, z outward.

    `force_bw` [2B, L, times, 3], `contact` [2B, L, times] at `SHIFTS_S`, `cop_m` [2B, L, 3] in the frame of the foot,
    `scored` [2B, L], `kind` [2B] of motion.
    """

    x: F32
    context: F32
    force_bw: F32
    cop_m: F32
    contact: F32
    scored: F32
    kind: npt.NDArray[np.int64]


class Sampler:
    """Draws training batches of `length` outputs from trials, a third of the sequences roughened like video pose."""

    def __init__(self, trials: list[Trial], rng: np.random.Generator, length: int) -> None:
        self._rng, self._length = rng, length
        self._pools: dict[str, list[list[list[Sequence]]]] = {}
        for trial in trials:
            resized = [similar(trial, size) for size in _SIZES]
            variants = [sequences(trial), [on_grid for other in resized for on_grid in sequences(other)]]
            self._pools.setdefault(trial.data_set, []).append(variants)
        shares = np.array([SHARE[name] for name in self._pools])
        self._shares = shares / shares.sum()

    def batch(self, size: int) -> Batch:
        """`size` sequences, each seen from both feet."""
        picks = [self._crop() for _ in range(size)]
        base = np.stack([p[0] for p in picks])
        mask = np.stack([p[1] for p in picks])
        recent = np.s_[..., -(self._length + RECENT - 1) :]
        both = [features(seen_from(s, base[recent]), mask_from(s, mask[recent])) for s in SIDES]
        about = context(base, mask, self._length)
        force = np.stack([p[2] for p in picks], axis=1)
        cop = np.stack([p[3] for p in picks], axis=1)
        contact = np.stack([p[4] for p in picks], axis=1)
        scored = np.stack([p[5] for p in picks], axis=1)
        kind = np.array([p[6] for p in picks] * 2)

        def feet(array: npt.NDArray[Any]) -> F32:  # [L, B, 2, ...] → [2B, L, ...], right feet first
            return np.concatenate([array[:, :, i].swapaxes(0, 1) for i in (0, 1)]).astype(np.float32)

        sign: F64 = np.stack([outward(s) for s in SIDES])
        heading = [
            foot_heading(seen_from(s, base[..., -self._length :]), mask_from(s, mask[..., -self._length :]))
            for s in SIDES
        ]
        in_foot = to_foot(feet(cop * sign), np.concatenate(heading))
        return Batch(
            np.concatenate(both),
            np.concatenate(about),
            feet(force * sign[:, None]),
            in_foot,
            feet(contact),
            feet(scored),
            kind,
        )

    def _crop(self) -> tuple[F64, Mask, F64, F64, Mask, Mask, int]:
        rng = self._rng
        pool = self._pools[str(rng.choice(list(self._pools), p=self._shares))]
        as_measured, resized = pool[rng.integers(len(pool))]
        variants = resized if rng.random() < _RESIZED else as_measured
        seq = variants[rng.integers(len(variants))]
        total = seq.base.shape[1]
        start = int(rng.integers(max(total - self._length, 0) + 1))
        at = np.arange(start, start + self._length)
        inside = (at < total)[:, None]
        at = np.minimum(at, total - 1)
        lead = np.maximum(np.arange(start - _LEAD, start), 0)
        if rng.random() < 0.15:  # as if the engine had just started
            lead = np.maximum(lead, start - rng.integers(30))
        index = np.concatenate((lead, at))
        base, mask, kept = self._roughen(seq.base[:, index], seq.real[index])
        scored = seq.scored[at] & inside & kept[_LEAD:, None]
        return base, mask, seq.force_bw[at], seq.cop_m[at], seq.contact[at], scored, seq.kind

    def _roughen(self, base: F64, real: Mask) -> tuple[F64, Mask, Mask]:
        """`base` [BASE, T] with noise and gaps, what of it is observed, and which samples are camera frames."""
        rng = self._rng
        mask = np.ones(base.shape, dtype=np.bool_)
        steps = base.shape[1]
        base = base + (rng.normal(size=len(BASE)) * _PLACEMENT)[:, None]
        if rng.random() < _EXACT:
            if rng.random() < 0.5:
                self._hide(mask, 0.0, 0.3, 0.3, 0.3, 0.04)
            return base, mask, real
        strength = rng.uniform(0.1, 1.0)
        knots = rng.normal(size=(len(BASE), steps // _KNOT_STEPS + 2))
        at = np.arange(steps) / _KNOT_STEPS + rng.random()
        slow = np.stack([np.interp(at, np.arange(knots.shape[1]), row) for row in knots])
        noise = (
            slow * _SLOW[:, None]
            + rng.normal(size=base.shape) * _WHITE[:, None]
            + (rng.normal(size=len(BASE)) * _CONSTANT)[:, None]
        )
        self._hide(mask, 1.0, 0.3, 0.6, 1.0, 0.12)
        if rng.random() < _EXACT_SIDE_VIEW:
            return base, mask, real
        kept = self._frames(real)
        base = base + strength * noise
        shown = np.flatnonzero(kept)
        base = np.stack([np.interp(np.arange(steps), shown, row[shown]) for row in base])
        return base, mask, kept

    def _frames(self, real: Mask) -> Mask:
        """A random subset of the real samples, 30 to 60 a second, as a camera would take them."""
        kept = np.zeros_like(real)
        gap = self._rng.uniform(1.6, 3.4)
        due = self._rng.uniform(0.0, gap)
        for i in np.flatnonzero(real):
            if i >= due:
                kept[i] = True
                due = max(due + gap, i + 0.5)
        return kept

    def _hide(self, mask: Mask, frontal: float, ty: float, tx: float, tz: float, leg: float) -> None:
        """Take channel groups out of `mask` with these probabilities; a leg goes for a while or throughout."""
        rng, steps = self._rng, mask.shape[1]
        for rows, chance in (
            (_FRONTAL, frontal),
            (BASE.index("ty"), ty),
            (BASE.index("tx"), tx),
            (BASE.index("tz"), tz),
        ):
            if rng.random() < chance:
                mask[rows] = False
        if rng.random() < leg:
            first = 1 + 3 * int(rng.integers(2)) + int(rng.integers(3))  # from thigh, shank or foot downwards
            last = 4 if first < 4 else 7
            a = int(rng.integers(-steps, steps))
            mask[first:last, max(a, 0) : max(a + int(rng.integers(10, 2 * steps)), 0)] = False
