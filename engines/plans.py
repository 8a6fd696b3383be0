"""Plans in the cache: one folder per network, backend, precision and device, with a certificate beside each plan."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from engines.backends.registry import BACKENDS, Backend, offered
from engines.cache import cache_dir, explained, scratch, sha256_hex
from engines.certificate import FILE, PLAN, Certificate, read_certificate
from engines.device import DeviceFacts, device_facts
from engines.errors import EngineError
from engines.fetch import onnx_path
from engines.manifest import Terms, load_manifest

_CHECKSUM: Final = "plan.sha256"
SAFEST: Final = "fp32"
"""The precision of the networks as they come."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A network on a backend in a precision."""

    engine: str
    backend: Backend
    precision: str

    @property
    def name(self) -> str:
        """Backend and precision."""
        return f"{self.backend.name} {self.precision}"

    @property
    def device(self) -> DeviceFacts:
        """What of this device its plan and figures depend on: not the GPU where it does not use one."""
        facts = device_facts()
        return facts if self.backend.on_gpu else replace(facts, gpu="", compute_capability="", driver="")

    @property
    def folder(self) -> Path:
        """Where its plan lies on this device; another device, version or power mode has another folder."""
        key = {"onnx": onnx_sha256(self.engine), "version": self.backend.version(), "device": asdict(self.device)}
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        return plans_dir() / self.engine / f"{self.backend.name}-{self.precision}-{digest[:12]}"


def plans_dir() -> Path:
    """The folder of all plans."""
    return cache_dir() / "engines"


POSE: Final = "pose_landmark"
"""The pose network of a device file that names none."""


def engines_with_terms() -> dict[str, Terms]:
    """The networks that the runtime can open, with their terms."""
    return {name: spec.terms for name, spec in load_manifest().engines.items() if spec.terms is not None}


def live_engines(pose: str = POSE) -> dict[str, Terms]:
    """Those that a run with the pose network `pose` opens."""
    others = {name for name in pose_networks() if name != pose}
    return {name: terms for name, terms in engines_with_terms().items() if name not in others}


def pose_networks() -> tuple[str, ...]:
    """The networks of which a run opens one."""
    return tuple(name for name, spec in load_manifest().engines.items() if spec.points is not None)


def candidates(engine: str) -> list[Candidate]:
    """What this device offers for a network within its terms."""
    allowed = engines_with_terms()[engine].precisions
    return [Candidate(engine, one, p) for one in offered() for p in one.precisions if p in allowed]


def onnx_sha256(engine: str) -> str:
    """Checksum of a network as it comes. EngineError: not fetched."""
    path = onnx_path(engine)
    return _sha256(path, path.stat().st_mtime_ns)


@cache
def _sha256(path: Path, _changed_ns: int) -> str:
    return sha256_hex(path)


def build_plan(candidate: Candidate) -> Path:
    """The plan's file, built where it is not there; whole or not at all.

    EngineError: the network cannot be had in this precision, the backend refuses, disk full.
    """
    folder = candidate.folder
    if not _whole(folder):
        graph = _graph(candidate)
        with explained(cache_dir()), scratch(cache_dir()) as work:
            made = work / "plan"
            made.mkdir()
            plan = candidate.backend.build(graph, plans_dir())
            (made / PLAN).write_bytes(plan)
            (made / _CHECKSUM).write_text(hashlib.sha256(plan).hexdigest(), encoding="utf-8")
            folder.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
            os.replace(made, folder)
    return folder / PLAN


def _whole(folder: Path) -> bool:
    """Whether a plan is there, and as it was built."""
    try:
        return sha256_hex(folder / PLAN) == (folder / _CHECKSUM).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False


def _graph(candidate: Candidate) -> bytes:
    graph = onnx_path(candidate.engine).read_bytes()
    plain = candidate.precision == SAFEST and candidate.backend.as_it_comes
    return graph if plain else _in_precision(candidate.engine, graph, candidate.precision)


def _in_precision(engine: str, graph: bytes, precision: str) -> bytes:
    try:
        precisions: Any = importlib.import_module("engines.convert.precision")
    except ImportError as error:
        raise EngineError(f"{precision} graphs cannot be made here: {error}") from None
    converted: bytes = precisions.convert(engine, graph, precision)
    return converted


def certificates(engine: str) -> Iterator[tuple[Path, Certificate]]:
    """Every readable certificate of a network with its folder; damaged ones are passed over."""
    for folder in sorted((plans_dir() / engine).glob("*")):
        try:
            certificate = read_certificate(folder)
        except EngineError:
            continue
        if certificate is not None:
            yield folder, certificate


def chosen(engine: str) -> tuple[Path, Certificate] | None:
    """The newest certificate of the plan that was chosen on this device, with its folder; None where nothing was.

    A plan of other weights, libraries or power mode is returned too: whether it is trusted is `certificate.judge`'s.
    """
    found = [(folder, c) for folder, c in certificates(engine) if c.chosen == c.candidate]
    return max(found, key=lambda pair: (_is_here(*pair), pair[1].date), default=None)


def _is_here(folder: Path, certificate: Certificate) -> bool:
    one = BACKENDS.get(certificate.backend)
    return one is not None and Candidate(certificate.engine, one, certificate.precision).folder == folder


def certificate_files() -> dict[str, Path]:
    """The certificate of each network's chosen plan, where there is one."""
    found = {engine: chosen(engine) for engine in engines_with_terms()}
    return {engine: pair[0] / FILE for engine, pair in found.items() if pair is not None}


def stored() -> list[Path]:
    """Folders of all plans in the cache."""
    return sorted(path for path in plans_dir().glob("*/*") if path.is_dir())


def stale() -> list[Path]:
    """Folders of plans that nothing on this device would open: other weights, libraries, device or power mode.

    Plans of a network that is not fetched are kept.
    """
    return [folder for folder in stored() if not _wanted(folder)]


def _wanted(folder: Path) -> bool:
    engine = folder.parent.name
    if engine not in engines_with_terms():
        return False
    try:
        return folder in {candidate.folder for candidate in candidates(engine)}
    except EngineError:
        return True


def remove(folders: list[Path]) -> int:
    """Remove these plans; bytes freed. EngineError: not allowed to."""
    freed = 0
    with explained(cache_dir()):
        for folder in folders:
            freed += sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            shutil.rmtree(folder)
    return freed
