"""The report of one run of a scenario: verdict first, then plots, pressure maps, events, and links to its files."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

import numpy as np

from edge_runtime.errors import UserError
from edge_runtime.report import downsample
from edge_runtime.report.page import SAFETY_NOTICE, document
from edge_runtime.report.series import BUCKETS, Chart, line, rounded, series
from edge_runtime.report.tiles import MARKS
from edge_runtime.report.tissue import pressure_pictures
from edge_runtime.run import names
from edge_runtime.types import F64
from hil.results import APPLIED_FILE, RECORD_FILE, REPORT_FILE, RESULT_FILE, Result
from hil.scenario import Scenario
from hil.scores import MEASURES
from hil.trace import Trace

_SIDE_NAMES: Final = ("right", "left")
_TILES: Final = (
    "violations",
    "rmse_pct",
    "transmission",
    "latency_p99",
    "time_to_zero",
    "availability",
    "phase_lag",
    "peak_pressure",
)
SIMULATED: Final = {
    "phantom-sim": "Phantom knee, gel, cuffs, drive and wearer; intents come from the scenario, not from a camera",
    "firmware": "Knee, tissue and drive inside the firmware process",
}
REAL: Final = "Torque loop, compensation, limiter, supervisor, E2E frames and the governor's C code"


def write_run_page(trace: Trace, scenario: Scenario, result: Result, folder: Path) -> None:
    """Write `REPORT_FILE` beside the run's other files. Raises UserError where that cannot be done."""
    body = "\n".join([
        _header(scenario, result),
        _nav(),
        _checks(result),
        _plots(trace, scenario),
        _pressure(trace, scenario),
        _events(trace),
        _measures(result),
        _files(result),
        _about(scenario),
    ])  # fmt: skip
    data = json.dumps(_payload(trace, scenario), separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    write_page(folder / REPORT_FILE, document(f"{scenario.name}: {_word(result)}", body, data))


def write_page(path: Path, text: str) -> None:
    """Write a page. Raises UserError where that cannot be done."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write the report {path}: {error.strerror}; choose another folder") from error


def verdict_line(passed: bool, sentence: str) -> str:
    """The sentence under a page's title, marked and coloured."""
    judgement = "good" if passed else "bad"
    mark = f'<span class="mark" aria-hidden="true">{MARKS[judgement]}</span>'
    return f'<p class="verdict {judgement}">{mark}{escape(sentence)}</p>'


def table(head: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "events") -> str:
    """A table of ready HTML cells."""
    titles = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<table class="{kind}"><thead><tr>{titles}</tr></thead><tbody>{lines}</tbody></table>'


def shown(value: float | None, unit: str = "") -> str:
    """A number for people; a dash where it was not measured."""
    if value is None:
        return "–"
    text = "never" if math.isinf(value) else f"{value:.4g}"
    return text if unit in ("", "1") or math.isinf(value) else f"{text} {unit}"


def _word(result: Result) -> str:
    return "passed" if result.passed else "FAILED"


def _header(scenario: Scenario, result: Result) -> str:
    broken = sum(not finding.passed for finding in result.findings)
    sentence = f"{_word(result)}: {len(result.findings) - broken} of {len(result.findings)} checks hold"
    if scenario.expect.verdict == "fail":
        sentence += "; this scenario is a control that must break a bound"
    facts = {
        "scenario": scenario.name, "rig": f"{scenario.rig}, {scenario.fidelity}", "duration": f"{scenario.seconds:g} s",
        "gel": f"{scenario.tissue.young_kpa:g} kPa", "knee": scenario.wearer.knee, "seed": str(scenario.seed),
        "compensation": scenario.compensation, "speed": f"{result.speed or 0.0:.1f} × real time",
    }  # fmt: skip
    items = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.items())
    boxes = "".join(_tile(name, result) for name in _TILES if result.scores.get(name) is not None)
    return (
        f"<header><h1>{escape(scenario.title)}</h1>{verdict_line(result.passed, sentence)}"
        f'<dl class="facts">{items}</dl><div class="tiles">{boxes}</div></header>'
    )


def _tile(name: str, result: Result) -> str:
    measure, value = MEASURES[name], result.scores[name]
    kind = "plain" if name != "violations" else "good" if value == 0.0 else "bad"
    mark = f'<span class="mark" aria-hidden="true">{MARKS[kind]}</span>' if MARKS[kind] else ""
    return (
        f'<div class="tile {kind}"><h2>{escape(name.replace("_", " "))}</h2><p>{mark}{shown(value, measure.unit)}</p>'
        f"<small>{escape(measure.text)}</small></div>"
    )


def _nav() -> str:
    sections = {
        "checks": "Verdict", "plots": "Plots", "pressure": "Pressure", "events": "Events", "measures": "Measures",
        "files": "Files", "about": "What is real",
    }  # fmt: skip
    links = "".join(f'<a href="#{key}">{title}</a>' for key, title in sections.items())
    return (
        f'<nav>{links}<span class="zoom"><output id="window"></output> '
        '<button id="reset" type="button">whole run</button></span></nav>'
    )


def _checks(result: Result) -> str:
    rows = [
        ["✓" if finding.passed else "<b>✗</b>", "bound" if finding.bounded else "always", escape(finding.line)]
        for finding in result.findings
    ]
    return f'<section id="checks"><h2>Verdict</h2>{table(["", "kind", "check"], rows)}</section>'


def _plots(trace: Trace, scenario: Scenario) -> str:
    titles = {
        "torque_0": "Torque, right knee", "torque_1": "Torque, left knee", "knee_0": "Right knee and hinge",
        "knee_1": "Left knee and hinge", "pressure": "Highest pressure under the right cuffs",
    }  # fmt: skip
    figures = "".join(
        f'<figure class="full" data-chart="{key}"><figcaption>{escape(title)}</figcaption></figure>'
        if key.startswith("torque")
        else f'<figure data-chart="{key}"><figcaption>{escape(title)}</figcaption></figure>'
        for key, title in titles.items()
        if key != "pressure" or np.isfinite(trace.pressure_pa).any()
    )
    note = "Shaded: a fault or an event holds. Drag to zoom, double click for the whole run."
    return f'<section id="plots"><h2>Plots</h2><p class="lead">{note}</p><div class="grid">{figures}</div></section>'


def _pressure(trace: Trace, scenario: Scenario) -> str:
    how = (
        "By the finite elements in the loop."
        if scenario.fidelity == "full"
        else "Equilibrium of the finite elements in the poses of the cuffs at the highest torque at the right knee."
    )
    pictures = pressure_pictures(trace.maps) or '<p class="nothing">This rig tells no pressure.</p>'
    lead = f'<p class="lead">{how}</p>' if trace.maps else ""
    return f'<section id="pressure"><h2>Pressure under the cuffs</h2>{lead}{pictures}</section>'


def _events(trace: Trace) -> str:
    rows = [(e.t_s, e.level, e.code, e.text) for e in trace.events]
    rows += [(f.start_s, "fault", f.kind, f"injected for {f.duration_s:g} s") for f in trace.faults]
    lines = "".join(
        f'<tr class="{escape(level)}"><td>{t_s:.3f}</td><td>{escape(level)}</td><td>{escape(code)}</td>'
        f"<td>{escape(text)}</td></tr>"
        for t_s, level, code, text in sorted(rows)
    )
    head = "<thead><tr><th>s</th><th>level</th><th>code</th><th></th></tr></thead>"
    return (
        f'<section id="events"><h2>Events</h2><div class="scroll"><table class="events">{head}<tbody>{lines}</tbody>'
        "</table></div></section>"
    )


def _measures(result: Result) -> str:
    rows = [
        [escape(name), shown(result.scores.get(name), measure.unit), escape(measure.text)]
        for name, measure in MEASURES.items()
    ]
    return f'<section id="measures"><h2>Measures</h2>{table(["measure", "value", "what it is"], rows)}</section>'


def _files(result: Result) -> str:
    names_ = {RECORD_FILE: "record (MCAP), opens in Foxglove", APPLIED_FILE: "the governor's output, step by step",
              RESULT_FILE: "this verdict as JSON"}  # fmt: skip
    rows = [[f'<a href="{name}">{name}</a>', escape(text)] for name, text in names_.items()]
    file = f'<p class="lead">{escape(result.file)}</p>'
    return f'<section id="files"><h2>Files</h2>{table(["file", ""], rows)}{file}</section>'


def _about(scenario: Scenario) -> str:
    def box(name: str, text: str) -> str:
        return f'<div class="{name}"><h3>{name.capitalize()}</h3><ul><li>{escape(text)}</li></ul></div>'

    simulated = SIMULATED.get(scenario.rig, "The wearer's wish: it comes from the scenario, not from a camera")
    return (
        f'<section id="about"><h2>What is real and what is simulated</h2><div class="about">{box("real", REAL)}'
        f'{box("simulated", simulated)}</div><p class="notice"><strong>Safety.</strong> {escape(SAFETY_NOTICE)}</p>'
        "</section>"
    )


def _payload(trace: Trace, scenario: Scenario) -> dict[str, Any]:
    part = trace.between(0.0, math.inf)
    t_s = trace.t_s[part]
    end_s = float(t_s[-1])
    charts: dict[str, Chart] = {}
    for side, name in enumerate(_SIDE_NAMES):
        charts[f"torque_{side}"] = _torque(trace, part, t_s, side, name)
        knee = [
            series("knee", "cycle", np.degrees(trace.column("knee_rad", side)[part]), name, width=1.8),
            series("hinge (encoder)", "cycle", np.degrees(trace.column("position_rad", side)[part]), "ink", dash="4 3"),
        ]
        charts[f"knee_{side}"] = line("deg", knee, height=170)
    if np.isfinite(trace.pressure_pa).any():
        charts["pressure"] = line(
            "kPa", [series("highest", "cycle", trace.pressure_pa[part] / 1e3, "purple")], height=170
        )
    held = [(f.start_s, f.duration_s, f.kind) for f in trace.faults]
    held += [(e.at_s, e.for_s, e.kind) for e in scenario.event]
    return {
        "duration_s": end_s,
        "window": [0.0, end_s],
        "axes": {"cycle": rounded(downsample.minmax_times(t_s, BUCKETS), 4)},
        "cuts": [],
        "shaded": "holds",
        "invalid": [[a, min(a + length, end_s) if length else end_s, kind] for a, length, kind in held],
        "charts": charts,
    }


def _torque(trace: Trace, part: slice, t_s: F64, side: int, name: str) -> Chart:
    lines = [
        series("desired at the knee", "cycle", trace.column("desired_nm", side)[part], "ink", dash="4 3", width=1.6),
        series("delivered at the knee", "cycle", trace.column("knee_nm", side)[part], name, width=1.8),
        series("on the wire", "cycle", trace.column("limited_nm", side)[part], "quiet"),
        series("governor's output", "cycle", trace.applied["command_nm"][part, side], "green"),
    ]
    codes = names()
    strips = [
        _strip("governor", t_s, trace.applied["state"][part].astype(np.float64), codes.states),
        _strip("limiter", t_s, trace.column("limiter", side)[part], codes.limiter_reasons),
    ]
    return {**line("Nm", lines, height=250), "strips": strips}


def _strip(name: str, t_s: F64, codes: F64, meanings: tuple[str, ...]) -> Chart:
    found = downsample.spans(t_s, codes, float(t_s[-1]), BUCKETS)
    labels = {str(code): meanings[code] or "none" for code in sorted({code for _, _, code in found})}
    return {"name": name, "spans": [[round(a, 4), round(b, 4), code] for a, b, code in found], "labels": labels}
