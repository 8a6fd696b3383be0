"""The firmware image: what it takes of flash, RAM and stack, by figures that two tools agree on."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from firmware_bridge.cortex_m import build as building
from firmware_bridge.cortex_m.bench import Bench
from firmware_bridge.cortex_m.build import FOLDER, Cpu, Image, Program, build, run_tool
from firmware_bridge.cortex_m.emulator import Emulator
from firmware_bridge.cortex_m.exercise import exercise
from firmware_bridge.cortex_m.stack import functions, worst
from firmware_bridge.errors import BridgeError
from tests.firmware_bridge.harness import PROFILE_HASH
from tests.firmware_bridge.twin import need

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ("-mcpu=cortex-m4", "-mthumb", "-Os", "-nostdlib", "-Wl,-e,Reset_Handler", "-Wl,-Ttext=0")


@pytest.fixture(params=Cpu, ids=[cpu.value for cpu in Cpu])
def image(request: pytest.FixtureRequest, build_dir: Path) -> Image:
    need()
    return build(build_dir, cpu=request.param, profile_hash=PROFILE_HASH)


def test_it_fits_a_small_controller(image: Image) -> None:
    sizes = image.sizes()
    assert 4_000 < sizes.governor_flash < sizes.flash < 16_384
    assert 500 < sizes.governor_ram < sizes.ram < 8_192
    assert worst(image.elf).total <= sizes.stack_reserved


def test_frames_agree_with_the_compiler(image: Image) -> None:
    """Each frame read from the machine code is what -fstack-usage says of that function."""
    found = {function.name: function.frame for function in functions(image.elf).values()}
    compared = 0
    for usage in image.objects.glob("*.su"):
        for line in usage.read_text(encoding="ascii").splitlines():
            place, size, kind = line.split("\t")
            name = place.rpartition(":")[2]
            assert kind == "static"
            if name in found:
                assert found[name] == int(size), name
                compared += 1
    assert compared > 40


def test_library_code_is_counted(image: Image) -> None:
    deepest = worst(image.elf)
    assert deepest.path[:2] == ("Reset_Handler", "main")
    assert any(name.startswith("__aeabi_") for name in deepest.path)


def test_the_painted_stack_stays_below_the_worst_case(build_dir: Path) -> None:
    need()
    image = build(build_dir, profile_hash=PROFILE_HASH)
    with Emulator.on_socket(image.elf) as emulator:
        report = exercise(Bench(emulator.line), PROFILE_HASH)
    assert 150 < report.stack_used <= worst(image.elf).total
    assert (report.uart_overruns, report.refused, report.dropped) == (0, 0, 0)


def test_an_image_for_somebody_else_says_so(build_dir: Path) -> None:
    need()
    with Emulator.on_socket(build(build_dir, profile_hash=1).elf) as emulator:
        bench = Bench(emulator.line)
        with pytest.raises(BridgeError, match=r"IDLE \(profile_hash\) instead of READY"):
            exercise(bench, PROFILE_HASH)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("extern int deep(int); int again(int n) { return n ? 1 + again(n - 1) * n : 0; }", "recursion"),
        ("int (*volatile to)(int); int again(int n) { return 1 + to(n); }", "call through a pointer"),
        (
            "void use(char *); int again(int n) { char b[n]; use(b); return b[0]; } void use(char *b) { *b = 1; }",
            "data",
        ),
    ],
)
def test_what_cannot_be_bounded_is_an_error(tmp_path: Path, body: str, says: str) -> None:
    need()
    source = tmp_path / "x.c"
    source.write_text(
        f"__attribute__((noinline)) {body}\nvolatile int k; void Reset_Handler(void) {{ k = again(k); }}\n"
    )
    run_tool("gcc", *FLAGS, "-fno-optimize-sibling-calls", str(source), "-o", str(tmp_path / "x.elf"))
    with pytest.raises(BridgeError, match=says):
        worst(tmp_path / "x.elf")


def test_the_governor_needs_string_h_alone() -> None:
    """And its objects are those of the firmware image: the replay links the same."""
    need()
    for path in building.GOVERNOR.glob("*.[ch]"):
        own = {header.name for header in building.GOVERNOR.glob("*.h")} | {"string.h", "stdint.h"}
        lines = path.read_text(encoding="utf-8").splitlines()
        assert {line.split()[1].strip('<>"') for line in lines if line.startswith("#include")} <= own
    assert set(Program.REPLAY.value) & set(Program.FIRMWARE.value) == {"startup.c"}


def command(*arguments: str) -> str:
    words = [sys.executable, "-m", "edge_runtime", "can", "firmware", *arguments]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120).stdout


def test_the_command_prints_it(tmp_path: Path) -> None:
    need()
    result = json.loads(command("--json", "--out", str(tmp_path / "image.elf")))
    m4, m0 = result["images"]["cortex-m4"], result["images"]["cortex-m0plus"]
    assert 0 < m4["stack_measured"] <= m4["stack_worst"] and m0["stack_measured"] is None
    assert (tmp_path / "image.elf").read_bytes()[:4] == b"\x7fELF"
    assert "stack, worst" in command()


def test_the_page_is_not_far_off(image: Image) -> None:
    """Compilers differ a little; a page that is a quarter off is stale: `exo-edge can firmware` has the numbers."""
    text = (ROOT / "docs/cortex-m.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([a-zA-Z, ]+) \| (\d+) \| (\d+) \|$", text, re.MULTILINE)
    column = list(Cpu).index(image.cpu)
    said = [int(row[1 + column]) for row in rows]
    sizes = image.sizes()
    built = [sizes.flash, sizes.governor_flash, sizes.ram, sizes.governor_ram, worst(image.elf).total]
    assert said == pytest.approx(built, rel=0.25)


def test_missing_tools_are_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(BridgeError, match="apt install gcc-arm-none-eabi"):
        build(tmp_path)
    with pytest.raises(BridgeError, match="apt install qemu-system-arm"):
        Emulator.on_socket(tmp_path / "none")


def test_a_stale_build_is_not_used(build_dir: Path, tmp_path: Path) -> None:
    need()
    first = build(build_dir)
    assert build(build_dir) == first
    assert build(build_dir, profile_hash=7).elf != first.elf
    assert not list(build_dir.glob(".compiling-*"))


def test_the_example_main_is_short_and_free_of_hardware() -> None:
    text = (FOLDER / "main.c").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 70
    assert "0x4000" not in text and "volatile" not in text
    assert (
        subprocess.run(["grep", "-c", "bench", str(FOLDER / "main.c")], capture_output=True, check=False).stdout
        == b"0\n"
    )
