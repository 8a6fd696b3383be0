"""Trains the pose head on extracted takes of synthetic people and writes `pose_head.onnx` with its card."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engines.errors import EngineError
from engines.pose.head.engine import METADATA_KEY, ZOO_PATH
from engines.pose.head.features import FEATURES
from engines.training.people.gaits import HELD_OUT
from engines.training.pose_head_data import VALIDATION, Sequence, load_sketches, load_takes
from engines.training.pose_head_fit import Recipe, deviation_scale, fit
from engines.training.pose_head_net import LAYERS, TURN, WIDTH, PoseNet, angles


def main(arguments: list[str] | None = None) -> int:
    """Train and write; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m engines.training.pose_head", description=__doc__)
    parser.add_argument("--takes", type=Path, required=True, metavar="DIR", help="takes of people.extract")
    parser.add_argument("--sketches", type=Path, metavar="DIR", help="sketches of people.sketch (none)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write the network")
    parser.add_argument("--start", type=Path, metavar="FILE", help="weights (.pt) of an earlier run to go on from")
    parser.add_argument("--rate", type=float, default=Recipe.rate, help="learning rate at first (0.002)")
    parser.add_argument("--minutes", type=float, default=Recipe.minutes, help="longest training time (25)")
    parser.add_argument("--epochs", type=int, default=Recipe.epochs, help="rounds of batches at most (400)")
    options = parser.parse_args(arguments)
    recipe = Recipe(minutes=options.minutes, epochs=options.epochs, rate=options.rate)
    torch.set_num_threads(1)
    try:
        filmed, validation = load_takes(options.takes)
        sketched = load_sketches(options.sketches) if options.sketches else []
        print(f"{len(filmed)} takes and {len(sketched)} sketches to train on, {len(validation)} aside", file=sys.stderr)
        start = torch.load(options.start, weights_only=True) if options.start else None
        options.out.mkdir(parents=True, exist_ok=True)
        net = fit(filmed, sketched, validation, recipe, start, options.out / "pose_head.pt")
        scale = deviation_scale(net, validation)
        _export(net, _said(filmed, sketched, validation, recipe, scale.tolist()), options.out / ZOO_PATH.name)
    except (EngineError, OSError) as error:
        print(f"training pose head: {error}", file=sys.stderr)
        return 1
    return 0


def _said(
    filmed: list[Sequence],
    sketched: list[Sequence],
    validation: list[Sequence],
    recipe: Recipe,
    scale: list[float],
) -> dict[str, Any]:
    return {
        "sd_scale": scale,
        "trained": sorted({one.subject for one in filmed + sketched}),
        "validation": list(VALIDATION),
        "held_out": list(HELD_OUT),
        "takes": {"filmed": len(filmed), "sketched": len(sketched), "aside": len(validation)},
        "frames_filmed": sum(len(one.t_s) for one in filmed),
        "recipe": str(recipe),
    }


class OneStep(nn.Module):
    """The net as the runtime calls it: angles, deviations and turn of a frame and of its mirror image, next states."""

    def __init__(self, net: PoseNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, frame: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """`q_rad` [2, 13], `sd_rad` [2, 13], `turn` [2, 2] sine and cosine, `next_state` [LAYERS, 2, WIDTH]."""
        out, after = self.net.step(frame, state)
        mean, log_var, cosine = angles(out)
        return mean, torch.exp(0.5 * log_var), torch.stack((mean[..., TURN], cosine), dim=-1), after


def _export(net: PoseNet, said: dict[str, Any], path: Path) -> None:
    import onnx

    example = torch.zeros(2, FEATURES), torch.zeros(LAYERS, 2, WIDTH)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter announces its successor
        torch.onnx.export(
            OneStep(net).eval(),
            example,
            str(path),
            input_names=["frame", "state"],
            output_names=["q_rad", "sd_rad", "turn", "next_state"],
            opset_version=17,
            dynamo=False,
        )
    model = onnx.load(str(path))
    entry = model.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, json.dumps(said)
    onnx.save(model, str(path))
    _check(net, path)


def _check(net: PoseNet, path: Path) -> None:
    """EngineError where the file says something else than the net."""
    from engines.backends.ort_cpu import OrtCpuRunner

    runner = OrtCpuRunner(path)
    random = np.random.default_rng(0)
    for name, array in runner.inputs.items():
        array[...] = random.normal(0.0, 0.3, array.shape) * (1.0 if name == "frame" else 0.5)
    found = runner.infer()["q_rad"].copy()
    with torch.no_grad():
        expected = OneStep(net)(*(torch.from_numpy(array.copy()) for array in runner.inputs.values()))[0].numpy()
    if not np.allclose(found, expected, atol=1e-4):
        raise EngineError(
            f"{path} gives other angles than the trained net: largest difference {abs(found - expected).max()}"
        )


if __name__ == "__main__":
    sys.exit(main())
