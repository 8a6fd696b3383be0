"""The card that goes with the GRF network: data, people, errors, limits of use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

_TEXT: Final = """\
# grf_gait.onnx

Ground reaction force, contact and centre of pressure of both feet from the last 1.28 s of joint motion, with what the
estimate does not know. Written by `python -m engines.training.grf --data DIR --out engines/zoo --work DIR` (seeded,
one thread); run by `engines.grf.GrfEngine`; measured by `exo-edge evaluate grf --data DIR`.

{members} networks of one build, started from different seeds, answer together. Each sees the motion from one foot at a
time (angles to the vertical of pelvis, thighs, shanks and feet, soles relative to the hip, acceleration of the centre
of mass, pelvis motion, and what is observed at all), so left and right are exact mirror images: the last 0.63 s
through causal layers, the last 1.28 s as context: how high the soles are over the floor, how tall the wearer is, and
what force Newton's law gave at the same phase of the last step and stride. The centre of pressure is learned along
and across the foot. Each also gives the force 10 ms ago and 10 ms ahead: how early or late this wearer
lands is learned while running from the acceleration of their centre of mass over the last strides, and the force is
read accordingly. Where the frontal plane is not observed, or an angle is given as less certain than 0.6°, the motion is
taken for video pose. Training also showed everybody 18 % shorter to 18 % taller, dynamically similar (Alexander & Jayes
1983), parts hidden, and motion roughened like video pose at 30 to 60 frames per second. Standing still is made up:
postures at rest, whose force is the weight.

Deviation: the networks' own variance and their disagreement, times a factor per gait and axis that puts 90 % of the
errors of people unseen in training into their 90 % interval; walking and running are told apart by double support and
flight. Motion is refused as `unfamiliar` where the course of the leg angles over the last 0.63 s, of one leg or of
both together, lies further from all walking, running and standing in training, or the networks disagree more, than
1.1 times what 99.9 % of the frames of unseen people reach; doubt rises to 1 there from what 95 % reach. So it is where
the swing of the vertical force over the last strides is too large or too small for the acceleration of the body by
twice what 99.9 % of those frames reach. `python -m engines.training.grf_limits --data DIR` learns these limits anew.

Past that limit the answer turns to Newton's law on the sagittal motion alone (`engines/grf/newton.py`): the vertical
force of the body's acceleration at the same phase of the last step and stride, as much as carries one body weight over
a stride, under the lower sole while one is near the ground, pointing from heel or toe at the centre of mass. It is
still flagged; its deviation is wide.

The weights of the five folds lie beside it in `grf_folds/`: with them `exo-edge evaluate grf` judges a training
person by weights that have not seen them.

## Data
| set | licence, source | people |
|---|---|---|
| `rbds_run` | CC BY; Fukuchi, Fukuchi & Duarte 2017, PeerJ 5:e3298 | 20, treadmill running, 2.5 to 4.5 m/s |
| `schreiber2019_walk` | CC BY 4.0; Schreiber & Moissenet 2019, Sci Data 6:111 | 10, overground walk, 0.7 to 2.2 m/s |
| `opensim_core_walk` | Apache-2.0; OpenSim project | 1, overground walking |
| `treadmill_walk_60s` | Apache-2.0; Uhlrich et al. 2022 | 1, treadmill walking |

The shipped weights are trained on all of them: {people}. Nobody is held out from these weights, so their own error
on these people says nothing; the error to expect is that of the folds below, whose networks are built alike.

## Error on unseen people: five folds of whole people
Each person is held out once. Whole cycle, both feet, every sample that a force plate measured; RMSE / MAE in % of body
weight. Deviations are scaled by what the other folds teach. Some settings were chosen on the first and third fold, and
the numbers of the landing time on the running of the first three: expect new people to do a little worse. One network
takes about 50 s of one core's time to train, all fifteen of the study a quarter of an hour. Tried on the first fold,
some on the third too, without gain: 2500 steps, a dropout of 0.25, angles misplaced three times as much, a third to
fifth network, a centre of pressure that weighs 0.8 instead of 0.3, a force error squared for longer.

{folds}

The same with only what a camera beside the wearer sees (sagittal plane and height of the pelvis, exact angles):

{side}

"CoP" is the mean horizontal distance of the centre of pressure wherever the data give one (30 N and more),
"CoP loaded" where the foot carries 30 % of the body weight. The reference ankle comes from forward kinematics of a
leg scaled so that the loaded ankle stands at its height: its own error is inside these figures. "Refused" is the
share of frames called unfamiliar.

## Error across laboratories
Trained without one data set, tested on it; what is unfamiliar, people of the other sets have taught. Frames refused as
unfamiliar count here like the others. Without `rbds_run` nothing in training runs: most of it is refused and answered
from Newton's law, which needs no example but the first two steps. "Alone" is the network without that.

{labs}

## Beside published figures
| method | vertical error | how defined |
|---|---|---|
| this engine, walking / running | {ours} % BW | exact laboratory motion, unseen people, whole cycle |
| perceptron on a 200 ms causal window | RMSE 10.4 / 9.9, MAE 7.7 / 5.4 % BW | same data, whole people held out |
| AddBiomechanics benchmark (1) | 1.17 to 1.29 N/kg (12 to 13 % BW) | per body mass; 273 people, many activities |
| OpenCap Monocular (2) | MAE 9.7 % BW | walking, from one smartphone video, with the error of its motion |

(1) Werling et al. 2024, arXiv 2406.18537. (2) Gilon, Miller & Uhlrich 2026, arXiv 2603.24733.

They are measured on different data and kinematics; the order of size is what can be compared.

## Limits of use
- Walking and running on level ground by adults without gait disorders, and standing. Jumping, stairs, slopes,
  carrying, crutches and carts were never seen. Motion that looks unlike gait is refused; a load on the hands that
  leaves the legs' motion as it is cannot be seen from it.
- Fast running of people who land unlike the training people comes out several ms early or late, with errors of up to
  a body weight for that long; it is most of the vertical RMSE in running, and less after the first strides.
- Forces are for the mass given.
- Noise of video pose was modelled in training, not measured: expect larger errors from video than the tables say.
- Lateral force and lateral centre of pressure rest on style common to the training people when the frontal plane is
  not observed.
- How unevenly a standing wearer loads the feet is not seen: the deviation says so.
- No consistency with Newton's law is enforced by the network.
"""

_HEAD: Final = (
    "| set | vertical | fore-aft | lateral | CoP mm | CoP loaded mm | 90 % coverage (fore-aft, vertical, lateral) "
    "| refused |\n|---|---|---|---|---|---|---|---|"
)
_LAB_HEAD: Final = (
    "| tested on | vertical | fore-aft | lateral | CoP mm | CoP loaded mm | 90 % coverage | refused |\n"
    "|---|---|---|---|---|---|---|---|"
)


def card(people: Sequence[str], folds: dict[str, dict[str, Any]], labs: dict[str, dict[str, Any]], members: int) -> str:
    """Text of the card; `folds` the pooled summary per view and set, `labs` that of each set left out."""
    run, walk = (folds["all"][name]["vertical"] for name in ("rbds_run", "schreiber2019_walk"))
    return _TEXT.format(
        members=members,
        people=", ".join(people),
        folds=_table(folds["all"]),
        side=_table(folds["side"]),
        labs=_labs(labs),
        ours=f"RMSE {walk['rmse_pct_bw']:.1f} / {run['rmse_pct_bw']:.1f}, "
        f"MAE {walk['mae_pct_bw']:.1f} / {run['mae_pct_bw']:.1f}",
    )


def _labs(labs: dict[str, dict[str, Any]]) -> str:
    rows = [_LAB_HEAD]
    for name, found in labs.items():
        alone = found["network"]
        flagged = f" {100 * found['flagged_share']:.1f} % |"
        rows.append(_row(name, found) + f" {100 * found['coverage_90']:.0f} % |" + flagged)
        rows.append(_row(name, alone).replace("` |", "`, alone |", 1) + f" {100 * alone['coverage_90']:.0f} % | – |")
    return "\n".join(rows)


def _table(sets: dict[str, Any]) -> str:
    rows = [_HEAD]
    for name, found in sets.items():
        axes = ", ".join(f"{100 * share:.0f}" for share in found["coverage_90_axes"])
        doubt = f" {100 * found['coverage_90']:.0f} % ({axes}) | {100 * found['flagged_share']:.2f} % |"
        rows.append(_row(name, found) + doubt)
    return "\n".join(rows)


def _row(name: str, found: dict[str, Any]) -> str:
    pairs = [
        f"{found[axis]['rmse_pct_bw']:.2f} / {found[axis]['mae_pct_bw']:.2f}"
        for axis in ("vertical", "fore_aft", "lateral")
    ]
    return f"| `{name}` | {' | '.join(pairs)} | {found['cop_mm']:.1f} | {found['cop_loaded_mm']:.1f} |"
