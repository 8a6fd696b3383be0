"""`exo-edge doctor`: what this machine can and cannot do, one line per matter, each with what to do about it."""

from __future__ import annotations

import importlib.util
import os
import resource
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.markup import escape
from rich.table import Table

from edge_runtime.certify.gate import doubts
from edge_runtime.config import load_device
from edge_runtime.stats import host_block
from engines.backends.registry import backend
from engines.errors import EngineError
from engines.fetch import asset_path, onnx_path
from firmware_bridge.errors import BridgeError

_MARKS: Final = {"ok": "[green]ok[/]", "no": "[red]no[/]", "note": "[yellow]note[/]"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One matter: `status` ok, note (works without) or no (needed for the job); `advice` "" where all is well."""

    what: str
    status: str
    found: str
    advice: str = ""


def examine() -> list[Finding]:
    """Look at everything; takes well under a second and changes nothing."""
    checks: list[Callable[[], Finding]] = [
        _cores, _fifo, _memory_lock, _kernel, _compiler, _can, _gpu, _onnxruntime, _onnxruntime_cuda, _tensorrt,
        _pycuda, _assets, _certificates,
    ]  # fmt: skip
    return [check() for check in checks]


def table(findings: list[Finding]) -> Table:
    """The findings as a table for the terminal."""
    out = Table(title="exo-edge doctor", title_justify="left")
    for column in ("matter", "", "found", "what to do"):
        out.add_column(column, overflow="fold")
    for finding in findings:
        out.add_row(finding.what, _MARKS[finding.status], escape(finding.found), escape(finding.advice))
    return out


def _cores() -> Finding:
    count = len(os.sched_getaffinity(0))
    advice = "" if count >= 2 else "give it two cores: one for the torque loop, one for the estimator"
    return Finding("processor cores", "ok" if count >= 2 else "no", str(count), advice)


def _fifo() -> Finding:
    try:
        before = os.sched_getscheduler(0), os.sched_getparam(0)
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        os.sched_setscheduler(0, *before)
    except PermissionError:
        advice = "grant CAP_SYS_NICE or LimitRTPRIO=80 (systemd/exo-edge.service does)"
        return Finding("real-time priority", "note", "not allowed: simulation only", advice)
    return Finding("real-time priority", "ok", "SCHED_FIFO allowed")


def _memory_lock() -> Finding:
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    if limit == resource.RLIM_INFINITY or os.geteuid() == 0:
        return Finding("locked memory", "ok", "unlimited")
    advice = "grant CAP_IPC_LOCK or LimitMEMLOCK=infinity"
    return Finding("locked memory", "note", f"{limit // 1024} KiB: simulation only", advice)


def _kernel() -> Finding:
    realtime = Path("/sys/kernel/realtime").exists()
    advice = "" if realtime else "for torque on hardware prefer a PREEMPT_RT kernel"
    return Finding(
        "kernel",
        "ok" if realtime else "note",
        f"{os.uname().release}{' PREEMPT_RT' if realtime else ''}",
        advice,
    )


def _compiler() -> Finding:
    found = next((path for name in ("cc", "gcc", "clang") if (path := shutil.which(name))), None)
    if found is None:
        return Finding("C compiler", "no", "none", "install one: apt install gcc libc6-dev")
    return Finding("C compiler", "ok", found)


def _can() -> Finding:
    try:
        socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW).close()
    except OSError as error:
        advice = "hardware only; load it with: modprobe can-raw"
        return Finding("CAN in the kernel", "note", f"no ({error.strerror})", advice)
    names = [name for _, name in socket.if_nameindex() if _is_can(name)]
    found = ", ".join(names) or "yes, but no interface"
    advice = "" if names else "hardware only; see: ip link show type can"
    return Finding("CAN in the kernel", "ok" if names else "note", found, advice)


def _is_can(interface: str) -> bool:
    kind = Path(f"/sys/class/net/{interface}/type")
    return kind.exists() and kind.read_text().strip() == "280"  # ARPHRD_CAN, linux/if_arp.h


def _gpu() -> Finding:
    host = host_block()["host"]
    gpu = host["gpu"] if isinstance(host, dict) else None
    advice = "" if gpu else "engines run on the CPU"
    return Finding("GPU", "ok" if gpu else "note", str(gpu or "none"), advice)


def _onnxruntime() -> Finding:
    if importlib.util.find_spec("onnxruntime") is None:
        return Finding("onnxruntime", "no", "not installed", "make run installs it")
    import onnxruntime

    return Finding(
        "onnxruntime", "ok", f"{onnxruntime.__version__}: {', '.join(onnxruntime.get_available_providers())}"
    )


def _onnxruntime_cuda() -> Finding:
    return _backend("onnxruntime CUDA", "ort_cuda")


def _tensorrt() -> Finding:
    return _backend("tensorrt", "tensorrt")


def _backend(what: str, name: str) -> Finding:
    """Whether engines can run on a backend of this device."""
    one = backend(name)
    why_not = one.why_not()
    return Finding(what, "note" if why_not else "ok", "not offered" if why_not else one.version(), why_not)


def _certificates() -> Finding:
    doubt = doubts(load_device())
    if doubt is None:
        return Finding("engine certificates", "ok", "all hold")
    return Finding("engine certificates", "note", doubt.reason, doubt.text)


def _pycuda() -> Finding:
    return _module("pycuda", "only with a GPU: pip install exo-edge[gpu]")


def _module(name: str, advice: str) -> Finding:
    present = importlib.util.find_spec(name) is not None
    return Finding(
        name,
        "ok" if present else "note",
        "installed" if present else "not installed",
        "" if present else advice,
    )


def _assets() -> Finding:
    try:
        for engine in ("pose_detection", "pose_landmark"):
            onnx_path(engine)
        asset_path("demo_clip")
    except (EngineError, BridgeError) as error:
        return Finding("networks and demo clip", "no", "missing", str(error))
    return Finding("networks and demo clip", "ok", "in the cache")
