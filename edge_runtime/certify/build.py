"""`engines build`: builds what the device offers, proves it, measures it in situ, chooses, writes the certificates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from edge_runtime.certify.in_situ import in_situ
from edge_runtime.errors import UserError
from edge_runtime.types import F64
from engines.backends.base import Runner
from engines.cache import cache_dir, explained
from engines.certificate import PLAN, Certificate, write_certificate
from engines.certify import Accuracy, Depth, Proof, prove, rested
from engines.errors import EngineError
from engines.fetch import onnx_path
from engines.measure import quantile_block
from engines.plans import POSE, Candidate, candidates, live_engines, pose_networks

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Order:
    """What to build: engines by name, at most one pose network among them; `accuracy` hooks (None without measured
    data); how long to measure."""

    engines: tuple[str, ...]
    accuracy: Mapping[str, Accuracy] | None
    depth: Depth
    situ_s: float


@dataclass(frozen=True)
class Rejected:
    """A candidate that could not be built or opened, and why."""

    candidate: Candidate
    why: str


def build(order: Order, progress: Progress) -> dict[str, Certificate]:
    """Certificates of the chosen plans by engine. EngineError, UserError: nothing at all can run an engine.

    Every plan of this device gets its certificate; those of a build that broke off are built no second time.
    """
    pose = _pose_network(order.engines)
    live = live_engines(pose)
    for engine in live:
        onnx_path(engine)
    date = datetime.now(UTC).isoformat(timespec="seconds")
    tried = [c for engine in live for c in candidates(engine)]  # all: they are measured side by side
    proofs, rejected = _prove(tried, order, date, progress)
    for engine in live:
        if not any(p.candidate.engine == engine and not p.certificate.problem for p in proofs):
            why = "; ".join(_reasons(engine, proofs, rejected))
            raise UserError(f"engine {engine}: no plan keeps its terms ({why}); see exo-edge engines verify")
    progress("first calls after idle", 0.6)
    proofs = _rest(proofs, order.depth)
    progress("in situ: all engines at camera rate", 0.7)
    measured = _measure(proofs, pose, order.situ_s, progress)
    return {engine: _choose(engine, proofs, rejected, measured) for engine in order.engines}


def _pose_network(engines: tuple[str, ...]) -> str:
    named = [name for name in pose_networks() if name in engines]
    if len(named) > 1:
        raise UserError(
            f"{', '.join(named)}: a run opens one pose network, so they are measured one at a time; name one"
        )
    return named[0] if named else POSE


def _prove(tried: list[Candidate], order: Order, date: str, progress: Progress) -> tuple[list[Proof], list[Rejected]]:
    proofs: list[Proof] = []
    rejected: list[Rejected] = []
    for i, candidate in enumerate(tried):
        progress(f"{candidate.engine} on {candidate.name}", 0.6 * i / len(tried))
        try:
            proofs.append(prove(candidate, order.accuracy, order.depth, date))
        except EngineError as error:
            rejected.append(Rejected(candidate, str(error)))
    return proofs, rejected


def _reasons(engine: str, proofs: list[Proof], rejected: list[Rejected]) -> list[str]:
    found = [f"{r.candidate.name}: {r.why}" for r in rejected if r.candidate.engine == engine]
    return found + [f"{p.candidate.name}: {p.certificate.problem}" for p in proofs if p.candidate.engine == engine]


def _rest(proofs: list[Proof], depth: Depth) -> list[Proof]:
    """With the first call after idle; all plans rest together."""
    found = rested([p.runner for p in proofs], depth)
    return [
        replace(p, certificate=replace(p.certificate, first_after_idle_ms=ms))
        for p, ms in zip(proofs, found, strict=True)
    ]


def _measure(proofs: list[Proof], pose: str, seconds: float, progress: Progress) -> dict[Candidate, F64]:
    """Call times in situ, one run per backend: each engine on its quickest sound plan there, else on its first one."""
    sound = [p for p in proofs if not p.certificate.problem]
    backends = list(dict.fromkeys(p.candidate.backend.name for p in sound))
    measured: dict[Candidate, F64] = {}
    for i, name in enumerate(backends):
        progress(f"in situ: all engines at camera rate, {name}", 0.7 + 0.3 * i / len(backends))
        used = {engine: _best_alone(engine, sound, name) for engine in live_engines(pose)}
        openers = {engine: _opener(p.candidate) for engine, p in used.items() if p is not None}
        times = in_situ(openers, pose, seconds)
        measured |= {p.candidate: times[engine] for engine, p in used.items() if p is not None and len(times[engine])}
    return measured


def _best_alone(engine: str, sound: list[Proof], backend: str) -> Proof | None:
    own = [p for p in sound if p.candidate.engine == engine]
    there = [p for p in own if p.candidate.backend.name == backend] or own
    return min(there, key=lambda p: p.certificate.latency_ms["p99_9"], default=None)


def _opener(candidate: Candidate) -> Callable[[], Runner]:
    return lambda: candidate.backend.open(candidate.folder / PLAN)


def _choose(
    engine: str, proofs: list[Proof], rejected: list[Rejected], measured: Mapping[Candidate, F64]
) -> Certificate:
    """Write the certificates of one engine's plans; that of the chosen one: within budget, then the best 99.9 %."""
    own = [p for p in proofs if p.candidate.engine == engine]
    situ = {p.candidate: quantile_block(measured[p.candidate]) for p in own if p.candidate in measured}
    best = min(situ, key=lambda candidate: situ[candidate]["p99_9"])
    table = tuple(_row(p, situ.get(p.candidate)) for p in own) + tuple(
        {"candidate": r.candidate.name, "rejected": r.why} for r in rejected if r.candidate.engine == engine
    )
    chosen: list[Certificate] = []
    for proof in own:
        within = situ.get(proof.candidate)
        certificate = replace(proof.certificate, in_situ_ms=within, chosen=best.name, table=table)
        if within is not None and within["p99_9"] > certificate.budget_ms:
            late = f"99.9 % of its calls come within {within['p99_9']:.1f} ms, {certificate.budget_ms:g} ms are allowed"
            certificate = replace(certificate, problem=late)
        with explained(cache_dir()):
            write_certificate(proof.candidate.folder, certificate)
        chosen += [certificate] if proof.candidate == best else []
        proof.runner.close()
    return chosen[0]


def _row(proof: Proof, situ: Mapping[str, Any] | None) -> dict[str, Any]:
    found = proof.certificate
    row: dict[str, Any] = {"candidate": found.candidate, "rel_err": found.golden["rel_err"]}
    row["alone_ms"] = {key: found.latency_ms[key] for key in ("p50", "p99", "p99_9")}
    row["first_after_idle_ms"] = found.first_after_idle_ms
    row["in_situ_ms"] = None if situ is None else {key: situ[key] for key in ("p50", "p99", "p99_9")}
    return row | ({"rejected": found.problem} if found.problem else {})
