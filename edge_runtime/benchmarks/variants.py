"""The variants that `bench loop` sets side by side: how each is run, and what its latency is."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from edge_runtime.benchmarks import busy, cyclictest, opensourceleg, our_loop, python_loop
from edge_runtime.benchmarks.slices import Slice, Slot
from edge_runtime.rt import rights

PEERS: Final = ("cyclictest", "opensourceleg", "python")
REFERENCE: Final = "cyclictest"
BUSY_REFERENCE: Final = "cyclictest_busy"
_BUSY_BEGIN_S: Final = 2.0  # a Python process with numpy starts in less


def _present() -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Variant:
    """`run` gives one slice; `absent` says why it cannot be run here (after installing it), "" where it can."""

    run: Callable[[Slot, float], Slice]
    latency_is: str
    absent: Callable[[], str] = _present


def _cyclictest_busy(slot: Slot, seconds: float) -> Slice:
    """cyclictest with the same busy interpreter in a process beside it: what `ours_busy` is fairly held against."""
    with _busy_neighbour():
        return cyclictest.run(slot, seconds)


@contextmanager
def _busy_neighbour() -> Iterator[None]:
    process = multiprocessing.get_context("spawn").Process(target=_be_busy, args=(os.getpid(),))
    process.start()
    try:
        time.sleep(_BUSY_BEGIN_S)
        yield
    finally:
        process.kill()
        process.join()


def _be_busy(parent: int) -> None:
    rights.die_with_parent(parent)
    busy.start()
    time.sleep(1e6)


def _ours_busy(slot: Slot, seconds: float) -> Slice:
    return our_loop.run(slot, seconds, our_loop.busy_torque_loop)


_DEFAULT, _PHASE = (opensourceleg.DEFINITIONS[mode] for mode in ("default", "phase"))
VARIANTS: Final[dict[str, Variant]] = {
    "ours": Variant(our_loop.run, our_loop.DEFINITION),
    "ours_busy": Variant(_ours_busy, f"{our_loop.DEFINITION}; its own interpreter is busy"),
    "cyclictest": Variant(cyclictest.run, cyclictest.DEFINITION, cyclictest.absent),
    "cyclictest_busy": Variant(
        _cyclictest_busy, f"{cyclictest.DEFINITION}; a busy interpreter runs beside it", cyclictest.absent
    ),
    "python_busy": Variant(python_loop.run, python_loop.DEFINITION),
    "opensourceleg_default": Variant(partial(opensourceleg.run, "default"), _DEFAULT, opensourceleg.prepare),
    "opensourceleg_phase": Variant(partial(opensourceleg.run, "phase"), _PHASE, opensourceleg.prepare),
}


def chosen(peers: Sequence[str], with_busy: Sequence[str]) -> list[str]:
    """Names of the variants for these PEERS; `with_busy` are the further ones (BUSY or nothing)."""
    by_peer = {
        "cyclictest": ["cyclictest"],
        "python": ["python_busy"],
        "opensourceleg": ["opensourceleg_default", "opensourceleg_phase"],
    }
    names = ["ours", *(name for peer in peers for name in by_peer[peer]), *with_busy]
    return [name for name in VARIANTS if name in names and (name != BUSY_REFERENCE or REFERENCE in names)]


BUSY: Final = ("ours_busy", BUSY_REFERENCE)
