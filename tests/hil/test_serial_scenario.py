"""A scenario on the serial phantom: the emulated bench behind its cable, on the virtual clock."""

from __future__ import annotations

import dataclasses

import numpy as np

from edge_runtime.types import F64
from firmware_bridge.table import STATES, TABLE
from hil.bench import Bench
from hil.output_check import check_output
from hil.rigs.base import RigSample
from hil.rigs.one_knee import OneKnee
from hil.rigs.phantom_serial import PhantomSerial
from hil.serial.cable import Cable, CableFaults
from hil.serial.device import Device
from tests.hil.rig_contract import scenario


class Emulated(PhantomSerial):
    """The rig with the bench's microcontroller and the cable stepped beside it; `cut_ns`: pull the plug then."""

    def __init__(self, cut_ns: int) -> None:
        self.device, self.cable, self.cut_ns = Device(1), Cable(CableFaults(), 1), cut_ns
        self._arrived = b""
        super().__init__(self.cable.open)

    def step(self, command_nm: F64, now_ns: int) -> RigSample:
        now_us = now_ns // 1000
        self._arrived = self.cable.step(now_us, self.device.step(now_us, self._arrived))
        if now_ns >= self.cut_ns > 0:
            self.cable.plugged = False
            self.cable._cut_until_us = 1 << 60
        return super().step(command_nm, now_ns)


def test_torque_arrives_at_the_load_cell_and_not_after_the_cable_is_pulled() -> None:
    wanted = dataclasses.replace(scenario(rig="phantom-serial"), fit="none")
    rig = Emulated(cut_ns=3_700_000_000)  # 1.2 s into the scenario
    one = OneKnee(rig)
    one.open(wanted)
    trace = Bench(wanted, one).run()
    before = trace.between(0.6, 1.15)
    assert float(np.nanmin(trace.applied["drive_nm"][before, 0])) < -3.0
    assert float(np.abs(rig.device.torque_nm)) == 0.0
    after = trace.between(1.2 + 0.1, 2.0)
    assert not trace.applied["command_nm"][after, 0].any()
    assert (trace.applied["state"][after] == STATES["SAFE"]).all()
    assert check_output(trace.applied, TABLE.joints["knee_r"], STATES, TABLE.safe.damping_max_nm).violations == 0
