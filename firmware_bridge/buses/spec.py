"""The text that names a bus: `KIND:TARGET`, with options as `?key=value&key=value` where the kind has any."""

from __future__ import annotations

from collections.abc import Mapping

from firmware_bridge.errors import BridgeError


def parse_options(spec: str, target: str, known: Mapping[str, tuple[str, ...]] | None) -> tuple[str, dict[str, str]]:
    """Split `target` (`spec` without its kind) from its options, each key once, each value one of `known`.

    `known` None takes any key. Raises BridgeError with one line that names `spec`.
    """
    name, mark, text = target.partition("?")
    options: dict[str, str] = {}
    for part in text.split("&") if mark else []:
        key, equals, value = part.partition("=")
        if not key or not equals or not value or key in options:
            raise BridgeError(f"bus {spec}: options are written ?key=value&key=value, each once; got {part!r}")
        if known is not None and value not in known.get(key, ()):
            allowed = ", ".join(f"{name}={'|'.join(values)}" for name, values in known.items())
            raise BridgeError(f"bus {spec}: unknown option {part}; known: {allowed}")
        options[key] = value
    return name, options
