"""What every backend offers: open with the constructor, warm, infer into fixed buffers, close."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy.typing as npt

Buffers = Mapping[str, npt.NDArray[Any]]


class Runner(Protocol):
    """One network with static shapes, ready to run. Its buffers live as long as it does.

    A caller writes into `inputs`, calls `infer()` and reads the arrays that it returns before the next call:
    the same arrays are filled again. Not for use from two threads at once.
    """

    @property
    def inputs(self) -> Buffers:
        """Input arrays by name, to be written in place."""
        ...

    def warm(self) -> None:
        """Run until allocations and caches have settled; the inputs are left as they are."""
        ...

    def infer(self) -> Buffers:
        """Run once; returns the output arrays by name."""
        ...

    def close(self) -> None:
        """Free the network; calling it twice is harmless."""
        ...


Opener = Callable[[Path], Runner]
"""Opens a network; raises EngineError where that cannot be done."""
