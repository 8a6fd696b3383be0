"""What the tissue observer saw: charts over time, and pictures of the pressure under the cuffs."""

from __future__ import annotations

from html import escape
from typing import Final

import numpy as np

from edge_runtime.report.series import Chart, Source, line, series
from edge_runtime.tissue.pressure import DISCOMFORT_PA, FLAG_DISCOMFORT_PA, PAIN_PA
from edge_runtime.tissue.rows import CuffMap
from edge_runtime.types import F64, SIDES

SIDE_NAMES: Final = {"r": "right", "l": "left"}
_CELL: Final = (13, 16)  # px of a tile
_COLOURS: Final = ((247, 247, 247), (253, 219, 199), (244, 165, 130), (214, 96, 77), (178, 24, 43), (103, 0, 31))
"""Pressure from 0 over the limit of comfort, in the middle, to pain: ColorBrewer's RdGy, its red half (Brewer 2003)."""
_PULL: Final = (146, 197, 222)


def tissue_seconds(source: Source) -> F64:
    """Time axis of the observer's rows, s; empty without them."""
    stamps = source.record.tissue.get("t_ns", np.empty(0))
    return np.asarray((stamps - source.record.t0_ns) / 1e9, np.float64)


def tissue_charts(source: Source) -> dict[str, Chart]:
    """Charts by id; none without the observer."""
    rows = source.record.tissue
    if not tissue_seconds(source).size:
        return {}
    limit: Chart = {"value": FLAG_DISCOMFORT_PA / 1e3, "label": f"{FLAG_DISCOMFORT_PA / 1e3:.3g} kPa for long"}
    charts: dict[str, Chart] = {}
    for side, colour in SIDE_NAMES.items():
        pressure = [
            series(f"{cuff} p95", "tissue", rows[f"{cuff}_p95_pa_{side}"] / 1e3, shade)
            for cuff, shade in (("thigh", colour), ("shank", "green"))
        ]
        charts[f"pressure_{side}"] = line("kPa", pressure, ref=limit)
        bend = [
            series("measured", "tissue", np.degrees(rows[f"bend_rad_{side}"]), "quiet"),
            series("finite elements", "tissue", np.degrees(rows[f"full_bend_rad_{side}"]), colour, width=1.8),
            series("reduced model", "tissue", np.degrees(rows[f"reduced_bend_rad_{side}"]), "ink", dash="4 3"),
        ]
        charts[f"bend_{side}"] = line("deg", bend)
    both = [(side, SIDE_NAMES[side]) for side in SIDES]
    charts["tissue_loss"] = line("J", [series(name, "tissue", rows[f"loss_j_{s}"], name, digits=3) for s, name in both])
    charts["tissue_gain"] = line("", [series(name, "tissue", rows[f"gain_{s}"], name, digits=3) for s, name in both])
    charts["tissue_doubt"] = line(
        "share", [series(name, "tissue", rows[f"doubt_{s}"], name, digits=3) for s, name in both], top=1.0
    )
    return charts


def pressure_pictures(maps: list[CuffMap]) -> str:
    """For each cuff the highest pressure that each tile had, unrolled, as inline SVG; empty without maps."""
    if not maps:
        return ""
    cuffs: dict[tuple[str, str], list[CuffMap]] = {}
    for one in maps:
        cuffs.setdefault((one.side, one.cuff), []).append(one)
    pictures = "".join(_picture(found) for found in cuffs.values())
    note = (
        "Unrolled: front in the middle, the wearer's left to the right, up is up. A tile is about 4 cm². Dark frames: "
        f"its mean over ten seconds was above {FLAG_DISCOMFORT_PA / 1e3:.3g} kPa, which is the limit of "
        f"{DISCOMFORT_PA / 1e3:g} kPa less what the mesh may hide of a tight cuff's pressure. Blue: the glued cuff of "
        "the model pulls there; a real one would come off."
    )
    return (
        "<h3>Highest pressure of the run under each cuff</h3>"
        f'<div style="display:flex;flex-wrap:wrap;gap:22px">{pictures}</div>{_scale()}'
        f'<p class="lead">{escape(note)}</p>'
    )


def _picture(maps: list[CuffMap]) -> str:
    peak = np.max([one.peak_pa for one in maps], axis=0)
    mean = np.max([one.mean_pa for one in maps], axis=0)
    last, (rows, columns) = maps[-1], peak.shape
    wide, high = _CELL
    cells = []
    for i in range(rows):
        level = rows - 1 - i if last.cuff == "thigh" else i  # rows count from the knee
        for j in range(columns):
            frame = ' stroke="#1a2129" stroke-width="1.5"' if mean[i, j] > FLAG_DISCOMFORT_PA else ""
            cells.append(
                f'<rect x="{j * wide + 1}" y="{level * high + 1}" width="{wide - 1}" height="{high - 1}" '
                f'fill="{_colour(float(peak[i, j]))}"{frame}><title>{peak[i, j] / 1e3:.1f} kPa</title></rect>'
            )
    title = f"{SIDE_NAMES[last.side]} {last.cuff}"
    size = f'width="{columns * wide + 2}" height="{rows * high + 2}"'
    return (
        f"<div><b>{escape(title)}</b> <small>up to {peak.max() / 1e3:.1f} kPa</small><br>"
        f'<svg {size} role="img" aria-label="pressure under the {escape(title)} cuff">{"".join(cells)}</svg></div>'
    )


def _colour(pressure_pa: float) -> str:
    if pressure_pa < 0.0:
        share = min(-pressure_pa / DISCOMFORT_PA, 1.0)
        red, green, blue = (round(a + share * (b - a)) for a, b in zip(_COLOURS[0], _PULL, strict=True))
        return f"#{red:02x}{green:02x}{blue:02x}"
    at = float(np.interp(pressure_pa, (0.0, DISCOMFORT_PA, PAIN_PA), (0.0, 0.5, 1.0))) * (len(_COLOURS) - 1)
    index = min(int(at), len(_COLOURS) - 2)
    mixed = (round(a + (at - index) * (b - a)) for a, b in zip(_COLOURS[index], _COLOURS[index + 1], strict=True))
    return "#" + "".join(f"{value:02x}" for value in mixed)


def _scale() -> str:
    stops = [0.0, DISCOMFORT_PA / 2.0, DISCOMFORT_PA, 2.0 * DISCOMFORT_PA, PAIN_PA]
    boxes = "".join(
        f'<span style="padding:2px 12px;background:{_colour(p)};color:{"#fff" if p > 10e3 else "#1a2129"}">'
        f"{p / 1e3:.3g} kPa</span>"
        for p in stops
    )
    return f'<p style="margin:12px 0">{boxes}</p>'
