"""Two governors on the same inputs: compiled for this machine, and the ARM image on the emulated board."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from firmware_bridge.cortex_m.bench import SHOWN, VALID, Bench
from firmware_bridge.table import STATES
from tests.conftest import unavailable
from tests.firmware_bridge.harness import Governor

ARM_TOOLS = ("arm-none-eabi-gcc", "qemu-system-arm")


def need(tools: Sequence[str] = ARM_TOOLS) -> None:
    """Skip, or fail where CI says so, without the cross compiler and the emulator."""
    for tool in tools:
        if shutil.which(tool) is None:
            packages = "gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm"
            unavailable(f"{tool} is not installed: apt install {packages}")


def can_frame(can_id: int, data: bytes) -> bytes:
    """Raw `struct can_frame`."""
    return can_id.to_bytes(4, "little") + bytes([len(data), 0, 0, 0]) + data.ljust(8, b"\0")


class Twin(Governor):
    """The host's governor of the harness; the image gets every call too, and must answer the same, byte for byte.

    Both take a frame at the next step, as firmware does.
    """

    def __init__(self, library: Path, bench: Bench) -> None:
        super().__init__(library)
        self.bench = bench
        self.inbox: list[tuple[int, bytes]] = []
        self.shown: list[tuple[int, int, int, int]] = [(0, 0, 0, 0)] * 2
        self.steps = 0
        bench.take_clock()

    def frame(self, can_id: int, data: bytes) -> None:
        """Hand in a frame to both."""
        self.bench.send(can_frame(can_id, data))
        self.inbox.append((can_id, data))

    def step(self, dt_us: int = 1000) -> None:
        """One step of both."""
        self.now_us += dt_us
        for can_id, data in self.inbox:
            super().frame(can_id, data)
        self.inbox.clear()
        super().step(0)
        self.show_sensors()
        image = self.bench.tick(self.now_us)
        live = image.state >= STATES["ARMED"]
        assert image.frames == [can_frame(*frame) for frame in self.frames]
        assert image.command_cnm == (self.torque if live else (0, 0))
        self.steps += 1

    def show_sensors(self) -> None:
        """Tell the image's knees what the harness's sensors show, where it changed."""
        for joint, m in enumerate(self.measured):
            now = (m.position_cdeg, m.velocity_ddegps, m.torque_cnm, m.valid)
            if now != self.shown[joint]:
                self.shown[joint] = now
                self.bench.sensor(joint, *now[:3], SHOWN | (VALID if m.valid else 0))

    def arm_quickly(self) -> None:
        """From power-up to ARMED in a few steps: all hashes at once, which the wire allows."""
        self.step()
        for mux in range(4):
            self.host_mux, self.host_due = mux, 0
            self.keep_host()
        self.tick(0, "ZERO", steps=2)
        assert (self.state, self.reason) == ("READY", "none")
        self.host_state, self.host_due = "ARMED", 0
        self.tick(0, "ZERO", steps=2)
        assert self.state == "ARMED"
        self.host_state, self.host_due = "ENGAGED", 0
