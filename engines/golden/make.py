"""Makes the golden vectors: real inputs through the original networks. Needs their runtimes: TFLite, and torch.

`python -m engines.golden.make --data DIR [ENGINE ...]`; DIR is the folder of measured gait. To be run again when a
network changes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engines.backends.base import Runner
from engines.backends.ort_cpu import OrtCpuRunner
from engines.cache import sha256_hex
from engines.convert.real_inputs import head_inputs
from engines.demo_clip import gait_frames
from engines.errors import EngineError
from engines.fetch import asset_path, onnx_path
from engines.golden.effects import effect_of
from engines.golden.store import Arrays, golden_path, pack
from engines.golden.tflite import TfliteNet
from engines.grf.engine import GrfEngine
from engines.grf.features import COORDINATES
from engines.grf.trials import read_trial
from engines.inpaint.engine import Inpainter
from engines.inpaint.window import LEG_JOINTS, LEGS
from engines.manifest import load_manifest
from engines.plans import pose_networks
from engines.pose import detector, landmarks
from engines.pose.detector import PersonDetector, View
from engines.pose.landmarks import LandmarkNet
from engines.pose.roi import roi_from_points

CLIP_FRAME: Final = 130
"""Frame of the demo clip with the wearer walking."""

WALK, RUN = "schreiber2019_walk/2014001_C4_05.npz", "rbds_run/RBDS001_T35.npz"
HEAD_FRAMES: Final = (40, 70)
"""Frames seen before those on which the pose head is held: its memory is full by then."""

AT_S: Final = (1.0, 1.2)
"""Trials, and how far into them the windows end; both people are among those that the inpainter never saw."""

_BEST, _SPREAD = 20, 400  # entries kept of a large output: those of the best boxes, and some all over it


def make(engine: str, data: Path) -> Path:
    """Write the golden vectors of one engine; the file. EngineError: a runtime, an asset or the data is missing."""
    inputs, outputs, at, scale = _MAKERS[engine](data)
    terms = load_manifest().engines[engine].terms
    assert terms is not None
    effect = np.stack([effect_of(terms.effect)(row) for row in outputs])
    kept = {name: np.stack([_entries(row[name], at.get(name)) for row in outputs]) for name in outputs[0]}
    path = golden_path(engine)
    arrays: dict[str, Any] = pack(inputs, kept, at, effect) | scale
    np.savez_compressed(path, **arrays)
    return path


def _entries(value: npt.NDArray[Any], at: npt.NDArray[np.int64] | None) -> npt.NDArray[Any]:
    return value.ravel() if at is None else value.ravel()[at]


Made = tuple[Arrays, list[Arrays], Arrays, Arrays]
"""Inputs [count, ...], outputs of the original for each, entries of them to keep, scale of pictures."""


def _frame() -> npt.NDArray[np.uint8]:
    return next(gait_frames(CLIP_FRAME, CLIP_FRAME))


def _picture(value: npt.NDArray[Any], gain: float, offset: float) -> npt.NDArray[np.uint8]:
    """The picture [H, W, 3] that a network input [1, 3, H, W] was made of."""
    return np.rint((value[0].transpose(1, 2, 0) - offset) / gain).astype(np.uint8)


def _kept_outputs(engine: str, found: Arrays) -> Arrays:
    return {tensor.name: found[tensor.name] for tensor in load_manifest().engines[engine].outputs}


def _pose_detection(_: Path) -> Made:
    runner, original = OrtCpuRunner(onnx_path("pose_detection")), TfliteNet(asset_path("pose_detection_tflite"))
    PersonDetector(runner).people(View(_frame()))
    gain, offset = 2 / 255, -1.0
    picture = _picture(runner.inputs[detector.INPUT], gain, offset)
    fed = np.multiply(picture.transpose(2, 0, 1)[None], np.float32(gain), dtype=np.float32) + np.float32(offset)
    outputs = _kept_outputs("pose_detection", original.infer(fed))
    best = np.argsort(-outputs[detector.SCORES].ravel())[:_BEST]
    spread = np.linspace(0, outputs[detector.BOXES].size - 1, _SPREAD).astype(np.int64)
    at = {detector.BOXES: np.union1d((best[:, None] * 12 + np.arange(12)).ravel(), spread)}
    return {detector.INPUT: picture[None]}, [outputs], at, {f"scale.{detector.INPUT}": np.array([gain, offset])}


def _pose_landmark(name: str, _: Path) -> Made:
    find = PersonDetector(OrtCpuRunner(onnx_path("pose_detection")))
    runner, original = OrtCpuRunner(onnx_path(name)), TfliteNet(asset_path(load_manifest().engines[name].asset))
    rgb = _frame()
    people = find.people(View(rgb))
    if not people:
        raise EngineError("nobody is found in the demo clip: choose another frame")
    LandmarkNet(runner).run(rgb, roi_from_points(people[0].points_px))
    picture = _picture(runner.inputs[landmarks.INPUT], 1 / 255, 0.0)
    fed = np.multiply(picture.transpose(2, 0, 1)[None], np.float32(1 / 255), dtype=np.float32)
    outputs = _kept_outputs(name, original.infer(fed))
    at = {landmarks.HEATMAPS: np.linspace(0, outputs[landmarks.HEATMAPS].size - 1, 10 * _SPREAD).astype(np.int64)}
    return {landmarks.INPUT: picture[None]}, [outputs], at, {f"scale.{landmarks.INPUT}": np.array([1 / 255, 0.0])}


class _Kept:
    """An opener that remembers what it opened."""

    def __call__(self, path: Path) -> Runner:
        self.runner = OrtCpuRunner(path)
        return self.runner

    def inputs(self) -> Arrays:
        """What the runner holds now, rounded."""
        return {name: _rounded(value) for name, value in self.runner.inputs.items()}


def _grf_gait(data: Path) -> Made:
    from engines.training.original import grf_original, run

    kept, path = _Kept(), onnx_path("grf_gait")
    engine, rows = GrfEngine(path, kept), []
    for name, end_s in zip((WALK, RUN), AT_S, strict=True):
        trial = read_trial(data / name)
        engine.reset()
        for t_s, q, seen in zip(trial.t_s - trial.t_s[0], trial.q, trial.observed, strict=True):
            engine.step(round(t_s * 1e9), q, np.zeros(len(COORDINATES)), seen, trial.mass_kg)
            if t_s >= end_s:
                break
        rows.append(kept.inputs())
    model = grf_original(path)
    return _stacked(rows, [run(model, row, _names("grf_gait")) for row in rows])


def _inpaint_gait(data: Path) -> Made:
    from engines.training.original import inpaint_original, run

    kept, path = _Kept(), onnx_path("inpaint_gait")
    engine, rows = Inpainter(path, kept), []
    for name, end_s in zip((WALK, RUN), AT_S, strict=True):
        trial = read_trial(data / name)
        t_s = trial.t_s - trial.t_s[0]
        count = int(np.searchsorted(t_s, end_s))
        q = np.where(trial.observed, trial.q, np.nan)[:count].copy()
        q[t_s[:count] > end_s - 0.3, LEGS.start + LEG_JOINTS : LEGS.stop] = np.nan  # the left leg is hidden
        engine.fill(t_s[:count], q)
        rows.append(kept.inputs())
    model = inpaint_original(path)
    return _stacked(rows, [run(model, row, _names("inpaint_gait")) for row in rows])


def _pose_head(_: Path) -> Made:
    from engines.training.original import pose_head_original, run

    given, path = head_inputs(), onnx_path("pose_head")
    rows = [{name: _rounded(value) for name, value in given[at].items()} for at in HEAD_FRAMES]
    model = pose_head_original(path)
    return _stacked(rows, [run(model, row, _names("pose_head")) for row in rows])


def _rounded(value: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Rounded so that it packs well."""
    return value.astype(np.float16).astype(np.float32)


def _stacked(rows: list[Arrays], outputs: list[Arrays]) -> Made:
    inputs = {name: np.stack([row[name] for row in rows]).astype(np.float16) for name in rows[0]}
    return inputs, outputs, {}, {}


def _names(engine: str) -> tuple[str, ...]:
    return tuple(tensor.name for tensor in load_manifest().engines[engine].outputs)


_MAKERS: Final[dict[str, Callable[[Path], Made]]] = {
    "pose_detection": _pose_detection,
    **{name: partial(_pose_landmark, name) for name in pose_networks()},
    "pose_head": _pose_head,
    "grf_gait": _grf_gait,
    "inpaint_gait": _inpaint_gait,
}


def main(arguments: list[str] | None = None) -> int:
    """Make those asked for, or all; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m engines.golden.make", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the measured gait data")
    parser.add_argument("engines", nargs="*", choices=[[], *_MAKERS], metavar="ENGINE", help="all where none is named")
    options = parser.parse_args(arguments)
    try:
        for engine in options.engines or _MAKERS:
            path = make(engine, options.data)
            asset = load_manifest().engines[engine].asset
            print(f"{path} ({path.stat().st_size / 1000:.0f} kB)")
            if load_manifest().assets[asset].in_zoo:
                print(f'manifest.toml: [assets.{asset}] sha256 = "{sha256_hex(onnx_path(engine))}"')
    except EngineError as error:
        print(f"golden vectors: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
