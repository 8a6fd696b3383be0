"""World errors that end a command: one line that says what, where and what to do."""

from __future__ import annotations


class UserError(RuntimeError):
    """Something outside the program is wrong (a path, a device, a file); shown as one line, never a traceback."""
