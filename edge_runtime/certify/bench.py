"""`engines bench` and `engines verify`: every plan that this device offers, measured; writes no certificate."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from edge_runtime.certify.gate import distrust_of
from edge_runtime.stats import host_block
from engines.backends.base import Buffers
from engines.backends.guarded import GuardedRunner
from engines.backends.registry import BACKENDS, Backend
from engines.beside import Inline
from engines.certify import Depth, Proof, prove, rested
from engines.errors import EngineError
from engines.fetch import onnx_path
from engines.golden import check, load_golden
from engines.measure import allocations, first_after_idle_ms, overhead_us
from engines.plans import Candidate, build_plan, candidates, chosen, engines_with_terms, live_engines, onnx_sha256

Progress = Callable[[str, float], None]
_RTX_BUILD: Final = "engines.convert.rtx_build"
_PAIRS: Final = 2000


def measure_engines(names: tuple[str, ...], depth: Depth, days: float, progress: Progress) -> dict[str, Any]:
    """The object of `engines bench`: by engine each plan, what was chosen, and whether its certificate holds.

    EngineError: a network is not fetched.
    """
    for name in names:
        onnx_path(name)
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
    whole = set(names) == set(live_engines())
    progress("TensorRT-RTX builds every network", 0.95)
    rtx = rtx_build() if whole else {"skipped": "asked for some of the engines only"}
    return {"engines": engines, "not_offered": not_offered(), "rtx_build": rtx} | host_block()


def verify_engines(names: tuple[str, ...], progress: Progress) -> dict[str, Any]:
    """Golden parity of every plan that this device offers: `engines` by name, `passed`. EngineError: not fetched."""
    for name in names:
        onnx_path(name)
    found: dict[str, Any] = {}
    for i, name in enumerate(names):
        progress(name, i / len(names))
        terms = engines_with_terms()[name]
        plans = {c.name: _verified(c) for c in candidates(name)}
        found[name] = {"onnx_sha256": onnx_sha256(name), "effect": terms.effect, "backends": plans}
    passed = all("problem" not in row for one in found.values() for row in one["backends"].values())
    return {"engines": found, "passed": passed, "not_offered": not_offered()} | host_block()


def _verified(candidate: Candidate) -> dict[str, Any]:
    terms = engines_with_terms()[candidate.engine]
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
        "budget_ms": engines_with_terms()[name].latency_budget_ms,
        "certificate": certificate | state,
    }


def _row(proof: Proof, warm_ms: float, cold_ms: float) -> dict[str, Any]:
    certificate, runner = proof.certificate, proof.runner
    row: dict[str, Any] = {
        "latency_ms": certificate.latency_ms,
        "rel_err": certificate.golden["rel_err"],
        "golden": certificate.golden,
        "first_after_idle_ms": warm_ms,
        "first_after_idle_cold_ms": cold_ms,
        "first_after_idle_ratio": warm_ms / certificate.latency_ms["p50"],
        "overhead_us": _overhead(proof.candidate.backend),
        "watch_us": _watch(runner.infer()),
        "allocations": allocations(runner.infer),
    }
    return row | ({"problem": certificate.problem} if certificate.problem else {})


@cache
def _overhead(one: Backend) -> float | None:
    """What a backend's runner adds to the library's own call, microseconds; None where the two are not apart.

    On a network of one addition, where a microsecond shows.
    """
    with tempfile.TemporaryDirectory(prefix="exo-edge-bench-") as folder:
        path = Path(folder) / "add.onnx"
        path.write_bytes(one.build(_addition(), Path(folder)))
        runner = one.open(path)
        runner.warm()
        bare = getattr(runner, "bare_call", None)
        found = None if bare is None else overhead_us(runner.infer, bare(), _PAIRS)
        runner.close()
    return found


def _addition() -> bytes:
    from onnx import TensorProto, helper

    from engines.convert.graph import IR_VERSION, OPSET

    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "add", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    return bytes(model.SerializeToString())


def _watch(outputs: Buffers) -> float:
    """What watching a runner with these outputs adds to a call, microseconds."""
    still = _Still(outputs)
    watched = GuardedRunner("bench", (still, None), lambda: still, float("inf"), Inline, lambda: 0)
    watched.warm()
    return overhead_us(watched.infer, still.infer, _PAIRS)


class _Still:
    """A runner whose outputs are there already."""

    def __init__(self, outputs: Buffers) -> None:
        self._outputs = outputs
        self.inputs: Buffers = {}

    def warm(self) -> None:
        pass

    def infer(self) -> Buffers:
        return self._outputs

    def close(self) -> None:
        pass
