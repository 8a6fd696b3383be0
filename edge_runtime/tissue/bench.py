"""`bench tissue`: puts together what the parts of the tissue package measure."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Any, Final

from edge_runtime.errors import UserError
from edge_runtime.stats import host_block

PARTS: Final = {
    "verification": "edge_runtime.tissue.verify",
    "cuff_stiffness_error": "edge_runtime.tissue.cuff_stiffness",
    "reduced_rmse_pct": "edge_runtime.tissue.bench_reduced",
    "compensation": "edge_runtime.tissue.bench_compensation",
    "cycle_us": "edge_runtime.tissue.bench_cycle",
    "observer_ms": "edge_runtime.tissue.bench_observer",
    "pressure_map_ms": "edge_runtime.tissue.bench_pressure",
}
"""Part -> module. Its `measure() -> dict[str, Any]` returns the part's key, and others it wants to show."""


def measure_tissue(parts: Iterable[str] = PARTS) -> dict[str, Any]:
    """What `exo-edge bench tissue` prints; a part whose package is not installed is in `left_out` with the reason."""
    result: dict[str, Any] = {}
    left_out: list[str] = []
    for part in parts:
        if part not in PARTS:
            raise UserError(f"bench tissue: no part {part}; there are {', '.join(PARTS)}")
        print(f"bench tissue: {part}", file=sys.stderr)
        try:
            result |= import_module(PARTS[part]).measure()
        except (UserError, ModuleNotFoundError) as error:
            left_out.append(f"{part}: {error}")
            print(f"bench tissue leaves out {part}: {error}", file=sys.stderr)
    return result | {"left_out": left_out} | host_block()
