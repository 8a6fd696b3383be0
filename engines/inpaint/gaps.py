"""A leg hidden for a while in a measured trial, and every way of filling it, frame by frame."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from engines.grf.features import F64, Mask
from engines.grf.trials import Trial
from engines.inpaint import simple
from engines.inpaint.engine import Fill, Inpainter
from engines.inpaint.history import HistoryFill
from engines.inpaint.periodic import guess
from engines.inpaint.window import LEG_JOINTS, LEGS, NOW, Window, on_grid

LEAD_S: Final = 1.6
"""Motion before the gap that is streamed: all that the inpainter remembers."""

SHORT_S: Final = 3.0
SHORT_COUNT: Final = 3
"""Trials under `SHORT_S`, as those overground, get so many times the gaps: they are few, and cheap to stream."""

MIN_LEAD_S: Final = 0.8
"""A gap begins no earlier in its trial: less than that of a person is no reason to speak of a gap."""

CAMERA_S: Final = 1.0 / 60.0
"""Age of a fill that is computed beside the loop, when it is used: one camera frame."""

SIMPLE: Final = ("held", "extrapolated", "interpolated")
STREAMED: Final = ("periodic", "mean", "sample", "diffusion", "beside")
"""`interpolated` knows how the gap ends and stands for filling afterwards; all others know the past only. `periodic`
to `beside` are followed as in the running loop (`LegStream`): `periodic` is gait repeating itself, `mean` the network's
first denoising step, `sample` one of its samples, `diffusion` what the engine gives, `beside` the same one camera frame
old, as the running loop has it."""


@dataclass(frozen=True)
class Gap:
    """Frames `first` to `last` of `trial` in which the leg `side` (0 right, 1 left) is unseen."""

    trial: Trial
    side: int
    first: int
    last: int
    length_s: float

    @property
    def frames(self) -> slice:
        """The frames of the gap."""
        return slice(self.first, self.last + 1)

    @property
    def leg(self) -> slice:
        """The columns of the leg in `q`."""
        return slice(LEGS.start + LEG_JOINTS * self.side, LEGS.start + LEG_JOINTS * (self.side + 1))


def gaps_of(trial: Trial, length_s: float, count: int, rng: np.random.Generator) -> Iterator[Gap]:
    """`count` gaps at random moments and sides of `trial`, `SHORT_COUNT` times as many in a short one; none where it is
    too short."""
    t_s = trial.t_s - trial.t_s[0]
    count *= SHORT_COUNT if t_s[-1] < SHORT_S else 1
    if t_s[-1] < MIN_LEAD_S + length_s:
        return
    for _ in range(count):
        start_s = rng.uniform(MIN_LEAD_S, t_s[-1] - length_s)
        first = int(np.searchsorted(t_s, start_s))
        last = int(np.searchsorted(t_s, start_s + length_s, "right")) - 1
        if last > first:
            yield Gap(trial, int(rng.integers(2)), first, last, length_s)


class _Memo:
    """The inpainter, asked once per frame whoever asks; `ms` what each fill took."""

    def __init__(self, inpainter: Inpainter) -> None:
        self._inpainter = inpainter
        self._key: tuple[float, int] = (np.nan, 0)
        self.ms: list[float] = []

    def fill(self, t_s: F64, q: F64) -> Fill:
        key = (float(t_s[-1]), len(t_s))
        if key != self._key:
            began_ns = time.perf_counter_ns()
            self._fill = self._inpainter.fill(t_s, q)
            self.ms.append((time.perf_counter_ns() - began_ns) * 1e-6)
            self._key = key
        return self._fill


class _Chosen:
    """What of a fill a row of the table takes for the joints."""

    def __init__(self, memo: _Memo, choose: Callable[[Fill, Window], F64]) -> None:
        self._memo, self._choose = memo, choose

    def fill(self, t_s: F64, q: F64) -> Fill:
        fill = self._memo.fill(t_s, q)
        return replace(fill, joints=self._choose(fill, on_grid(t_s - t_s[-1], q)))


def _rows(memo: _Memo) -> dict[str, HistoryFill]:
    chosen = {
        "periodic": _Chosen(memo, lambda fill, window: guess(window)),
        "mean": _Chosen(memo, lambda fill, window: fill.mean),
        "sample": _Chosen(memo, lambda fill, window: fill.samples[0]),
    }
    rows = {name: HistoryFill(source, name) for name, source in chosen.items()}
    return rows | {"diffusion": HistoryFill(memo, "diffusion"), "beside": HistoryFill(memo, "beside", CAMERA_S)}


def fills(inpainter: Inpainter, gap: Gap, shown: Mask) -> tuple[dict[str, F64], F64, F64]:
    """The leg [n, 5] in the gap's frames by each way of filling, NaN where it gives none; deviation; ms of a fill.

    `shown` [16] what the camera sees outside of the gap.
    """
    trial, memo = gap.trial, _Memo(inpainter)
    lead = int(np.searchsorted(trial.t_s, trial.t_s[gap.first] - LEAD_S))
    hidden = np.where(shown, trial.q, np.nan)
    hidden[gap.frames, gap.leg] = np.nan
    rows = _rows(memo)
    out: dict[str, list[F64]] = {name: [] for name in ("held", "extrapolated", *rows)}
    joints, sd = slice(LEG_JOINTS * gap.side, LEG_JOINTS * (gap.side + 1)), []
    for frame in range(gap.first, gap.last + 1):
        t_s, q = trial.t_s[lead : frame + 1], hidden[lead : frame + 1]
        window = on_grid(t_s - t_s[-1], q)
        out["held"].append(simple.held(window)[joints, NOW])
        out["extrapolated"].append(simple.extrapolated(window)[joints, NOW])
        for name, row in rows.items():
            value, deviation = row.fill(t_s, q)
            out[name].append(value[-1, gap.leg])
        sd.append(deviation[-1, gap.leg])
    found = {name: np.stack(values) for name, values in out.items()} | {"interpolated": _interpolated(gap)}
    for values in found.values():
        values[:, ~shown[gap.leg]] = np.nan
    return found, np.stack(sd), np.array(memo.ms)


def _interpolated(gap: Gap) -> F64:
    ends = [gap.first - 1, min(gap.last + 1, len(gap.trial.t_s) - 1)]
    t_s, leg = gap.trial.t_s, gap.trial.q[:, gap.leg]
    return np.stack([np.interp(t_s[gap.frames], t_s[ends], joint[ends]) for joint in leg.T], axis=1)
