"""The runs as OpenHTF test records (extra `openhtf`), for stations that collect those: one JSON file per run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from edge_runtime.errors import UserError
from hil.results import Result
from hil.scenario import Bound, load_scenario
from hil.scores import MEASURES

OPENHTF_FILE: Final = "openhtf.json"


def write_openhtf(results: Sequence[Result]) -> list[Path]:
    """A test record beside each result: its measures as measurements, bounded as the scenario bounds them, its verdict
    as one more. Raises UserError where OpenHTF is not installed."""
    try:
        import openhtf
        from openhtf.output.callbacks import json_factory
        from openhtf.util import console_output
    except ImportError:
        raise UserError("OpenHTF is not installed: pip install 'exo-edge[openhtf]', or leave --openhtf out") from None
    console_output.CLI_QUIET = True  # its banner is not the command's result
    paths = []
    for result in results:
        if result.error:
            continue
        path = Path(result.folder) / OPENHTF_FILE
        test = openhtf.Test(_phase(openhtf, result), test_name=result.scenario)
        test.add_output_callbacks(json_factory.OutputToJSON(str(path), indent=2))
        test.execute(test_start=lambda result=result: result.scenario)
        paths.append(path)
    return paths


def _phase(openhtf: Any, result: Result) -> Any:
    """One phase that only tells what has been measured."""
    scenario = load_scenario(Path(result.file))
    kept = scenario.measure if scenario.expect.verdict == "pass" else ()  # a control is meant to break its bounds
    bounds = {bound.name: bound for bound in kept}
    known = {name: value for name, value in result.scores.items() if value is not None and math.isfinite(value)}
    measurements = [_measurement(openhtf, name, bounds.get(name)) for name in known]
    verdict = openhtf.Measurement("as_declared").equals(True).doc("every check came out as the scenario declares")

    def tell(test: Any) -> None:
        for name, value in known.items():
            test.measurements[name] = value
        test.measurements["as_declared"] = result.passed
        for finding in result.findings:
            test.logger.info("%s %s", "ok" if finding.passed else "FAIL", finding.line)

    tell.__name__ = result.scenario
    return openhtf.measures(*measurements, verdict)(tell)


def _measurement(openhtf: Any, name: str, bound: Bound | None) -> Any:
    measurement = openhtf.Measurement(name).doc(f"{MEASURES[name].text} ({MEASURES[name].unit})")
    return measurement if bound is None else measurement.in_range(bound.min, bound.max)
