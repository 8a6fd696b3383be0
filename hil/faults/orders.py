"""Which order to the simulated firmware a fault is, if it is one: kinds of the bus, the encoders and its clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from firmware_bridge.simulator.faults import Order
from hil.faults.model import Fault

_JOINTS: Final = {"right": 1.0, "left": 2.0, "both": 3.0}
_DIRECTIONS: Final = {"to_governor": 1.0, "to_host": 2.0, "both": 3.0}


class Wanted(NamedTuple):
    """An order and its values."""

    order: Order
    values: tuple[float, ...]


def _joints(f: Fault) -> float:
    return _JOINTS[f.choice("joint")]


def _direction(f: Fault) -> float:
    return _DIRECTIONS[f.choice("direction")]


def _clock(f: Fault) -> Wanted:
    """The host's leap is the firmware's clock falling back behind it: only their distance shows on the wire."""
    sign = 1.0 if f.choice("side") == "firmware" else -1.0
    return Wanted(Order.CLOCK, (sign * f.number("leap"),))


_MAKE: Final[Mapping[str, Callable[[Fault], Wanted]]] = {
    "can_loss": lambda f: Wanted(Order.LOSS, (f.number("probability"), _direction(f))),
    "can_duplicate": lambda f: Wanted(Order.DUPLICATE, (f.number("probability"), _direction(f), f.number("copies"))),
    "can_corrupt": lambda f: Wanted(Order.CORRUPT, (f.number("probability"), _direction(f), f.number("bits"))),
    "can_delay": lambda f: Wanted(Order.DELAY, (f.number("delay"), _direction(f), f.number("jitter"))),
    "can_bus_off": lambda f: Wanted(Order.BUS_OFF, (float(f.choice("side") == "host"),)),
    "can_babble": lambda f: Wanted(Order.BABBLE, (f.number("frames"), f.number("can_id"))),
    "can_swapped": lambda f: Wanted(Order.SWAP, (_direction(f),)),
    "encoder_off": lambda f: Wanted(Order.ENCODER_OFF, (_joints(f),)),
    "encoder_stuck": lambda f: Wanted(Order.ENCODER_STUCK, (_joints(f),)),
    "encoder_offset": lambda f: Wanted(Order.ENCODER_OFFSET, (_joints(f), f.number("offset"))),
    "encoder_noise": lambda f: Wanted(Order.ENCODER_NOISE, (_joints(f), f.number("sd"))),
    "encoder_delayed": lambda f: Wanted(Order.ENCODER_DELAY, (_joints(f), f.number("delay"))),
    "clock_jump": _clock,
}


def firmware_order(fault: Fault) -> Wanted | None:
    """The order that makes the simulated firmware suffer `fault`; None where it is not the firmware that does."""
    make = _MAKE.get(fault.kind)
    return None if make is None else make(fault)


def duration_ns(fault: Fault) -> int:
    """How long the order holds; a clock that has leapt does not leap back."""
    return 0 if fault.kind == "clock_jump" else round(fault.duration_s * 1e9)
