"""The networks that the product ships, as ONNX files: fetched ones and those of the zoo."""

from __future__ import annotations

from engines.errors import EngineError
from engines.fetch import onnx_path, within_reach
from engines.grf.weights import ZOO_PATH as GRF_PATH
from engines.inpaint.weights import ZOO_PATH as INPAINT_PATH
from engines.manifest import load_manifest


def graphs() -> dict[str, bytes]:
    """The ONNX file of every network by engine name. EngineError: one is not fetched."""
    paths = {path.stem: path for path in (GRF_PATH, INPAINT_PATH)}
    paths |= {name: onnx_path(name) for name in within_reach(load_manifest().engines)}
    try:
        return {name: path.read_bytes() for name, path in paths.items()}
    except OSError as error:
        raise EngineError(f"a network cannot be read ({error}): run `exo-edge fetch`") from error
