"""Pictures of the phantom, rendered off screen."""

from __future__ import annotations

import os
import sys
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from edge_runtime.errors import UserError

Camera = Literal["side", "iso"]


def use_offscreen() -> None:
    """Ask MuJoCo for EGL where nothing else was asked for. Call before anything imports mujoco."""
    if "mujoco" not in sys.modules:
        os.environ.setdefault("MUJOCO_GL", "egl")


def render(model: Any, data: Any, camera: Camera = "iso", size_px: int = 900) -> npt.NDArray[np.uint8]:
    """RGB picture [size, size, 3] of a compiled phantom (`FullModel.model`, `FullModel.data`).

    At most 1200 px. Raises UserError where nothing can be rendered.
    """
    import mujoco

    try:
        renderer = mujoco.Renderer(model, size_px, size_px)
    except Exception as error:  # the GL backends raise kinds of their own
        raise UserError(
            f"tissue picture: cannot render here ({error}); set MUJOCO_GL=egl and install Mesa's libegl1"
        ) from None
    try:
        renderer.update_scene(data, camera)
        picture: npt.NDArray[np.uint8] = renderer.render().copy()
    finally:
        renderer.close()
    return picture


def save_png(picture: npt.NDArray[np.uint8], path: os.PathLike[str]) -> None:
    """Write an RGB picture as PNG."""
    import cv2

    if not cv2.imwrite(os.fspath(path), picture[..., ::-1]):
        raise UserError(f"{os.fspath(path)}: cannot be written; choose another folder")
