"""All mutants of the C governor in one program: each function becomes a choice between itself and its mutants.

Compiling once instead of a thousand times is what makes mutation testing quick. The program takes a tape and the number
of the mutant that is to be active (0: none). Mutants outside of functions (values of #define) are built one by one.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.assurance.mutant import Mutant
from tests.assurance.mutate_c import FUNCTION

ERROR: Final = re.compile(r"^(?P<file>[^:\n]+):(?P<line>\d+):(?:\d+:)? (?:fatal )?error:", re.MULTILINE)
CHOICE: Final = "extern int active_mutant;\n"


@dataclass(slots=True)
class Program:
    """The sources with their choices, the mutant of each line of a clone, and where each mutant's number leads."""

    folder: Path
    numbers: dict[str, int]
    clones: dict[tuple[str, int], str]


def build(governor: Path, folder: Path, mutants: Sequence[Mutant], command: Sequence[str]) -> dict[str, int]:
    """Write and compile the program in `folder`; returns the number of each mutant that compiled.

    `command` is the compiler's line up to the sources. Raises CalledProcessError where the code does not compile.
    """
    alive = list(mutants)
    while True:
        program = _write(governor, folder, alive)
        sources = [str(path) for path in sorted(folder.glob("*.c"))]
        done = subprocess.run([*command, *sources], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return program.numbers
        guilty = {
            program.clones.get((Path(match["file"]).name, int(match["line"])), "")
            for match in ERROR.finditer(done.stderr)
        }
        if not guilty - {""}:
            raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
        alive = [mutant for mutant in alive if mutant.name not in guilty]


def inside_functions(source: str, mutants: Sequence[Mutant]) -> list[Mutant]:
    """Mutants that lie in the body of a function."""
    spans = [(match.end("parameters"), match.end()) for match in FUNCTION.finditer(source)]
    return [mutant for mutant in mutants if any(a <= mutant.start and mutant.end <= b for a, b in spans)]


def _write(governor: Path, folder: Path, mutants: Sequence[Mutant]) -> Program:
    program = Program(folder, {}, {})
    for path in sorted(governor.glob("*.[ch]")):
        own = [mutant for mutant in mutants if Path(mutant.path).name == path.name]
        text = _with_choices(path.name, path.read_text(encoding="utf-8"), own, program)
        (folder / path.name).write_text(text, encoding="utf-8")
    return program


def _with_choices(file: str, source: str, mutants: Sequence[Mutant], program: Program) -> str:
    text, done = CHOICE if mutants else "", 0
    for match in FUNCTION.finditer(source):
        own = [m for m in mutants if match.end("parameters") <= m.start and m.end <= match.end()]
        if not own:
            continue
        text += source[done : match.start()]
        done = match.end()
        text += _declaration(match) + _renamed(match, match.group(), 0)
        for mutant in own:
            number = program.numbers.setdefault(mutant.name, len(program.numbers) + 1)
            body = source[match.start() : mutant.start] + mutant.text + source[mutant.end : match.end()]
            first = text.count("\n") + 1
            text += _renamed(match, body, number)
            for line in range(first, text.count("\n") + 1):
                program.clones[(file, line)] = mutant.name
        text += _chooser(match, [program.numbers[mutant.name] for mutant in own])
    return text + source[done:]


def _declaration(match: re.Match[str]) -> str:
    return f"{match['head']}{match['name']}({match['parameters']});\n"


def _renamed(match: re.Match[str], text: str, number: int) -> str:
    """The function's text under the name of one of its variants; always static."""
    offset = match.start("name") - match.start()
    head = text[:offset] if text.startswith("static") else "static " + text[:offset]
    return f"{head}{match['name']}__{number}{text[offset + len(match['name']) :]}\n"


def _chooser(match: re.Match[str], numbers: Sequence[int]) -> str:
    arguments = ", ".join(_names(match["parameters"]))
    keyword = "" if match["head"].replace("static ", "").startswith("void ") else "return "
    cases = "".join(
        f"case {number}: {keyword}{match['name']}__{number}({arguments}); break;\n" for number in (*numbers, 0)
    ).replace("case 0:", "default:")
    return f"{match['head']}{match['name']}({match['parameters']})\n{{\nswitch (active_mutant) {{\n{cases}}}\n}}"


def _names(parameters: str) -> list[str]:
    if parameters.strip() == "void":
        return []
    return [re.sub(r"\[.*?\]", "", one).split()[-1].lstrip("*") for one in parameters.split(",")]
