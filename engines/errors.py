"""World errors of the engines: one line that says what, where and what to do."""

from __future__ import annotations


class EngineError(RuntimeError):
    """Something outside the program is wrong (network, cache, model file); `str()` is the line to show."""
