"""What a plan and its figures depend on besides the network: processor, GPU, driver, power mode."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_GPU_FIELDS: Final = "name,compute_cap,driver_version"
_GOVERNOR: Final = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """This device. `gpu`, `compute_capability` and `driver` are "" without a GPU.

    `power_mode` is the Jetson's, else the governor of the processor's clock, "" where neither can be read.
    """

    machine: str
    cpu: str
    cores: int
    gpu: str
    compute_capability: str
    driver: str
    power_mode: str


@cache
def device_facts() -> DeviceFacts:
    """Facts of this device; asks NVIDIA's tools where they are, once per process."""
    gpu, capability, driver = _gpu()
    return DeviceFacts(
        machine=platform.machine(),
        cpu=_cpu(),
        cores=os.cpu_count() or 0,
        gpu=gpu,
        compute_capability=capability,
        driver=driver,
        power_mode=_power_mode(),
    )


def _cpu() -> str:
    names = {"model name", "Model", "Hardware"}
    for line in _text(Path("/proc/cpuinfo")).splitlines():
        key, _, value = line.partition(":")
        if key.strip() in names:
            return value.strip()
    return _board() or platform.machine()


def _board() -> str:
    return _text(Path("/proc/device-tree/model")).strip("\0 \n")


def _gpu() -> tuple[str, str, str]:
    out = _output("nvidia-smi", f"--query-gpu={_GPU_FIELDS}", "--format=csv,noheader")
    fields = [field.strip() for field in (out.splitlines() or [""])[0].split(",")]
    if len(fields) == 3:
        return fields[0], fields[1], fields[2]
    if "jetson" in _board().lower():  # its GPU is part of the board; its driver is that of the L4T release
        return _board(), "", _text(Path("/etc/nv_tegra_release")).partition("\n")[0]
    return "", "", ""


def _power_mode() -> str:
    return " ".join(_output("nvpmodel", "-q").split()) or _text(_GOVERNOR).strip()


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _output(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return ""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
