"""Text of host_limits.py: the host limiter's numbers, derived once and written down where a review sees them."""

from __future__ import annotations

from dataclasses import fields
from typing import Final

from firmware_bridge.schema import JointLimits, Table

PATH: Final = "firmware_bridge/host_limits.py"


def render(table: Table, note: str) -> str:
    """Python module with HOST_LIMITS by joint and the hash of what they were made from."""
    lines = [
        '"""The host limiter\'s table: what it keeps to, from the firmware\'s limits and `host_factor`.',
        "",
        note,
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "from collections.abc import Mapping",
        "from typing import Final",
        "",
        "from firmware_bridge.schema import JointLimits",
        "",
        f"HOST_HASH: Final = 0x{table.host_hash:08X}",
        "HOST_LIMITS: Final[Mapping[str, JointLimits]] = {",
    ]
    for name in table.joints:
        lines += [f'    "{name}": JointLimits(', *_arguments(table.host_limits(name)), "    ),"]
    return "\n".join([*lines, "}", ""])


def _arguments(limits: JointLimits) -> list[str]:
    return [f"        {field.name}={round(getattr(limits, field.name), 9)!r}," for field in fields(limits)]
