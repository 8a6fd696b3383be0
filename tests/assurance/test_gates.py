"""The gates of the safety code: coverage, mutants, differential fuzzing, libFuzzer with a planted fault."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from tests.assurance import coverage_gate, fuzz, mutate
from tests.assurance.killers import GOVERNOR
from tests.conftest import unavailable

HERE: Final = Path(__file__).parent
SANITIZE: Final = ("-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=undefined")
FUZZ_S: Final = 30
MUTATION_S: Final = 150.0
FRAMES: Final = 1_000_000
PLANTED: Final = {
    "no slew limit": ("rules.c", "return smaller(larger(to, low), high);", "return to + 0 * (low + high);"),
    "no torque limit": (
        "governor.c",
        "(int32_t)larger(smaller(config->torque_cnm[i], j->limits.torque_cnm), 0);",
        "(int32_t)larger(smaller(config->torque_cnm[i], j->limits.torque_cnm), 0) + 500;",
    ),
    "queue overflow": ("receive.c", "if (j->queued == GOV_QUEUE)", "if (j->queued == GOV_QUEUE + 9)"),
    "SAFE not latched": ("governor.c", "now_us - g->safe_since_us < EXO_CLEAR_AFTER_US", "0"),
}


def need(*tools: str) -> None:
    """Skip, or fail in CI, where a tool is missing."""
    for tool in tools:
        if shutil.which(tool) is None:
            unavailable(f"{tool} is not installed")


def test_every_line_and_branch_of_the_governor_is_run() -> None:
    need("gcc", "gcov")
    counts, gaps = coverage_gate.c_gaps()
    assert gaps == []
    assert counts["branches"] > 250


def test_every_line_and_branch_of_limiter_states_and_wire_is_run() -> None:
    counts, gaps = coverage_gate.python_gaps()
    assert gaps == []
    assert counts["branches"] > 50


def result(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The JSON object that a tool printed."""
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.timeout(600)
def test_no_mutant_of_what_changed_survives(capsys: pytest.CaptureFixture[str]) -> None:
    need("gcc")
    status = mutate.main(["--changed", "--budget-s", str(MUTATION_S)])
    found = result(capsys)
    assert (status, found["survived"]) == (0, [])
    assert found["equivalents_listed"] <= mutate.EQUIVALENTS_MAX


@pytest.mark.timeout(600)
def test_limiter_governor_and_codec_never_disagree(capsys: pytest.CaptureFixture[str]) -> None:
    need("gcc")
    status = fuzz.main(["--frames", str(FRAMES)])
    found = result(capsys)
    names = (
        "host_accepted_governor_rejected",
        "illegal_accepted",
        "legal_rejected",
        "outputs_differ",
        "decode_differs",
    )
    assert {name: found[name] for name in names} == dict.fromkeys(names, 0)
    assert status == 0
    assert found["frames"] >= FRAMES
    assert found["illegal_by_reference"] > FRAMES / 100


def harness(folder: Path, sources: Path) -> Path:
    """The libFuzzer harness for the governor in `sources`."""
    need("clang")
    program = folder / "fuzz_governor"
    files = [*map(str, sorted(sources.glob("*.c"))), str(HERE / "fuzz_governor.c")]
    line = ["clang", "-std=c99", "-g", "-O1", *SANITIZE, f"-I{sources}", *files, "-o", str(program)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if "libclang_rt" in done.stderr:
        unavailable("the sanitizers of clang are not installed (Debian: libclang-rt-14-dev)")
    assert done.returncode == 0, done.stderr
    return program


def seeds(folder: Path) -> Path:
    """Inputs to start from: armed and walking, frames that wait, a tight profile, SAFE and a request to clear."""
    armed, tight = bytes([1, 0, 2, 0, 0, 0, 0, 0]), bytes([1, 0, 3, 225, 0, 0, 0, 0])
    walk, waiting = bytes([0, 31, 3, 17, 0, 1, 0, 0]), bytes([0, 31, 3, 17, 49, 2, 0, 0])
    more, step = bytes([2, 0, 10, 0, 2, 0, 0, 0]), bytes([7, 255, 0, 0, 0, 0, 0, 0])
    ask_safe = bytes([1, 0, 0, 0, 3, 20, 17, 0])
    calm, clear = bytes([3, 2, 0, 0, 0, 0, 0, 0]), bytes([3, 2, 0, 0, 0, 1, 0, 0])
    leaving = armed + walk + ask_safe + 10 * step + calm + clear + step
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, data in enumerate((armed + 4 * walk, armed + waiting, tight + walk + more + step, leaving)):
        (corpus / str(number)).write_bytes(data)
    return corpus


def fuzzed(program: Path, seconds: int) -> subprocess.CompletedProcess[str]:
    """Run the harness; nothing is left behind."""
    line = [
        str(program),
        "-seed=1",
        f"-max_total_time={seconds}",
        "-max_len=2048",
        f"-artifact_prefix={program.parent}/",
        str(seeds(program.parent)),
    ]
    return subprocess.run(line, cwd=program.parent, capture_output=True, text=True, check=False)


@pytest.mark.timeout(300)
def test_libfuzzer_with_sanitizers_finds_nothing(tmp_path: Path) -> None:
    done = fuzzed(harness(tmp_path, GOVERNOR), FUZZ_S)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", list(PLANTED))
def test_libfuzzer_finds_a_planted_fault(tmp_path: Path, fault: str) -> None:
    file, before, after = PLANTED[fault]
    sources = tmp_path / "governor"
    shutil.copytree(GOVERNOR, sources, ignore=shutil.ignore_patterns("*.md"))
    text = (sources / file).read_text(encoding="utf-8")
    assert text.count(before) == 1
    (sources / file).write_text(text.replace(before, after), encoding="utf-8")
    done = fuzzed(harness(tmp_path, sources), 120)
    assert done.returncode != 0
    assert "invariant broken" in done.stderr or "AddressSanitizer" in done.stderr or "runtime error" in done.stderr
