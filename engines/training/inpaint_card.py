"""The card of the inpainting network: what it is, who trained it, what it saves, where it must not be used."""

from __future__ import annotations

from typing import Any, Final

from engines.inpaint.weights import Facts
from engines.training.inpaint_net import STEPS

_HEAD: Final = """# inpaint_gait.onnx

Joints of a leg that the camera lost for up to a second, from the last 1.46 s of what it saw, 40 ms ahead.
Trained by `python -m engines.training.inpaint --data DIR --out DIR`, written by
`python -m engines.training.inpaint_ship` (seeded, one thread); run by `engines.inpaint.Inpainter`; measured by
`exo-edge evaluate inpaint --data DIR`.

A denoising diffusion model over 1.5 s windows of the joint coordinates, after GaitDynamics (Tan et al. 2025,
doi 10.21203/rs.3.rs-6206222/v1), much smaller and used causally. It denoises the difference between the truth and a
periodic guess (the leg itself a stride earlier, the other leg half a stride earlier), given directly what is seen
(as CSDI, Tashiro et al. 2021, does). What is seen is read once; {steps} deterministic steps (DDIM, Song et al. 2021)
give eight samples, whose mean is the fill. The deviation is learnt, at the first step, and
scaled so that 90 % of the errors on six of the training people fall into their interval.
"""

_DATA: Final = """
## Data
| set | licence, source | people |
|---|---|---|
| `rbds_run` | CC BY; Fukuchi, Fukuchi & Duarte 2017, PeerJ 5:e3298 | treadmill running, 2.5 to 4.5 m/s |
| `schreiber2019_walk` | CC BY 4.0; Schreiber & Moissenet 2019, Sci Data 6:111 | overground walking, 0.9 to 2.2 m/s |
| `opensim_core_walk` | Apache-2.0; OpenSim project | overground walking, 1 person |
| `treadmill_walk_60s` | Apache-2.0; Uhlrich et al. 2022 | treadmill walking, 1 person |

Mirrored, at 0.85 to 1.18 of the measured tempo, a third of the windows roughened like video pose (simulated noise).
"""

_PEOPLE: Final = """
Trained on: {trained}.
Held out, never trained on: {held_out}.

The weights of the other four folds lie beside it in `inpaint_folds/`, built alike with other people held out: with
them `exo-edge evaluate inpaint` and `exo-edge evaluate grf --occlude` fill each person's legs by weights that have not
seen them, and so does the table below.
"""

_LIMITS: Final = """
## Limits of use
- Walking and running at a steady pace on level ground, by adults without gait disorders. A stumble, a stop or a turn
  while the leg is unseen is not seen, and the fill walks on: its deviation does not know.
- In steady treadmill running the periodic guess alone does as well; the network earns its place in walking.
- While a leg is filled, the ground reaction network hears how uncertain it is and takes the motion for what one camera
  beside the wearer shows. Where all coordinates are known that gives up a part of what exact motion allows.
- One leg at a time: the other one seen within 0.3 s, the lost one for 0.3 s within the last 1.5 s.
- The walking trials are short (1.2 to 1.9 s): little of the person has been seen before the gap, less than in use.
- Noise of video pose was modelled in training, not measured.
- Coordinates that the camera never sees are not filled.
"""


def card(facts: Facts, measured: dict[str, Any]) -> str:
    """Markdown of the card, from who trained the weights and what `evaluate` found on people they had not seen."""
    people = _PEOPLE.format(trained=", ".join(facts.trained), held_out=", ".join(facts.held_out))
    parts = [_HEAD.format(steps=STEPS), _DATA, people, _TABLE_HEAD]
    for view, title in (("by_set_side_view", "side view"), ("by_set", "all coordinates known")):
        for name, lengths in measured[view].items():
            parts.append(_table(f"`{name}`, {title}", lengths))
    return "".join(parts) + _LIMITS


_TABLE_HEAD: Final = """
## Error on people not seen
One leg hidden at random moments, {both}. Each cell: mean error of hip, knee and ankle in degrees / mean error of the
vertical ground reaction of both feet during the gap, % of body weight, through the ground reaction engine.

`known`: nothing hidden. `masked`: the ground reaction network is told what is missing. `interpolated`: a straight line
to where the leg reappears, which only hindsight knows. `periodic`: the guess alone. `mean`: the network's first step.
`sample`: one sample. `diffusion`: the mean of eight. `beside`: the same computed one camera frame earlier, as in use.
With few gaps a single landing moves a figure by tens of percent; `docs/occlusion.md` has more of them, through network
and physics.
""".replace("{both}", "left or right")


def _table(title: str, lengths: dict[str, Any]) -> str:
    heads = [f"{name} s ({block['gaps']})" for name, block in lengths.items()]
    lines = [f"\n{title}; length of the gap (number of gaps):\n", f"| fill | {' | '.join(heads)} |"]
    lines.append("|---" * (len(heads) + 1) + "|")
    for row in next(iter(lengths.values()))["rows"]:
        cells = [_cell(block["rows"][row]) for block in lengths.values()]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    joints = [_percent(block["coverage_90_joints"]) for block in lengths.values()]
    force = [_percent(block["coverage_90_force"]) for block in lengths.values()]
    lines.append(
        f"| 90 % coverage, joints / force | {' | '.join(f'{a} / {b}' for a, b in zip(joints, force, strict=True))} |"
    )
    return "\n".join(lines) + "\n"


def _cell(values: dict[str, float | None]) -> str:
    angle = values["joint_mae_deg"]
    shown = "–" if angle is None else f"{angle:.1f}°"
    return f"{shown} / {values['vertical_mae_pct_bw']:.2f} ({values['increase_pct']:+.0f} %)"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100.0 * share:.0f} %"
