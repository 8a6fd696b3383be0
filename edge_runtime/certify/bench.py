"""`engines bench` and `engines verify`: every plan that this device offers, measured; writes no certificate."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from edge_runtime.certify.gate import distrust_of
from edge_runtime.stats import host_block
from engines.backends.base import Runner
from engines.backends.guarded import GuardedRunner
from engines.backends.registry import BACKENDS
from engines.beside import Inline
from engines.certify import Depth, Proof, prove, rested
from engines.errors import EngineError
from engines.golden import check, load_golden
from engines.measure import allocations, first_after_idle_ms, overhead_us
from engines.plans import Candidate, build_plan, candidates, chosen, live_engines, onnx_sha256

Progress = Callable[[str, float], None]
_RTX_BUILD: Final = "engines.convert.rtx_build"
_PAIRS: Final = 300


def measure_engines(names: tuple[str, ...], depth: Depth, days: float, progress: Progress) -> dict[str, Any]:
    """The object of `engines bench`: by engine each plan, what was chosen, and whether its certificate holds."""
    tried = [c for name in names for c in candidates(name)]
    proofs, failed = [], {}
    for i, candidate in enumerate(tried):
        progress(f"{candidate.engine} on {candidate.name}", 0.5 * i / len(tried))
        try:
            proofs.append(prove(candidate, None, depth, ""))
        except EngineError as error:
            failed[candidate] = str(error)
    runners = [proof.runner for proof in proofs]
    progress("first calls after idle, kept warm", 0.5)
    warm = rested(runners, depth)
    progress("first calls after idle, left cold", 0.7)
    cold = first_after_idle_ms(runners, depth.idle_s, ticks=False)
    progress("overhead and allocations", 0.9)
    rows = {p.candidate: _row(p, *idle) for p, *idle in zip(proofs, warm, cold, strict=True)}
    engines = {name: _engine(name, rows, failed, days) for name in names}
    return {"engines": engines, "not_offered": not_offered(), "rtx_build": rtx_build()} | host_block()


def verify_engines(names: tuple[str, ...], progress: Progress) -> dict[str, Any]:
    """Golden parity of every plan that this device offers: `engines` by name, `passed`."""
    found: dict[str, Any] = {}
    for i, name in enumerate(names):
        progress(name, i / len(names))
        terms = live_engines()[name]
        plans = {c.name: _verified(c) for c in candidates(name)}
        found[name] = {"onnx_sha256": onnx_sha256(name), "effect": terms.effect, "backends": plans}
    passed = all("problem" not in row for one in found.values() for row in one["backends"].values())
    return {"engines": found, "passed": passed, "not_offered": not_offered()} | host_block()


def _verified(candidate: Candidate) -> dict[str, Any]:
    terms = live_engines()[candidate.engine]
    try:
        runner = candidate.backend.open(build_plan(candidate))
    except EngineError as error:
        return {"problem": str(error)}
    parity = check(runner, load_golden(candidate.engine), terms.effect)
    runner.close()
    problem = parity.problem(terms, candidate.precision)
    row: dict[str, Any] = {"rel_err": parity.rel_err, terms.effect: parity.effect, "outputs": parity.outputs}
    return row | ({"problem": problem} if problem else {})


def not_offered() -> dict[str, str]:
    """Backends that this device does not offer, and why."""
    return {name: why for name, one in BACKENDS.items() if (why := one.why_not())}


def rtx_build() -> dict[str, Any]:
    """What TensorRT-RTX's builder says to every network by precision; {"skipped": reason} where there is none."""
    try:
        library: Any = importlib.import_module(_RTX_BUILD)
        built: dict[str, Any] = library.build_all()
    except (ImportError, EngineError) as error:
        return {"skipped": str(error)}
    return built


def _engine(name: str, rows: dict[Candidate, Any], failed: dict[Candidate, str], days: float) -> dict[str, Any]:
    backends = {c.name: row for c, row in rows.items() if c.engine == name}
    backends |= {c.name: {"problem": why} for c, why in failed.items() if c.engine == name}
    pair, doubt = chosen(name), distrust_of(name, days, datetime.now(UTC))
    certificate = {"date": pair[1].date, "folder": str(pair[0])} if pair else {}
    state = {"trusted": doubt is None, "reason": "" if doubt is None else doubt.reason}
    return {
        "backends": backends,
        "chosen": pair[1].chosen if pair else None,
        "budget_ms": live_engines()[name].latency_budget_ms,
        "certificate": certificate | state,
    }


def _row(proof: Proof, warm_ms: float, cold_ms: float) -> dict[str, Any]:
    certificate, runner = proof.certificate, proof.runner
    watched = GuardedRunner("bench", (runner, None), lambda: runner, float("inf"), Inline, lambda: 0)
    watched.warm()
    row: dict[str, Any] = {
        "latency_ms": certificate.latency_ms,
        "rel_err": certificate.golden["rel_err"],
        "golden": certificate.golden,
        "first_after_idle_ms": warm_ms,
        "first_after_idle_cold_ms": cold_ms,
        "first_after_idle_ratio": warm_ms / certificate.latency_ms["p50"],
        "overhead_us": _overhead(runner),
        "watch_us": overhead_us(watched.infer, runner.infer, _PAIRS),
        "allocations": allocations(runner.infer),
    }
    return row | ({"problem": certificate.problem} if certificate.problem else {})


def _overhead(runner: Runner) -> float | None:
    """What the runner adds to the library's own call; None where the two cannot be told apart."""
    bare = getattr(runner, "bare_call", None)
    return None if bare is None else overhead_us(runner.infer, bare(), _PAIRS)
