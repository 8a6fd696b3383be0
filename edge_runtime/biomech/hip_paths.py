"""Attachments of the hip's abductors, moved from where Rajagopal et al. 2016 have them to the corrected ones."""

from __future__ import annotations

from typing import Any, Final

import mujoco
import numpy as np

from edge_runtime.types import SIDES

Point = tuple[float, float, float]
ATTACHMENTS_M: Final[dict[str, tuple[Point, Point]]] = {
    "glmed1": ((-0.0490, 0.0260, 0.1150), (-0.0140, -0.0180, 0.0590)),
    "glmed2": ((-0.0850, 0.0550, 0.0820), (-0.0220, -0.0100, 0.0560)),
    "glmed3": ((-0.1000, 0.0160, 0.0640), (-0.0309, -0.0047, 0.0518)),
    "glmin1": ((-0.0300, 0.0000, 0.1180), (0.0050, -0.0150, 0.0560)),
    "glmin2": ((-0.0616, 0.0100, 0.1010), (0.0040, -0.0090, 0.0520)),
    "glmin3": ((-0.0789, -0.0155, 0.0798), (-0.0040, -0.0010, 0.0510)),
    "tfl": ((-0.0200, 0.0110, 0.1290), (0.0294, -0.0995, 0.0597)),
}
"""On the pelvis and on the right femur, in unscaled axes: the left side mirrors z. From the model of Uhlrich et al. 2022
(Sci Rep 12:9842; Apache-2.0), over its scale factors. MyoLegs has the points of the model before it, with abduction
arms 10 to 20 % shorter; every other path is the same in both."""


def move_attachments(model: Any) -> None:
    """Move them in a compiled, unscaled Myo model in place; ranges of length keep their share of the neutral length."""
    before = model.tendon_length0.copy()
    for name, points in ATTACHMENTS_M.items():
        for side in SIDES:
            for number, point in enumerate(points, start=1):
                mirrored = np.array(point) * (1.0, 1.0, 1.0 if side == "r" else -1.0)
                model.site(f"{name}-P{number}_{side}").pos[:] = mirrored
    mujoco.mj_setConst(model, mujoco.MjData(model))
    ratio = model.tendon_length0 / before
    model.actuator_lengthrange *= ratio[model.actuator_trnid[:, 0], None]
    model.tendon_range *= ratio[:, None]
    model.tendon_lengthspring *= ratio[:, None]
