"""What the tissue observer publishes: a row per frame, and now and then a map of each cuff; named once here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from edge_runtime.tissue.geometry import SEGMENTS, SegmentName
from edge_runtime.types import F64, SIDES

LEG_FIELDS: Final = (
    "full",  # 1 where finite elements speak, 0 where the reduced model does because tissue is crushed
    "min_det_f",  # smallest volume ratio of an element
    "torque_nm",  # hinge torque as measured
    "bend_rad",  # hinge less knee: measured
    "full_bend_rad",  # finite elements
    "reduced_bend_rad",  # reduced model
    "knee_nm",  # torque at the knee, modelled
    *(f"{cuff}_{what}" for cuff in SEGMENTS for what in ("p95_pa", "highest_pa", "uncomfortable", "painful")),
    "loss_j",  # of the last whole stride
    "given_j",
    "gain",  # measured over modelled bend, 1 where tissue is as the model's
    "gain_sd",
    "slip_rad",  # change of the unloaded bend since the fit of the day
    "model_error",  # reduced against full, share
    "doubt",  # share of assistance to take away
    "cause",  # index into edge_runtime.doubt.CAUSES
)
TISSUE_FIELDS: Final = ("t_ns", "compute_ms", *(f"{name}_{side}" for side in SIDES for name in LEG_FIELDS))
"""A row of the observer; `uncomfortable` and `painful` count tiles of 4 cm2 above the limits of `tissue.pressure`."""

MAX_TILES: Final = 320
_MAP_HEAD: Final = ("t_ns", "side", "cuff", "rows", "columns", "low_m", "high_m", "half_rad")
MAP_WIDTH: Final = len(_MAP_HEAD) + 2 * MAX_TILES


@dataclass(frozen=True, slots=True)
class CuffMap:
    """Pressure under one cuff at `t_ns`, tiles [rows, columns], Pa: `mean_pa` over ten seconds, `peak_pa` since the
    last map. Rows go from `low_m` to `high_m` from the knee, columns from -`half_rad` to `half_rad` round the front."""

    t_ns: int
    side: str
    cuff: SegmentName
    low_m: float
    high_m: float
    half_rad: float
    mean_pa: F64
    peak_pa: F64

    def packed(self) -> F64:
        """The map as one row [MAP_WIDTH]; tiles past `MAX_TILES` do not fit and the map is refused by `fits`."""
        out = np.zeros(MAP_WIDTH)
        rows, columns = self.mean_pa.shape
        out[: len(_MAP_HEAD)] = (
            self.t_ns, SIDES.index(self.side), SEGMENTS.index(self.cuff), rows, columns,
            self.low_m, self.high_m, self.half_rad,
        )  # fmt: skip
        tiles = out[len(_MAP_HEAD) :].reshape(2, MAX_TILES)
        tiles[0, : self.mean_pa.size] = self.mean_pa.ravel()
        tiles[1, : self.peak_pa.size] = self.peak_pa.ravel()
        return out

    @property
    def fits(self) -> bool:
        """Whether a row holds it."""
        return self.mean_pa.size <= MAX_TILES

    def as_json(self) -> dict[str, Any]:
        """For the record: plain numbers, tiles as lists of rows."""
        return {
            "t_ns": self.t_ns, "side": self.side, "cuff": self.cuff, "low_m": self.low_m, "high_m": self.high_m,
            "half_rad": self.half_rad, "mean_pa": self.mean_pa.round(1).tolist(),
            "peak_pa": self.peak_pa.round(1).tolist(),
        }  # fmt: skip


def unpacked(row: F64) -> CuffMap:
    """The map in a row of `CuffMap.packed`."""
    head = row[: len(_MAP_HEAD)]
    rows, columns = int(head[3]), int(head[4])
    tiles = row[len(_MAP_HEAD) :].reshape(2, MAX_TILES)[:, : rows * columns].reshape(2, rows, columns)
    side, cuff = SIDES[int(head[1])], SEGMENTS[int(head[2])]
    return CuffMap(int(head[0]), side, cuff, float(head[5]), float(head[6]), float(head[7]), tiles[0], tiles[1])


def from_json(content: Mapping[str, Any]) -> CuffMap:
    """The map of a record's message."""
    tiles = (np.array(content[key], np.float64) for key in ("mean_pa", "peak_pa"))
    return CuffMap(
        content["t_ns"], content["side"], content["cuff"], content["low_m"], content["high_m"], content["half_rad"],
        *tiles,
    )  # fmt: skip
