"""Tables of the report: readable without its script."""

from __future__ import annotations

from html import escape
from typing import Any

from edge_runtime.report.tiles import number, share


def latency_table(summary: dict[str, Any]) -> str:
    """Quantiles of every stage and of the loop, folded away under the charts."""
    blocks = {f"{stage.replace('_', ' ')}, ms": block for stage, block in summary["stages_ms"].items()}
    blocks["capture to intent, ms"] = summary["capture_to_intent_ms"]
    blocks["capture to setpoint, ms"] = summary["capture_to_setpoint_ms"]
    blocks["… without the detector, ms"] = summary["capture_to_setpoint_without_detector_ms"]
    blocks["loop wake-up, µs"] = summary["wake_us"]
    blocks["loop compute, µs"] = summary["compute_us"]
    keys = ("p50", "p90", "p99", "p99_9", "max")
    rows = [[name, number(block["n"], 0), *(number(block[key], 2) for key in keys)] for name, block in blocks.items()]
    counts = "".join(
        f"<li>{name} <b>{number(summary[key], 0)}</b></li>"
        for key, name in (
            ("lost_cycle_rows", "loop rows not recorded"),
            ("lost_estimate_rows", "estimate rows not recorded"),
            ("lost_record_calls", "calls the recorder dropped"),
            ("minor_faults_first_1024_cycles", "page faults of the loop's first 1024 cycles"),
            ("major_faults", "pages the loop had to fetch from disk"),
            ("detector_frames", "frames with the person detector"),
        )
        if summary.get(key) is not None
    )
    table = _table(["", "n", "p50", "p90", "p99", "p99.9", "max"], rows)
    return f"<details><summary>All quantiles</summary>{table}<ul class='counts'>{counts}</ul></details>"


def wire_table(summary: dict[str, Any]) -> str:
    """Frames on the bus as either end counted them; a dash where that end has no such number."""
    wire = summary["wire"]
    labels = {
        "sent": "frames sent",
        "not_sent": "not sent, queue full",
        "received": "frames accepted",
        "rejected": "rejected, for any reason",
        "lost": "lost, within tolerance",
        "gaps": "gaps beyond tolerance",
        "repeats": "repeats",
        "crc_errors": "wrong CRC, id or length",
        "refused": "refused for what they say (stamp, limits, state)",
        "queue_dropped": "lost in the receive queue",
    }
    rows = [[label, *(number(wire[end].get(key), 0) for end in ("host", "governor"))] for key, label in labels.items()]
    table = _table(["", "host", "governor"], rows)
    return f"<details><summary>Frames on the bus</summary>{table}</details>"


def solve_table(summary: dict[str, Any]) -> str:
    """How the muscle solve went: flags, late frames, reserves, and what doubt took away."""
    solve = summary.get("solve")
    if not solve or not solve["solved"]:
        return ""
    reserves, iterations = solve["reserve_rms_nm"], solve["iterations"]
    rows = [
        ["frames solved", number(solve["solved"], 0)],
        ["over their time budget (in a row)", f"{number(solve['late'], 0)} ({number(solve['late_in_a_row'], 0)})"],
        ["iterations ran out", number(solve["capped"], 0)],
        ["with a muscle at full activation", number(solve["saturated"], 0)],
        ["iterations, p50 · p99 · max", _three(iterations, 0)],
        ["largest dual gradient, Nm", "–" if solve["gradient_nm"] is None else f"{solve['gradient_nm']:.1e}"],
        ["reserves RMS, p50 · p99 · max, Nm", _three(reserves, 3)],
        *([f"frames in doubt: {cause}", number(count, 0)] for cause, count in solve["doubt_causes"].items()),
        ["help in doubt, mean, right · left", " · ".join(share(solve["doubt_share"][side]) for side in "rl")],
    ]
    return f"<details><summary>Muscle solve</summary>{_table(['', ''], rows)}</details>"


def ground_table(summary: dict[str, Any]) -> str:
    """How well ground reaction and motion agree, strides and events of each leg, and the frame of the coordinates."""
    ground = summary.get("ground")
    if not ground or not ground["newton_after_pct_bw"]["n"]:
        return ""
    labels = {
        "before": "Newton residual as predicted, p50 · p99 · max, % of body weight",
        "left": "… refined, with the acceleration as measured",
        "after": "… refined, with the acceleration adjusted too",
    }
    rows = [[label, _three(ground[f"newton_{part}_pct_bw"], 2)] for part, label in labels.items()]
    for key, label in (("heel_strikes", "heel strikes"), ("toe_offs", "toe-offs")):
        rows.append([f"{label}, right · left", " · ".join(number(ground[key][side], 0) for side in "rl")])
    strides = " · ".join(number(ground["stride_s"][side]["p50"], 2) for side in "rl")
    rows.append(["stride, median, right · left, s", strides])
    rows += [[f"frame of the coordinates: {axis}, °", number(deg, 1)] for axis, deg in ground["frame_deg"].items()]
    return f"<details><summary>Mechanics and gait</summary>{_table(['', ''], rows)}</details>"


def _three(block: dict[str, Any], digits: int) -> str:
    return " · ".join(number(block[key], digits) for key in ("p50", "p99", "max"))


def limiter_table(summary: dict[str, Any]) -> str:
    """Per leg: peaks along the path of a setpoint; how often each rule acted."""
    right, left = summary["torque"]["r"], summary["torque"]["l"]
    labels = {
        "peak_asked_nm": "asked, peak Nm",
        "peak_compensated_nm": "after compensation, peak Nm",
        "peak_limited_nm": "on the wire, peak Nm",
        "peak_measured_nm": "measured at the drive, peak Nm",
        "peak_delivered_nm": "delivered to the skeletal knee, peak Nm",
        "delivered_rmse_nm": "delivered − asked while engaged, RMSE Nm",
        "delivered_r": "delivered with asked while engaged, correlation",
    }
    rows = [[label, number(right[key], 2), number(left[key], 2)] for key, label in labels.items()]
    counts = summary["limiter_counts"]
    totals = {side: sum(counts[side].values()) or 1 for side in "rl"}
    for reason in dict.fromkeys([*counts["r"], *counts["l"]]):
        shares = [share(counts[side].get(reason, 0) / totals[side]) for side in "rl"]
        rows.append([f"limiter: {reason}, share of cycles", *shares])
    return f"<details><summary>Peaks and limiter</summary>{_table(['', 'right', 'left'], rows)}</details>"


def misses_table(summary: dict[str, Any]) -> str:
    """The worst missed deadlines: when, the most likely cause, and what it was concluded from."""
    if not summary.get("misses"):
        return ""
    head = [
        "at", "length", "most likely cause", "woke late by", "cycle before too long by", "pages: memory / disk",
        "interrupted", "core lent away", "waited for its core", "who else ran there",
    ]  # fmt: skip
    rows = [_miss_row(miss) for miss in summary["misses"]]
    intro = (
        "The torque loop has to run once per millisecond. Each row is a stretch of time in which it did not: how long, "
        "and why, as far as the operating system shows it. One missed millisecond only holds torque, three in a row "
        "begin to fade it, ten end in SAFE; docs/reasons/deadlines_missed.md says what to do."
    )
    note = (
        "Pages of memory that had to be fetched, and interruptions, are those of at most 64 ms and the stall. The last "
        "three columns span up to a second around it: a short stall shares them with much else. A core is lent away by "
        "the hypervisor of a virtual machine, and counted in steps of usually 10 ms. – means not known."
    )
    body = f'<p>{intro}</p><div class="events">{_table(head, rows)}</div><p>{note}</p>'
    return f"<details open><summary>Missed deadlines, the longest</summary>{body}</details>"


def _miss_row(miss: dict[str, Any]) -> list[str]:
    def seen(key: str) -> str:
        return "–" if miss[key] < 0.0 else f"{number(miss[key], 1)}\N{NO-BREAK SPACE}ms"

    return [
        f"{miss['t_s']:.3f}\N{NO-BREAK SPACE}s",
        f"{miss['periods']}\N{NO-BREAK SPACE}ms",
        miss["cause"],
        seen("wake_ms"),
        seen("overrun_ms"),
        f"{miss['minor_faults']} / {miss['major_faults']}",
        f"{miss['involuntary']} times",
        seen("steal_ms"),
        seen("run_delay_ms"),
        f"{miss['rival']}, {seen('rival_ms')}" if miss["rival"] else "–",
    ]


def events_table(summary: dict[str, Any]) -> str:
    """All events with their times."""
    rows = "".join(
        f'<tr class="{escape(event["level"])}"><td>{event["t_s"]:.3f} s</td><td>{escape(event["level"])}</td>'
        f"<td><code>{escape(event['code'])}</code></td><td>{escape(event['text'])}</td></tr>"
        for event in summary["events"]
    )
    if not rows:
        return '<p class="nothing">No event was recorded.</p>'
    head = "<tr><th>time</th><th>level</th><th>event</th><th>what happened</th></tr>"
    return f'<div class="scroll"><table class="events"><thead>{head}</thead><tbody>{rows}</tbody></table></div>'


def _table(head: list[str], rows: list[list[str]]) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(
        "<tr>" + f"<th>{escape(row[0])}</th>" + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:]) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
