"""Packs what the check on a GPU needs into one folder: networks, golden vectors, the check itself; no GPU needed.

`python -m tests.gpu.pack OUT`; bring the folder to the GPU machine and run `sh OUT/run.sh` there.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx

from engines.backends import tensorrt_pycuda
from engines.convert.gate import RELATIVE
from engines.convert.graphs import graphs
from engines.convert.judge import outputs_of
from engines.convert.precision import Inputs, convert, shipped
from engines.convert.real_inputs import real_inputs
from engines.errors import EngineError

GOLDEN: Final = 4
"""Golden vectors per network."""

P50_MS: Final = {"pose_landmark": 0.6, "grf_gait": 0.15}
"""Bars of the latency with both copies, half of the calls, on an H200."""

_HERE: Final = Path(__file__).parent


def pack(out: Path, data_dir: Path | None, say: Callable[[str], None]) -> None:
    """Fill the folder `out`. EngineError: a network is not fetched."""
    out.mkdir(parents=True, exist_ok=True)
    cases = []
    for engine, graph in graphs().items():
        model = onnx.load_from_string(graph)
        inputs = _golden_inputs(engine, model, data_dir)
        for precision in shipped(engine):
            say(f"{engine} {precision}")
            (out / f"{engine}.{precision}.onnx").write_bytes(convert(engine, graph, precision))
            cases.append({"engine": engine, "precision": precision, "rel_err": RELATIVE[precision]})
        _write_golden(out / f"{engine}.npz", inputs, outputs_of(model, inputs))
    (out / "cases.json").write_text(json.dumps({"cases": cases, "p50_ms": P50_MS}, indent=1), encoding="utf-8")
    for source in (Path(tensorrt_pycuda.__file__), _HERE / "check.py", _HERE / "run.sh"):
        shutil.copy(source, out / source.name)


def _golden_inputs(engine: str, model: Any, data_dir: Path | None) -> Sequence[Inputs]:
    """Real inputs spread over what there is; noise where none are at hand, which parity can do with."""
    try:
        inputs = real_inputs(engine, data_dir, GOLDEN)
    except EngineError:
        inputs = []
    if inputs:
        return inputs[:: max(1, len(inputs) // GOLDEN)][:GOLDEN]
    rng = np.random.default_rng(GOLDEN)
    shapes = {v.name: [side.dim_value for side in v.type.tensor_type.shape.dim] for v in model.graph.input}
    return [
        {name: rng.uniform(-0.5, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}
        for _ in range(GOLDEN)
    ]


def _write_golden(path: Path, inputs: Sequence[Inputs], outputs: Sequence[Any]) -> None:
    arrays: dict[str, npt.NDArray[Any]] = {f"in.{k}": np.stack([row[k] for row in inputs]) for k in inputs[0]}
    arrays |= {f"out.{k}": np.stack([row[k] for row in outputs]) for k in outputs[0]}
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def main(arguments: list[str] | None = None) -> int:
    """Pack; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.gpu.pack", description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT", help="the folder to fill")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of measured gait, for real windows of it")
    options = parser.parse_args(arguments)
    try:
        pack(options.out, options.data, lambda line: print(line, file=sys.stderr))
    except EngineError as error:
        print(f"gpu pack: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
