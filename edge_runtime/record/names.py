"""Names behind the numeric codes in a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edge_runtime.types import F64


@dataclass(frozen=True, slots=True)
class Names:
    """What the codes of a record mean: each tuple is indexed by the code.

    `states`: `governor_state`; `governor_reasons`: `governor_reason`; `limiter_reasons`: `limiter_r/l`;
    `estimate_reasons`: `reason` of an estimate. A code past the end of its tuple reads as "code N".
    """

    states: tuple[str, ...]
    limiter_reasons: tuple[str, ...]
    estimate_reasons: tuple[str, ...]
    governor_reasons: tuple[str, ...] = ()


def by_code(codes: Mapping[str, int]) -> tuple[str, ...]:
    """Names in the order of their codes, for `Names`, out of a table that maps each name to its code."""
    names = {code: name for name, code in codes.items()}
    return tuple(names.get(code, f"code {code}") for code in range(max(names, default=-1) + 1))


def name_of(names: tuple[str, ...], code: int) -> str:
    """The name of `code`, "code N" where the tuple does not reach that far."""
    return names[code] or "none" if 0 <= code < len(names) else f"code {code}"


def count_by_name(codes: F64, names: tuple[str, ...]) -> dict[str, int]:
    """How often each code occurs in `codes` [n] (NaN left out), by name, in order of the code."""
    found, counts = np.unique(codes[np.isfinite(codes)].astype(np.int64), return_counts=True)
    result: dict[str, int] = {}
    for code, count in zip(found.tolist(), counts.tolist(), strict=True):
        name = name_of(names, code)
        result[name] = result.get(name, 0) + count
    return result


def is_state(codes: F64, names: tuple[str, ...], state: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """[n] bool: where `codes` [n] means `state`; nowhere if the tuple does not hold that name."""
    if state not in names:
        return np.zeros(codes.shape[0], dtype=np.bool_)
    result: np.ndarray[tuple[int], np.dtype[np.bool_]] = codes == float(names.index(state))
    return result
