"""What a run is asked to do: one frozen plan, built by the command line, handed to every process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from calibration.profile import Profile
from edge_runtime.camera import ClipSpec, FrameSource
from edge_runtime.config import Device
from firmware_bridge.bus import SOCKETCAN_PREFIX
from firmware_bridge.buses.link import is_virtual


@dataclass(frozen=True, slots=True)
class Plan:
    """A run: the clip `passes` times, for this wearer, on this device, recorded under `out`."""

    clip: ClipSpec
    passes: int
    profile: Profile
    profile_path: Path
    device: Device
    device_path: Path
    out: Path

    @property
    def simulated(self) -> bool:
        """True where the firmware and the knee are simulated by this machine."""
        return is_simulated(self.device.bus)


def is_simulated(bus: str) -> bool:
    """True for a bus with no hardware behind it: unix: or a virtual CAN interface."""
    interface = bus.removeprefix(SOCKETCAN_PREFIX)
    return bus == "unix:" or (interface != bus and is_virtual(interface))


def frame_period_ns(plan: Plan, source: FrameSource) -> int:
    """Time from frame to frame: the device's camera rate, or the clip's own where that is 0."""
    return round(1e9 / (plan.device.camera_rate_hz or source.fps))
