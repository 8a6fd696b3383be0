"""Fetching with the real pip from a folder of tiny wheels, and everything that can go wrong on the way."""

from __future__ import annotations

import errno
import hashlib
import http.server
import importlib.util
import io
import json
import os
import shutil
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

import engines.fetch
from engines.cache import cache_dir, os_error_line, write_atomic
from engines.errors import EngineError
from engines.fetch import asset_path, fetch_all, onnx_path
from engines.manifest import Asset, Distribution, Manifest, NpmPackage
from tests.conftest import unavailable

CONTENT = {"walk/gait.bin": b"left right " * 1000, "walk/notes.bin": b"heel toe"}
NAME, VERSION = "exo-edge-test-wheel", "1.2.3"
PACKAGE = "@exo/test-package"


def asset(member: str, content: bytes | None = None) -> Asset:
    digest = hashlib.sha256(CONTENT[member] if content is None else content).hexdigest()
    return Asset(NAME, member, digest, "CC0-1.0")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no package index but the folder tmp_path/wheels."""
    if importlib.util.find_spec("pip") is None:
        unavailable("this environment has no pip")
    folder = tmp_path / "cache"
    monkeypatch.setenv("EXO_EDGE_CACHE", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    use_manifest(monkeypatch, {"gait": asset("walk/gait.bin"), "notes": asset("walk/notes.bin")})
    make_wheel(tmp_path / "wheels")
    return folder


def use_manifest(monkeypatch: pytest.MonkeyPatch, assets: dict[str, Asset]) -> None:
    wheel = Distribution(VERSION, "manylinux_2_28_x86_64", "3.11", "cp", "cp311", 1000)
    package = NpmPackage("3.2.1", 1000)
    manifest = Manifest(
        distributions=MappingProxyType({NAME: wheel}),
        npm=MappingProxyType({PACKAGE: package}),
        assets=MappingProxyType(assets),
        engines=MappingProxyType({}),
    )
    monkeypatch.setattr(engines.fetch, "load_manifest", lambda: manifest)


def make_wheel(folder: Path) -> Path:
    """A wheel for a platform that need not be this one."""
    folder.mkdir(exist_ok=True)
    stem = f"{NAME.replace('-', '_')}-{VERSION}"
    path = folder / f"{stem}-cp311-cp311-manylinux_2_28_x86_64.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in CONTENT.items():
            archive.writestr(member, content)
        archive.writestr(f"{stem}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {VERSION}\n")
        archive.writestr(f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: cp311-cp311-manylinux_2_28_x86_64\n")
        archive.writestr(f"{stem}.dist-info/RECORD", "")
    return path


def leftovers(cache: Path) -> list[Path]:
    """Files that are neither the lock nor an asset under its own name."""
    return [p for p in cache.rglob("*") if p.is_file() and p.name not in (".lock", "gait.bin", "notes.bin")]


def failure() -> str:
    with pytest.raises(EngineError) as error:
        fetch_all()
    assert "\n" not in str(error.value)
    return str(error.value)


def test_fetches_once_and_works_offline_after(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineError, match=r"asset gait is not in .*: run `exo-edge fetch`"):
        asset_path("gait")
    paths = fetch_all(Console(file=io.StringIO()))
    assert paths["gait"].read_bytes() == CONTENT["walk/gait.bin"]
    assert asset_path("notes").read_bytes() == CONTENT["walk/notes.bin"]
    assert leftovers(cache) == []
    monkeypatch.setattr(engines.fetch, "download_wheel", None)  # any use would fail
    monkeypatch.setattr(engines.fetch, "scratch", None)  # nor does it write
    assert fetch_all() == paths


def test_damaged_asset_is_fetched_again(cache: Path) -> None:
    path = fetch_all()["gait"]
    path.write_bytes(b"bits rot")
    fetch_all()
    assert path.read_bytes() == CONTENT["walk/gait.bin"]


def test_goes_on_where_it_broke_off(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = {"gait": asset("walk/gait.bin"), "notes": asset("walk/notes.bin", b"other")}
    use_manifest(monkeypatch, bad)
    assert "notes.bin" in failure()
    stale = cache / "fetch-killed"
    stale.mkdir()
    (stale / "half.whl").write_bytes(b"PK")
    kept = asset_path("gait").stat().st_mtime_ns
    use_manifest(monkeypatch, {"gait": asset("walk/gait.bin"), "notes": asset("walk/notes.bin")})
    fetch_all()
    assert asset_path("gait").stat().st_mtime_ns == kept
    assert leftovers(cache) == []


def test_wrong_checksum_stores_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_manifest(monkeypatch, {"gait": asset("walk/gait.bin", b"other")})
    assert "expected" in failure()
    with pytest.raises(EngineError, match="run `exo-edge fetch`"):
        asset_path("gait")
    assert not list(cache.rglob("gait.bin")) and leftovers(cache) == []


def test_member_missing_from_the_wheel(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_manifest(monkeypatch, {"gait": Asset(NAME, "walk/run.bin", "0" * 64, "CC0-1.0")})
    assert "holds no walk/run.bin" in failure()


def test_no_network(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # the discard port: refused
    assert "no network" in failure()


def test_cache_below_a_file(cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("EXO_EDGE_CACHE", str(tmp_path / "file" / "cache"))
    assert "set EXO_EDGE_CACHE" in failure()


def test_cache_where_nobody_may_write(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXO_EDGE_CACHE", "/sys/exo-edge")
    assert "/sys/exo-edge cannot be written" in failure()


def test_too_little_space_is_said_before_the_download(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = shutil.disk_usage(cache.parent)._replace(free=1999)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    assert f"0 MB free in {cache}" in failure()
    free = free._replace(free=2000)
    fetch_all()


def test_disk_full_leaves_no_half_file(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "disk full" in failure()
    assert not list(cache.rglob("*.bin"))
    assert leftovers(cache) == []


@pytest.mark.parametrize(("number", "says"), [(errno.EROFS, "cannot be written"), (errno.EDQUOT, "disk full")])
def test_os_errors_say_what_to_do(number: int, says: str) -> None:
    line = os_error_line(OSError(number, os.strerror(number)), Path("/cache"))
    assert says in line and "/cache" in line and "EXO_EDGE_CACHE" in line


def test_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/eva")
    monkeypatch.delenv("EXO_EDGE_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_dir() == Path("/home/eva/.cache/exo-edge")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_dir() == Path("/xdg/exo-edge")
    monkeypatch.setenv("EXO_EDGE_CACHE", "/own")
    assert cache_dir() == Path("/own")


def test_missing_network_file_says_to_fetch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EXO_EDGE_CACHE", str(tmp_path))
    with pytest.raises(EngineError, match=r"engine pose_landmark is not in .*: run `exo-edge fetch`"):
        onnx_path("pose_landmark")


@given(first=st.binary(max_size=100), second=st.binary(max_size=100))
def test_atomic_write_replaces_whole_files(
    tmp_path_factory: pytest.TempPathFactory, first: bytes, second: bytes
) -> None:
    path = tmp_path_factory.mktemp("atomic") / "deep" / "file"
    write_atomic(path, first)
    write_atomic(path, second)
    assert path.read_bytes() == second
    assert list(path.parent.iterdir()) == [path]


class Registry(http.server.BaseHTTPRequestHandler):
    """An npm registry with one package of one file."""

    tarball = b""

    def do_GET(self) -> None:
        if self.path.endswith(".tgz"):
            self._send(self.tarball, "application/octet-stream")
            return
        assert self.path.lower() in ("/@exo%2ftest-package", "/@exo/test-package")
        host = self.headers["Host"]
        dist = {"tarball": f"http://{host}/test-package-3.2.1.tgz", "shasum": hashlib.sha1(self.tarball).hexdigest()}
        version = {"name": PACKAGE, "version": "3.2.1", "dist": dist}
        self._send(json.dumps({"name": PACKAGE, "versions": {"3.2.1": version}}).encode(), "application/json")

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None: ...


@pytest.fixture
def registry(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The registry that npm is told to use; the manifest asks it for one file."""
    if shutil.which("npm") is None:
        unavailable("npm is not installed")
    buffer, content = io.BytesIO(), CONTENT["walk/notes.bin"]
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in (("package/notes.bin", content), ("package/package.json", b'{"name":"x","version":"3.2.1"}')):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    Registry.tarball = buffer.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    use_manifest(monkeypatch, {"notes": Asset(PACKAGE, "package/notes.bin", digest, "CC0-1.0")})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("npm_config_userconfig", os.devnull)
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    yield
    server.shutdown()
    server.server_close()


def test_takes_a_file_out_of_an_npm_package(cache: Path, registry: None) -> None:
    assert fetch_all()["notes"].read_bytes() == CONTENT["walk/notes.bin"]
    assert leftovers(cache) == []


def test_npm_without_a_network_is_one_line(cache: Path, registry: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    line = failure()
    assert PACKAGE in line and "no network" in line


def test_without_npm_its_packages_are_left_out(cache: Path, registry: None, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = hashlib.sha256(CONTENT["walk/gait.bin"]).hexdigest()
    both = {"gait": asset("walk/gait.bin"), "notes": Asset(PACKAGE, "package/notes.bin", digest, "CC0-1.0")}
    use_manifest(monkeypatch, both)
    monkeypatch.setattr(engines.fetch, "has_npm", lambda: False)
    assert set(fetch_all()) == {"gait"}
    with pytest.raises(EngineError, match="run `exo-edge fetch`"):
        asset_path("notes")
