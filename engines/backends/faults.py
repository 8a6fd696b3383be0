"""What a running engine can do wrong, by reason."""

from __future__ import annotations

from typing import Final

from engines.errors import EngineError

REASONS: Final = ("engine_values", "engine_shape", "engine_slow", "engine_lost")
"""Not finite; other outputs than promised; ten times over its budget; the backend failed (device lost)."""


class EngineFaultError(EngineError):
    """An engine failed in this call: what it would have said is not known. `reason` is one of `REASONS`."""

    def __init__(self, engine: str, reason: str, text: str) -> None:
        super().__init__(f"engine {engine}: {text}")
        self.engine, self.reason = engine, reason
