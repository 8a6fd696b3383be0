"""`tissue verify`: runs the checks, writes their series and plots."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from edge_runtime.errors import UserError
from edge_runtime.tissue.verify import LAW, Check
from edge_runtime.tissue.verify_structures import STRUCTURES


def run_checks(skip: Callable[[str], None]) -> Iterator[Check]:
    """Every check in turn, the quick ones first; those that need a missing package are named to `skip`."""
    for check in (*LAW, *STRUCTURES):
        yield check()
    from edge_runtime.tissue.cuff_stiffness import AGAINST_REFERENCE

    for check in AGAINST_REFERENCE:
        try:
            yield check()
        except UserError as error:
            skip(f"{check.__name__}: {error}")


def write_series(check: Check, folder: Path) -> None:
    """`<name>.csv`: x, found, exact; nothing for a check without a series."""
    if check.x.size:
        header = f"{check.x_name};{check.y_name};exact"
        rows = np.stack([check.x, check.found, check.exact], axis=1)
        np.savetxt(folder / f"{check.name}.csv", rows, delimiter=";", header=header, comments="", fmt="%.9g")


def write_plot(checks: list[Check], path: Path) -> None:
    """All series on one page, found as dots and exact as lines. Raises UserError without matplotlib."""
    try:
        import matplotlib as mpl
    except ModuleNotFoundError:
        raise UserError("no plots: install matplotlib with pip install 'exo-edge[plot]'") from None
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    shown = [check for check in checks if check.x.size]
    figure, axes = plt.subplots(-(-len(shown) // 3), 3, figsize=(13, 3.6 * -(-len(shown) // 3)), squeeze=False)
    for axis in axes.ravel()[len(shown) :]:
        axis.remove()
    for axis, check in zip(axes.ravel(), shown, strict=False):
        _draw(axis, check)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _draw(axis: Any, check: Check) -> None:
    order = np.argsort(check.x)
    axis.plot(check.x[order], check.exact[order], "-", color="0.5", label="closed form or reference")
    axis.plot(check.x[order], check.found[order], "o", color="C0", label="finite elements")
    axis.set_xlabel(check.x_name)
    axis.set_ylabel(check.y_name)
    axis.set_title(f"{check.name}: error {check.error:.1e}, bar {check.bar:.0e}", fontsize=10)
    axis.legend(fontsize=8)
    axis.grid(alpha=0.3)
