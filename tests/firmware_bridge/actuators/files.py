"""Drives files for the tests, one per kind, with a reversed and geared joint in each."""

from __future__ import annotations

from pathlib import Path

from firmware_bridge.actuators.config import Drives, load_drives

HEAD = 'bus = "unix:drives"\nreply_max_ms = 10.0\nguard_ms = 500.0\nperiod_ms = 1\n'
OWN = {
    "cubemars": ("", 'model = "AK80-9"\n', 1.0, 18.0),
    "odrive": ("beat_max_ms = 300.0\nwatchdog_ms = 20.0\n", "", 8.0, 18.0),
    "moteus": ("watchdog_ms = 20.0\nhost_node = 0\n", "", 1.0, 18.0),
    "cia402": (
        "beat_max_ms = 300.0\nwatchdog_ms = 20.0\nhost_node = 100\n",
        "counts_per_turn = 524288.0\nrated_torque_nm = 0.4\n",
        50.0,
        18.0,
    ),
}


def drives_text(kind: str) -> str:
    """A valid drives file of this kind; the left drive is mounted the other way round."""
    head, joint, gear, torque = OWN[kind]
    text = f'[drive]\nkind = "{kind}"\n{HEAD}{head}'
    for name, node, sign, zero in (("knee_r", 1, 1, 0.0), ("knee_l", 9, -1, 12.5)):
        text += f"[drive.{name}]\nnode = {node}\nsign = {sign}\ngear = {gear}\n"
        text += f"zero_deg = {zero}\ntorque_max_nm = {torque}\n{joint}"
    return text


def write_drives(folder: Path, kind: str) -> Path:
    """Write it into a folder."""
    path = folder / f"{kind}.toml"
    path.write_text(drives_text(kind), encoding="utf-8")
    return path


def make_drives(folder: Path, kind: str) -> Drives:
    """Write and read it."""
    return load_drives(write_drives(folder, kind))
