"""Part of `bench tissue`: how long a pressure map takes, and how far it is right."""

from __future__ import annotations

import time
from typing import Any, Final

import numpy as np

from edge_runtime.stats import quantiles
from edge_runtime.tissue.geometry import SEGMENTS, Mesh
from edge_runtime.tissue.pressure import PressureMap
from edge_runtime.tissue.pressure_checks import balance, mesh_rows, pushed, ring_error, squeeze_error
from edge_runtime.tissue.static import CuffStatics

_TIMES: Final = 1000
_RING_MESH: Final = Mesh(5, 24, 7)


def measure() -> dict[str, Any]:
    """`pressure_map_ms`: both cuffs of a leg, default mesh. `pressure_check`: balance (relative), closed form of the
    ring at two Poisson's ratios, squeeze by a cuff against quadratic elements (all over the truth, less one)."""
    phantom = pushed()
    maps = []
    for name in SEGMENTS:
        statics = CuffStatics(phantom, name)
        maps.append((PressureMap(phantom, name, statics.mesh, statics.tets), statics.solve(np.zeros(3)).points_m))
    spent = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        for cuff, points in maps:
            cuff.at(points)
        spent.append(1e3 * (time.perf_counter() - began))
    return {
        "pressure_map_ms": quantiles(spent[10:]),
        "pressure_check": {
            "balance": balance(phantom),
            "ring_error": {f"poisson_{nu:g}": ring_error(nu, _RING_MESH) for nu in (0.3, 0.45)},
            "squeeze_error": {
                f"{name}_poisson_{nu:g}": squeeze_error(name, nu) for name in SEGMENTS for nu in (0.3, 0.45)
            },
        },
        "pressure_meshes": mesh_rows(),
    }
