"""Drives files to start from, one per kind."""

from __future__ import annotations

from pathlib import Path


def example_files() -> list[Path]:
    """The files, in order of their kinds' names."""
    return sorted(Path(__file__).parent.glob("*.toml"))
