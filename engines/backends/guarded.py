"""Watches an engine while it runs: a fault is told in the same call, and the engine opened again beside the tick."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engines.backends.base import Buffers, Runner
from engines.backends.faults import REASONS, EngineFaultError
from engines.beside import Beside, Placement
from engines.errors import EngineError

SLOW: Final = 10.0
"""So many times its budget a call may take before its result counts as lost."""

SLOW_IN_A_ROW: Final = 3
"""A machine that was busy elsewhere makes one call slow; so many make it the engine's fault."""

REOPENINGS: Final = 3
"""An engine that fails so often is left; the fallback goes on, or the reason stays."""

_REOPEN_TICKS: Final = 30  # calls that opening takes where time is virtual: half a second of frames
Open = Callable[[], Runner]


class GuardedRunner:
    """A `Runner` around one that may fail.

    `infer` raises EngineFaultError in the call in which the engine gives values that are not finite or other tensors
    than it opened with, takes `SLOW` times `budget_ms` (see `watch_time`), or raises. From the next call on `fallback`
    answers, where there is one, until the engine has been opened again beside the tick. Warm it before its first call.
    `inputs` stay the same arrays throughout. `clock_ns` tells the time: on a virtual clock nothing is slow. `faults`
    counts them.
    """

    def __init__(
        self,
        engine: str,
        runners: tuple[Runner, Runner | None],
        reopen: Open,
        budget_ms: float,
        beside: Placement,
        clock_ns: Callable[[], int],
    ) -> None:
        self.engine, self._reopen, self._clock_ns = engine, reopen, clock_ns
        self._first, self._fallback = runners
        self._primary: Runner | None = self._first
        self._budget_ms, self._slow_ms = budget_ms, math.inf
        self._placement = beside
        self._opening: Beside[None, Runner | EngineError] | None = None
        self._finite: dict[str, npt.NDArray[np.bool_]] = {}
        self._slow = self._openings = 0
        self._last_ns = clock_ns()
        self.faults = dict.fromkeys(REASONS, 0)

    def __deepcopy__(self, memo: dict[int, Any]) -> GuardedRunner:
        """The runner itself: a copy of what uses it goes on with the same engine and the same buffers."""
        memo.update({id(array): array for array in self.inputs.values()})
        return self

    @property
    def inputs(self) -> Buffers:
        """Input arrays by name, to be written in place."""
        return self._first.inputs

    @property
    def degraded(self) -> bool:
        """Whether another answers than the engine that was chosen."""
        return self._primary is None

    def warm(self) -> None:
        """Warm the engine and its fallback; learns what outputs look like."""
        for runner in (self._first, self._fallback):
            if runner is not None:
                runner.warm()
        self._learn(self._first.infer())
        self._last_ns = self._clock_ns()

    def watch_time(self) -> None:
        """From now on a call of `SLOW` times the budget is a fault; before, while all starts, it may take its time."""
        self._slow_ms = SLOW * self._budget_ms

    def infer(self) -> Buffers:
        """Run once; outputs by name, filled again by the next call. Raises EngineFaultError, see the class."""
        self._collect()
        runner = self._primary or self._fallback
        if runner is None:
            raise EngineFaultError(self.engine, "engine_lost", "it is being opened again; nothing answers meanwhile")
        if runner is not self._first:
            for name, value in self.inputs.items():
                runner.inputs[name][...] = value
        began_ns = self._clock_ns()
        try:
            outputs = runner.infer()
        except Exception as error:  # each library raises its own classes, and a lost device raises any of them
            raise self._fault("engine_lost", f"{type(error).__name__}: {_line(error)}", runner) from error
        self._last_ns = self._clock_ns()
        self._judge(outputs, self._last_ns - began_ns, runner)
        return outputs

    def keep_warm(self, now_ns: int, idle_ns: int) -> None:
        """Run on whatever the inputs hold if nothing has run for `idle_ns`; the result is nobody's."""
        if self._primary is None or now_ns - self._last_ns < idle_ns:
            return
        self._last_ns = now_ns
        try:
            self._primary.infer()
        except Exception as error:
            self._fault("engine_lost", f"{type(error).__name__}: {_line(error)}", self._primary)

    def close(self) -> None:
        """Free the engine and its fallback; calling it twice is harmless."""
        if self._opening is not None:
            self._opening.close()
        for runner in (self._first, self._primary, self._fallback):
            if runner is not None:
                runner.close()

    def _learn(self, outputs: Buffers) -> None:
        self._finite = {name: np.zeros(value.shape, np.bool_) for name, value in outputs.items()}

    def _judge(self, outputs: Buffers, took_ns: int, runner: Runner) -> None:
        if len(outputs) != len(self._finite):
            raise self._fault("engine_shape", f"it gives {len(outputs)} outputs, not {len(self._finite)}", runner)
        for name, value in outputs.items():
            finite = self._finite.get(name)
            if finite is None or value.shape != finite.shape:
                raise self._fault("engine_shape", f"output {name} is {value.shape}", runner)
            if not np.isfinite(value, out=finite).all():
                raise self._fault("engine_values", f"output {name} holds values that are no numbers", runner)
        self._slow = self._slow + 1 if took_ns * 1e-6 > self._slow_ms else 0
        if self._slow:
            text = f"a call took {took_ns * 1e-6:.0f} ms, {self._slow_ms:.0f} ms are {SLOW:g} times its budget"
            raise self._fault("engine_slow", text, runner)

    def _fault(self, reason: str, text: str, runner: Runner) -> EngineFaultError:
        """Note a fault; unless it may be the machine's, the engine is given up and opened again beside."""
        self.faults[reason] += 1
        own = runner is self._primary
        helpless = self._fallback is None  # where nothing else can answer, late is better than not at all
        if own and (reason != "engine_slow" or (self._slow >= SLOW_IN_A_ROW and not helpless)):
            self._slow = 0
            if self._primary is not self._first:
                runner.close()
            self._primary = None
            self._open_again()
        return EngineFaultError(self.engine, reason, text)

    def _open_again(self) -> None:
        if self._openings >= REOPENINGS:
            return
        self._openings += 1
        if self._opening is None:
            self._opening = self._placement(self._opened, _REOPEN_TICKS)
        self._opening.submit(None)

    def _opened(self, _: None) -> Runner | EngineError:
        try:
            runner = self._reopen()
            runner.warm()
        except Exception as error:  # as in `infer`
            return EngineError(f"engine {self.engine} does not open again: {_line(error)}")
        return runner

    def _collect(self) -> None:
        """Take over the engine that was opened beside, or try once more."""
        if self._primary is not None or self._opening is None:
            return
        reply = self._opening.poll()
        if reply is None:
            return
        if isinstance(reply.answer, EngineError):
            self._open_again()
        else:
            self._primary = reply.answer


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]
