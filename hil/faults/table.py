"""The table of faults for people and programs, from `kinds.py` alone."""

from __future__ import annotations

from typing import Any

from hil.faults.kind import Choice, Kind, Number, Seam
from hil.faults.kinds import KINDS


def lines() -> list[str]:
    """Every kind with its parameters and what must come of it."""
    out = []
    for name, kind in KINDS.items():
        within = f" within {kind.within_ms:.0f} ms" if kind.within_ms else ""
        out.append(f"{name}: {kind.text}; {kind.reaction.value}{within}; in: {', '.join(_seams(kind))}")
        out += [f"    {key} = {_about(about)}" for key, about in kind.parameters.items()]
    return out


def document() -> dict[str, Any]:
    """The same as one object, by kind."""
    return {
        name: {
            "text": kind.text,
            "reaction": kind.reaction.value,
            "within_ms": kind.within_ms,
            "reasons": list(kind.reasons),
            "seams": _seams(kind),
            "parameters": {key: _about(about) for key, about in kind.parameters.items()},
        }
        for name, kind in KINDS.items()
    }


def _seams(kind: Kind) -> list[str]:
    return [seam.value for seam in Seam if seam in kind.seams]


def _about(about: Number | Choice) -> str:
    if isinstance(about, Choice):
        return " | ".join(about.options)
    return f"{about.default:g} {about.unit}".rstrip() + f" ({about.low:g} to {about.high:g})"
