"""Writes a solved trial: OpenSim tables and a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from edge_runtime.biomech.model import GRAVITY_MPS2
from edge_runtime.biomech.solve_offline import Solved
from edge_runtime.biomech.tables import write_sto
from edge_runtime.types import F64, SIDES

PARTS: Final = ("medial", "lateral")
SHOWN: Final = ("glmax2", "glmed2", "recfem", "vaslat", "bflh", "semimem", "gasmed", "soleus", "tibant")
_COLOURS: Final = {"r": "#2458a6", "l": "#c65a1e"}


def write_tables(folder: Path, solved: Solved) -> list[Path]:
    """`activation`, `force` (N), `moment` and `reserve` (Nm), `knee_contact` (N) and `solve` (flags) as .sto."""
    contact = {
        f"kcf_{part}_{side}": solved.contact_n[:, i, j] for i, side in enumerate(SIDES) for j, part in enumerate(PARTS)
    }
    contact |= {f"kcf_{side}": solved.contact_n[:, i].sum(axis=1) for i, side in enumerate(SIDES)}
    tables: dict[str, dict[str, F64]] = {
        "activation": _columns(solved.activation, solved.muscles),
        "force": _columns(solved.force_n, solved.muscles),
        "moment": _columns(solved.moment_nm, tuple(f"{name}_moment" for name in solved.dofs)),
        "reserve": _columns(solved.reserve_nm, tuple(f"{name}_reserve" for name in solved.dofs)),
        "knee_contact": contact,
        "solve": solved.quality,
    }
    paths = []
    for name, columns in tables.items():
        paths.append(folder / f"{name}.sto")
        write_sto(paths[-1], f"{solved.name} {name}", solved.motion.time_s, columns)
    return paths


def _columns(values: F64, names: tuple[str, ...]) -> dict[str, F64]:
    return {name: values[:, i] for i, name in enumerate(names)}


def draw(path: Path, solved: Solved) -> None:
    """Knee contact, activations of nine muscles of each leg and reserves over time, as PNG. Needs matplotlib."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(5, 3, figsize=(15, 14), sharex=True, layout="constrained")
    _draw_contact(axes[0], solved)
    shown = [name for name in SHOWN if f"{name}_r" in solved.muscles] or sorted({m[:-2] for m in solved.muscles})[:9]
    for axis, name in zip(axes[1:4].ravel(), shown, strict=False):
        for side in SIDES:
            if f"{name}_{side}" in solved.muscles:
                column = solved.activation[:, solved.muscles.index(f"{name}_{side}")]
                axis.plot(solved.motion.time_s, column, _COLOURS[side], lw=1, label=f"{name}_{side}")
        axis.set_ylim(0, 1)
        axis.set_title(f"activation {name}", fontsize=10)
    _draw_reserves(axes[4], solved)
    for axis in axes[4]:
        axis.set_xlabel("s")
    figure.suptitle(f"{solved.name}: blue right, orange left")
    figure.savefig(path, dpi=90)
    plt.close(figure)


def _draw_contact(axes: Any, solved: Solved) -> None:
    weight, t = solved.mass_kg * GRAVITY_MPS2, solved.motion.time_s
    total = solved.contact_n.sum(axis=2)
    for title, axis, values in (
        ("knee contact, total (BW)", axes[0], total),
        ("medial (BW)", axes[1], solved.contact_n[:, :, 0]),
        ("lateral (BW)", axes[2], solved.contact_n[:, :, 1]),
    ):
        for i, side in enumerate(SIDES):
            axis.plot(t, values[:, i] / weight, _COLOURS[side], lw=1)
        axis.set_title(title, fontsize=10)


def _draw_reserves(axes: Any, solved: Solved) -> None:
    t = solved.motion.time_s
    for axis, joint in zip(axes, ("hip", "knee", "ankle"), strict=True):
        for i, name in enumerate(solved.dofs):
            if name.startswith(joint) and name[-1] in _COLOURS:
                axis.plot(t, solved.reserve_nm[:, i], _COLOURS[name[-1]], lw=1)
        axis.set_title(f"reserves {joint} (Nm)", fontsize=10)
        limit = max(1e-3, float(np.abs(axis.get_ylim()).max()))
        axis.set_ylim(-limit, limit)
