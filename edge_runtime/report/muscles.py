"""Groups the 40 muscles of a leg by what they do at hip, knee and ankle."""

from __future__ import annotations

from typing import Final

GROUPS: Final = {
    "hip flexors": ("iliacus", "psoas", "sart", "tfl"),
    "hip extensors": ("glmax1", "glmax2", "glmax3"),
    "hip abductors": ("glmed1", "glmed2", "glmed3", "glmin1", "glmin2", "glmin3", "piri"),
    "hip adductors": ("addbrev", "addlong", "addmagProx", "addmagMid", "addmagDist", "addmagIsch", "grac"),
    "knee extensors": ("recfem", "vasint", "vaslat", "vasmed"),
    "knee flexors": ("bflh", "bfsh", "semimem", "semiten"),
    "plantarflexors": ("gaslat", "gasmed", "soleus", "tibpost", "perbrev", "perlong", "fdl", "fhl"),
    "dorsiflexors": ("tibant", "edl", "ehl"),
}
"""Main action of each muscle; names of Rajagopal et al. 2016, IEEE Trans Biomed Eng 63, as in MyoLegs."""


def group_of(base: str) -> str:
    """Group of a muscle without its side suffix; "other" if it is not listed."""
    return next((group for group, members in GROUPS.items() if base in members), "other")


def by_group(muscles: tuple[str, ...], side: str) -> list[tuple[str, str]]:
    """(group, muscle) of one side in the order of `GROUPS`, then "other"; `side` is r or l."""
    order = [*GROUPS, "other"]
    members = {name: i for i, name in enumerate(m for group in GROUPS.values() for m in group)}
    mine = [name.removesuffix(f"_{side}") for name in muscles if name.endswith(f"_{side}")]
    mine.sort(key=lambda base: (order.index(group_of(base)), members.get(base, 0), base))
    return [(group_of(base), f"{base}_{side}") for base in mine]
