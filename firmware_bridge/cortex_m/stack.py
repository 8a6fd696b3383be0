"""Worst-case stack of a linked Cortex-M image, from its machine code: every frame, every call, library code included.

Each function's frame is what its instructions take from the stack pointer (all of them added up, also those on paths
that exclude each other); the worst case is the deepest path through the calls. What cannot be bounded (a call through
a pointer, recursion, a frame that depends on data) is an error, not a guess.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from firmware_bridge.cortex_m.build import run_tool
from firmware_bridge.errors import BridgeError

EXCEPTION_BYTES: Final = 36
"""What an exception pushes without floating point: eight words and one to align (Arm DDI 0403, B1.5.6)."""
LEVELS: Final = (("UartRx_Handler", "UartTx_Handler"), ("SysTick_Handler",), ("Watchdog_Handler",), ("Fault_Handler",))
"""Handlers by priority: those of one level exclude each other, each level can interrupt the ones below."""

_FUNCTION: Final = re.compile(r"^([0-9a-f]+) <([^>]+)>:$")
_LINE: Final = re.compile(r"^\s*[0-9a-f]+:\t(\S+)(?:\t(.*))?$")
_LIST: Final = re.compile(r"\{([^}]*)\}")
_WRITE_BACK: Final = re.compile(r"\[sp, #-(\d+)\]!")
_DOWN: Final = re.compile(r"^(?:sp, )?(?:sp, )?#(\d+)")
_TARGET: Final = re.compile(r"(?:^|, )([0-9a-f]+) <")


@dataclass(slots=True)
class Function:
    """One function of the image: bytes that it takes itself, and the addresses it goes to."""

    name: str
    address: int
    frame: int = 0
    targets: set[int] = field(default_factory=set)
    unbounded: str = ""


@dataclass(frozen=True, slots=True)
class Worst:
    """Deepest stack of the main program and of each interrupt level, in bytes, and the path that is deepest."""

    main: int
    path: tuple[str, ...]
    levels: tuple[int, ...]

    @property
    def total(self) -> int:
        """Main program at its deepest, interrupted by every level at once."""
        return self.main + sum(self.levels)


def functions(elf: Path) -> dict[int, Function]:
    """Every function of the image by its address."""
    found: dict[int, Function] = {}
    current = Function("", 0)
    for line in run_tool("objdump", "-d", "--no-show-raw-insn", str(elf)).splitlines():
        if head := _FUNCTION.match(line):
            current = found.setdefault(int(head[1], 16), Function(head[2], int(head[1], 16)))
        elif instruction := _LINE.match(line):
            _account(current, instruction[1], instruction[2] or "")
    return found


def _account(function: Function, name: str, operands: str) -> None:
    operands = operands.partition("@")[0].strip()
    if name in ("push", "push.w") or (name.startswith("stmdb") and operands.startswith("sp!")):
        registers = _LIST.search(operands)
        function.frame += 4 * len(registers[1].split(",")) if registers else 0
    elif back := _WRITE_BACK.search(operands):
        function.frame += int(back[1])
    elif name.startswith("sub") and operands.startswith("sp"):
        down = _DOWN.match(operands)
        function.frame += int(down[1]) if down else 0
        function.unbounded = function.unbounded or ("" if down else "a frame that depends on data")
    elif name == "blx":
        function.unbounded = "a call through a pointer"
    elif name.startswith("b") and (target := _TARGET.search(operands)):
        function.targets.add(int(target[1], 16))
        if name == "bl" and int(target[1], 16) == function.address:
            function.unbounded = "recursion"


def worst(elf: Path) -> Worst:
    """The deepest stack of an image. Raises BridgeError where it has none."""
    found = functions(elf)
    starts = sorted(found)
    by_name = {function.name: address for address, function in found.items()}
    main, path = _deepest(found, starts, by_name["Reset_Handler"], ())
    levels = []
    for handlers in LEVELS:
        depths = [_deepest(found, starts, by_name[name], ())[0] for name in handlers if name in by_name]
        if depths:
            levels.append(max(depths) + EXCEPTION_BYTES)
    return Worst(main, path, tuple(levels))


def _deepest(
    found: dict[int, Function], starts: list[int], address: int, above: tuple[int, ...]
) -> tuple[int, tuple[str, ...]]:
    function = found[address]
    if function.unbounded:
        raise BridgeError(f"stack of {function.name} cannot be bounded: {function.unbounded}")
    depth, path = 0, tuple[str, ...]()
    for target in function.targets:
        inside = starts[bisect_right(starts, target) - 1]
        if inside == address:
            continue  # a loop, or a branch inside
        if inside in above:
            raise BridgeError(f"stack of {function.name} cannot be bounded: recursion through {found[inside].name}")
        deeper, below = _deepest(found, starts, inside, (*above, address))
        if deeper > depth or not path:
            depth, path = deeper, below
    return function.frame + depth, (function.name, *path)
