"""Writes report.html: header, tiles, charts, tables; style, script and data are inside the file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from edge_runtime.errors import UserError
from edge_runtime.record import Names, Record
from edge_runtime.report.payload import build
from edge_runtime.report.sections import SECTIONS, Figure, Section
from edge_runtime.report.series import Source
from edge_runtime.report.tables import (
    events_table,
    ground_table,
    latency_table,
    limiter_table,
    misses_table,
    solve_table,
    wire_table,
)
from edge_runtime.report.tiles import MARKS, headline, tiles
from edge_runtime.report.tissue import pressure_pictures

SAFETY_NOTICE: Final = (
    "Research use only. Not a medical device; no certification or conformity is claimed. "
    "The knee contact forces, ground reactions and muscle activations shown are estimates."
)


@dataclass(frozen=True, slots=True)
class ReportContext:
    """What the record itself does not say.

    `names` of the codes; `mass_kg` of the wearer (forces in body weights where known); `facts`: label -> text
    for the header (clip, person, clock ...), pseudonymous; `host`: a `edge_runtime.stats.host_block`;
    `real` and `simulated`: what of the chain was which, one line each.
    """

    names: Names
    mass_kg: float | None
    facts: Mapping[str, str] = field(default_factory=dict)
    host: Mapping[str, Any] = field(default_factory=dict)
    real: tuple[str, ...] = ()
    simulated: tuple[str, ...] = ()


def write_report(record: Record, summary: dict[str, object], path: Path, title: str, context: ReportContext) -> None:
    """Write one self-contained HTML page to `path`; raises UserError where that cannot be written.

    `summary` comes from `edge_runtime.record.summarize` of the same record.
    """
    page = render(record, summary, title, context)
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        path.unlink(missing_ok=True)  # half a page is worse than none
        raise UserError(f"cannot write the report {path}: {error.strerror}; choose another folder") from error


def render(record: Record, summary: dict[str, Any], title: str, context: ReportContext) -> str:
    """The page as text."""
    payload = build(Source.of(record, context.names, context.mass_kg), summary)
    charts = payload["charts"]
    assert isinstance(charts, dict)
    tables = {
        "latency": latency_table(summary) + wire_table(summary) + misses_table(summary),
        "torque": limiter_table(summary),
        "ground": ground_table(summary),
        "muscles": solve_table(summary),
        "events": events_table(summary),
        "tissue": pressure_pictures(record.cuff_maps),
    }
    shown = [s for s in SECTIONS if s.key != "tissue" or "pressure_r" in charts or tables["tissue"]]
    body = "\n".join([
        _header(record, summary, title, context),
        _nav(shown),
        *(_section(section, charts, tables.get(section.key, "")) for section in shown),
        _about(context),
        _footer(record, context),
    ])  # fmt: skip
    data = json.dumps(payload, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return document(title, body, data)


def document(title: str, body: str, data: str) -> str:
    """A whole page around `body`: style, script and the JSON `data` that the script draws are inside it."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
script-src 'unsafe-inline'; img-src data:">
<title>{escape(title)}</title>
<style>
{_asset("page.css")}</style>
</head>
<body>
{body}
<div id="tip" role="status" hidden></div>
<script type="application/json" id="data">{data}</script>
<script>
{_asset("page.js")}{_asset("charts.js")}{_asset("still.js")}</script>
</body>
</html>
"""


def _asset(name: str) -> str:
    return files("edge_runtime.report").joinpath(name).read_text(encoding="utf-8")


def _header(record: Record, summary: dict[str, Any], title: str, context: ReportContext) -> str:
    sentence, judgement = headline(summary)
    facts = {"duration": f"{summary['record']['duration_s']:.1f} s", **context.facts}
    items = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.items())
    boxes = "".join(
        f'<div class="tile {tile.judgement}"><h2>{escape(tile.name)}</h2>'
        f"<p>{_mark(tile.judgement)}{escape(tile.value)}</p><small>{escape(tile.note)}</small></div>"
        for tile in tiles(summary)
    )
    early = "The record ends early; all up to its last whole chunk is shown."
    cut = "" if record.complete else f'<p class="banner">{early}</p>'
    return f"""<header>
<h1>{escape(title)}</h1>
<p class="verdict {judgement}">{_mark(judgement)}{escape(sentence)}</p>
{cut}<dl class="facts">{items}</dl>
<div class="tiles">{boxes}</div>
</header>"""


def _mark(judgement: str) -> str:
    mark = MARKS[judgement]
    return f'<span class="mark" aria-hidden="true">{mark}</span>' if mark else ""


def _nav(shown: Sequence[Section]) -> str:
    links = "".join(f'<a href="#{section.key}">{escape(section.title)}</a>' for section in shown)
    return f"""<nav>{links}<a href="#about">What is real</a>
<span class="zoom"><output id="window"></output>
<button id="reset" type="button">whole run</button></span></nav>
<noscript><p class="banner">The charts need JavaScript; the tables below do not.</p></noscript>"""


def _section(section: Section, charts: Mapping[str, Any], table: str) -> str:
    figures = [figure for figure in section.figures if figure.chart in charts]
    grid = "".join(_figure(figure, charts[figure.chart]) for figure in figures)
    nothing = "" if figures or table else '<p class="nothing">Nothing in this record.</p>'
    return f"""<section id="{section.key}"><h2>{escape(section.title)}</h2>
<p class="lead">{escape(section.lead)}</p>
<div class="grid">{grid}</div>{nothing}{table}</section>"""


def _figure(figure: Figure, chart: Mapping[str, Any]) -> str:
    title, subtitle = chart.get("title", figure.title), chart.get("subtitle", figure.note)
    note = f" <small>{escape(str(subtitle))}</small>" if subtitle else ""
    return (
        f'<figure class="{figure.size}" data-chart="{figure.chart}">'
        f"<figcaption>{escape(str(title))}{note}</figcaption></figure>"
    )


def _about(context: ReportContext) -> str:
    def box(name: str, rows: tuple[str, ...]) -> str:
        items = "".join(f"<li>{escape(row)}</li>" for row in rows) or "<li>not stated</li>"
        return f'<div class="{name}"><h3>{name.capitalize()}</h3><ul>{items}</ul></div>'

    return f"""<section id="about"><h2>What is real and what is simulated</h2>
<div class="about">{box("real", context.real)}{box("simulated", context.simulated)}</div>
<p class="notice"><strong>Safety.</strong> {escape(SAFETY_NOTICE)}</p></section>"""


def _footer(record: Record, context: ReportContext) -> str:
    host = context.host.get("host") or {}
    rows = [
        f"exo-edge {context.host['version']}" if context.host.get("version") else "",
        f"commit {str(context.host['commit'])[:12]}" if context.host.get("commit") else "",
        f"{host['cpu']}, {host['cores']} cores, {host['kernel']}" if host else "",
        f"GPU {host['gpu']}" if host.get("gpu") else "",
        str(context.host.get("date") or ""),
        f"record {record.path.name} (MCAP: opens in Foxglove and any MCAP reader)",
    ]
    return f"<footer>{' · '.join(escape(row) for row in rows if row)}</footer>"
