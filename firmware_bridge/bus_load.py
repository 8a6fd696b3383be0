"""Worst-case load of a CAN bus from the limits table, and the longest time each frame waits for the wire.

Bit counts are upper bounds with every stuff bit that the rules allow. Classic frames: R. Davis, A. Burns, R. Bril,
J. Lukkien, "Controller Area Network (CAN) schedulability analysis: Refuted, revisited and revised", Real-Time Systems
35 (2007), equation (1). CAN FD frames: counted from the base frame format of ISO 11898-1:2015, see `fd_bits`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from firmware_bridge.cobs import PACKET_MAX
from firmware_bridge.schema import Table

LOAD_MAX: Final = 0.70  # design rule: above, a burst of error frames and repeats no longer fits
FD_DATA_BITRATE: Final = 5_000_000  # bit/s, for suggestions: common transceivers reach it (ISO 11898-2:2016)
_DATA_BYTES: Final = 8  # of every message of the table
_NS_PER_S: Final = 1_000_000_000
_NS_PER_MS: Final = 1_000_000
_BAUDS: Final = (115_200, 230_400, 460_800, 921_600, 1_500_000, 3_000_000)  # usual ones of Linux' termios
_BITS_PER_BYTE: Final = 10  # on a serial line: start, 8 data, stop
_FD_CRC17_BYTES_MAX: Final = 16  # longer frames carry the 21-bit CRC
_SHARED: Final = "all"  # the can_id key of messages that are not per joint


@dataclass(frozen=True, slots=True)
class Rates:
    """Bit rates of a bus in bit/s; `data` None: classic CAN."""

    nominal: int
    data: int | None = None

    def __str__(self) -> str:
        if self.data is None:
            return f"{self.nominal / 1e6:g} Mbit/s"
        return f"CAN FD {self.nominal / 1e6:g}/{self.data / 1e6:g} Mbit/s"


@dataclass(frozen=True, slots=True)
class Baud:
    """Rate of a serial line in bit/s, the same in either direction."""

    baud: int

    def __str__(self) -> str:
        return f"{self.baud} baud"


@dataclass(frozen=True, slots=True)
class Stream:
    """One periodic message of a bus; a lower id wins the wire. `sender` names its direction on a serial line."""

    name: str
    joint: str
    can_id: int
    period_ns: int
    sender: str = ""


@dataclass(frozen=True, slots=True)
class StreamLoad:
    """What a stream costs: `wire_us` one frame, `load` its share of the bus, `latency_ms` the longest time from queued
    to received; None where the bus is so full that there is no bound."""

    stream: Stream
    wire_us: float
    load: float
    latency_ms: float | None


@dataclass(frozen=True, slots=True)
class BusLoad:
    """All streams of one bus, highest priority first, and their sum (1.0 is a full bus; of the busier direction
    where there are two)."""

    rates: Rates | Baud
    streams: tuple[StreamLoad, ...]
    total: float


@dataclass(frozen=True, slots=True)
class Remedy:
    """A way to less load: what to do, and the load that it leaves on the fullest bus."""

    what: str
    total: float


def classic_bits(data_bytes: int) -> int:
    """Bits of a classic frame with an 11-bit id, 0..8 data bytes, worst stuffing, and the interframe space."""
    stuffed = 34 + 8 * data_bytes  # SOF to CRC: what the stuffing rule covers
    return stuffed + 13 + (stuffed - 1) // 4


def fd_bits(data_bytes: int) -> tuple[int, int]:
    """Bits of a CAN FD base frame at the nominal and at the data rate, worst stuffing, and the interframe space.

    Nominal: SOF, id 11, RRS, IDE, FDF, res, BRS = 17, with (17 - 1) // 4 stuff bits; CRC delimiter, ACK, its
    delimiter, EOF 7, IFS 3 = 13. Data rate: ESI, DLC 4, data, with the remaining stuff bits; stuff count 4 and
    CRC 17 or 21 with a fixed stuff bit before them and after every fourth bit.
    """
    before_data = 17
    stuffed = before_data + 5 + 8 * data_bytes
    nominal_stuff = (before_data - 1) // 4
    checksum = 4 + (17 if data_bytes <= _FD_CRC17_BYTES_MAX else 21)
    data = 5 + 8 * data_bytes + (stuffed - 1) // 4 - nominal_stuff + checksum + 1 + checksum // 4
    return before_data + nominal_stuff + 13, data


def frame_ns(rates: Rates, data_bytes: int = _DATA_BYTES) -> int:
    """Longest time on the wire of one frame, ns, rounded up."""
    if rates.data is None:
        return -(-classic_bits(data_bytes) * _NS_PER_S // rates.nominal)
    nominal, data = fd_bits(data_bytes)
    return -(-nominal * _NS_PER_S // rates.nominal) - (-data * _NS_PER_S // rates.data)


def streams_of(table: Table, joints: int | None = None, rate_hz: float | None = None) -> tuple[Stream, ...]:
    """Messages of the table; `joints` and `rate_hz` ask what other numbers of joints and rates would cost.

    Further joints take the ids after those of the table, which decides their priority only.
    """
    found = []
    for name, message in table.messages.items():
        period_ns = round(message.period_ms * _NS_PER_MS)
        if _SHARED in message.can_id:
            found.append(Stream(name, _SHARED, message.can_id[_SHARED], period_ns, message.sender))
            continue
        names = list(message.can_id)
        count = len(names) if joints is None else joints
        for k in range(count):
            joint = names[k] if k < len(names) else f"joint_{k + 1}"
            can_id = message.can_id.get(joint, min(message.can_id.values()) + k)
            own_ns = period_ns if rate_hz is None else round(_NS_PER_S / rate_hz)
            found.append(Stream(name, joint, can_id, own_ns, message.sender))
    return tuple(found)


def bus_load(streams: Sequence[Stream], rates: Rates | Baud) -> BusLoad:
    """Load and latency of every stream. All frames have 8 data bytes, as the table's have."""
    ordered = sorted(streams, key=lambda stream: stream.can_id)
    if isinstance(rates, Baud):
        return _serial_load(ordered, rates)
    cost = frame_ns(rates)
    latencies = response_times_ns([(cost, stream.period_ns) for stream in ordered], _NS_PER_S // rates.nominal)
    loads = tuple(
        StreamLoad(stream, cost / 1e3, cost / stream.period_ns, None if latency is None else latency / _NS_PER_MS)
        for stream, latency in zip(ordered, latencies, strict=True)
    )
    return BusLoad(rates, loads, sum(load.load for load in loads))


def _serial_load(ordered: Sequence[Stream], line: Baud) -> BusLoad:
    """First in, first out, either direction for itself: the longest wait is behind one packet of each other stream."""
    cost = -(-PACKET_MAX * _BITS_PER_BYTE * _NS_PER_S // line.baud)
    loads, totals = [], dict.fromkeys([stream.sender for stream in ordered], 0.0)
    for stream in ordered:
        totals[stream.sender] += cost / stream.period_ns
    for stream in ordered:
        waits_ns = cost * sum(other.sender == stream.sender for other in ordered)
        latency_ms = waits_ns / _NS_PER_MS if totals[stream.sender] < 1.0 else None
        loads.append(StreamLoad(stream, cost / 1e3, cost / stream.period_ns, latency_ms))
    return BusLoad(line, tuple(loads), max(totals.values()))


def response_times_ns(messages: Sequence[tuple[int, int]], bit_ns: int) -> list[int | None]:
    """Longest time from queued to received of each (frame ns, period ns), highest priority first.

    Davis et al. 2007, section 3.2: fixed priorities without preemption, every instance in the busy period looked at,
    no release jitter. None where the bus is too full for a bound.
    """
    return [_response_ns(messages, m, bit_ns) for m in range(len(messages))]


def _response_ns(messages: Sequence[tuple[int, int]], m: int, bit_ns: int) -> int | None:
    cost, period = messages[m]
    higher = messages[:m]
    if sum(c / t for c, t in messages[: m + 1]) >= 1.0:
        return None
    blocking = max((c for c, _ in messages[m + 1 :]), default=0)
    busy = cost
    while (grown := blocking + sum(-(-busy // t) * c for c, t in messages[: m + 1])) > busy:
        busy = grown
    worst = 0
    for instance in range(-(-busy // period)):
        waits = blocking + instance * cost
        while (grown := blocking + instance * cost + sum(-(-(waits + bit_ns) // t) * c for c, t in higher)) > waits:
            waits = grown
        worst = max(worst, waits - instance * period + cost)
    return worst


def remedies(table: Table, joints: int, rates: Rates) -> list[Remedy]:
    """What brings the load of `joints` at the table's rate to LOAD_MAX or less; loads as computed, best first."""
    half_rate_hz = 0.5e3 / table.protocol.setpoint_period_ms
    fd = Rates(rates.nominal, FD_DATA_BITRATE)
    options = [
        Remedy(f"{fd} (socketcan:INTERFACE?fd=1)", bus_load(streams_of(table, joints), fd).total),
        Remedy("two buses, half of the joints on each", bus_load(streams_of(table, -(-joints // 2)), rates).total),
        Remedy(f"{half_rate_hz:g} Hz", bus_load(streams_of(table, joints, half_rate_hz), rates).total),
    ]
    return sorted((option for option in options if option.total <= LOAD_MAX), key=lambda option: option.total)


def overload(table: Table, rates: Rates | Baud) -> str | None:
    """Why the table's messages must not run on a bus of these rates, as one line; None where they may."""
    return overload_of(table, len(table.joints), bus_load(streams_of(table), rates))


def overload_of(table: Table, joints: int, load: BusLoad) -> str | None:
    """The same for a load that was computed for `joints`."""
    if load.total <= LOAD_MAX:
        return None
    if isinstance(load.rates, Baud):
        enough = next(
            (f"use {baud} baud" for baud in _BAUDS if load.total * load.rates.baud <= LOAD_MAX * baud), "use CAN"
        )
        return (
            f"{joints} joints load the line at {load.rates} by {load.total:.0%}, more than {LOAD_MAX:.0%} is refused; "
            f"{enough}"
        )
    ways = "; ".join(f"{way.what}: {way.total:.0%}" for way in remedies(table, joints, load.rates))
    return (
        f"{joints} joints load the bus at {load.rates} by {load.total:.0%}, more than {LOAD_MAX:.0%} is refused; "
        f"{ways or 'raise the bit rate or use more buses'}"
    )
