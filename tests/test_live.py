"""The live view: a pure panel, a plain line without a terminal, and no harm when the output goes away."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from edge_runtime.live import LiveState, LiveView, centred_bar, plain_line, render

STATE = LiveState(
    elapsed_s=12.3, total_s=60.0, estimator_hz=59.9, loop_hz=1000.0,
    latency_p50_ms=9.2, latency_p99_ms=12.8, budget_ms=16.6, age_ms=11.0,
    state="ENGAGED", governor_reason="", torque_nm=(4.2, -8.6), torque_limit_nm=20.0, limiter=("", "slew"),
    kcf_medial_bw=(1.4, 0.2), kcf_lateral_bw=(0.9, None), dropped=0, missed=3, rejected=0,
)  # fmt: skip
BLANK = replace(
    STATE, total_s=None, estimator_hz=None, loop_hz=None, latency_p50_ms=None, latency_p99_ms=None,
    age_ms=None, state="IDLE", kcf_medial_bw=(None, None), kcf_lateral_bw=(None, None),
)  # fmt: skip


def text_of(state: LiveState, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, record=True)
    console.print(render(state))
    return console.export_text()


def test_the_panel_shows_every_number() -> None:
    text = text_of(STATE)
    for part in ("ENGAGED", "12.3 s", "60 s", "59.9 Hz", "1000 Hz", "9.2 ms", "12.8 of 16.6 ms", "11.0 ms",
                 "+4.2 Nm", "-8.6 Nm", "1.4+0.9 BW", "0.2+– BW", "slew", "deadlines missed 3"):  # fmt: skip
        assert part in text, part
    assert max(len(line) for line in text.splitlines()) <= 80


def test_unknown_values_are_dashes() -> None:
    text = text_of(BLANK)
    assert "– Hz" in text and "–+– BW" in text and "None" not in text


def test_a_narrow_terminal_does_not_break_it() -> None:
    assert "ENGAGED" in text_of(STATE, width=40)


@given(st.floats(-50.0, 50.0), st.floats(0.0, 30.0))
def test_bar_keeps_its_width_and_side(value: float, limit: float) -> None:
    bar = centred_bar(value, limit, half=8)
    assert len(bar) == 17 and bar[8] == "│"
    assert "█" not in (bar[9:] if value < 0 else bar[:8])


def test_bar_is_full_at_the_limit() -> None:
    assert centred_bar(20.0, 20.0, half=4) == "····│████"
    assert centred_bar(-99.0, 20.0, half=4) == "████│····"
    assert centred_bar(0.0, 20.0, half=4) == "····│····"


def test_without_a_terminal_it_prints_plain_lines() -> None:
    stream = io.StringIO()
    with LiveView(lambda: STATE, stream):
        pass
    assert stream.getvalue() == plain_line(STATE) + "\n"
    assert "\x1b" not in stream.getvalue() and "latency p50 9.2 p99 12.8 ms" in stream.getvalue()


def test_nothing_to_show_yet_prints_nothing() -> None:
    stream = io.StringIO()
    with LiveView(lambda: None, stream):
        pass
    assert stream.getvalue() == ""


@pytest.mark.parametrize("terminal", [False, True])
def test_before_there_are_numbers_one_line_says_what_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    with LiveView(lambda: "starting for 7 s: the torque loop compiles", stream):
        pass
    assert "starting for 7 s: the torque loop compiles" in stream.getvalue()


def test_a_closed_output_does_not_end_the_run() -> None:
    stream = io.StringIO()
    with LiveView(lambda: STATE, stream):
        stream.close()


def test_in_a_terminal_it_draws_the_panel(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    with LiveView(lambda: replace(STATE, message="the person left the picture"), stream):
        pass
    assert "ENGAGED" in stream.getvalue() and "the person left the picture" in stream.getvalue()
