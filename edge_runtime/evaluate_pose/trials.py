"""Pose trials: folders with a video, or frames, and the true joint angles."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from edge_runtime.biomech.world import CameraPlace
from edge_runtime.errors import UserError
from edge_runtime.evaluate_pose.places import camera_place, focal_px, hips_in_world
from edge_runtime.types import F64, U8
from engines.pose.head.features import COORDINATES

_VIDEO: Final = "video.mp4"
_FRAMES: Final = "frames.npz"
_NEEDED: Final = ("knee_angle_r", "knee_angle_l")


@dataclass(frozen=True)
class PoseTrial:
    """One folder. `truth_rad` [M, 13] at `t_s` [M] in the head's `COORDINATES` order, NaN for a coordinate that the
    file does not hold; `near` 0 right, 1 left or None; `focal_px`, `yaw_deg`, `lengths` (thigh, shank, foot over
    stature), `stature_m` where the file knows them; `place` the camera as far as the file knows it, `hips_m` [M, 3]
    middle of the hips in the world of `biomech.world`, None where it does not."""

    name: str
    folder: Path
    t_s: F64
    truth_rad: F64
    near: int | None
    focal_px: float | None
    yaw_deg: float | None
    lengths: tuple[float, float, float] | None
    stature_m: float | None
    place: CameraPlace = field(default_factory=CameraPlace)
    hips_m: F64 | None = None

    def frames(self) -> Iterator[tuple[float, U8]]:
        """Time (s) and image [H, W, 3] RGB of each frame. UserError where the video or the frames cannot be read."""
        video = self.folder / _VIDEO
        yield from _video(video, self.t_s) if video.is_file() else _stored(self.folder / _FRAMES, self.t_s)


def find_trials(data_dir: Path) -> list[PoseTrial]:
    """The trials under `data_dir`, sorted. UserError, one line: no folder, no trial, a broken truth file."""
    if not data_dir.is_dir():
        raise UserError(f"{data_dir}: no such folder; give --data a folder of trial folders (video.mp4, truth.npz)")
    folders = sorted({path.parent for path in data_dir.rglob("truth.npz")})
    found = [_read(folder) for folder in folders if (folder / _VIDEO).is_file() or (folder / _FRAMES).is_file()]
    if not found:
        raise UserError(f"{data_dir}: holds no trial folder with truth.npz beside video.mp4 or frames.npz")
    return found


def _read(folder: Path) -> PoseTrial:
    path = folder / "truth.npz"
    try:
        with np.load(path, allow_pickle=False) as file:
            data = {key: array for key in file.files if (array := _plain(file, key)) is not None}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: not a readable .npz ({error}); copy the file again") from None
    missing = {"t", "q", "q_names"} - data.keys()
    if missing:
        raise UserError(f"{path}: has no {', '.join(sorted(missing))}; truth.npz needs t (s), q (degrees), q_names")
    names = [str(name) for name in np.atleast_1d(data["q_names"])]
    t_s, q = np.asarray(data["t"], dtype=np.float64), np.asarray(data["q"], dtype=np.float64)
    if q.shape != (len(t_s), len(names)) or len(t_s) < 2 or not (np.diff(t_s) > 0.0).all():
        raise UserError(f"{path}: q {q.shape} must have a row per t ({len(t_s)}, rising) and a column per name")
    if not set(_NEEDED) <= set(names):
        raise UserError(f"{path}: q_names lacks {', '.join(_NEEDED)}; give OpenSim coordinates")
    truth = np.full((len(t_s), len(COORDINATES)), np.nan)
    for i, name in enumerate(COORDINATES):
        if name in names:
            truth[:, i] = np.radians(q[:, names.index(name)])
    return PoseTrial(
        name=folder.name,
        folder=folder,
        t_s=t_s,
        truth_rad=truth,
        near=_near(data),
        focal_px=focal_px(data),
        yaw_deg=_number(data, "yaw_deg"),
        lengths=_lengths(data),
        stature_m=_number(data, "stature_m"),
        place=camera_place(data),
        hips_m=hips_in_world(data),
    )


def _plain(file: Any, key: str) -> Any:
    """An array of the file, None where it holds Python objects, which are never loaded."""
    try:
        return file[key]
    except ValueError:
        return None


def _number(data: dict[str, Any], key: str) -> float | None:
    value = data.get(key)
    return float(value.item()) if value is not None and value.size == 1 and value.dtype.kind in "fiu" else None


def _near(data: dict[str, Any]) -> int | None:
    if "near_side" not in data or data["near_side"].size != 1:
        return None
    return {"r": 0, "l": 1}.get(str(data["near_side"].item())[:1].lower())


def _lengths(data: dict[str, Any]) -> tuple[float, float, float] | None:
    if not {"lengths_m", "stature_m"} <= data.keys() or data["lengths_m"].shape != (3,):
        return None
    thigh, shank, foot = (data["lengths_m"] / float(data["stature_m"])).tolist()
    return thigh, shank, foot


def _video(path: Path, t_s: F64) -> Iterator[tuple[float, U8]]:
    """Frames of a video; as many as there are times are at those, else at the file's own rate."""
    capture = cv2.VideoCapture(str(path))
    try:
        count, rate = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), float(capture.get(cv2.CAP_PROP_FPS))
        if not capture.isOpened() or not 0.0 < rate < 1000.0:
            raise UserError(f"{path}: not a video that can be read; export it again")
        own = count != len(t_s)
        index = 0
        while True:
            good, bgr = capture.read()
            if not good or (not own and index >= len(t_s)):
                break
            yield (
                (t_s[0] + index / rate if own else float(t_s[index])),
                np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)),
            )
            index += 1
    finally:
        capture.release()


def _stored(path: Path, t_s: F64) -> Iterator[tuple[float, U8]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            rgb, rate = file["rgb"], float(file["fs"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: needs rgb uint8 [N, H, W, 3] and fs ({error}); write it again") from None
    if rgb.ndim != 4 or rgb.shape[3] != 3 or rgb.dtype != np.uint8 or not rate > 0.0:
        raise UserError(f"{path}: rgb is {rgb.dtype} {rgb.shape}, fs {rate}; needs uint8 [N, H, W, 3] and a rate in Hz")
    own = len(rgb) != len(t_s)
    for index, image in enumerate(rgb):
        yield (t_s[0] + index / rate if own else float(t_s[index])), np.ascontiguousarray(image)
