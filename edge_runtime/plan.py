"""What a run is asked to do: one frozen plan, built by the command line, handed to every process."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from calibration.profile import Profile
from edge_runtime.camera import ClipSpec, FrameSource
from edge_runtime.config import Device
from edge_runtime.wearer import WearerSpec
from firmware_bridge.bus import SOCKETCAN_PREFIX
from firmware_bridge.buses.link import is_virtual

LIVE_RATE_HZ: Final = 30.0
"""Of a live camera of which nothing else is said: the usual rate of a webcam."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A run: the clip `passes` times, or the device's live camera for `seconds` (0: until stopped), for this wearer, on
    this device, recorded under `out`. `wearer` says who is followed at first."""

    clip: ClipSpec
    passes: int
    profile: Profile
    profile_path: Path
    device: Device
    device_path: Path
    out: Path
    wearer: WearerSpec = field(default_factory=WearerSpec)
    seconds: float = 0.0
    pictures_to: Path | None = None  # blurred pictures of a live camera are stored here; None: no picture ever is

    @property
    def live(self) -> bool:
        """True where frames come from a live camera."""
        return bool(self.device.camera.source)

    @property
    def pictures(self) -> str:
        """Where frames come from, for people; without what an address says of users and passwords."""
        return re.sub(r"//[^/@]*@", "//", self.device.camera.source) if self.live else self.clip.path.name

    @property
    def simulated(self) -> bool:
        """True where the firmware and the knee are simulated by this machine."""
        return is_simulated(self.device.bus)


def is_simulated(bus: str) -> bool:
    """True for a bus with no hardware behind it: unix: or a virtual CAN interface."""
    interface = bus.removeprefix(SOCKETCAN_PREFIX)
    return bus == "unix:" or (interface != bus and is_virtual(interface))


def frame_period_ns(plan: Plan, source: FrameSource | None) -> int:
    """Time from frame to frame: the device's camera rate, or the clip's own where that is 0; `source` None: live."""
    own_hz = source.fps if source is not None else plan.device.camera.rate_hz or LIVE_RATE_HZ
    return round(1e9 / (plan.device.camera_rate_hz or own_hz))
