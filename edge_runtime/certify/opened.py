"""Opens the engines of a run: the plans chosen for this device, watched, with the CPU to fall back to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
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
from engines.plans import Candidate, chosen, live_engines

_IDLE_NS: Final = round(IDLE_S * 1e9)
CPU: Final = "ort_cpu"


class Engines:
    """The engines of one process, opened by name; nothing is built here. `notes` says where the CPU took over.

    `beside` is where an engine that failed is opened again; `clock_ns` tells the time.
    """

    def __init__(self, beside: Placement, clock_ns: Callable[[], int]) -> None:
        self._beside, self._clock_ns = beside, clock_ns
        self._opened: dict[str, GuardedRunner] = {}
        self._workers: list[KeptWarm] = []
        self.notes: list[str] = []

    def __call__(self, name: str) -> GuardedRunner:
        """The engine `name`, warm. EngineError: not even the CPU can run it."""
        open_primary, on_cpu = self._way(name)
        try:
            primary = open_primary()
        except EngineError as error:
            if on_cpu:
                raise
            self.notes.append(f"engine {name} runs on the CPU: {error}")
            open_primary, on_cpu = _cpu(name), True
            primary = open_primary()
        fallback = None if on_cpu else _cpu(name)()
        budget_ms = live_engines()[name].latency_budget_ms
        guarded = GuardedRunner(name, (primary, fallback), open_primary, budget_ms, self._beside, self._clock_ns)
        guarded.warm()
        self._opened[name] = guarded
        return guarded

    def beside(self, name: str) -> KeptWarm:
        """Where work that uses the engine `name` beside the tick goes: its worker keeps the engine warm."""
        self._workers.append(KeptWarm(self._beside, partial(self.keep_warm, name)))
        return self._workers[-1]

    def close(self) -> None:
        """End the workers, then the engines; calling it twice is harmless."""
        for worker in self._workers:
            worker.close()
        for guarded in self._opened.values():
            guarded.close()

    def watch_time(self) -> None:
        """Slow calls count from now on: all is warm."""
        for guarded in self._opened.values():
            guarded.watch_time()

    def keep_warm(self, name: str) -> None:
        """Run the engine once if nobody has for `IDLE_S`; on the thread that uses it, and nowhere else."""
        self._opened[name].keep_warm(self._clock_ns(), _IDLE_NS)

    def _way(self, name: str) -> tuple[Callable[[], Runner], bool]:
        """How to open the engine, and whether that is on the CPU."""
        found = chosen(name)
        if found is None or not _fits(*found):
            return _cpu(name), True
        folder, certificate = found
        one = backend(certificate.backend)
        return (lambda: one.open(folder / PLAN)), one.name == CPU


def _fits(folder: Path, certificate: Certificate) -> bool:
    """Whether the plan is for these weights on this device: a foreign one is not even tried."""
    one = backend(certificate.backend)
    return not one.why_not() and Candidate(certificate.engine, one, certificate.precision).folder == folder


def _cpu(name: str) -> Callable[[], Runner]:
    return lambda: OrtCpuRunner(onnx_path(name))
