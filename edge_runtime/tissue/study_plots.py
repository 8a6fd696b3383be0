"""Plots of a study: for each quantity a sheet of small maps, one for each tissue and cuff."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from edge_runtime.errors import UserError
from edge_runtime.tissue.pressure import DISCOMFORT_PA
from edge_runtime.tissue.study_case import Result
from edge_runtime.tissue.study_plan import Study
from edge_runtime.types import F64


@dataclass(frozen=True, slots=True)
class Sheet:
    """A quantity of `Result`: file name, title, how numbers are written, colour map."""

    field: str
    title: str
    form: str
    colours: str


SHEETS: Final = (
    Sheet("transmission", "Torque that arrives at the knee, share of the hinge's", "{:.2f}", "viridis"),
    Sheet("angle_error_deg", "Angle error: how far the hinge gives way, deg", "{:.1f}", "magma_r"),
    Sheet("stiffness_nm_per_rad", "Interface stiffness, Nm/rad", "{:.0f}", "viridis"),
    Sheet(
        "p95_kpa", f"Pressure exceeded on 5 % of the skin, kPa (comfort: {DISCOMFORT_PA / 1e3:g})", "{:.1f}", "YlOrRd"
    ),
    Sheet("loss_j", "Energy lost in a swing of the torque at 1 Hz, J", "{:.2f}", "magma_r"),
)


def plot_study(study: Study, results: list[Result], out: Path) -> list[Path]:
    """Write one PNG per sheet. Raises UserError without matplotlib."""
    try:
        import matplotlib
    except ModuleNotFoundError:
        raise UserError("study plots need matplotlib: install exo-edge[plot]; the table is written") from None
    matplotlib.use("Agg")
    files = []
    for sheet in SHEETS:
        shape = len(study.tissue), len(study.cuff), len(study.knee_deg), len(study.misalignment_mm)
        values = np.array([getattr(result, sheet.field) for result in results], np.float64).reshape(shape)
        crushed = np.array([bool(result.note) for result in results]).reshape(shape)
        path = out / f"{sheet.field}.png"
        _draw(study, sheet, values, crushed, path)
        files.append(path)
    return files


def _draw(study: Study, sheet: Sheet, values: F64, crushed: Any, path: Path) -> None:
    from matplotlib import pyplot

    rows, columns, knees, offsets = values.shape
    size = (1.8 + columns * (0.75 * offsets + 0.6), 1.5 + rows * (0.42 * knees + 0.55))
    figure, axes = pyplot.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    low, high = _range(values)
    for i, tissue in enumerate(study.tissue):
        for j, cuff in enumerate(study.cuff):
            image = _panel(axes[i, j], study, sheet, values[i, j], crushed[i, j], (low, high))
            if i == 0:
                axes[i, j].set_title(f"cuff {cuff.name}", fontsize=10)
            if j == 0:
                axes[i, j].set_ylabel(f"{tissue.name}\nknee, deg", fontsize=9)
            if i == rows - 1:
                axes[i, j].set_xlabel("hinge off knee, mm\n(forward, up)", fontsize=9)
    figure.suptitle(f"{sheet.title}; {study.torque_nm:g} Nm", fontsize=11)
    figure.colorbar(image, ax=axes, fraction=0.03, pad=0.02)
    if crushed.any():
        figure.supxlabel(
            "italic with *: tissue crushed below half its volume, or no rest found; do not trust", fontsize=8
        )
    figure.savefig(path, dpi=130)
    pyplot.close(figure)


def _panel(axis: Any, study: Study, sheet: Sheet, values: F64, crushed: Any, limits: tuple[float, float]) -> Any:
    image = axis.imshow(values, cmap=sheet.colours, vmin=limits[0], vmax=limits[1], aspect="auto")
    axis.set_xticks(range(len(study.misalignment_mm)), [f"{x:g}, {z:g}" for x, z in study.misalignment_mm], fontsize=8)
    axis.set_yticks(range(len(study.knee_deg)), [f"{knee:g}" for knee in study.knee_deg], fontsize=8)
    for (row, column), value in np.ndenumerate(values):
        text = sheet.form.format(value) if np.isfinite(value) else "none"
        red, green, blue, _ = image.cmap(image.norm(value)) if np.isfinite(value) else (1.0, 1.0, 1.0, 1.0)
        dark = 0.3 * red + 0.6 * green + 0.1 * blue < 0.5
        style = {"style": "italic"} if crushed[row, column] else {}
        mark = "*" if crushed[row, column] else ""
        axis.text(column, row, text + mark, ha="center", va="center", fontsize=9, color="w" if dark else "k", **style)
    return image


def _range(values: F64) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)
