"""Live view of a run: a panel in a terminal, one plain line every few seconds elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

REFRESH_HZ: Final = 10.0
PLAIN_PERIOD_S: Final = 5.0
_BAR_HALF: Final = 16
_STATE_STYLES: Final = {
    "ENGAGED": "bold black on green",
    "ARMED": "bold black on cyan",
    "DEGRADED": "bold black on yellow",
    "SAFE": "bold white on red",
}


@dataclass(frozen=True, slots=True)
class LiveState:
    """What the live view shows now; sides in the order right, left. None: not known yet.

    `torque_nm`: on the wire; `torque_limit_nm`: full scale of its bars; `kcf_medial_bw`, `kcf_lateral_bw`:
    knee contact force in body weights; `limiter`: name of the rule that acted last, "" for none.
    """

    elapsed_s: float
    total_s: float | None
    estimator_hz: float | None
    loop_hz: float | None
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    budget_ms: float
    age_ms: float | None
    state: str
    governor_reason: str
    torque_nm: tuple[float, float]
    torque_limit_nm: float
    limiter: tuple[str, str]
    kcf_medial_bw: tuple[float | None, float | None]
    kcf_lateral_bw: tuple[float | None, float | None]
    dropped: int
    missed: int
    rejected: int
    message: str = ""


def render(state: LiveState) -> RenderableType:
    """The panel for `state`: state and progress, rates and latency, one row per leg, counters."""
    parts: list[RenderableType] = [_headline(state), _rates(state), _legs(state), _counters(state)]
    if state.message:
        parts.append(Text(state.message, style="yellow"))
    hint = "Ctrl-C ends the run: torque goes to zero, the record is closed"
    return Panel(Group(*parts), title="exo-edge", title_align="left", subtitle=hint, subtitle_align="left", width=78)


def plain_line(state: LiveState) -> str:
    """`state` in one line of plain text, for a log."""
    right, left = state.torque_nm
    fields = [
        f"{state.elapsed_s:6.1f} s",
        state.state + (f" ({state.governor_reason})" if state.governor_reason else ""),
        f"estimator {_number(state.estimator_hz, '.1f')} Hz, loop {_number(state.loop_hz, '.0f')} Hz",
        f"latency p50 {_number(state.latency_p50_ms, '.1f')} p99 {_number(state.latency_p99_ms, '.1f')} ms",
        f"torque r {right:+.1f} l {left:+.1f} Nm",
        f"dropped {state.dropped}, missed {state.missed}, rejected {state.rejected}",
    ]
    return " | ".join([*fields, state.message] if state.message else fields)


def centred_bar(value: float, limit: float, half: int = _BAR_HALF) -> str:
    """A bar of 2 `half` + 1 characters: right of its centre mark for positive values, full at `limit`."""
    share = min(1.0, abs(value) / limit) if limit > 0.0 else 0.0
    length = round(share * half)
    left = ("█" * length).rjust(half, "·") if value < 0.0 else "·" * half
    right = ("█" * length).ljust(half, "·") if value > 0.0 else "·" * half
    return f"{left}│{right}"


def _headline(state: LiveState) -> Text:
    text = Text(f" {state.state} ", style=_STATE_STYLES.get(state.state, "bold reverse"))
    if state.governor_reason:
        text.append(f"  {state.governor_reason}", style="default")
    text.append(f"   {state.elapsed_s:.1f} s", style="bold")
    if state.total_s:
        share = min(1.0, state.elapsed_s / state.total_s)
        done = round(24 * share)
        text.append(f" of {state.total_s:.0f} s  ")
        text.append("━" * done, style="green")
        text.append("━" * (24 - done), style="dim")
    return text


def _rates(state: LiveState) -> Table:
    late = state.latency_p99_ms is not None and state.latency_p99_ms > state.budget_ms
    table = _grid(5)
    table.add_row("estimator", "loop", "latency p50", "latency p99", "age", style="dim")
    table.add_row(
        f"{_number(state.estimator_hz, '.1f')} Hz",
        f"{_number(state.loop_hz, '.0f')} Hz",
        f"{_number(state.latency_p50_ms, '.1f')} ms",
        Text(
            f"{_number(state.latency_p99_ms, '.1f')} of {state.budget_ms:g} ms",
            style="red" if late else "green",
        ),
        f"{_number(state.age_ms, '.1f')} ms",
    )
    return table


def _legs(state: LiveState) -> Table:
    table = Table.grid(padding=(0, 1))
    for width in (5, 2 * _BAR_HALF + 1, 9, 12, 10):
        table.add_column(width=width, no_wrap=True, justify="left" if width > 9 else "right")
    table.add_row("", f"torque, ±{state.torque_limit_nm:g} Nm", "", "KCF med+lat", "limiter", style="dim")
    for i, (name, style) in enumerate((("right", "dodger_blue1"), ("left", "dark_orange"))):
        torque = state.torque_nm[i]
        medial, lateral = _number(state.kcf_medial_bw[i], ".1f"), _number(state.kcf_lateral_bw[i], ".1f")
        bar = Text(centred_bar(torque, state.torque_limit_nm), style=style)
        table.add_row(name, bar, f"{torque:+.1f} Nm", f"{medial}+{lateral} BW", state.limiter[i] or "none")
    return table


def _counters(state: LiveState) -> Text:
    text = Text()
    counters = {
        "frames dropped": state.dropped,
        "deadlines missed": state.missed,
        "CAN rejected": state.rejected,
    }
    for name, count in counters.items():
        text.append(f"{name} ", style="dim")
        text.append(f"{count}   ", style="bold red" if count else "default")
    return text


def _grid(columns: int) -> Table:
    table = Table.grid(padding=(0, 3, 0, 0))
    for _ in range(columns):
        table.add_column(no_wrap=True)
    return table


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


class LiveView:
    """Shows what `source` returns: a panel at 10 Hz in a terminal, else a line every 5 s; a context manager.

    `source` is called from a thread of this class and must not block; None means nothing to show yet, a string is shown
    as the one line that it is.
    The last state is shown at the end. `stream` is where it goes (stderr keeps stdout free for `--json`).
    """

    def __init__(self, source: Callable[[], LiveState | str | None], stream: TextIO) -> None:
        self._source = source
        self._console = Console(file=stream, highlight=False)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live-view", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=2.0)

    def _run(self) -> None:
        try:
            if self._console.is_terminal:
                self._run_panel()
            else:
                self._run_lines()
        except (OSError, ValueError):  # the reader of our output went away: the run goes on without a view
            return

    def _run_panel(self) -> None:
        with Live(console=self._console, auto_refresh=False, transient=False) as live:
            while True:
                last = self._stop.wait(1.0 / REFRESH_HZ)
                if (state := self._source()) is not None:
                    live.update(state if isinstance(state, str) else render(state), refresh=True)
                if last:
                    return

    def _run_lines(self) -> None:
        while True:
            last = self._stop.wait(PLAIN_PERIOD_S)
            if (state := self._source()) is not None:
                line = state if isinstance(state, str) else plain_line(state)
                self._console.print(line, markup=False, soft_wrap=True)
            if last:
                return
