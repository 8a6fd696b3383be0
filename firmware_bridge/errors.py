"""World errors of the firmware bridge: their text is one line that says what, where and what to do."""

from __future__ import annotations


class BridgeError(OSError):
    """A bus, a process or a compiler cannot be used; `str()` is the line to show the person."""


class TableError(ValueError):
    """The limits table is not usable; `str()` names the key and the file."""
