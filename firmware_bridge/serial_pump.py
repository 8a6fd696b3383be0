"""Process between a serial line and the torque loop's socket: `python -m firmware_bridge.serial_pump`.

It moves frames both ways, bounds what may wait on the line, and opens the device again after a cut. It ends when the
other end of the socket closes. `serial_link.open_serial` starts it; it prints `ready`, or one line that says what is
wrong.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import gc
import os
import select
import socket
import struct
import sys
import termios
import time
from enum import Enum
from typing import Final

from firmware_bridge.cobs import FRAME_SIZE, PACKET_MAX, Decoder, can_frame_of, encode, is_bench, payload_of
from firmware_bridge.errors import BridgeError
from firmware_bridge.serial_counts import SerialCounts, SharedCounts

READ_MAX: Final = 4096
DRAIN_MAX: Final = 512  # frames taken from the socket at once
BACKLOG_MAX: Final = 32 * PACKET_MAX
"""Bytes that may wait on the line, 4.9 ms at 921600 baud: older setpoints are of no use."""
RETRY_S: Final = 0.2
EXIT_PROBLEM: Final = 1


class End(Enum):
    """Why the pump stopped."""

    HOST_GONE = "the socket's other end closed"
    LINE_CUT = "the device went away"


class Line:
    """An open serial device, non-blocking. Raises BridgeError with one line where it cannot be opened."""

    def __init__(self, device: str, baud: int) -> None:
        import serial

        try:
            self._port = serial.Serial(device, baud, timeout=0, exclusive=True)
        except (OSError, ValueError, termios.error) as error:  # SerialException is an OSError
            raise BridgeError(f"serial {device}: {_open_problem(error, baud)}") from error
        with contextlib.suppress(OSError, ValueError, NotImplementedError):
            self._port.set_low_latency_mode(True)  # USB adapters: no 16 ms of collecting; others do not know it
        self.fd: int = self._port.fileno()
        os.set_blocking(self.fd, False)
        self._rest = b""

    def waiting(self) -> int:
        """Bytes written that have not left yet."""
        queued = struct.unpack("i", fcntl.ioctl(self.fd, termios.TIOCOUTQ, b"\0" * 4))[0]
        return int(queued) + len(self._rest)

    @property
    def behind(self) -> bool:
        """True while part of a packet could not be written."""
        return bool(self._rest)

    def read(self) -> bytes | None:
        """What has come; empty where nothing has, None where the device is gone."""
        try:
            return os.read(self.fd, READ_MAX) or None
        except BlockingIOError:
            return b""
        except OSError:
            return None

    def write(self, data: bytes) -> bool:
        """Write after what still waits; False where the device is gone."""
        self._rest += data
        try:
            self._rest = self._rest[os.write(self.fd, self._rest) :]
        except BlockingIOError:
            return True
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Close it, whatever state it is in."""
        with contextlib.suppress(OSError, termios.error):
            self._port.close()


class Pump:
    """Moves frames between `sock` (raw `struct can_frame` messages) and a line that is open when it is made."""

    def __init__(self, sock: socket.socket, shared: SharedCounts) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._shared = shared
        self._counts = SerialCounts(connected=1)
        self._decoder = Decoder()
        self._poll = select.poll()
        self._publish()

    def run(self, line: Line) -> End:
        """Serve an open line until it is cut or the host is gone; closes it."""
        self._counts.connected = 1
        self._decoder.reset()
        self._poll.register(self._sock, select.POLLIN)
        self._poll.register(line.fd, select.POLLIN)
        end = None
        while end is None:
            self._publish()
            self._poll.modify(line.fd, select.POLLIN | (select.POLLOUT if line.behind else 0))
            end = self._serve(line, dict(self._poll.poll()))
        self._poll.unregister(line.fd)
        line.close()
        self._counts.connected = 0
        self._counts.cuts += end is End.LINE_CUT
        self._publish()
        return end

    def wait(self) -> bool:
        """Let a cut line rest, dropping what the host sends; False where the host is gone."""
        time.sleep(RETRY_S)
        frames = self._taken()
        if frames is None:
            return False
        self._counts.line_full += len(frames)
        self._publish()
        return True

    def _serve(self, line: Line, ready: dict[int, int]) -> End | None:
        if ready.get(line.fd, 0) & ~select.POLLOUT:
            data = line.read()
            if data is None:
                return End.LINE_CUT
            if not self._deliver(self._decoder.feed(data)):
                return End.HOST_GONE
        if line.behind and not line.write(b""):
            return End.LINE_CUT
        if self._sock.fileno() in ready:
            frames = self._taken()
            if frames is None:
                return End.HOST_GONE
            return None if self._transmit(line, frames) else End.LINE_CUT
        return None

    def _taken(self) -> list[bytes] | None:
        """Every frame that waits; None where the other end is closed."""
        frames: list[bytes] = []
        while len(frames) < DRAIN_MAX:
            try:
                frame = self._sock.recv(FRAME_SIZE)
            except BlockingIOError:
                break
            except OSError:
                return None
            if not frame:
                return None
            frames.append(frame)
        return frames

    def _transmit(self, line: Line, frames: list[bytes]) -> bool:
        """Send the newest frames that the line has room for."""
        payloads = [payload for frame in frames if (payload := payload_of(frame)) is not None]
        self._counts.refused += len(frames) - len(payloads)
        try:
            room = max(0, (BACKLOG_MAX - line.waiting()) // PACKET_MAX)
        except OSError:
            return False
        kept = payloads[len(payloads) - min(room, len(payloads)) :]
        self._counts.line_full += len(payloads) - len(kept)
        self._counts.sent += len(kept)
        return line.write(b"".join(map(encode, kept)))

    def _deliver(self, payloads: list[bytes]) -> bool:
        """Hand received frames to the host; False where it is gone."""
        for payload in payloads:
            if is_bench(payload):
                self._counts.refused += 1
                continue
            try:
                self._sock.send(can_frame_of(payload))
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.ENOBUFS):
                    return False
                self._counts.host_full += 1
        return True

    def _publish(self) -> None:
        self._counts.take(self._decoder.counts)
        self._shared.write(self._counts)


def _open_problem(error: Exception, baud: int) -> str:
    number = getattr(error, "errno", None)
    if number == errno.ENOENT:
        return "no such device; plug it in, see: ls /dev/serial/by-id"
    if number in (errno.EACCES, errno.EPERM):
        return "no permission; join the group dialout and log in again"
    if number in (errno.EAGAIN, errno.EBUSY):
        return "in use by another program; end that one, see: fuser -v on the device"
    if number in (errno.ENOTTY, errno.EINVAL) or "configure" in str(error):
        return f"not a serial device, or it cannot do {baud} baud"
    return f"{error}"


def _pump_until_host_ends(pump: Pump, line: Line | None, device: str, baud: int) -> None:
    while True:
        if line is not None and pump.run(line) is End.HOST_GONE:
            return
        if not pump.wait():
            return
        try:
            line = Line(device, baud)
        except BridgeError:
            line = None  # still away


def _prefer(priority: int) -> None:
    if priority > 0:
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))


def main(argv: list[str]) -> int:
    """Arguments: socket fd, counts fd, device, baud, real-time priority (0: ordinary)."""
    sock = socket.socket(fileno=int(argv[0]))
    shared = SharedCounts(int(argv[1]))
    device, baud = argv[2], int(argv[3])
    try:
        line = Line(device, baud)
    except BridgeError as error:
        print(error, flush=True)
        return EXIT_PROBLEM
    pump = Pump(sock, shared)
    print("ready", flush=True)
    _prefer(int(argv[4]))
    gc.collect()
    gc.disable()  # nothing in the pump makes cycles; a collection would only be a pause
    _pump_until_host_ends(pump, line, device, baud)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
