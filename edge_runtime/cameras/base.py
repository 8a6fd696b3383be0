"""What every camera offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from edge_runtime.types import U8


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: `rgb` uint8 [H, W, 3], never written again; `t_capture_ns` CLOCK_MONOTONIC of its capture, as well
    as the source knows it; `cut`: the scene jumps here (a file begins anew)."""

    rgb: U8
    t_capture_ns: int
    cut: bool = False


class Camera(Protocol):
    """A source of pictures, read by one thread; opening it is the constructor's work (UserError, one line)."""

    @property
    def stamps(self) -> str:
        """Where capture stamps come from: "driver", "presentation" (timed by the stream) or "arrival"."""
        ...

    def read(self) -> Shot | None:
        """The next picture, waiting for it; None where the source has ended or failed."""
        ...

    def interrupt(self) -> None:
        """From any thread: end a read that waits, as far as the source can."""
        ...

    def close(self) -> None:
        """Let go of the device; by the thread that reads. Calling it twice is harmless."""
        ...
