"""A mutant: one small change of one source file, named so that a person finds it again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """Replaces `source[start:end]` by `text`; `name` is unique: path:line: before -> after [#nth on the line]."""

    path: str
    line: int
    start: int
    end: int
    text: str
    name: str

    def applied(self, source: str) -> str:
        """The mutated source."""
        return source[: self.start] + self.text + source[self.end :]


def named(path: str, source: str, changes: list[tuple[int, int, str]]) -> list[Mutant]:
    """Mutants of (start, end, text) changes in order of place, each with its unique name."""
    seen: dict[str, int] = {}
    mutants = []
    for start, end, text in sorted(set(changes)):
        line = source.count("\n", 0, start) + 1
        before = " ".join(source[start:end].split())
        name = f"{path}:{line}: {before} -> {' '.join(text.split()) or '(removed)'}"
        seen[name] = seen.get(name, 0) + 1
        suffix = f" #{seen[name]}" if seen[name] > 1 else ""
        mutants.append(Mutant(path, line, start, end, text, name + suffix))
    return mutants
