"""The tiles at the top of the report: what matters first, each judged where a bound exists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Judgement = Literal["good", "bad", "warn", "plain"]

MARKS: dict[str, str] = {"good": "✓", "bad": "✗", "warn": "!", "plain": ""}


@dataclass(frozen=True, slots=True)
class Tile:
    """A big `value` with a `name` above and a `note` below; `judgement` colours and marks it."""

    name: str
    value: str
    note: str
    judgement: Judgement = "plain"


def tiles(summary: dict[str, Any]) -> list[Tile]:
    """The eight tiles of a summary, as `edge_runtime.record.summarize` returns it."""
    return [
        _latency(summary),
        _missed(summary),
        _violations(summary),
        _validity(summary),
        _engaged(summary),
        _pair("peak torque on the wire", summary["torque"], "peak_limited_nm", "Nm", "right · left"),
        _tracking(summary),
        _kcf(summary),
    ]


def headline(summary: dict[str, Any]) -> tuple[str, Judgement]:
    """One sentence that says whether the run kept its promises, and its judgement."""
    judged = {tile.judgement for tile in tiles(summary)}
    if summary["capture_to_setpoint_ms"]["n"] == 0:
        return "No setpoint was computed from a camera frame in this record.", "bad"
    if "bad" in judged:
        return "Something did not hold: see the tiles marked ✗.", "bad"
    if summary.get("limit_violations") is None:
        return "The latency budget held. The limits on the wire were not checked.", "warn"
    if "warn" in judged:
        return "The budget and every limit held; the tiles marked ! deserve a look.", "warn"
    return "The latency budget held at p99, and no limit was violated on the wire.", "good"


def number(value: float | None, digits: int = 1) -> str:
    """`value` with `digits` decimals and thin spaces between thousands; an en dash for None."""
    return "–" if value is None else f"{value:,.{digits}f}".replace(",", "\u202f")


def share(value: float | None) -> str:
    """A share 0..1 in percent; never rounds up to 100 % what is less."""
    if value is None:
        return "–"
    percent = min(100.0 * value, 99.9) if value < 1.0 else 100.0
    return f"{percent:.1f} %"


def _latency(summary: dict[str, Any]) -> Tile:
    block, budget = summary["capture_to_setpoint_ms"], summary["budget_ms"]
    note = f"p50 {number(block['p50'])} · max {number(block['max'])} · budget {budget:g} ms"
    if block["p99"] is None:
        return Tile("capture to setpoint, p99", "–", note, "bad")
    judgement: Judgement = "good" if block["p99"] <= budget else "bad"
    return Tile("capture to setpoint, p99", f"{number(block['p99'])} ms", note, judgement)


def _missed(summary: dict[str, Any]) -> Tile:
    missed, cycles = summary["missed_deadlines"], summary["record"]["cycles"]
    note = f"of {number(cycles, 0)} cycles · wake-up p99 {number(summary['wake_us']['p99'], 0)} µs"
    return Tile("missed deadlines", number(missed, 0), note, "good" if missed == 0 else "warn")


def _violations(summary: dict[str, Any]) -> Tile:
    found = summary.get("limit_violations")
    if found is None:
        return Tile("limit violations", "not checked", "no limits were given", "warn")
    check = summary["limit_check"]
    note = (
        f"torque ≤ {check['limit_torque_nm']:g} Nm · up ≤ {check['limit_up_nm_per_s']:g} · "
        f"down ≤ {check['limit_down_nm_per_s']:g} Nm/s, each cycle"
    )
    return Tile("limit violations", number(found, 0), note, "good" if found == 0 else "bad")


def _validity(summary: dict[str, Any]) -> Tile:
    reasons = summary["invalid_reasons"]
    worst = max(reasons, key=lambda name: reasons[name], default=None)
    note = f"of {number(summary['record']['estimates'], 0)} frames" + (f" · mostly: {worst}" if worst else "")
    return Tile("valid estimates", share(summary["valid_share"]), note)


def _engaged(summary: dict[str, Any]) -> Tile:
    shares = summary["state_share"]
    others = [f"{name} {share(value)}" for name, value in shares.items() if name != "ENGAGED"]
    note = " · ".join(others) or ("no other state" if shares else "no cycle recorded")
    return Tile("time engaged", share(shares.get("ENGAGED", 0.0) if shares else None), note)


def _tracking(summary: dict[str, Any]) -> Tile:
    right, left = summary["torque"]["r"], summary["torque"]["l"]
    value = f"{number(right['delivered_rmse_nm'], 2)} · {number(left['delivered_rmse_nm'], 2)} Nm"
    correlation = f"{number(right['delivered_r'], 3)} · {number(left['delivered_r'], 3)}"
    return Tile("delivered against asked, RMSE", value, f"right · left · correlation {correlation}")


def _kcf(summary: dict[str, Any]) -> Tile:
    right, left = summary["kcf"]["r"], summary["kcf"]["l"]
    if right["peak_total_bw"] is None and left["peak_total_bw"] is None:
        return _pair("peak knee contact force", summary["kcf"], "peak_total_n", "N", "right · left · estimated")
    in_n = f"{number(right['peak_total_n'], 0)} · {number(left['peak_total_n'], 0)} N"
    return _pair("peak knee contact force", summary["kcf"], "peak_total_bw", "BW", f"right · left · {in_n} · estimated")


def _pair(name: str, sides: dict[str, Any], key: str, unit: str, note: str) -> Tile:
    return Tile(name, f"{number(sides['r'][key])} · {number(sides['l'][key])} {unit}", note)
