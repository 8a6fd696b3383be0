"""The box: output, status and files come back, the host stays as it was, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from edge_runtime.errors import UserError
from hil import canbox
from hil.canbox import Box, BoxTimeoutError, Time, run_box
from hil.uml import kernel
from tests.hil.boxes import EXO_EDGE, inside, require_kernel

NOBODY = 65534
SYSTEM_PYTHON = Path(f"/usr/bin/python3.{sys.version_info.minor}")


@pytest.fixture
def box_kernel() -> None:
    require_kernel(Time.REAL)


uml = [pytest.mark.uml, pytest.mark.usefixtures("box_kernel")]


def kernels() -> set[int]:
    """Processes of any box."""
    return {p.pid for p in psutil.process_iter(["cmdline"]) if "rootfstype=hostfs" in (p.info["cmdline"] or [])}


class InBox:
    """All of these boot a kernel."""

    pytestmark = uml


class TestRun(InBox):
    def test_output_and_status_come_back_apart(self) -> None:
        script = "echo out; echo problem >&2; printf '\\0\\377 no newline'; exit 7"
        status, out, err = inside_bytes(Box(["sh", "-c", script]))
        assert (status, out, err) == (7, b"out\n\0\377 no newline", b"problem\n")

    def test_a_killed_command_is_128_and_its_signal(self) -> None:
        assert inside(Box(["sh", "-c", "kill -9 $$"]))[0] == 137

    def test_a_missing_command_is_127(self) -> None:
        status, _, err = inside(Box(["no-such-command"]))
        assert status == 127 and "no-such-command" in err

    def test_the_command_finds_place_variables_arguments_and_interpreter(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place = tmp_path / "a b'c"
        place.mkdir()
        monkeypatch.chdir(place)
        monkeypatch.setenv("EXO_TEST", "it's; $HOME\nhere")
        code = "import os, sys; print(repr((os.getcwd(), os.environ['EXO_TEST'], sys.argv[1:], sys.prefix)))"
        words = ("", "two words", '"quoted"', "$HOME", "*")
        status, out, err = inside(Box([sys.executable, "-c", code, *words]))
        assert status == 0, err
        assert eval(out) == (str(place), "it's; $HOME\nhere", list(words), sys.prefix)

    def test_only_a_writable_folder_is_the_hosts_own(self, tmp_path: Path) -> None:
        kept, lost = tmp_path / "kept", tmp_path / "lost"
        kept.mkdir()
        lost.mkdir()
        (lost / "old").write_text("as it was")
        script = f"echo new > {kept}/file; echo new > {lost}/file; echo changed > {lost}/old; cat {lost}/old"
        status, out, _ = inside(Box(["sh", "-c", script], writable=(kept,)))
        assert (status, out) == (0, "changed\n")
        assert (kept / "file").read_text() == "new\n"
        assert [(p.name, p.read_text()) for p in lost.iterdir()] == [("old", "as it was")]

    def test_interfaces_are_up_and_faulty_as_asked(self) -> None:
        status, out, _ = inside(Box(["sh", "-c", "ip -br link; tc qdisc show"], vcan=2, netem="loss 5%"))
        assert status == 0
        assert [line.split()[0] for line in out.splitlines() if "vcan" in line and "ECHO" in line] == ["vcan0", "vcan1"]
        assert out.count("netem") == out.count("loss 5%") == 2

    def test_virtual_time_is_exact_and_costs_nothing(self) -> None:
        require_kernel(Time.VIRTUAL)
        code = "import time; t = time.monotonic(); time.sleep(1000); print(round(time.monotonic() - t, 3))"
        begun = time.monotonic()
        status, out, err = inside(Box([sys.executable, "-I", "-c", code], time=Time.VIRTUAL, timeout_s=60))
        assert (status, out) == (0, "1000.0\n"), err
        assert time.monotonic() - begun < 60


class TestEnd(InBox):
    def test_time_out(self) -> None:
        before = kernels()
        with pytest.raises(BoxTimeoutError, match="within 1 s"):
            inside(Box(["sleep", "1000"], timeout_s=1))
        assert kernels() == before

    @pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
    def test_nothing_outlives_the_command_line(self, how: signal.Signals, tmp_path: Path) -> None:
        before = kernels()
        words = [*EXO_EDGE, "hil", "box", "--", "sh", "-c", "echo started; exec sleep 1000"]
        environment = os.environ | {"TMPDIR": str(tmp_path)}
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as run:
            assert run.stdout is not None and run.stdout.readline() == "started\n"
            run.send_signal(how)
            _, err = run.communicate(timeout=20)
        assert "Traceback" not in err
        if how is signal.SIGINT:
            assert (run.returncode, err, list(tmp_path.iterdir())) == (1, "exo-edge: stopped\n", [])
        until = time.monotonic() + 10
        while kernels() != before:
            assert time.monotonic() < until, "a kernel lives on"
            time.sleep(0.05)

    def test_the_command_line_says_what_went_wrong_in_one_line(self) -> None:
        for words, status, says in (
            (["--netem", "loss much", "--", "true"], 125, "netem 'loss much': "),
            (["--timeout", "1", "--", "sleep", "9"], 124, "within 1 s"),
            (["--writable", "/nowhere", "--", "true"], 125, "/nowhere does not exist"),
            (["--kernel", "/etc/passwd", "--", "true"], 125, "/etc/passwd is not a program"),
            (["--", "sh", "-c", "exit 3"], 3, ""),
        ):
            done = subprocess.run([*EXO_EDGE, "hil", "box", *words], capture_output=True, text=True, check=False)
            assert done.returncode == status, done.stderr
            assert says in done.stderr and done.stderr.count("\n") == (1 if says else 0)

    def test_an_ordinary_user_can(self, tmp_path: Path) -> None:
        """Without rights: the system's own Python, a cache and a temporary folder of that user."""
        if os.getuid() != 0:
            return  # then all the other tests have shown it
        same = [p for p in (Path(sys.executable), SYSTEM_PYTHON) if p.exists() and _readable_by_all(p.resolve())]
        if not same or not _readable_by_all(Path(canbox.__file__)):
            pytest.skip("an ordinary user cannot read this checkout or its Python")
        found = kernel.find_kernel(None).path
        place = Path("/tmp") / f"exo-edge-nobody-{os.getpid()}"
        place.mkdir()
        try:
            program = place / "linux"
            program.write_bytes(found.read_bytes())
            program.chmod(0o755)
            os.chown(place, NOBODY, NOBODY)
            code = f"import sys; sys.path[:0] = {sys.path!r}\nfrom hil.canbox import Box, run_box\n"
            code += "from pathlib import Path\nsys.exit(run_box(Box(['sh', '-c', 'ip -br link | grep -c vcan0'], "
            code += f"kernel=Path({str(program)!r}))))"
            done = subprocess.run(
                [str(same[0]), "-c", code], user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", check=False,
                env=os.environ | {"TMPDIR": str(place), "HOME": str(place)}, capture_output=True, text=True,
            )  # fmt: skip
            assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr
        finally:
            subprocess.run(["rm", "-rf", str(place)], check=True)


def _readable_by_all(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o005 == 0o005 for parent in path.parents)


def inside_bytes(box: Box) -> tuple[int, bytes, bytes]:
    import io

    out, err = io.BytesIO(), io.BytesIO()
    return run_box(box, out, err), out.getvalue(), err.getvalue()


def test_no_room_for_the_memory_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with pytest.raises(UserError, match="no room for 1000000000 MB") as caught:
        canbox._memory_folder(1_000_000_000)
    assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_kernel_without_virtual_time_is_refused(tmp_path: Path) -> None:
    program = tmp_path / "linux"
    program.write_bytes(b"\177ELF no such option")
    program.chmod(0o755)
    with pytest.raises(UserError, match="has no virtual time"):
        run_box(Box(["true"], kernel=program, time=Time.VIRTUAL))


class TestKernel:
    """Where a kernel is looked for, in order."""

    @pytest.fixture(autouse=True)
    def empty(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("EXO_EDGE_CACHE", str(tmp_path / "cache"))
        monkeypatch.delenv(kernel.VARIABLE, raising=False)
        monkeypatch.setattr(kernel, "BESIDE", tmp_path / "none.xz")

    def program(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\177ELF time-travel=")
        path.chmod(0o755)
        return path

    def test_order(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        cached = self.program(tmp_path / "cache" / "uml" / "linux")
        assert kernel.find_kernel(None).path == cached
        named = self.program(tmp_path / "variable")
        monkeypatch.setenv(kernel.VARIABLE, str(named))
        assert kernel.find_kernel(None).path == named
        assert kernel.find_kernel(self.program(tmp_path / "argument")).path == tmp_path / "argument"
        assert kernel.find_kernel(None).has_virtual_time

    def test_a_file_beside_that_is_not_the_one_we_know(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        import lzma

        other = tmp_path / "other.xz"
        other.write_bytes(lzma.compress(b"another kernel"))
        monkeypatch.setattr(kernel, "BESIDE", other)
        with pytest.raises(UserError, match="sha256 differs"):
            kernel.find_kernel(None)
        assert not (tmp_path / "cache" / "uml" / "linux").exists()

    def test_no_kernel_and_no_way_to_fetch_one(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(UserError, match=r"build one: docs/canbox\.md"):
            kernel.find_kernel(None)

    def test_a_failed_download_is_one_line(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        fake = self.program(tmp_path / "bin" / "apt-get")
        fake.write_text("#!/bin/sh\necho 'E: no network' >&2\nexit 100\n")
        monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
        with pytest.raises(UserError, match="E: no network"):
            kernel.find_kernel(None)

    def test_debians_own_comes_with_its_modules(self, tmp_path: Path) -> None:
        program = self.program(tmp_path / "usr" / "bin" / "linux.uml")
        tree = tmp_path / "usr" / "lib" / "uml" / "modules" / "6.1" / "kernel"
        for name in ("drivers/net/can/vcan.ko", "fs/overlayfs/overlay.ko", "net/can/can.ko"):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).touch()
        modules = [Path(m).name for m in kernel.find_kernel(program).modules]
        assert modules == ["overlay.ko", "can.ko", "vcan.ko,echo=1"]
