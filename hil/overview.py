"""What a run of several scenarios came to: JSON, JUnit XML and one page that leads to each run's report."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

from edge_runtime.errors import UserError
from edge_runtime.report.page import document
from hil.results import REPORT_FILE, Result
from hil.run_page import shown, table, verdict_line, write_page
from hil.scores import MEASURES

JUNIT_FILE: Final = "junit.xml"
_COLUMNS: Final = (
    "rmse_pct",
    "transmission",
    "r",
    "phase_lag",
    "time_to_zero",
    "latency_p99",
    "availability",
    "peak_pressure",
)
_NOTHING: Final = '{"duration_s":1,"window":[0,1],"axes":{},"cuts":[],"invalid":[],"charts":{}}'


def summary(results: Sequence[Result], seconds: float) -> dict[str, Any]:
    """Keys as shared by every measuring command of the bench; `failed` names what is not as declared."""
    counted = [result.scores.get("violations") for result in results]
    return {
        "scenarios": len(results),
        "passed": sum(result.passed for result in results),
        "failed": [_name(result) for result in results if not result.passed],
        "limit_violations": int(sum(value for value in counted if value is not None)),
        "seconds": seconds,
        "results": [result.as_dict() for result in results],
    }


def write_junit(results: Sequence[Result], path: Path) -> None:
    """JUnit XML: a test case per run, failures with the lines of the checks that broke."""
    suite = ElementTree.Element("testsuite", name="exo-edge hil", tests=str(len(results)))
    suite.set("failures", str(sum(not result.passed and not result.error for result in results)))
    suite.set("errors", str(sum(bool(result.error) for result in results)))
    suite.set("time", f"{sum(result.seconds for result in results):.3f}")
    for result in results:
        case = ElementTree.SubElement(suite, "testcase", classname=f"hil.{result.rig}", name=_name(result))
        case.set("time", f"{result.seconds:.3f}")
        if result.error:
            ElementTree.SubElement(case, "error", message=result.error)
        elif not result.passed:
            broken = [finding.line for finding in result.findings if not finding.passed]
            message = broken[0] if broken else "every bound holds, but the scenario declares a failure"
            ElementTree.SubElement(case, "failure", message=message).text = "\n".join(broken)
    try:
        ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}); choose another folder") from None


def write_overview(results: Sequence[Result], seconds: float, folder: Path) -> Path:
    """The page over all runs; returns its path."""
    failed = [result for result in results if not result.passed]
    sentence = (
        f"All {len(results)} runs are as declared."
        if not failed
        else f"{len(failed)} of {len(results)} runs are not as declared: {', '.join(_name(r) for r in failed)}"
    )
    rows = [_row(result, folder) for result in sorted(results, key=lambda r: (r.passed, r.scenario, r.repeat))]
    head = ["", "scenario", "rig", "verdict", *(f"{c.replace('_', ' ')}" for c in _COLUMNS), "× real time"]
    body = (
        f"<header><h1>Bench</h1>{verdict_line(not failed, sentence)}</header>"
        f'<nav><a href="#runs">Runs</a><span class="zoom"><output id="window"></output>'
        f'<button id="reset" type="button" hidden>whole run</button></span></nav>'
        f'<section id="runs"><h2>Runs</h2><p class="lead">{seconds:.0f} s in all. A scenario that declares a failure '
        f"is a control.</p>{table(head, rows)}</section>"
    )
    path = folder / REPORT_FILE
    write_page(path, document("exo-edge hil", body, _NOTHING))
    return path


def _row(result: Result, folder: Path) -> list[str]:
    link = os.path.relpath(Path(result.folder) / REPORT_FILE, folder)
    name = (
        f'<a href="{escape(link)}">{escape(_name(result))}</a><br><small>{escape(result.error or result.title)}</small>'
    )
    cells = [shown(result.scores.get(column), MEASURES[column].unit) for column in _COLUMNS]
    speed = "–" if result.speed is None else f"{result.speed:.1f}"
    return ["✓" if result.passed else "<b>✗</b>", name, escape(result.rig), escape(result.verdict), *cells, speed]


def _name(result: Result) -> str:
    return result.scenario if result.repeat == 0 else f"{result.scenario} #{result.repeat + 1}"
