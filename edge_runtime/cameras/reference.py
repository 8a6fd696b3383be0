"""The stored picture of the scene as the camera was calibrated, and the hash by which calibration names it."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from edge_runtime.cameras.health import LEARN_FRAMES, CameraHealth, Reference
from edge_runtime.cameras.mount import THUMB
from edge_runtime.errors import UserError
from edge_runtime.types import U8


def learn(pictures: list[U8]) -> Reference:
    """The reference of a camera from its first LEARN_FRAMES pictures; UserError where they are too dark or bright."""
    health = CameraHealth()
    for k, picture in enumerate(pictures):
        fault = health.judge(picture, k)
        if fault and fault != "camera_stalled":
            raise UserError(f"no reference is taken: {fault} (docs/reasons/{fault}.md)")
    if health.reference is None:
        raise UserError(f"no reference is taken: {len(pictures)} usable pictures, {LEARN_FRAMES} needed")
    return health.reference


def save_reference(reference: Reference, path: Path) -> str:
    """Write it; returns the file's sha256, the name by which extrinsics refer to how the camera was mounted."""
    try:
        with path.open("wb") as file:
            np.savez(file, thumb=reference.thumb, sharpness=reference.sharpness)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}); pass another --out") from None
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_reference(path: Path) -> Reference:
    """Read it; UserError, one line, where it is none."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            found: dict[str, Any] = dict(stored)
        thumb, sharpness = found["thumb"].astype(np.float32), float(found["sharpness"])
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(f"camera reference {path}: cannot be read ({error}); take it again") from None
    if thumb.shape != THUMB[::-1] or not np.isfinite(thumb).all():
        raise UserError(f"camera reference {path}: not of this version; take it again with exo-edge camera reference")
    return Reference(thumb, sharpness)
