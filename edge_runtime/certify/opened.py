"""Opens the engines of a run: the plans chosen for this device, watched, with the CPU to fall back to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from engines.backends.base import Runner
from engines.backends.guarded import GuardedRunner
from engines.backends.ort_cpu import OrtCpuRunner
from engines.backends.registry import backend
from engines.beside import IDLE_S, KeptWarm, Placement
from engines.certificate import PLAN, Certificate
from engines.errors import EngineError
from engines.fetch import onnx_path
from engines.plans import Candidate, chosen, engines_with_terms

_IDLE_NS: Final = round(IDLE_S * 1e9)
CPU: Final = "ort_cpu"


class Engines:
    """The engines of one process, opened by name; nothing is built here. `notes` says where the CPU took over.

    `beside` is where an engine that failed is opened again; `clock_ns` tells the time. A bench may `wrap` what is
    opened, below the guard that watches it.
    """

    def __init__(
        self, beside: Placement, clock_ns: Callable[[], int], wrap: Callable[[Runner], Runner] = lambda runner: runner
    ) -> None:
        self._beside, self._clock_ns, self._wrap = beside, clock_ns, wrap
        self._opened: list[GuardedRunner] = []
        self._elsewhere: list[GuardedRunner] = []
        self._workers: list[KeptWarm] = []
        self.notes: list[str] = []

    def __call__(self, name: str, onnx: Path | None = None) -> GuardedRunner:
        """The engine `name`, warm; with `onnx` another network in its place, uncertified on the CPU.

        EngineError: not even the CPU can run it.
        """
        own = onnx is None or onnx == onnx_path(name)
        on_processor = self._cpu(onnx_path(name) if onnx is None else onnx)
        open_primary, on_cpu = self._way(name, on_processor) if own else (on_processor, True)
        try:
            primary = open_primary()
        except EngineError as error:
            if on_cpu:
                raise
            self.notes.append(f"engine {name} runs on the CPU: {error}")
            open_primary, on_cpu = on_processor, True
            primary = open_primary()
        fallback = None if on_cpu else on_processor()
        budget_ms = engines_with_terms()[name].latency_budget_ms
        guarded = GuardedRunner(name, (primary, fallback), open_primary, budget_ms, self._beside, self._clock_ns)
        guarded.warm()
        self._opened.append(guarded)
        return guarded

    def beside(self, runner: GuardedRunner) -> KeptWarm:
        """Where work that uses `runner` beside the tick goes: its worker keeps it warm."""
        self._elsewhere.append(runner)
        self._workers.append(KeptWarm(self._beside, lambda: runner.keep_warm(self._clock_ns(), _IDLE_NS)))
        return self._workers[-1]

    def close(self) -> None:
        """End the workers, then the engines; calling it twice is harmless."""
        for worker in self._workers:
            worker.close()
        for guarded in self._opened:
            guarded.close()

    def watch_time(self) -> None:
        """Slow calls count from now on: all is warm."""
        for guarded in self._opened:
            guarded.watch_time()

    def keep_warm(self) -> None:
        """Run once each engine of the tick that nobody used for `IDLE_S`; on the tick's thread, between frames."""
        for guarded in self._opened:
            if guarded not in self._elsewhere:
                guarded.keep_warm(self._clock_ns(), _IDLE_NS)

    def _way(self, name: str, on_processor: Callable[[], Runner]) -> tuple[Callable[[], Runner], bool]:
        """How to open the engine, and whether that is on the CPU."""
        found = chosen(name)
        if found is None or not _fits(*found):
            return on_processor, True
        folder, certificate = found
        one = backend(certificate.backend)
        return (lambda: self._wrap(one.open(folder / PLAN))), one.name == CPU

    def _cpu(self, onnx: Path) -> Callable[[], Runner]:
        return lambda: self._wrap(OrtCpuRunner(onnx))


def _fits(folder: Path, certificate: Certificate) -> bool:
    """Whether the plan is for these weights on this device: a foreign one is not even tried."""
    one = backend(certificate.backend)
    return not one.why_not() and Candidate(certificate.engine, one, certificate.precision).folder == folder
