"""The serial rig on an emulated bench: reconnects, finds the rate, and never asks for torque it cannot see arrive."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_runtime.errors import UserError
from hil.faults.model import make_fault
from hil.rigs.base import RigSample
from hil.rigs.phantom_serial import FILE_VARIABLE, PhantomSerial, SerialRigConfig, read_config
from hil.serial.cable import Cable, CableFaults, at_other_rate
from hil.serial.device import Device
from hil.serial.port import opener
from hil.serial.pty_bench import PtyBench
from hil.serial.receiver import Receiver
from hil.serial.soak import soak

QUIET = CableFaults()


class Bench:
    """Rig, cable and device on one virtual clock."""

    def __init__(self, bauds: tuple[int, ...] = (921_600,), bench_baud: int = 921_600) -> None:
        self.device, self.cable = Device(1), Cable(QUIET, 2, bench_baud)
        self.rig = PhantomSerial(self.cable.open, bauds)
        self.now_us, self.to_bench = 1_000_000, b""
        self.rig.open(None)

    def run(self, milliseconds: int, torque_nm: float = 0.0) -> RigSample:
        for _ in range(milliseconds):
            self.now_us += 1000
            self.to_bench = self.cable.step(self.now_us, self.device.step(self.now_us, self.to_bench))
            sample = self.rig.step(np.full(2, torque_nm), self.now_us * 1000)
        return sample


def test_it_shows_what_the_bench_measures_and_moves_its_stage() -> None:
    bench = Bench()
    sample = bench.run(300, 5.0)
    assert sample.valid.tolist() == [True, False]
    assert sample.torque_nm[0] == pytest.approx(5.0, abs=0.01)
    assert sample.angle_rad[0] == pytest.approx(bench.device.angle_rad, abs=1e-3)
    assert sample.pressure_pa[0] > 1000.0 and np.isnan(sample.angle_rad[1])
    assert bench.rig.connection.receiver.hello is not None


def test_a_cut_ends_torque_within_lease_and_ramp_and_it_connects_again() -> None:
    bench = Bench()
    bench.run(300, 6.0)
    bench.cable.faults = CableFaults(cuts=1000.0, cut_s=1.0)
    bench.run(1)
    bench.cable.faults = QUIET
    sample = bench.run(20 + 50 + 3, 6.0)
    assert bench.device.torque_nm == 0.0
    assert not sample.valid.any() and "gone" in sample.reason
    sample = bench.run(3000, 6.0)
    assert sample.valid[0] and bench.rig.connection.opened == 2
    assert bench.device.torque_nm == pytest.approx(6.0)


def test_no_torque_is_asked_for_while_the_bench_is_silent() -> None:
    """The line towards the bench still works: only the way back is broken."""
    bench = Bench()
    bench.run(200, 6.0)
    for _ in range(60):
        bench.now_us += 1000
        bench.cable.step(bench.now_us, b"")
        bench.device.step(bench.now_us, bench.to_bench)
        bench.to_bench = b""
        bench.rig.step(np.full(2, 6.0), bench.now_us * 1000)
    assert bench.rig.withheld >= 48


@pytest.mark.parametrize("broken", ["angle_rad", "load_nm"])
def test_a_sensor_that_has_failed_is_no_feedback(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    bench.run(100, 4.0)
    measure = bench.device._measure
    without: dict[str, Any] = {broken: None}
    monkeypatch.setattr(Device, "_measure", lambda self, now_us: dataclasses.replace(measure(now_us), **without))
    sample = bench.run(200, 4.0)
    assert not sample.valid.any() and bench.device.torque_nm == 0.0


def test_another_rate_is_garbage_and_the_right_one_is_found() -> None:
    bench = Bench(bauds=(460_800, 115_200, 921_600))
    sample = bench.run(900)
    assert not sample.valid.any()
    assert bench.rig.connection.receiver.counts.received == 0
    assert bench.run(4000).valid[0] and bench.rig.connection.baud == 921_600


@pytest.mark.parametrize("heard", [115_200, 460_800, 1_000_000, 2_000_000])
def test_what_a_uart_makes_of_another_rate_is_not_what_was_sent(heard: int) -> None:
    text = bytes(range(256)) * 4
    assert at_other_rate(text, 921_600, 921_600) == text
    assert text not in at_other_rate(text, 921_600, heard)
    assert at_other_rate(text, 921_600, 930_000)[:8] == text[:8]  # a percent is within what a UART bears


def test_not_a_number_and_too_much_are_not_passed_on() -> None:
    bench = Bench()
    bench.run(100, float("nan"))
    assert bench.device.commands > 50 and bench.device.torque_nm == 0.0
    bench.run(200, 500.0)
    assert bench.device.asked_nm == 20.0


def test_closing_leaves_no_torque() -> None:
    bench = Bench()
    bench.run(200, 6.0)
    bench.rig.close()
    bench.rig.close()
    for _ in range(80):
        bench.now_us += 1000
        bench.to_bench = bench.cable.step(bench.now_us, bench.device.step(bench.now_us, bench.to_bench))
    assert bench.device.torque_nm == 0.0


def test_a_soak_loses_nothing_unnoticed_and_is_the_same_twice() -> None:
    rough = CableFaults(noise_bits=40.0, cuts=0.3, cut_s=0.2, floods=0.5, flood_bytes=4096, restarts=0.3)
    first, second = (soak(10.0, 3, rough) for _ in range(2))
    assert first == second
    assert first["lost"] > 100 and first["cuts"] > 0 and first["floods"] > 0 and first["bench_restarts"] > 0
    assert first["lost_unnoticed"] == first["altered_taken"] == 0
    assert first["torque_without_feedback"] == first["torque_left_behind"] == 0
    assert first["connected_at_end"]


def test_the_soak_sees_a_receiver_that_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(self: Receiver, data: bytes) -> list[object]:
        samples = whole(self, data)
        self.counts.lost = 0
        return samples  # type: ignore[return-value]

    whole = Receiver.feed
    monkeypatch.setattr(Receiver, "feed", forgetful)
    assert soak(3.0, 3, CableFaults(noise_bits=100.0))["lost_unnoticed"] > 0


def test_the_soak_sees_torque_without_feedback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PhantomSerial, "_usable", lambda *_: True)
    assert soak(5.0, 4, CableFaults(noise_bits=2000.0))["torque_without_feedback"] > 0


def test_over_a_pseudo_terminal_with_noise_cuts_and_a_wrong_rate(tmp_path: Path) -> None:
    """pyserial and the kernel's terminal in between, in real time."""
    device, cable = Device(1), Cable(CableFaults(noise_bits=20.0), 2)
    with PtyBench(tmp_path / "bench", device, cable) as bench:
        rig = PhantomSerial(opener(str(bench.path)), (115_200, 921_600))
        rig.open(None)
        assert _live(rig, 60.0), rig.connection.problem
        assert rig.connection.baud == 921_600
        cable.faults = CableFaults(cuts=1000.0, cut_s=0.3)
        _run(rig, 0.05)
        cable.faults = CableFaults(noise_bits=20.0)
        _run(rig, 0.1)
        assert _live(rig, 60.0), rig.connection.problem
        assert rig.connection.opened >= 3 and rig.connection.receiver.counts.lost > 0
        rig.close()


def _run(rig: PhantomSerial, seconds: float) -> RigSample:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        sample = rig.step(np.full(2, 3.0), time.monotonic_ns())
        time.sleep(0.001)
    return sample


def _live(rig: PhantomSerial, patience_s: float) -> bool:
    """True as soon as a fresh sample is there and the stage follows."""
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        sample = _run(rig, 0.02)
        if sample.valid[0] and sample.torque_nm[0] > 0.3:
            return True
    return False


def test_a_port_that_is_not_there_is_a_reason_and_no_exception(tmp_path: Path) -> None:
    rig = PhantomSerial(opener(str(tmp_path / "none")))
    rig.open(None)
    sample = rig.step(np.zeros(2), 10**9)
    assert not sample.valid.any() and "cannot be opened" in sample.reason


def test_faults_of_a_real_bench_are_brought_about_by_hand() -> None:
    with pytest.raises(UserError, match="by hand"):
        Bench().rig.inject(make_fault("encoder_off", 0.0, 1.0))


def test_the_rigs_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "rig.toml"
    file.write_text('port = "/dev/ttyACM0"\nbauds = [115200]\nceiling_nm = 4\n')
    assert read_config(file) == SerialRigConfig("/dev/ttyACM0", (115_200,), 4.0)
    monkeypatch.delenv(FILE_VARIABLE, raising=False)
    with pytest.raises(UserError, match=FILE_VARIABLE):
        PhantomSerial.from_environment()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("bauds = [115200]", "port"),
        ('port = "/dev/x"\nbaud = 5', "baud"),
        ('port = "/dev/x"\nbauds = [5]', "9600"),
        ('port = "/dev/x"\nceiling_nm = 99', "ceiling_nm"),
        ("port = ", "TOML"),
    ],
)
def test_what_is_wrong_in_it_is_named(text: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "rig.toml").write_text(text)
    with pytest.raises(UserError) as error:
        read_config(tmp_path / "rig.toml")
    assert word in str(error.value) and "rig.toml" in str(error.value)
