"""The card that goes with the GRF network: data, people, errors, limits of use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

_TEXT: Final = """\
# grf_gait.onnx

Ground reaction force, contact and centre of pressure of both feet from the last {history_ms:.0f} ms of joint motion.
Written by `python -m engines.training.grf --data DIR --out engines/zoo` (seeded, one thread); run by
`engines.grf.GrfEngine`; measured by `exo-edge evaluate grf --data DIR`.

One causal network sees the motion from one foot at a time (angles to the vertical of pelvis, thighs, shanks and
feet, heel and toe relative to the hip, pelvis motion where observed, and what is observed at all), so left and right
are exact mirror images. Where the frontal plane is not observed it takes the motion for video pose and trusts its
quick changes less. Training also showed everybody 18 % shorter to 18 % taller, dynamically similar (Alexander &
Jayes 1983), and roughened like video pose at 30 to 60 frames per second. Deviations are scaled so that 90 % of the
errors of the other folds fall into their interval.

## Data
| set | licence, source | people |
|---|---|---|
| `rbds_run` | CC BY; Fukuchi, Fukuchi & Duarte 2017, PeerJ 5:e3298 | treadmill running, 2.5 to 4.5 m/s |
| `schreiber2019_walk` | CC BY 4.0; Schreiber & Moissenet 2019, Sci Data 6:111 | overground walking, 0.9 to 2.2 m/s |
| `opensim_core_walk` | Apache-2.0; OpenSim project | overground walking, 1 person |
| `treadmill_walk_60s` | Apache-2.0; Uhlrich et al. 2022 | treadmill walking, 1 person |

Trained on: {trained}.
Held out, never trained on: {held_out}.

## Error on people held out from these weights
Whole cycle, both feet, samples that a force plate measured and the engine called valid; % of body weight.

{shipped}

The same with only what a camera beside the wearer sees (sagittal plane and height of the pelvis, exact angles):

{side}

## Error over five folds of whole people
Each person is held out once, by a network of the same recipe. Settings were chosen on the second to fourth fold, and
the first, whose weights ship, was looked at on the way: expect new people to do a little worse.

{folds}

For scale, on the same two sets: a perceptron on a 200 ms causal window, whole people held out, 9.9 / 5.4 (running)
and 10.4 / 7.7 (walking) vertical RMSE / MAE.

"CoP" is the mean horizontal distance of the centre of pressure wherever the data give one (30 N and more),
"CoP loaded" where the foot carries 30 % of the body weight. The reference ankle comes from forward kinematics of a
leg scaled so that the loaded ankle stands at its height: its own error is inside these figures.

## Limits of use
- Walking and running on level ground by adults without gait disorders. Jumping, stairs, slopes, carrying, crutches
  and carts were never seen, and nothing flags them yet.
- The deviation covers doubt within such gait; it does not know motion unlike the training data. It is scaled on all
  motion together, most of it running: see the coverage column for how much too narrow it is in walking.
- Fast running of people who land unlike the training people comes out several ms early or late, with errors of up to
  a body weight for that long; it is most of the vertical RMSE in running.
- Forces are for the mass given; the centre of pressure is that of adults of mean foot size.
- Noise of video pose was modelled in training, not measured: expect larger errors from video than the tables say.
- Lateral force and lateral centre of pressure rest on style common to the training people when the frontal plane is
  not observed.
- No consistency with Newton's law is enforced here.
"""

_HEAD: Final = (
    "| set | vertical RMSE / MAE | fore-aft | lateral | CoP mm | CoP loaded mm | 90 % coverage |\n"
    "|---|---|---|---|---|---|---|"
)


def card(
    trained: Sequence[str], held_out: Sequence[str], measured: dict[str, Any], folds: dict[str, Any], history_s: float
) -> str:
    """Text of the card; `measured` is the result of `evaluate`, `folds` the pooled summary of each set."""
    return _TEXT.format(
        history_ms=1e3 * history_s,
        trained=", ".join(trained),
        held_out=", ".join(held_out),
        shipped=_table(measured["by_set"]),
        side=_table(measured["by_set_side_view"]),
        folds=_table(folds),
    )


def _table(sets: dict[str, Any]) -> str:
    rows = [_HEAD]
    for name, found in sets.items():
        pairs = [
            f"{found[axis]['rmse_pct_bw']:.2f} / {found[axis]['mae_pct_bw']:.2f}"
            for axis in ("vertical", "fore_aft", "lateral")
        ]
        rows.append(
            f"| `{name}` | {' | '.join(pairs)} | {found['cop_mm']:.1f} | {found['cop_loaded_mm']:.1f} "
            f"| {100 * found['coverage_90']:.0f} % |"
        )
    return "\n".join(rows)
