"""Muscle synergies: few patterns W that many activations share, found by NMF, and a solve bound to a = W c."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from edge_runtime.errors import UserError
from edge_runtime.types import F64

RESTARTS: Final = 4
SWEEPS: Final = 400
_TINY: Final = 1e-12
_EQUALITY: Final = 5  # DAQP's sign for a row that must hold exactly
_FAR: Final = 1e30


def vaf(activation: F64, rebuilt: F64) -> float:
    """Variance accounted for, uncentred: 1 - |a - â|²/|a|² over all samples and muscles (1: exact)."""
    total = float((activation**2).sum())
    return 1.0 - float(((activation - rebuilt) ** 2).sum()) / total if total > 0.0 else 1.0


def factorize(activation: F64, count: int, seed: int = 0) -> F64:
    """W [n, count], columns of unit length: activation [N, n] ≈ C W' with both factors non-negative.

    Hierarchical alternating least squares (Cichocki & Phan 2009, IEICE Trans. Fundamentals E92-A:708-721), best of
    `RESTARTS` random starts; the same for the same `seed`. Raises ValueError for a `count` outside 1..min(N, n).
    """
    if not 1 <= count <= min(activation.shape):
        raise ValueError(f"{count} synergies of {activation.shape[1]} muscles in {activation.shape[0]} samples")
    rng = np.random.default_rng(seed)
    best, lowest = np.zeros((activation.shape[1], count)), np.inf
    for _ in range(RESTARTS):
        w, c = rng.random((activation.shape[1], count)), rng.random((activation.shape[0], count))
        for _ in range(SWEEPS):
            _sweep(c, activation @ w, w.T @ w)
            _sweep(w, activation.T @ c, c.T @ c)
        rest = float(((activation - c @ w.T) ** 2).sum())
        if rest < lowest:
            best, lowest = w, rest
    return np.asarray(best / np.maximum(np.linalg.norm(best, axis=0), _TINY))


def _sweep(factor: F64, cross: F64, gram: F64) -> None:
    """Best non-negative columns of `factor` one after the other, the others kept, in place."""
    for j in range(factor.shape[1]):
        step = (cross[:, j] - factor @ gram[:, j]) / max(float(gram[j, j]), _TINY)
        factor[:, j] = np.maximum(factor[:, j] + step, 0.0)


def project(activation: F64, w: F64) -> F64:
    """The closest activations [N, n] that `w` [n, count] can give with non-negative amounts."""
    c = np.maximum(activation @ w, 0.0)
    cross, gram = activation @ w, w.T @ w
    for _ in range(SWEEPS):
        _sweep(c, cross, gram)
    return np.asarray(c @ w.T)


@dataclass(frozen=True, slots=True)
class Bound:
    """One frame's solve bound to synergies: activations [n], amounts [count], reserves [m] (Nm)."""

    activation: F64
    amount: F64
    reserve_nm: F64


class SynergySolver:
    """min sum a²/2 + sum r²/(2 ease) with a = W c, c >= 0, a <= 1 and arm' a + r = moment, by DAQP.

    `w` [n, count], `ease` [m] Nm². Never for the device's torque: what a few patterns leave unexplained (`reserve_nm`)
    is a good part of it even where they explain 90 % of the activations. Raises UserError without the package daqp.
    """

    def __init__(self, w: F64, ease: F64) -> None:
        try:
            import daqp
        except ImportError:
            raise UserError("daqp is not installed; install it with: pip install 'exo-edge[bench]'") from None
        self._solve: Any = daqp.solve
        self._w, self._root = w, np.sqrt(ease)
        n, count, m = w.shape[0], w.shape[1], len(ease)
        self._cost = np.zeros((count + m, count + m))
        self._cost[:count, :count], self._cost[count:, count:] = w.T @ w + _TINY * np.eye(count), np.eye(m)
        self._rows = np.zeros((n + m, count + m))
        self._rows[:n, :count], self._rows[n:, count:] = w, np.diag(self._root)
        bounds = count + m
        self._low, self._high = np.full(bounds + n + m, -_FAR), np.full(bounds + n + m, _FAR)
        self._low[:count], self._high[bounds : bounds + n] = 0.0, 1.0
        self._sense = np.zeros(bounds + n + m, np.int32)
        self._sense[bounds + n :] = _EQUALITY

    def solve(self, arm: F64, moment: F64) -> Bound:
        """Balance `moment` [m] with `arm` [n, m], moments at full activation (Nm). Raises RuntimeError without one."""
        n, count = self._w.shape
        self._rows[n:, :count] = arm.T @ self._w
        first = len(self._low) - len(moment)
        self._low[first:] = self._high[first:] = moment
        x, _, status, _ = self._solve(
            self._cost, np.zeros(len(self._cost)), self._rows, self._high, self._low, self._sense.copy()
        )
        if status < 1:
            raise RuntimeError(f"DAQP ended with status {status}")
        amount = np.maximum(np.asarray(x[:count]), 0.0)
        activation = self._w @ amount
        return Bound(activation, amount, moment - arm.T @ activation)
