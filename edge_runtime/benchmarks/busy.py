"""Makes a Python interpreter busy from within: bytecode, BLAS, imports, garbage; what a careless neighbour does."""

from __future__ import annotations

import gc
import importlib.util
import threading
from collections.abc import Callable
from typing import Final

import numpy as np

_MODULES: Final = ("colorsys", "fractions", "statistics", "plistlib", "textwrap")  # standard library, no side effects
_MATRIX: Final = 256
_GARBAGE: Final = 20_000


def start() -> None:
    """Start one thread per nuisance; they run until the process ends."""
    for work in (_bytecode, _blas, _imports, _garbage):
        threading.Thread(target=_forever, args=(work,), name=work.__name__, daemon=True).start()


def _forever(work: Callable[[], object]) -> None:
    while True:
        work()


def _bytecode() -> int:
    """Holds the interpreter lock for as long as the interpreter lets it."""
    return sum(i * i % 7 for i in range(100_000))


def _blas() -> None:
    """Takes a core without the interpreter lock."""
    a = np.ones((_MATRIX, _MATRIX))
    for _ in range(20):
        a = a @ a / _MATRIX


def _imports() -> None:
    for name in _MODULES:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module(importlib.util.module_from_spec(spec))


def _garbage() -> None:
    """Reference cycles, so that the collector has to stop the interpreter and search."""
    for _ in range(_GARBAGE):
        cycle: list[object] = []
        cycle.append(cycle)
    gc.collect()
