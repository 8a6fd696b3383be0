"""What a run is asked to do: one frozen plan, built by the command line, handed to every process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from calibration.profile import Profile
from edge_runtime.camera import ClipSpec
from edge_runtime.config import Device


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
        return self.device.bus == "unix:"
