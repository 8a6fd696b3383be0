"""Kills mutants of Python modules: a forked child swaps the module and runs its tests, without numba's compiler.

Importing numba, pytest and cantools takes longer than the tests: a few servers do it once and fork for each mutant.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import queue
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.assurance.killers import ROOT, TESTS
from tests.assurance.mutant import Mutant

PATIENCE_S: Final = 60  # of processor time; the tests of one module take a few seconds

_idle: queue.SimpleQueue[subprocess.Popen[str]] = queue.SimpleQueue()


def kill_python(mutant: Mutant) -> str:
    """Run the module's tests on a mutated copy: killed, survived or stillborn (no syntax)."""
    source = mutant.applied((ROOT / mutant.path).read_text(encoding="utf-8"))
    try:
        compile(source, mutant.path, "exec")
    except SyntaxError:
        return "stillborn"
    server = _server()
    assert server.stdin is not None and server.stdout is not None
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        path = Path(folder) / "mutant.py"
        path.write_text(source, encoding="utf-8")
        server.stdin.write(f"{mutant.path}\t{path}\n")
        server.stdin.flush()
        verdict = server.stdout.readline().strip()
    _idle.put(server)
    return verdict


def _server() -> subprocess.Popen[str]:
    """One that waits, or a new one."""
    try:
        return _idle.get_nowait()
    except queue.Empty:
        line = [sys.executable, "-m", "tests.assurance.pytest_killer"]
        pipe = subprocess.PIPE
        server = subprocess.Popen(line, cwd=ROOT, env=environment(), stdin=pipe, stdout=pipe, text=True)
        atexit.register(server.kill)
        return server


def environment() -> dict[str, str]:
    """For a child: our packages, no compiler, the same order of sets each time."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    return os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": path, "PYTHONHASHSEED": "0"}


def _swap(path: str, mutated: str) -> None:
    """Put the mutated module where imports will find it, under its own name."""
    name = path.removesuffix(".py").replace("/", ".")
    spec = importlib.util.spec_from_file_location(name, mutated)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    parent, _, child = name.rpartition(".")
    setattr(importlib.import_module(parent), child, module)


def _child(path: str, mutated: str) -> bool:
    """Swap the module, run its tests: true where all pass."""
    import pytest

    resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE_S, PATIENCE_S))
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    try:
        _swap(path, mutated)
    except Exception:
        return False
    return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--noconftest", *TESTS[path]])) == 0


def serve() -> None:
    """Lines of `path TAB mutated file` in, verdicts out; a child for each."""
    import cantools  # noqa: F401
    import numba  # noqa: F401
    import pytest  # noqa: F401

    for line in sys.stdin:
        path, mutated = line.rstrip("\n").split("\t")
        child = os.fork()
        if child == 0:
            os._exit(0 if _child(path, mutated) else 1)
        _, status = os.waitpid(child, 0)
        print("survived" if status == 0 else "killed", flush=True)


if __name__ == "__main__":
    serve()
