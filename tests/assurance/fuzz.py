"""Differential fuzzing of host limiter, governor and DBC: `python -m tests.assurance.fuzz [--frames N] [--seed S]`.

Two streams. The host's: wild requests go through the real limiter and codec to the real governor, which must
accept every frame. A hostile one: frames at the edges of what is legal. An independent reference judges each frame
of both; the governor must agree. Prints one JSON object; 0 where nobody disagreed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from firmware_bridge.table import GOVERNOR_REASONS
from tests.assurance.episodes import ACTS
from tests.assurance.killers import GOVERNOR, ROOT, compiler
from tests.assurance.reference import NAMES, SETPOINT_IDS, Reference
from tests.assurance.reference_joint import Sensors
from tests.assurance.tape import PROFILE_HASH, Recorder
from tests.assurance.traffic import Traffic

CODEC: Final = ROOT / "firmware_bridge" / "codec"
HERE: Final = Path(__file__).parent
CYCLES: Final = 2000
HOST_SHARE: Final = 0.6  # of all frames; the rest is hostile
REASONS: Final = {code: name for name, code in GOVERNOR_REASONS.items()}
PYTHON_SAMPLE: Final = 200  # one frame in so many is decoded by cantools' own Python as well


def build(folder: Path) -> Path:
    """Governor, codec and shim as a shared library. Raises BridgeError where there is no compiler."""
    target = folder / "fuzz.so"
    sources = [*GOVERNOR.glob("*.c"), *CODEC.glob("*.c"), HERE / "fuzz_shim.c"]
    line = [compiler(), "-std=c99", "-O2", "-shared", "-fPIC", f"-I{GOVERNOR}", f"-I{CODEC}"]
    subprocess.run([*line, *map(str, sorted(sources)), "-o", str(target)], check=True)
    return target


class Tally:
    """What is counted; every key that begins with a fault's name must stay 0."""

    def __init__(self) -> None:
        self.frames = self.host_frames = self.hostile_frames = self.refused_by_reference = 0
        self.faults: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()

    def result(self, seed: int, seconds: float) -> dict[str, Any]:
        """The JSON object."""
        named = (
            "host_accepted_governor_rejected",
            "illegal_accepted",
            "legal_rejected",
            "outputs_differ",
            "decode_differs",
        )
        return {
            "frames": self.host_frames + self.hostile_frames,
            "host_frames": self.host_frames,
            "hostile_frames": self.hostile_frames,
            "illegal_by_reference": self.refused_by_reference,
            **{name: self.faults[name] for name in named},
            "reasons": dict(sorted(self.reasons.items())),
            "seed": seed,
            "seconds": round(seconds, 1),
        }


def host_stream(library: Path, frames: int, seed: int, tally: Tally) -> None:
    """Episodes of a wild host until so many setpoints were sent."""
    from tests.assurance import fuzz_host

    episode = fuzz_host.compiled(library)
    log = np.zeros(CYCLES * 5, fuzz_host.LOG)
    database = _database()
    while tally.host_frames < frames:
        rows, setpoints, errors = episode(seed, CYCLES, log)
        tally.host_frames += setpoints
        tally.faults["decode_differs"] += errors + _decoded_otherwise(log[:rows], database)
        if NAMES[int(log[rows - 1]["state"])] == "SAFE":
            tally.faults["host_accepted_governor_rejected"] += 1
            tally.reasons["host: " + REASONS[int(log[rows - 1]["reason"])]] += 1
        _judge(log[:rows], tally)
        seed += 1


def _database() -> Any:
    import cantools

    return cantools.database.load_file(ROOT / "firmware_bridge" / "exo_edge.dbc")


def _decoded_otherwise(log: Any, database: Any) -> int:
    """Frames of a sample that cantools itself reads in another way than wire.py."""
    from firmware_bridge import wire

    errors, out = 0, np.zeros(5)
    setpoints = log[(log["kind"] == 0) & np.isin(log["id"], SETPOINT_IDS)][::PYTHON_SAMPLE]
    for row in setpoints:
        raw = np.concatenate([np.zeros(8, np.uint8), row["data"]])
        wire.unpack_setpoint(raw, out)
        signals = database.decode_message(int(row["id"]), row["data"].tobytes(), decode_choices=False)
        found = [signals["torque"], signals["lease"], signals["age"], signals["apply_at"] * 10, signals["mode"]]
        errors += not np.allclose(found, out, atol=1e-6)
    return errors


def _judge(log: Any, tally: Tally) -> None:
    """The same frames and steps through the reference."""
    from tests.assurance.fuzz_host import COUNT

    reference = Reference(PROFILE_HASH, [1 << 30] * COUNT)
    for row in log:
        now_us = int(row["now_us"])
        if row["kind"] == 0:
            reference.on_frame(int(row["id"]), row["data"].tobytes(), now_us)
            continue
        seen = row["sensors"].tolist()
        torque = reference.step(now_us, [tuple(seen[4 * i : 4 * i + 4]) for i in range(COUNT)])
        ours = (torque, reference.state, reference.reason)
        theirs = (row["torque_cnm"].tolist(), NAMES[int(row["state"])], REASONS[int(row["reason"])])
        if ours != theirs:
            tally.faults[_kind(ours[1], theirs[1])] += 1
            return


def _kind(reference: str, governor: str) -> str:
    if reference == "SAFE":
        return "illegal_accepted"
    return "legal_rejected" if governor == "SAFE" else "outputs_differ"


class Duel(Recorder):
    """Feeds the governor with what the reference gets, and compares each step."""

    def __init__(self, library: Path, tally: Tally) -> None:
        super().__init__()
        from tests.assurance.fuzz_host import load

        self.shim, self.tally, self.agree = load(library), tally, True
        self.seen = np.zeros(4 * len(SETPOINT_IDS), np.int64)
        self.told = np.zeros(len(SETPOINT_IDS) + 2, np.int64)

    def init(self, torque_cnm: Sequence[int] | None = None, profile_hash: int = PROFILE_HASH) -> None:
        """Both start anew."""
        self.out.clear()
        super().init(torque_cnm, profile_hash)
        limits = None if torque_cnm is None else np.array(torque_cnm, np.int32).ctypes.data
        self.shim.shim_init(profile_hash, limits)
        self.agree = True

    def frame(self, can_id: int, data: bytes, now_us: int) -> None:
        """A frame to both."""
        super().frame(can_id, data, now_us)
        self.shim.shim_frame(can_id, data, len(data), now_us)

    def _step(self, kind: bytes, sensors: Sequence[Sensors], now_us: int) -> list[int]:
        torque = super()._step(kind, sensors, now_us)
        self.seen[:] = np.ravel(sensors)
        self.shim.shim_step(now_us, self.seen.ctypes.data, self.told.ctypes.data)
        *theirs, state, reason = self.told.tolist()
        ours = (torque, self.reference.state, self.reference.reason)
        if self.agree and ours != (theirs, NAMES[state], REASONS[reason]):
            self.tally.faults[_kind(ours[1], NAMES[state])] += 1
            self.agree = False
        return torque


def hostile_stream(library: Path, frames: int, seed: int, tally: Tally) -> None:
    """Traffic at the edges of what is legal until so many frames were sent."""
    duel = Duel(library, tally)
    traffic, number = Traffic(duel, seed), 0
    traffic.acts = ACTS
    while duel.frames < frames:
        traffic.episode(ACTS[number % len(ACTS)])
        number += 1
    tally.hostile_frames, tally.refused_by_reference = duel.frames, duel.refused


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(argv)
    began, tally = time.monotonic(), Tally()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        library = build(Path(folder))
        host_stream(library, round(arguments.frames * HOST_SHARE), arguments.seed, tally)
        hostile_stream(library, arguments.frames - tally.host_frames, arguments.seed, tally)
    result = tally.result(arguments.seed, time.monotonic() - began)
    print(json.dumps(result, indent=2))
    return 1 if sum(tally.faults.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
