"""Reads TOML tables into frozen dataclasses; every mistake is one line that names the key and the file."""

from __future__ import annotations

import dataclasses
import math
import tomllib
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from edge_runtime.errors import UserError

_T = TypeVar("_T")


def within(low: float, high: float) -> dict[str, Any]:
    """Metadata of a field that holds numbers from `low` to `high`."""
    return {"low": low, "high": high}


def one_of(*choices: str) -> dict[str, Any]:
    """Metadata of a field that holds one of these words."""
    return {"choices": choices}


def load_toml(path: Path) -> dict[str, Any]:
    """The file's tables. Raises UserError where it cannot be read or is not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); see exo-edge hil list") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{path}: not valid TOML ({error}); mend that line") from None


def build(cls: type[_T], raw: Any, path: Path, prefix: str = "") -> _T:
    """An instance of dataclass `cls` from a table. Unknown, missing and wrong keys raise UserError."""
    return cls(**values_of(cls, raw, path, prefix))


def values_of(cls: type[Any], raw: Any, path: Path, prefix: str = "", besides: tuple[str, ...] = ()) -> dict[str, Any]:
    """What `build` would make the dataclass of; fields named in `besides` are left to the caller."""
    if not isinstance(raw, dict):
        raise UserError(f"{path}: `{prefix.rstrip('.')}` must be a table")
    known = {f.name: f for f in dataclasses.fields(cls) if f.name not in besides}
    if unknown := sorted(raw.keys() - known.keys()):
        raise UserError(f"{path}: unknown key `{prefix}{unknown[0]}`; known keys are {', '.join(sorted(known))}")
    hints = get_type_hints(cls)
    values = {}
    for name, field in known.items():
        if name in raw:
            values[name] = _value(hints[name], field.metadata, raw[name], path, prefix + name)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise UserError(f"{path}: key `{prefix}{name}` is missing; add it")
    return values


def _value(kind: Any, rule: Any, raw: Any, path: Path, name: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return build(kind, raw, path, name + ".")  # type: ignore[arg-type]
    if get_origin(kind) is tuple:
        return _row(kind, rule, raw, path, name)
    if type(None) in get_args(kind):
        kind = next(member for member in get_args(kind) if member is not type(None))
    if kind is str:
        return _word(rule, raw, path, name)
    return number(raw, kind, rule.get("low", -math.inf), rule.get("high", math.inf), path, name)


def _row(kind: Any, rule: Any, raw: Any, path: Path, name: str) -> Any:
    members = get_args(kind)
    if not isinstance(raw, list):
        raise UserError(f"{path}: `{name}` must be a list")
    if members[-1] is not Ellipsis and len(raw) != len(members):
        raise UserError(f"{path}: `{name}` must have {len(members)} entries, has {len(raw)}")
    return tuple(_value(members[0], rule, item, path, f"{name}[{i}]") for i, item in enumerate(raw))


def _word(rule: Any, raw: Any, path: Path, name: str) -> str:
    if not isinstance(raw, str):
        raise UserError(f"{path}: `{name}` must be a text, got {raw!r}")
    choices = rule.get("choices")
    if choices and raw not in choices:
        raise UserError(f"{path}: `{name}` must be one of {', '.join(choices)}, got {raw!r}")
    return raw


def number(raw: Any, kind: Any, low: float, high: float, path: Path, name: str) -> Any:
    """`raw` as a finite float (or int, where `kind` says so) from `low` to `high`."""
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        raise UserError(f"{path}: `{name}` must be a finite number, got {raw!r}")
    if not low <= raw <= high:
        raise UserError(f"{path}: `{name}` = {raw:g} is outside {low:g} to {high:g}")
    if kind is int and raw != int(raw):
        raise UserError(f"{path}: `{name}` must be a whole number, got {raw:g}")
    return int(raw) if kind is int else float(raw)
