"""An emulated CANopen node (CiA 301): NMT, expedited SDO, PDOs as mapped by the master, SYNC, heartbeats, EMCY."""

from __future__ import annotations

from typing import Final

from firmware_bridge.actuators.base import Frames, frame_data, frame_id, make_frame

BOOT, STOPPED, OPERATIONAL, PRE_OPERATIONAL = 0x00, 0x04, 0x05, 0x7F
NO_OBJECT, READ_ONLY, NOT_MAPPABLE, WRONG_STATE = 0x0602_0000, 0x0601_0002, 0x0604_0041, 0x0800_0022
"""SDO abort codes of CiA 301."""
DISABLED: Final = 0x8000_0000  # bit 31 of a PDO's COB-ID: the PDO does not exist
_NMT_STATES: Final = {0x01: OPERATIONAL, 0x02: STOPPED, 0x80: PRE_OPERATIONAL}
_PDO_COUNT: Final = 2


class CanopenNode:
    """Objects are (value, size in bytes), signed where negative."""

    def __init__(self, node: int) -> None:
        self.node = node
        self.state = PRE_OPERATIONAL
        self.objects: dict[tuple[int, int], tuple[int, int]] = {
            (0x1016, 1): (0, 4),
            (0x1017, 0): (0, 2),
            (0x1001, 0): (0, 1),
        }
        self.read_only: set[tuple[int, int]] = {(0x1001, 0)}
        self.mappable: set[tuple[int, int]] = set()
        self.pending: Frames = (make_frame(0x700 + node, bytes([BOOT])),)
        self.written = False  # the last frame wrote an object that acts
        self.host_lost = False
        self._host_ns: int | None = None
        self._beat_due_ns = 0
        self._waiting: list[tuple[int, bytes]] = []
        for number in range(_PDO_COUNT):
            for communication, mapping, cob in ((0x1400, 0x1600, 0x200), (0x1800, 0x1A00, 0x180)):
                self.objects[communication + number, 1] = (DISABLED | (cob + 0x100 * number + node), 4)
                self.objects[communication + number, 2] = (0xFF, 1)
                for sub in range(5):
                    self.objects[mapping + number, sub] = (0, 1 if sub == 0 else 4)

    @property
    def operational(self) -> bool:
        """PDOs act."""
        return self.state == OPERATIONAL

    def value(self, index: int, sub: int) -> int:
        """Value of an object."""
        return self.objects[index, sub][0]

    def store(self, index: int, sub: int, value: int) -> None:
        """Set an object from the inside."""
        self.objects[index, sub] = (value, self.objects[index, sub][1])

    def emergency(self, code: int) -> bytes:
        """An EMCY message with this error code."""
        return make_frame(0x80 + self.node, code.to_bytes(2, "little") + bytes([1]) + bytes(5))

    def receive(self, frame: bytes, now_ns: int) -> Frames:
        """One frame from the bus; gives the replies."""
        self.written = False
        can_id, data = frame_id(frame), frame_data(frame)
        out = self._take_pending()
        if can_id == 0x000 and len(data) == 2 and data[1] in (0, self.node):
            self.state = _NMT_STATES.get(data[0], PRE_OPERATIONAL)
        elif can_id == 0x600 + self.node and len(data) == 8:
            return (*out, make_frame(0x580 + self.node, self._sdo(data)))
        elif can_id == 0x080:
            return (*out, *self._sync())
        elif can_id == 0x700 + (self.value(0x1016, 1) >> 16 & 0x7F):
            self._host_ns = now_ns
            self.host_lost = False
        elif self.operational:
            self._take_pdo(can_id, data)
        return out

    def advance(self, now_ns: int) -> Frames:
        """Our heartbeat when due; the host's, once heard, must not stay away for longer than 1016h says."""
        out = self._take_pending()
        limit_ns = (self.value(0x1016, 1) & 0xFFFF) * 1_000_000
        if limit_ns and self._host_ns is not None and now_ns - self._host_ns > limit_ns:
            self.host_lost = True
        period_ns = self.value(0x1017, 0) * 1_000_000
        if period_ns and now_ns >= self._beat_due_ns:
            self._beat_due_ns = now_ns + period_ns
            return (*out, make_frame(0x700 + self.node, bytes([self.state])))
        return out

    def _take_pending(self) -> Frames:
        out, self.pending = self.pending, ()
        return out

    def _sdo(self, data: bytes) -> bytes:
        key = (int.from_bytes(data[1:3], "little"), data[3])
        if key not in self.objects:
            return _abort(data, NO_OBJECT)
        value, size = self.objects[key]
        if data[0] == 0x40:
            raw = (value & ((1 << 8 * size) - 1)).to_bytes(4, "little")
            return bytes([0x43 | (4 - size) << 2]) + data[1:4] + raw
        problem = self._write_problem(key, int.from_bytes(data[4:8], "little"))
        if problem:
            return _abort(data, problem)
        raw_value = int.from_bytes(data[4 : 4 + size], "little")
        top = 1 << (8 * size - 1)
        signed = key[0] >= 0x6000 and raw_value >= top
        self.objects[key] = (raw_value - 2 * top if signed else raw_value, size)
        self.written = key == (0x6040, 0)
        return bytes([0x60]) + data[1:4] + bytes(4)

    def _write_problem(self, key: tuple[int, int], value: int) -> int:
        index, sub = key
        if key in self.read_only:
            return READ_ONLY
        if index & 0xFFF0 in (0x1600, 0x1A00):
            if not self.objects[index - 0x200, 1][0] & DISABLED:
                return WRONG_STATE  # a mapping changes only while its PDO is off
            if sub and (value >> 16, value >> 8 & 0xFF) not in self.mappable:
                return NOT_MAPPABLE
        return 0

    def _mapping(self, index: int) -> list[tuple[int, int, int]]:
        entries = [self.value(index, sub) for sub in range(1, self.value(index, 0) + 1)]
        return [(entry >> 16, entry >> 8 & 0xFF, (entry & 0xFF) // 8) for entry in entries]

    def _take_pdo(self, can_id: int, data: bytes) -> None:
        for number in range(_PDO_COUNT):
            if self.value(0x1400 + number, 1) != can_id:
                continue
            if self.value(0x1400 + number, 2) <= 240:
                self._waiting.append((0x1600 + number, data))
            else:
                self._unpack(0x1600 + number, data)

    def _unpack(self, mapping: int, data: bytes) -> None:
        at = 0
        for index, sub, size in self._mapping(mapping):
            if at + size > len(data):
                return
            signed = index == 0x6071
            self.store(index, sub, int.from_bytes(data[at : at + size], "little", signed=signed))
            at += size
            self.written = True

    def _sync(self) -> Frames:
        if not self.operational:
            return ()
        for mapping, data in self._waiting:
            self._unpack(mapping, data)
        self._waiting.clear()
        return tuple(self._transmit(number) for number in range(_PDO_COUNT) if self._sends(number))

    def _sends(self, number: int) -> bool:
        return not self.value(0x1800 + number, 1) & DISABLED and self.value(0x1800 + number, 2) == 1

    def _transmit(self, number: int) -> bytes:
        data = b""
        for index, sub, size in self._mapping(0x1A00 + number):
            data += (self.value(index, sub) & ((1 << 8 * size) - 1)).to_bytes(size, "little")
        return make_frame(self.value(0x1800 + number, 1) & 0x7FF, data)


def _abort(request: bytes, code: int) -> bytes:
    return bytes([0x80]) + request[1:4] + code.to_bytes(4, "little")
