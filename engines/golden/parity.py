"""How far a runner is from the original network on the golden inputs, and whether the terms bear it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.backends.base import Runner
from engines.golden.effects import effect_of
from engines.golden.store import Golden
from engines.manifest import Terms


@dataclass(frozen=True, slots=True)
class Parity:
    """Worst relative error by output, the worst of them, and the worst difference in the end (unit of the terms)."""

    outputs: dict[str, float]
    rel_err: float
    effect: float

    def problem(self, terms: Terms, precision: str) -> str:
        """What breaks the terms for this precision; "" where nothing does."""
        if precision not in terms.rel_err:
            return f"precision {precision} is not allowed: {', '.join(terms.precisions)} are"
        if not self.rel_err <= terms.rel_err[precision]:
            return f"relative error {self.rel_err:.1e}, allowed {terms.rel_err[precision]:.0e}"
        if not self.effect <= terms.effect_max[precision]:
            return f"{terms.effect} {self.effect:.3g}, allowed {terms.effect_max[precision]:g}"
        return ""


def relative_error(ours: npt.NDArray[Any], original: npt.NDArray[Any]) -> float:
    """Largest difference over the largest value of the original; infinite where ours is not finite."""
    if not np.isfinite(ours).all():
        return float("inf")
    scale = float(np.abs(original).max())
    return float(np.abs(ours.astype(np.float64) - original).max()) / (scale or 1.0)


def check(runner: Runner, golden: Golden, effect: str) -> Parity:
    """Run all golden inputs through `runner`; its inputs hold the last one afterwards."""
    found: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in golden.outputs}
    away = 0.0
    for i in range(golden.count):
        for name, values in golden.inputs.items():
            runner.inputs[name][...] = values[i]
        outputs = runner.infer()
        for name, at in golden.at.items():
            flat = outputs[name].ravel()
            found[name].append((flat if at is None else flat[at]).copy())
        difference = np.abs(effect_of(effect)(outputs) - golden.effect[i])
        away = max(away, float(difference.max()) if np.isfinite(difference).all() else float("inf"))
    errors = {name: relative_error(np.stack(rows), golden.outputs[name]) for name, rows in found.items()}
    return Parity(errors, max(errors.values()), away)
