"""`bench solve`: the muscle solve on three models, beside other QP solvers, and whole frames; one core."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from edge_runtime.bench_peers import PEERS, make_qp, peer, timed
from edge_runtime.bench_stream import stream_times
from edge_runtime.biomech.dual_newton import MAX_ITERATIONS, TOLERANCE_NM, solve_dual
from edge_runtime.biomech.model import DOFS, GRAVITY_MPS2, LegModel, load_full_body
from edge_runtime.biomech.motion import Motion, from_trial, made_up_gait, with_trunk
from edge_runtime.biomech.pipeline import MIN_ACTIVATION, Biomechanics
from edge_runtime.biomech.trials import read_trial
from edge_runtime.errors import UserError
from edge_runtime.one_core import one_core
from edge_runtime.progress import progress
from edge_runtime.stats import Quantiles, host_block, quantiles
from edge_runtime.types import F64

RATE_HZ: Final = 60.0
SECONDS: Final = 20.0
RANDOM_PROBLEMS: Final = 20_000
EASE_NM2: Final = 0.01
STATURE_M, MASS_KG = 1.925, 86.04
"""The trial's person: mass of its scaled model, and the stature at which MyoLegs' legs have that model's length."""
PASSES: Final = 5
PEER_FRAMES: Final = {"myolegs80": 60, "gait2392": 60, "myofullbody416": 8}
WARM_FRAMES: Final = 60
_SEED: Final = 20_000


@dataclass(frozen=True, slots=True)
class Stream:
    """One model's problems frame by frame: `arm` [N, n, m] Nm at full activation, `moment` [N, m] Nm, `ease` [m]."""

    name: str
    arm: F64
    moment: F64
    ease: F64


@dataclass(frozen=True, slots=True)
class Tally:
    """All solves of the bench: how many, how many failed, the largest dual gradient of them (Nm)."""

    solves: int
    failures: int
    gradient_nm: float

    def __add__(self, other: Tally) -> Tally:
        worst = max(self.gradient_nm, other.gradient_nm)
        return Tally(self.solves + other.solves, self.failures + other.failures, worst)


def measure_solve(folder: Path) -> dict[str, Any]:
    """Everything that `bench solve` prints; `folder` holds `data/` and `reference/`, of which parts may be absent."""
    trial = folder / "data" / "treadmill_walk_60s" / "results_ik.sto"
    result: dict[str, Any] = {
        "motion": "treadmill_walk_60s" if trial.is_file() else "made up (no trial under --data)",
        "warm_us": {}, "cold_us": {}, "peers_us": {}, "stream_us": {}, "frame_us": {}, "iterations": {}, "left_out": [],
    }  # fmt: skip
    tally, worst_delta = Tally(0, 0, 0.0), None
    with one_core():
        for name, make in _models(folder, trial):
            try:
                stream, frames = make()
            except UserError as error:
                _leave_out(result, name, str(error))
                continue
            tally += _measure_stream(stream, result)
            delta = _measure_peers(stream, result)
            worst_delta = delta if worst_delta is None else max(worst_delta, delta or 0.0)
            if frames is not None:
                result["frame_us"][name] = frames
        tally += random_problems(RANDOM_PROBLEMS)
    result |= {"max_dual_gradient_nm": tally.gradient_nm, "solves": tally.solves, "failures": tally.failures}
    result["daqp_max_delta_a"] = worst_delta
    result["opensim"] = _opensim(folder / "reference" / "gait2392", result)
    return result | host_block()


Made = Callable[[], tuple[Stream, Quantiles | None]]


def _models(folder: Path, trial: Path) -> Iterator[tuple[str, Made]]:
    yield "myolegs80", lambda: _body("myolegs80", LegModel(STATURE_M, MASS_KG), trial)
    yield "gait2392", lambda: (_gait2392(folder / "reference" / "gait2392"), None)
    yield (
        "myofullbody416",
        lambda: _body("myofullbody416", LegModel(STATURE_M, MASS_KG, unscaled=load_full_body()), trial),
    )


def _leave_out(result: dict[str, Any], what: str, why: str) -> None:
    result["left_out"].append(f"{what}: {why}")
    print(f"bench solve leaves out {what}: {why}", file=sys.stderr)


def _body(name: str, leg: LegModel, trial: Path) -> tuple[Stream, Quantiles]:
    """Problems of a leg model over the motion, and the time of its whole frames (µs), coordinates to knee contact."""
    recorded = read_trial(trial) if trial.is_file() else None
    if recorded is not None:
        motion = from_trial(recorded, leg.dofs, RATE_HZ)
    else:
        motion = made_up_gait(leg.dofs, SECONDS, RATE_HZ, MASS_KG * GRAVITY_MPS2)
    if recorded is not None and len(leg.dofs) > len(DOFS):
        motion = with_trunk(motion, leg, recorded, RATE_HZ)
    biomech, count = Biomechanics(leg), min(len(motion), int(SECONDS * RATE_HZ))
    biomech.warm()
    arms, moments, spent = [], [], []
    for k in progress(range(count), count, f"frames of {name}"):
        start = time.perf_counter_ns()
        moment = _moments(biomech, motion, k)
        biomech.knee(biomech.muscles(moment))
        spent.append((time.perf_counter_ns() - start) * 1e-3)
        arm, target = biomech.balance(moment)
        arms.append(arm.copy())
        moments.append(target)
    stream = Stream(name, np.array(arms), np.array(moments), np.full(len(moments[0]), EASE_NM2))
    return stream, quantiles(spent[WARM_FRAMES:])


def _moments(biomech: Biomechanics, motion: Motion, k: int) -> F64:
    ankles = biomech.place(motion.q[k], motion.qd[k], motion.qdd[k])
    return biomech.moments_here(motion.force_n[k], motion.cop_from(ankles, k), np.zeros(2))


def _gait2392(folder: Path) -> Stream:
    if not (folder / "gait2392_frames.npz").is_file():
        raise UserError(f"{folder}: no gait2392_frames.npz; give --data the folder above reference/")
    frames = np.load(folder / "gait2392_frames.npz")
    arm = np.ascontiguousarray(np.transpose(frames["R"][:, 6:] * frames["FA"][:, None, :], (0, 2, 1)))
    return Stream("gait2392", arm, np.ascontiguousarray(frames["tau"][:, 6:]), np.full(arm.shape[2], EASE_NM2))


def _measure_stream(stream: Stream, result: dict[str, Any]) -> Tally:
    """Warm and cold times of p = 2; also solves p = 3 and 4 and moments five times too large."""
    warm, counts, tally = solve_stream(stream, 2, 1.0, PASSES, cold=0)
    cold, _, more = solve_stream(stream, 2, 1.0, 1, cold=1)
    result["warm_us"][stream.name], result["cold_us"][stream.name] = quantiles(warm), quantiles(cold)
    result["iterations"][stream.name] = quantiles(counts)
    for way, block in stream_times(stream.arm, stream.moment, stream.ease, 1.0 / RATE_HZ).items():
        result["stream_us"].setdefault(way, {})[stream.name] = block
    tally += more
    for power in (2, 3, 4):
        for scale in (1.0, 5.0):
            tally += solve_stream(stream, power, scale, 1, cold=0)[2]
    return tally


def solve_stream(stream: Stream, power: int, scale: float, passes: int, cold: int) -> tuple[F64, F64, Tally]:
    """Microseconds and iterations of each solve, and their tally; the first pass is not timed where there are more.

    `scale` multiplies the moments, so that muscles saturate; `cold` 1 forgets the warm start before each frame.
    """
    count, n, m = stream.arm.shape
    weight, low, high = np.ones(n), np.full(n, MIN_ACTIVATION), np.ones(n)
    dual, activation = np.zeros(m), np.empty(n)
    spent, iterations, gradients = [], [], []
    moment = stream.moment * scale
    for _ in range(passes):
        dual[:] = 0.0
        for k in range(count):
            if cold:
                dual[:] = 0.0
            arm, target = stream.arm[k], moment[k]
            start = time.perf_counter_ns()
            used, gradient = solve_dual(
                arm, target, weight, low, high, stream.ease, power, MAX_ITERATIONS, dual, activation
            )
            spent.append((time.perf_counter_ns() - start) * 1e-3)
            iterations.append(used)
            gradients.append(gradient)
    first = count if passes > 1 else 0
    failures = int(np.sum(~(np.array(gradients) < TOLERANCE_NM)))
    return np.array(spent[first:]), np.array(iterations[first:], float), Tally(len(spent), failures, max(gradients))


def _measure_peers(stream: Stream, result: dict[str, Any]) -> float | None:
    """Times of the installed peers on evenly spread frames; gives DAQP's largest distance in activation."""
    chosen = np.linspace(0, len(stream.arm) - 1, PEER_FRAMES[stream.name]).astype(int)
    problems = [make_qp(stream.arm[k], stream.moment[k], MIN_ACTIVATION, stream.ease) for k in chosen]
    worst = None
    for name in progress(PEERS, len(PEERS), f"other solvers on {stream.name}"):
        solve = peer(name)
        if solve is None:
            missing = f"{name}: not installed (pip install 'exo-edge[bench]')"
            if missing not in result["left_out"]:
                _leave_out(result, name, "not installed (pip install 'exo-edge[bench]')")
            continue
        try:
            spent, found = timed(solve, problems)
        except Exception as error:  # whatever a third party's solver raises is its result here
            _leave_out(result, f"{name} on {stream.name}", f"{type(error).__name__}: {error}")
            continue
        result["peers_us"].setdefault(name, {})[stream.name] = quantiles(spent)
        if name == "daqp":
            worst = max(float(np.abs(a - _exact(stream, k)).max()) for a, k in zip(found, chosen, strict=True))
    return worst


def _exact(stream: Stream, k: int) -> F64:
    n, m = stream.arm.shape[1:]
    activation = np.empty(n)
    solve_dual(
        stream.arm[k], stream.moment[k], np.ones(n), np.full(n, MIN_ACTIVATION), np.ones(n), stream.ease, 2,
        MAX_ITERATIONS, np.zeros(m), activation,
    )  # fmt: skip
    return activation


def random_problems(count: int) -> Tally:
    """Cold solves of random muscles: 1 to 92 on 1 to 17 coordinates, p 2 to 4, from idle to far beyond reach; every
    fourth at the edge of reach, where nearly every muscle is at a bound."""
    rng, tally = np.random.default_rng(_SEED), Tally(0, 0, 0.0)
    for i in progress(range(count), count, "random problems"):
        n, m, power = int(rng.integers(1, 93)), int(rng.integers(1, 18)), int(rng.integers(2, 5))
        arm = rng.normal(0.0, 10.0 ** rng.uniform(0.0, 2.3), (n, m)) * (rng.random((n, m)) < rng.uniform(0.1, 0.9))
        if i % 4 == 0:
            extreme = np.where(arm @ rng.normal(size=m) > 0.0, 1.0, MIN_ACTIVATION)
            moment = rng.uniform(0.9, 1.1) * (arm.T @ extreme)
        else:
            moment = 10.0 ** rng.uniform(-2.0, 2.0) * (arm.T @ rng.random(n) + rng.normal(0.0, 10.0, m))
        stream = Stream("random", arm[None], moment[None], np.full(m, 10.0 ** rng.uniform(-3.0, 1.0)))
        tally += solve_stream(stream, power, 1.0, 1, cold=1)[2]
    return tally


def _opensim(folder: Path, result: dict[str, Any]) -> dict[str, Any] | None:
    """Against OpenSim's StaticOptimization: largest distance in activation, and our objective over OpenSim's."""
    try:
        stream = _gait2392(folder)
    except UserError as error:
        _leave_out(result, "opensim", str(error))
        return None
    names = [str(name) for name in np.load(folder / "gait2392_frames.npz")["muscles"]]
    return {f"p{power}": _against_opensim(stream, folder, names, power) for power in (2, 3)}


def _against_opensim(stream: Stream, folder: Path, names: list[str], power: int) -> dict[str, float]:
    with (folder / f"gait2392_opensim46_p{power}_activation.csv").open() as file:
        reference = np.array([[float(row[name]) for name in names] for row in csv.DictReader(file)])
    count, n, m = stream.arm.shape
    low, one, dual, activation = np.full(n, MIN_ACTIVATION), np.ones(n), np.zeros(m), np.empty(n)
    worst, ours, theirs = 0.0, 0.0, 0.0
    for k in range(count):
        solve_dual(stream.arm[k], stream.moment[k], one, low, one, stream.ease, power, MAX_ITERATIONS, dual, activation)
        worst = max(worst, float(np.abs(activation - reference[k]).max()))
        ours, theirs = ours + float((activation**power).sum()), theirs + float((reference[k] ** power).sum())
    return {"max_delta_a": worst, "objective_ratio": ours / theirs}
