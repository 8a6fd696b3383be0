"""Bugs planted in a copy of the code, one at a time: at least one scenario must call each out.

    python -m tests.hil.planted [NAME …]

prints a table. Two bugs change what every compiled part can reach: each of those costs a compilation of all.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = ("edge_runtime", "firmware_bridge", "engines", "calibration", "hil")


@dataclass(frozen=True, slots=True)
class Bug:
    """In `file` the text `old`, which is there once, becomes `new`; `scenarios` are run against it."""

    name: str
    file: str
    old: str
    new: str
    scenarios: tuple[str, ...]


_C: Final = "firmware_bridge/governor/"
BUGS: Final = (
    Bug("sign of the command", _C + "governor.c", "= cnm_of(g->joints[i].applied)", "= -cnm_of(g->joints[i].applied)",
        ("torque_ramp",)),
    Bug("sign of the damping", _C + "governor.c", "torque = -(j->measured", "torque = (j->measured", ("bus_cut",)),
    Bug("unit of the lease", _C + "receive.c", "s->lease_ms * 1000u", "s->lease_ms * 10000u", ("bus_cut",)),
    Bug("missing lease", _C + "governor.c", "if (lease_lapsed(j, now_us))", "if (0 && lease_lapsed(j, now_us))",
        ("bus_cut", "kill_loop")),
    Bug("missing check of the sensors", _C + "governor.c", "if (!g->joints[i].measured.valid)",
        "if (g->joints[i].measured.valid > 1)", ("encoder_off",)),
    Bug("missing check of the hashes", _C + "receive.c", "g->host.hash_wrong |= bit", "g->host.hash_wrong &= bit",
        ("wrong_profile",)),
    Bug("missing check of broken frames", _C + "receive.c",
        "rx->bad_run >= EXO_CONSECUTIVE_ERRORS_MAX", "rx->bad_run > 250",
        ("bus_corrupt",)),
    Bug("torque for the other leg", _C + "receive.c", "on_setpoint(g, &g->joints[i], data, now_us)",
        "on_setpoint(g, &g->joints[EXO_JOINT_COUNT - 1 - i], data, now_us)", ("gait_1_2",)),
    Bug("ramp that runs through zero", _C + "governor.c", "in_safe_us < EXO_SAFE_RAMP_US) {",
        "in_safe_us < 3 * EXO_SAFE_RAMP_US) {", ("bus_cut",)),
    Bug("sign of the assistance", "edge_runtime/assist.py", "np.clip(self._assist.share * moment",
        "np.clip(-self._assist.share * moment", ("gait_1_2",)),
    Bug("latency twice as long", "edge_runtime/assembly.py", "round(TABLE.age.latency_ms * 1e6)",
        "round(TABLE.age.latency_ms * 2e6)", ("gait_1_2",)),
    Bug("supervisor blind for estimates", "edge_runtime/supervisor.py",
        "estimate_invalid=now_ns - world.valid_ns > _ESTIMATE_AGE_NS", "estimate_invalid=False", ("camera_stall",)),
    Bug("missing limit of power", "edge_runtime/rt/limiter.py", "if abs(power) > lim.power_w:", "if False:",
        ("fast_legs",)),
    Bug("late intents do not fade", "edge_runtime/intent.py", "    if late_ns >= zero_ns:\n        return 0.0",
        "    if late_ns >= zero_ns:\n        return 1.0", ("camera_stall",)),
    Bug("unit of the torque on the wire", "firmware_bridge/wire.py", "put16(buf, 10, to_i16(torque_nm * CNM_PER_NM))",
        "put16(buf, 10, to_i16(torque_nm * 10.0))", ("torque_ramp",)),
)  # fmt: skip


def copy_of_the_code(folder: Path) -> Path:
    """All packages under `folder`; stamps are kept, so that what is compiled once serves every bug in another file."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@contextmanager
def planted(bug: Bug, tree: Path) -> Iterator[None]:
    """The bug is in the tree, and then no more. ValueError where its place is not there exactly once."""
    file = tree / bug.file
    text, stamps = file.read_text(encoding="utf-8"), file.stat()
    if text.count(bug.old) != 1:
        raise ValueError(f"{bug.name}: {bug.file} has the place {text.count(bug.old)} times")
    file.write_text(text.replace(bug.old, bug.new), encoding="utf-8")
    try:
        yield
    finally:
        file.write_text(text, encoding="utf-8")
        os.utime(file, ns=(stamps.st_atime_ns, stamps.st_mtime_ns))


def not_as_declared(scenarios: Sequence[str], tree: Path, cache: Path) -> list[str]:
    """Names of those of `scenarios` that fail on the code in `tree`; compiled code goes to `cache`."""
    environment = os.environ | {"PYTHONPATH": str(tree), "EXO_EDGE_CACHE": str(cache)}
    with tempfile.TemporaryDirectory(prefix="exo-edge-planted-") as out:
        command = [sys.executable, "-m", "edge_runtime", "hil", "run", *scenarios, "--json", "--out", out]
        done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    if not done.stdout:
        raise RuntimeError(done.stderr)
    failed: list[str] = json.loads(done.stdout)["failed"]
    return failed


def main(names: list[str]) -> int:
    """Plant those bugs, or all; 1 where one goes unseen, or where a scenario fails without any."""
    bugs = [bug for bug in BUGS if not names or bug.name in names]
    with tempfile.TemporaryDirectory(prefix="exo-edge-tree-") as name:
        tree, cache = copy_of_the_code(Path(name) / "tree"), Path(name) / "cache"
        healthy = not_as_declared(sorted({s for bug in bugs for s in bug.scenarios}), tree, cache)
        print(f"{'no bug':34} {', '.join(healthy) or 'all as declared'}", flush=True)
        unseen = 0
        for bug in bugs:
            with planted(bug, tree):
                found = not_as_declared(bug.scenarios, tree, cache)
            unseen += not found
            print(f"{bug.name:34} {', '.join(found) or 'UNSEEN'}", flush=True)
    return 1 if unseen or healthy else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
