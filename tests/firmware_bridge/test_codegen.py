"""Generated files are fresh and reproducible, and say what the table says; every reason has its page."""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from edge_runtime.cameras.faults import CAMERA_FAULTS, STEREO_EVENTS
from edge_runtime.doubt import CAUSES as DOUBT_CAUSES
from edge_runtime.envelope import REASONS as ENVELOPE_REASONS
from edge_runtime.states import CAUSES
from engines.backends.faults import REASONS as ENGINE_FAULTS
from engines.certificate import REASONS as CERTIFICATE_REASONS
from firmware_bridge import codegen, e2e, wire
from firmware_bridge.table import GOVERNOR_REASONS, LIMITER_REASONS, MODES, MUX, STATES, TABLE

ROOT = Path(__file__).resolve().parents[2]
NO_PAGE = {"none", "clear_request"}


def test_nothing_is_stale() -> None:
    assert codegen.stale(ROOT) == []


def test_generates_what_is_missing_or_edited_and_only_that(tmp_path: Path) -> None:
    names = codegen.generate(tmp_path)
    assert sorted(names) == sorted(codegen.render())
    assert codegen.generate(tmp_path) == []
    header = tmp_path / "firmware_bridge/governor/exo_limits.h"
    header.write_text(header.read_text(encoding="utf-8").replace("2000", "2001"), encoding="utf-8")
    shutil.rmtree(tmp_path / "docs")
    assert codegen.stale(tmp_path) == ["firmware_bridge/governor/exo_limits.h", "docs/limits.md"]
    codegen.generate(tmp_path)
    assert codegen.stale(tmp_path) == []


def test_integers_never_loosen_a_limit() -> None:
    joint = TABLE.joints["knee_r"]
    values = codegen.joint_integers(joint)
    assert values["torque_cnm"] == 2000 and values["slew_up_cnm_per_s"] == 15000
    assert values["position_min_cdeg"] == -500 and values["position_max_cdeg"] == 11000
    assert values["power_raw"] * codegen.W_PER_RAW <= joint.power_w < (values["power_raw"] + 1) * codegen.W_PER_RAW


def test_dbc_decodes_as_wire_does() -> None:
    cantools = pytest.importorskip("cantools")
    database = cantools.database.load_file(ROOT / "firmware_bridge/exo_edge.dbc")
    buf = wire.frame()
    wire.pack_setpoint(buf, 0x101, 5, -12.34, 20, 17.0, 1234, MODES["TORQUE"], e2e.CRC_TABLE)
    signals = database.decode_message(0x101, buf[8:].tobytes(), decode_choices=False)
    assert (signals["torque"], signals["apply_at"], signals["e2e_counter"]) == pytest.approx((-12.34, 123.4, 5))
    wire.pack_joint_state(buf, 0x180, 1, 1.0, -2.0, 3.0, e2e.CRC_TABLE)
    signals = database.decode_message(0x180, buf[8:].tobytes())
    assert np.radians(signals["position"]) == pytest.approx(1.0, abs=1e-4)
    wire.pack_state(buf, 0x200, 1, STATES["SAFE"], MUX["LIMITS_HASH"], 10, 0xDEADBEEF, e2e.CRC_TABLE)
    signals = database.decode_message(0x200, buf[8:].tobytes())
    assert (str(signals["state"]), str(signals["reason"])) == ("SAFE", "lease")
    assert signals["limits_hash"] == 0xDEADBEEF


HOST_EVENTS = {*CAUSES, *DOUBT_CAUSES[1:], *ENVELOPE_REASONS}
HOST_EVENTS |= {"handshake_refused", "rights_missing", "run_ended", "clip_truncated", "cut", "tissue_observer_off"}
HOST_EVENTS |= {"wearer_lost", *CAMERA_FAULTS, *STEREO_EVENTS, *ENGINE_FAULTS, *CERTIFICATE_REASONS}
WITH_PAGE = (set(GOVERNOR_REASONS) | set(LIMITER_REASONS)) - NO_PAGE | HOST_EVENTS


def test_every_reason_has_a_page_and_every_page_a_reason() -> None:
    assert {path.stem for path in (ROOT / "docs/reasons").glob("*.md")} == WITH_PAGE


def event_codes(source: str) -> set[str]:
    """Codes that a module gives to events as text: the third argument of a call that ends in `event`."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and len(node.args) == 4]
    named = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr.endswith("event")]
    return {str(call.args[2].value) for call in named if isinstance(call.args[2], ast.Constant)}


def test_every_event_that_the_host_writes_is_a_reason_with_a_page() -> None:
    found = {path: event_codes(path.read_text(encoding="utf-8")) for path in (ROOT / "edge_runtime").rglob("*.py")}
    assert {"cut", "run_ended", "handshake_refused"} <= set().union(*found.values())
    assert {path.name: codes - WITH_PAGE for path, codes in found.items() if codes - WITH_PAGE} == {}


@pytest.mark.parametrize("name", sorted(WITH_PAGE))
def test_reason_pages_have_their_parts(name: str) -> None:
    text = (ROOT / f"docs/reasons/{name}.md").read_text(encoding="utf-8")
    parts = re.findall(r"^(#+ .*)$", text, re.MULTILINE)
    assert parts[0].startswith("# ") and parts[1:] == ["## Cause", "## Evidence", "## Fix"]
    numbers = re.findall(r"reason (\d+)", text)
    assert all(int(number) == GOVERNOR_REASONS[name] for number in numbers)


def test_wire_page_names_every_code() -> None:
    text = (ROOT / "docs/wire.md").read_text(encoding="utf-8")
    for codes in (MODES, STATES, MUX):
        for name, code in codes.items():
            assert f"{code} {name}" in text
    for name, message in TABLE.messages.items():
        assert name in text
        assert all(f"0x{can_id:03X}" in text for can_id in message.can_id.values())
