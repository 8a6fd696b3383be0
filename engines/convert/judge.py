"""Judges the networks in lower precision on real inputs and writes precision.toml: what to leave alone, what to refuse.

`python -m engines.convert.judge --data DIR [--write] [ENGINE ...]`; to be run again when a network changes. The first
half of the real inputs chooses and calibrates, the second judges, each eighth of it by itself. Prints one JSON object;
progress goes to stderr.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import sys
import tempfile
import tomllib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from engines.backends.ort_cpu import OrtCpuRunner
from engines.cache import write_atomic
from engines.convert.gate import RELATIVE, Gate, Outputs, Verdict, effect_of, judge, run_all
from engines.convert.graphs import graphs
from engines.convert.half import as_rounded, to_half
from engines.convert.portable import portable
from engines.convert.precision import LESSONS, Inputs, Lesson, to_int8
from engines.convert.real_inputs import real_inputs
from engines.errors import EngineError

_BLOCKS: Final = 18  # of nodes, in the order they compute, held or not together
_RANKED_ON: Final = 12
_CALIBRATED_ON: Final = 32
_JUDGED_ON: Final = 64
_PARTS: Final = (
    8  # about a trial each: errors are relative to what an output reaches, and one lively trial hides others
)
_MOST: Final = 0.5  # of the nodes in float32; with more there is nothing left to gain
_MARGIN: Final = 0.8  # of the bars while choosing, so that other inputs pass too

_HEADER: Final = """\
# What was learned about the networks in lower precision; written by python -m engines.convert.judge --write.
# hold: nodes that float16 leaves in float32. refused: precisions that broke their gate, and how.
"""


@dataclasses.dataclass(frozen=True)
class Judged:
    """The lesson of an engine and the verdicts that it rests on, by precision."""

    lesson: Lesson
    verdicts: dict[str, Verdict]


def judge_engine(engine: str, graph: bytes, inputs: Sequence[Inputs], say: Callable[[str], None]) -> Judged:
    """Find what float16 must leave alone, then judge both lower precisions on those of `inputs` not used for that.

    EngineError: fewer than two inputs, damaged file.
    """
    if len(inputs) < 2:
        raise EngineError(f"engine {engine}: no real inputs to judge it on; give --data the folder of measured gait")
    known, unseen = halves(inputs)
    model = portable(graph)
    hold = _Search(model, Gate(known, RELATIVE["fp16"] * _MARGIN, _stricter(engine))).run(say)
    variants = {
        "fp16": as_rounded(to_half(model, hold)),
        "int8": to_int8(model, _some(known, _CALIBRATED_ON)),
    }
    expected = outputs_of(model, unseen)
    gates = {precision: Gate(unseen, RELATIVE[precision], effect_of(engine)) for precision in variants}
    verdicts = {
        precision: strictest(outputs_of(variant, unseen), expected, gates[precision])
        for precision, variant in variants.items()
    }
    refused = {precision: verdict.reason for precision, verdict in verdicts.items() if not verdict.accepted}
    if "fp16" not in refused and len(hold) > _MOST * len(model.graph.node):
        refused["fp16"] = f"{len(hold)} of {len(model.graph.node)} nodes would have to stay in float32"
    return Judged(Lesson(() if "fp16" in refused else tuple(sorted(hold)), refused), verdicts)


def strictest(found: Sequence[Outputs], expected: Sequence[Outputs], gate: Gate) -> Verdict:
    """The worst of the verdicts on the parts of the gate's inputs, each held to the gate by itself."""
    size = max(1, math.ceil(len(gate.inputs) / _PARTS))
    parts = [slice(i, i + size) for i in range(0, len(gate.inputs), size)]
    verdicts = [judge(found[p], expected[p], dataclasses.replace(gate, inputs=gate.inputs[p])) for p in parts]
    return max(verdicts, key=lambda verdict: verdict.worst)


def halves(inputs: Sequence[Inputs]) -> tuple[Sequence[Inputs], Sequence[Inputs]]:
    """What chooses and calibrates, and what judges: earlier and later frames of the clip, other trials of gait."""
    middle = len(inputs) // 2
    return _some(inputs[:middle], _JUDGED_ON), _some(inputs[middle:], _JUDGED_ON)


def outputs_of(model: Any, inputs: Sequence[Inputs]) -> list[Outputs]:
    """What ONNX Runtime makes of `inputs` with an `onnx.ModelProto`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "variant.onnx"
        path.write_bytes(model.SerializeToString())
        runner = OrtCpuRunner(path)
        found: list[Outputs] = list(run_all(runner, inputs))
        runner.close()
        return found


def _stricter(engine: str) -> Any:
    effect = effect_of(engine)
    return effect and dataclasses.replace(effect, bar=effect.bar * _MARGIN)


def _some(inputs: Sequence[Inputs], count: int) -> Sequence[Inputs]:
    return inputs[:: max(1, math.ceil(len(inputs) / count))]


class _Search:
    """Looks for few nodes that, left in float32, let the rest be float16: the worst blocks first."""

    def __init__(self, model: Any, gate: Gate) -> None:
        self._model, self._gate = model, gate
        names = [node.name for node in model.graph.node]
        size = max(1, math.ceil(len(names) / _BLOCKS))
        self._blocks = [frozenset(names[i : i + size]) for i in range(0, len(names), size)]

    def run(self, say: Callable[[str], None]) -> frozenset[str]:
        """Names of the nodes to hold; more than `_MOST` of them where fewer do not pass."""
        expected = outputs_of(self._model, self._gate.inputs)
        hold: frozenset[str] = frozenset()
        verdict = self._try(hold, self._gate.inputs, expected)
        ranked = [] if verdict.accepted else self._ranked(say)
        for block in ranked:
            if verdict.accepted or len(hold) > _MOST * len(self._model.graph.node):
                break
            hold |= block
            verdict = self._try(hold, self._gate.inputs, expected)
            say(f"{len(hold)} nodes in float32: {verdict.reason or 'accepted'}")
        return self._fewer(hold, expected, say) if verdict.accepted else hold

    def _fewer(self, hold: frozenset[str], expected: list[Outputs], say: Callable[[str], None]) -> frozenset[str]:
        """Blocks that turn out not to be needed are let go again."""
        for block in self._blocks:
            if block <= hold and hold != block and self._try(hold - block, self._gate.inputs, expected).accepted:
                hold -= block
                say(f"{len(hold)} nodes in float32 are enough")
        return hold

    def _ranked(self, say: Callable[[str], None]) -> list[frozenset[str]]:
        """The blocks by what they alone in float16 spoil, the worst first."""
        inputs = _some(self._gate.inputs, _RANKED_ON)
        expected = outputs_of(self._model, inputs)
        everything = frozenset().union(*self._blocks)
        worst = []
        for i, block in enumerate(self._blocks):
            say(f"block {i + 1} of {len(self._blocks)}")
            worst.append(self._try(everything - block, inputs, expected).worst)
        order = sorted(range(len(worst)), key=lambda i: -worst[i])
        return [self._blocks[i] for i in order]

    def _try(self, hold: frozenset[str], inputs: Sequence[Inputs], expected: list[Outputs]) -> Verdict:
        return judge(outputs_of(as_rounded(to_half(self._model, hold)), inputs), expected, self._gate)


def write_lessons(lessons: dict[str, Lesson]) -> None:
    """Put `lessons` into precision.toml; those of other engines stay."""
    known = tomllib.loads(LESSONS.read_text(encoding="utf-8")) if LESSONS.is_file() else {}
    known |= {engine: {"hold": list(one.hold), "refused": dict(one.refused)} for engine, one in lessons.items()}
    parts = [_HEADER]
    for engine, entry in sorted(known.items()):
        hold = "".join(f"  {json.dumps(name)},\n" for name in entry["hold"])
        refused = "".join(f"{name} = {json.dumps(reason)}\n" for name, reason in sorted(entry["refused"].items()))
        parts.append(f"[{engine}]\nhold = [\n{hold}]\n\n[{engine}.refused]\n{refused}")
    write_atomic(LESSONS, "\n".join(parts).encode())


def main(arguments: list[str] | None = None) -> int:
    """Judge the engines named, or all; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m engines.convert.judge", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the measured gait data")
    parser.add_argument("--write", action="store_true", help="write what was learned to engines/convert/precision.toml")
    parser.add_argument("engines", nargs="*", metavar="ENGINE", help="all where none is named")
    options = parser.parse_args(arguments)
    found: dict[str, Judged] = {}
    try:
        known = graphs()
        for engine in options.engines or known:
            if engine not in known:
                raise EngineError(f"unknown engine {engine}: known are {', '.join(known)}")
            inputs = real_inputs(engine, options.data)
            found[engine] = judge_engine(engine, known[engine], inputs, partial(_say, engine))
        if options.write:
            write_lessons({engine: judged.lesson for engine, judged in found.items()})
    except EngineError as error:
        print(f"judge: {error}", file=sys.stderr)
        return 1
    print(json.dumps({engine: _row(judged) for engine, judged in found.items()}))
    return 0


def _say(engine: str, line: str) -> None:
    print(f"{engine}: {line}", file=sys.stderr)


def _row(judged: Judged) -> dict[str, Any]:
    rows = {precision: dataclasses.asdict(verdict) for precision, verdict in judged.verdicts.items()}
    for row in rows.values():
        if math.isnan(row["effect"]):
            del row["effect"], row["effect_rms"]
    return {"held": len(judged.lesson.hold), **rows}


if __name__ == "__main__":
    sys.exit(main())
