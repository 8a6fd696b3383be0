"""The test bench's side of an emulated board: sets its knees and its clock, steps it, sees what the drives get.

Over the board's serial line, in lock-step: each step of the firmware is one tick message, so that nothing depends on
how fast the emulator runs. Messages as in `bench.h`.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Final

from firmware_bridge import cobs
from firmware_bridge.errors import BridgeError

SENSOR, TICK, DONE, ASK, REPORT, HANG, FAULT, CLOCK = range(1, 9)
VALID: Final = 1
SHOWN: Final = 2
ANSWER_TIMEOUT_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of the firmware gave: commands r, l in 0.01 Nm, state and reason codes, frames sent."""

    command_cnm: tuple[int, int]
    state: int
    reason: int
    frames: list[bytes]
    """Raw `struct can_frame`, 16 bytes each."""


@dataclass(frozen=True, slots=True)
class Report:
    """Counts of the board since its reset; they wrap at 65536."""

    stack_used: int
    """Bytes: the highest the painted stack has reached."""
    uart_overruns: int
    refused: int
    """Packets dropped: CRC, malformed, too long."""
    dropped: int
    """Frames that found the inbox or the transmitter full."""


class Bench:
    """Lock-step on the stream socket of an emulator's UART. Raises BridgeError where the board does not answer."""

    def __init__(self, line: socket.socket) -> None:
        line.settimeout(ANSWER_TIMEOUT_S)
        self._line = line
        self._decoder = cobs.Decoder()
        self._waiting: list[bytes] = []
        self._out = bytearray(b"\0")  # ends whatever noise came before

    def take_clock(self) -> Report:
        """Start the board again, from power-up and stepped by `tick` only; call it before the first tick."""
        self._say(CLOCK, b"")
        return self._report()

    def send(self, can_frame: bytes) -> None:
        """Give the board a frame, 16 bytes of `struct can_frame`; it takes it in the next step."""
        payload = cobs.payload_of(can_frame)
        if payload is None:
            raise ValueError("not a standard data frame of at most 8 bytes")
        self._out += cobs.encode(payload)

    def send_raw(self, data: bytes) -> None:
        """Put any bytes on the line."""
        self._out += data

    def sensor(self, joint: int, position_cdeg: int, velocity_ddegps: int, torque_cnm: int, flags: int) -> None:
        """Set a knee's sensors from the next step on; torque as `flags` say, VALID and SHOWN of bench.h."""
        values = b"".join(v.to_bytes(2, "little", signed=True) for v in (position_cdeg, velocity_ddegps, torque_cnm))
        self._say(SENSOR, bytes((joint, flags)) + values)

    def tick(self, now_us: int) -> Step:
        """One step at `now_us` of the governor's clock."""
        self._say(TICK, now_us.to_bytes(8, "little"))
        frames: list[bytes] = []
        data = self._until(DONE, frames)
        right, left = (int.from_bytes(data[at : at + 2], "little", signed=True) for at in (0, 2))
        return Step((right, left), data[4], data[5], frames)

    def report(self) -> Report:
        """Ask the board for its counts."""
        self._say(ASK, b"")
        return self._report()

    def _report(self) -> Report:
        data = self._until(REPORT, [])
        return Report(*(int.from_bytes(data[at : at + 2], "little") for at in (0, 2, 4, 6)))

    def hang(self) -> None:
        """Let the control step hang."""
        self._say(HANG, b"")
        self._flush()

    def fault(self) -> None:
        """Let the control step touch an address that does not exist."""
        self._say(FAULT, b"")
        self._flush()

    def reset_report(self) -> Report:
        """Wait for the report that a board stepped by `tick` sends when it starts again."""
        return self._report()

    def next_frame(self) -> bytes:
        """Next frame that the board sends by its own clock."""
        frames: list[bytes] = []
        while not frames:
            payload = self._next()
            if not cobs.is_bench(payload):
                frames.append(cobs.can_frame_of(payload))
        return frames[0]

    def _say(self, message: int, data: bytes) -> None:
        self._out += cobs.encode(cobs.bench_payload(message, data))

    def _flush(self) -> None:
        try:
            self._line.sendall(self._out)
        except OSError as error:
            raise BridgeError(f"emulated board: {error.strerror or error}; it has ended") from error
        self._out.clear()

    def _until(self, message: int, frames: list[bytes]) -> bytes:
        self._flush()
        while True:
            payload = self._next()
            if not cobs.is_bench(payload):
                frames.append(cobs.can_frame_of(payload))
            elif payload[0] == message:
                return payload[2:]

    def _next(self) -> bytes:
        while not self._waiting:
            try:
                data = self._line.recv(4096)
            except TimeoutError:
                raise BridgeError(f"emulated board: no answer within {ANSWER_TIMEOUT_S:g} s") from None
            except ConnectionResetError:
                data = b""
            if not data:
                raise BridgeError("emulated board: it has ended")
            self._waiting = self._decoder.feed(data)[::-1]
        return self._waiting.pop()
