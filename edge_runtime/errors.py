"""World errors that end a command: one line that says what, where and what to do."""

from __future__ import annotations

from typing import Final

from calibration.profile import ProfileError
from engines.errors import EngineError
from firmware_bridge.errors import BridgeError, TableError


class UserError(RuntimeError):
    """Something outside the program is wrong (a path, a device, a file); shown as one line, never a traceback."""


WORLD_ERRORS: Final = (UserError, EngineError, BridgeError, TableError, ProfileError)
"""Everything whose text is that one line."""
