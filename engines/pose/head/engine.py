"""The pose head at run time: one network step per frame, state carried, honest about what it has not seen."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from engines.backends.base import Buffers, Opener
from engines.backends.faults import EngineFaultError
from engines.backends.ort_cpu import OrtCpuRunner
from engines.errors import EngineError
from engines.pose.head.features import (
    COORDINATES,
    F64,
    MIRROR_SIGN,
    MIRRORED,
    OTHER_LEG,
    POINTS,
    Geometry,
    frame_features,
    mirror,
)

ZOO_PATH: Final = Path(__file__).resolve().parents[2] / "zoo" / "pose_head.onnx"
METADATA_KEY: Final = "exo_edge_pose_head"

GAP_S: Final = 0.5
"""A longer time without a pose begins anew; training knew gaps of up to about a third of it."""
SETTLE_FRAMES: Final = 4
HEADING_TIME_S: Final = 1.5
"""Over about a stride and more the pelvis turns about the way that the wearer faces."""
HOLD_SD_RAD_S: Final = np.radians(150.0)
"""Growth of the deviation while nobody is seen: a knee in swing turns by up to 350°/s, a hip by 150°/s."""

_TURN: Final = COORDINATES.index("pelvis_rotation")


@dataclass(frozen=True, slots=True)
class HeadResult:
    """Joint angles at `t_capture_ns`, `COORDINATES` order (engines.pose.head.features).

    `q_rad` [13] and its standard deviation `sd_rad` [13]; `pelvis_rotation` is relative to where the wearer has been
    facing lately. `facing_rad`: from the pelvis' forward direction to the camera, positive where the camera sees the
    right side. Not `valid`: `reason` is the pose's own, or "settling".
    """

    t_capture_ns: int
    valid: bool
    reason: str
    q_rad: F64
    sd_rad: F64
    facing_rad: float


class Pose(Protocol):
    """What the head reads of a pose: the fields of `engines.pose.PoseResult`."""

    @property
    def t_capture_ns(self) -> int: ...
    @property
    def valid(self) -> bool: ...
    @property
    def reason(self) -> str: ...
    @property
    def xy_px(self) -> F64: ...
    @property
    def visibility(self) -> F64: ...
    @property
    def sharpness(self) -> F64: ...
    @property
    def world_m(self) -> F64: ...
    @property
    def size_px(self) -> tuple[int, int]: ...


class PoseHead:
    """Causal: angles at a frame from it and those before.

    EngineError: no weights at `onnx_path` (default: those in the zoo), damaged ones, another network's, or
    `open_runner` cannot run them.
    """

    def __init__(self, geometry: Geometry, onnx_path: Path | None = None, open_runner: Opener = OrtCpuRunner) -> None:
        self._geometry = geometry
        path = onnx_path or ZOO_PATH
        self._scale = _deviation_scale(path)
        self._runner = open_runner(path)
        self._runner.warm()
        self._points = list(POINTS)
        nothing = np.zeros((2, len(POINTS), 3))  # compiled before the first frame
        frame_features(nothing[..., :2], nothing, nothing[..., 0], nothing[..., 0], np.ones(2), (1, 1), geometry)
        self.reset()

    @property
    def facing_rad(self) -> float:
        """As in the last `HeadResult`."""
        return self._facing

    def reset(self) -> None:
        """Forget the wearer."""
        self._runner.inputs["state"][...] = 0.0
        self._frames, self._last_ns = 0, 0
        self._heading = np.zeros(2)
        self._q, self._sd = np.zeros(len(COORDINATES)), np.full(len(COORDINATES), np.pi)
        self._facing = 0.0

    def step(self, pose: Pose) -> HeadResult:
        """Angles of one pose. An invalid one repeats the last angles with a deviation that grows.

        EngineFaultError: the engine failed; what it remembered is forgotten, the next pose begins anew.
        """
        dt_s = (pose.t_capture_ns - self._last_ns) * 1e-9 if self._frames else 1.0 / 60.0
        if self._frames and not 0.0 < dt_s <= GAP_S:
            self.reset()
            dt_s = 1.0 / 60.0
        if not pose.valid:
            sd = self._sd + HOLD_SD_RAD_S * dt_s if self._frames else self._sd
            return HeadResult(pose.t_capture_ns, False, pose.reason, self._q.copy(), sd, self._facing)
        self._read(self._infer(pose, dt_s), dt_s)
        self._last_ns = pose.t_capture_ns
        self._frames += 1
        reason = "settling" if self._frames <= SETTLE_FRAMES else ""
        return HeadResult(pose.t_capture_ns, not reason, reason, self._q.copy(), self._sd.copy(), self._facing)

    def _infer(self, pose: Pose, dt_s: float) -> Buffers:
        xy, world = (np.stack(pair) for pair in self._both(pose))
        sure = np.stack([pose.visibility[self._points], pose.sharpness[self._points]])
        sure = np.stack([sure, sure[:, list(MIRRORED)]], axis=1)
        self._runner.inputs["frame"][...] = frame_features(
            xy, world, sure[0], sure[1], np.full(2, dt_s), pose.size_px, self._geometry
        )
        try:
            out = self._runner.infer()
        except EngineFaultError:
            self.reset()
            raise
        self._runner.inputs["state"][...] = out["next_state"]
        return out

    def _read(self, out: Buffers, dt_s: float) -> None:
        """Take over what the network says: angles, deviations, where the wearer faces."""
        self._q = both_views(out["q_rad"])
        self._sd = self._scale * deviation(out["q_rad"], out["sd_rad"])
        turn = 0.5 * (out["turn"][0] + out["turn"][1] * (-1.0, 1.0))  # sine, cosine
        self._facing = float(np.arctan2(turn[0], turn[1]))
        share = 1.0 if self._frames == 0 else -np.expm1(-dt_s / HEADING_TIME_S)
        self._heading += share * (turn - self._heading)
        ahead = np.arctan2(self._heading[0], self._heading[1])
        self._q[_TURN] = np.arctan2(np.sin(self._facing - ahead), np.cos(self._facing - ahead))

    def _both(self, pose: Pose) -> tuple[tuple[F64, F64], tuple[F64, F64]]:
        """Image points and space points, each as seen and in a mirror: the net's answers to both are averaged."""
        xy, world = pose.xy_px[self._points], pose.world_m[self._points]
        other_xy, other_world = mirror(xy, world, pose.size_px[0])
        return (xy, other_xy), (world, other_world)


def both_views(q_rad: npt.NDArray[Any]) -> F64:
    """Angles [..., 13] from the network's `q_rad` [2, ..., 13]: the mean of as seen and as in a mirror."""
    seen, mirrored = q_rad.astype(np.float64)
    return np.asarray(0.5 * (seen + mirrored[..., list(OTHER_LEG)] * MIRROR_SIGN))


def deviation(q_rad: npt.NDArray[Any], sd_rad: npt.NDArray[Any]) -> F64:
    """Deviation [..., 13], before the scale, from the network's `q_rad` and `sd_rad` [2, ..., 13]: the mean of what it
    says of both views, and how far these contradict each other, which they do where it guesses."""
    other = list(OTHER_LEG)
    told = 0.5 * (sd_rad[0].astype(np.float64) + sd_rad[1][..., other])
    apart = q_rad[0].astype(np.float64) - q_rad[1][..., other] * MIRROR_SIGN
    apart[..., _TURN] = 0.0  # a sine; the turn itself is averaged apart
    return np.asarray(np.hypot(told, apart))


def read_metadata(path: Path) -> dict[str, Any]:
    """What the weights say about themselves. EngineError where they are missing, damaged or another network's."""
    if not path.is_file():
        raise EngineError(f"pose head {path} is missing: train it (python -m engines.training.pose_head)")
    import onnxruntime as ort

    try:
        session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        said = session.get_modelmeta().custom_metadata_map[METADATA_KEY]
    except KeyError:
        raise EngineError(f"pose head {path} is another network: it has no {METADATA_KEY}") from None
    except Exception as error:
        raise EngineError(f"pose head {path} cannot be read ({error}): restore the file") from error
    return dict(json.loads(said))


def _deviation_scale(path: Path) -> F64:
    scale = np.array(read_metadata(path)["sd_scale"], dtype=np.float64)
    if scale.shape != (len(COORDINATES),):
        raise EngineError(f"pose head {path} has {scale.shape} deviations, expected {len(COORDINATES)}")
    return scale
