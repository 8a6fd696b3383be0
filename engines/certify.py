"""Builds a plan and proves it: golden parity, accuracy on measured data, latency; all but the choice between plans."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np

from engines.backends.base import Opener, Runner
from engines.cache import sha256_hex
from engines.certificate import Certificate
from engines.golden import check, load_golden
from engines.measure import call_times_ms, first_after_idle_ms, quantile_block
from engines.plans import Candidate, build_plan, engines_with_terms, onnx_sha256

ACCURACY_MISSING: Final = {"missing": "no measured data was given: exo-edge engines build --data DIR --poses DIR"}
NO_ACCURACY: Final = {"missing": "no measured data with truth for this network"}

T = TypeVar("T")
Accuracy = Callable[[Opener], float]
"""Error of a network on measured data, opened with the given opener; the metric that its terms name."""


@dataclass(frozen=True, slots=True)
class Depth:
    """How long to measure: `seconds` of calls per plan (and `calls` at least), `rests` times `idle_s` of rest."""

    seconds: float = 5.0
    calls: int = 300
    idle_s: float = 10.0
    rests: int = 3


@dataclass(frozen=True)
class Proof:
    """A plan under proof: its runner is open and warm until `close`."""

    candidate: Candidate
    runner: Runner
    certificate: Certificate


def prove(candidate: Candidate, accuracy: Mapping[str, Accuracy] | None, depth: Depth, date: str) -> Proof:
    """Build where need be, open, hold against golden vectors and measured data, time the calls.

    `accuracy` by network, None where there is no measured data. What breaks the terms is the certificate's `problem`.
    EngineError: it cannot be built or opened.
    """
    terms = engines_with_terms()[candidate.engine]
    plan = build_plan(candidate)
    runner = candidate.backend.open(plan)
    runner.warm()
    parity = check(runner, load_golden(candidate.engine), terms.effect)
    measured = _accuracy(candidate, accuracy, terms.accuracy)
    problems = [parity.problem(terms, candidate.precision)]
    if measured.get("value", 0.0) > terms.accuracy_max:
        problems.append(f"{terms.accuracy} {measured['value']:.2f}, allowed {terms.accuracy_max:g}")
    golden: dict[str, Any] = {"rel_err": parity.rel_err, "outputs": parity.outputs, terms.effect: parity.effect}
    certificate = Certificate(
        engine=candidate.engine,
        backend=candidate.backend.name,
        backend_version=candidate.backend.version(),
        precision=candidate.precision,
        onnx_sha256=onnx_sha256(candidate.engine),
        plan_sha256=sha256_hex(plan),
        device=candidate.device,
        date=date,
        golden=golden,
        accuracy=measured,
        latency_ms=quantile_block(call_times_ms(runner.infer, depth.seconds, depth.calls)),
        first_after_idle_ms=None,
        budget_ms=terms.latency_budget_ms,
        problem="; ".join(filter(None, problems)),
    )
    return Proof(candidate, runner, certificate)


def _accuracy(candidate: Candidate, hooks: Mapping[str, Accuracy] | None, metric: str) -> dict[str, Any]:
    if not metric:
        return dict(NO_ACCURACY)
    if hooks is None or candidate.engine not in hooks:
        return dict(ACCURACY_MISSING)
    plan = build_plan(candidate)
    value = hooks[candidate.engine](lambda _: candidate.backend.open(plan))
    return {"metric": metric, "value": value}


def rested(runners: Sequence[Runner], depth: Depth) -> list[float]:
    """First call of each after a rest, kept warm meanwhile; median of the rests, ms. Each rest another comes first."""
    rows = [first_after_idle_ms(turned(runners, i), depth.idle_s, ticks=True) for i in range(depth.rests)]
    back = [turned(row, -i) for i, row in enumerate(rows)]
    return [float(value) for value in np.median(back, axis=0)]


def turned(items: Sequence[T], by: int) -> list[T]:
    """The same with item number `by` first."""
    by %= len(items)
    return [*items[by:], *items[:by]]
