"""Writes the card of the pose head from what its weights say of themselves and from evaluations of them."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from engines.errors import EngineError
from engines.pose.head.engine import ZOO_PATH, read_metadata

_VIEWS: Final = {"side": "side ± 15°", "60": "60° off frontal", "30": "30° off frontal"}


def main(arguments: list[str] | None = None) -> int:
    """Write `pose_head.md` beside the weights; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m engines.training.pose_head_card", description=__doc__)
    parser.add_argument("--weights", type=Path, default=ZOO_PATH, metavar="FILE", help="the network (in the zoo)")
    parser.add_argument(
        "evaluations", type=Path, nargs="+", help="outputs of `exo-edge evaluate pose --json`, by whose names they go"
    )
    options = parser.parse_args(arguments)
    try:
        results = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in options.evaluations}
        text = card(read_metadata(options.weights), results)
        options.weights.with_suffix(".md").write_text(text, encoding="utf-8")
    except (EngineError, OSError, ValueError) as error:
        print(f"pose head card: {error}", file=sys.stderr)
        return 1
    return 0


def card(said: dict[str, Any], results: dict[str, dict[str, Any]]) -> str:
    """The card: origin, licence, who trained it, errors on held-out people by the evaluation's name."""
    takes = said["takes"]
    lines = [
        "# pose_head",
        "",
        "Causal network from the landmark net's output (keypoints, heatmap sharpness, world landmarks, geometry) to",
        "OpenSim angles of pelvis and legs with their deviation; one step per frame. Weights: Apache-2.0.",
        "",
        f"Trained on {takes['filmed']} filmed takes of synthetic people ({said['frames_filmed']} frames in which",
        f"landmark network `full` found somebody) and {takes['sketched']} sketches: exact landmarks of more bodies",
        "and motions with errors learnt from the filmed takes. Nobody real was filmed.",
        "Bodies: Anny 0.6 (Apache-2.0, MakeHuman mesh data CC0). Gaits: RBDS (Fukuchi, Fukuchi & Duarte 2017, CC BY),",
        "Schreiber & Moissenet 2019 (CC BY 4.0), Uhlrich et al. 2022 (Apache-2.0). Squats, stairs, sit-to-stand and",
        "marching are drawn curves, not measured.",
        "",
        f"Gaits that trained it: {', '.join(said['trained'])}.",
        f"Chose the epoch, scaled the deviation: {', '.join(said['validation'])}, and one in sixteen takes of others.",
        f"Held out: {', '.join(said['held_out'])}.",
        "",
        "How to make it again: `docs/pose.md`.",
    ]
    for name, result in results.items():
        what = f"network `{result['engine']}`, {result['trials']} trials"
        seen = f"the wearer seen in {100 * result['seen_share']:.0f} % of frames"
        lines += ["", f"## Held-out bodies and gaits, {name}: {what}, {seen}", ""]
        lines += _table(result)
    return "\n".join(lines) + "\n"


def _table(result: dict[str, Any]) -> list[str]:
    """RMSE (deg) of the filter's output by view, in brackets without the head."""
    lines = ["| view | coordinate | near | far |", "|---|---|---|---|"]
    for view, part in result["by_view"].items():
        for name, legs in part["overall"].items():
            cells = [f"{legs[leg]['rmse_deg']:.1f} ({part['without_head'][name][leg]['rmse_deg']:.1f})" for leg in legs]
            lines.append(f"| {_VIEWS.get(view, view)} | {name} | {' | '.join(cells)} |")
    knee = result["with_encoder"]["knee_angle"]
    return [
        "RMSE in degrees, no offset removed; in brackets the same filter on angles read off the image.",
        "",
        *lines,
        "",
        f"Knee with a simulated encoder: {knee['near']['rmse_deg']:.1f} near, {knee['far']['rmse_deg']:.1f} far. "
        f"Swaps: {100 * result['swap_rate']:.1f} % of frames, {100 * result['swap_rate_acted_on']:.1f} % of those on "
        f"which torque may rest (0.3 s after the wearer comes into sight). 90 % interval holds "
        f"{100 * result['coverage_90']:.0f} %. Lag {result['lag_ms']:.0f} ms, "
        f"jitter {result['jitter_deg']:.2f}° per frame.",
    ]


if __name__ == "__main__":
    sys.exit(main())
