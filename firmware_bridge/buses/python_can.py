"""`python-can:INTERFACE:CHANNEL[?key=value]`: any adapter that python-can knows, for tools and low rates.

For the torque loop this is refused: python-can holds frames in queues and threads of its own, so a setpoint may leave
late or after the process hangs. Options go to python-can as they are (`bitrate=1000000`, `fd=true`).
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from firmware_bridge.buses.base import (
    EFF_FLAG,
    FD_FRAME_SIZE,
    ID_MASK,
    RTR_FLAG,
    Bus,
    Condition,
    Kind,
    fd_frame_bytes,
    frame_bytes,
    frame_data,
)
from firmware_bridge.buses.spec import parse_options
from firmware_bridge.errors import BridgeError

if TYPE_CHECKING:
    import can

PREFIX: Final = "python-can:"
SIMULATED: Final = ("virtual", "udp_multicast")
_STANDARD_ID_MAX: Final = 0x7FF
_SEND_TIMEOUT_S: Final = 0.0  # never wait


class PythonCanBus(Bus):
    """An adapter opened through python-can; it has no file descriptor for a compiled loop."""

    kind = Kind.PYTHON_CAN

    def __init__(self, spec: str, adapter: can.BusABC, hardware: bool) -> None:
        super().__init__(spec, hardware)
        self._adapter: can.BusABC | None = adapter

    @property
    def fd(self) -> int:
        """Always -1."""
        return -1

    def send(self, frame: bytes) -> bool:
        """Hand one frame to the adapter; False where it does not take it."""
        import can

        try:
            if self._adapter is not None:
                self._adapter.send(to_message(frame), timeout=_SEND_TIMEOUT_S)
                self.counts.sent += 1
                self.note(Condition.OK)
                return True
        except (can.CanError, OSError, ValueError) as error:
            self.note(Condition.QUEUE_FULL, f"the adapter did not take a frame: {_line(error)}")
        self.counts.refused += 1
        return False

    def receive(self) -> bytes | None:
        """Next waiting data frame, None where there is none or the adapter is gone."""
        import can

        try:
            while self._adapter is not None and (message := self._adapter.recv(timeout=0.0)) is not None:
                if message.is_error_frame:
                    self.counts.error_frames += 1
                    continue
                self.counts.received += 1
                return from_message(message)
        except (can.CanError, OSError, ValueError) as error:
            self.note(Condition.GONE, f"the adapter cannot be read: {_line(error)}; plug it in and start again")
        return None

    def close(self) -> None:
        """Close the adapter; closing twice does nothing."""
        import can

        adapter, self._adapter = self._adapter, None
        if adapter is not None:
            with contextlib.suppress(can.CanError, OSError):  # it may have been pulled out
                adapter.shutdown()


def open_python_can(spec: str) -> PythonCanBus:
    """Open `python-can:INTERFACE:CHANNEL[?key=value]`. Raises BridgeError with one line that says what to do."""
    import can

    interface, channel, options = parse_python_can(spec)
    if interface not in can.VALID_INTERFACES:
        raise BridgeError(
            f"bus {spec}: python-can has no interface {interface!r}; it has {', '.join(sorted(can.VALID_INTERFACES))}"
        )
    try:
        adapter = can.Bus(channel=channel, interface=interface, ignore_config=True, **options)
    except (can.CanError, OSError, ValueError, TypeError, ImportError, AttributeError) as error:
        raise BridgeError(f"bus {spec}: {_line(error)}; check adapter, channel and options") from error
    return PythonCanBus(spec, adapter, hardware=interface not in SIMULATED)


def parse_python_can(spec: str) -> tuple[str, str, dict[str, Any]]:
    """Interface, channel and options of `python-can:INTERFACE:CHANNEL[?key=value]`. Raises BridgeError."""
    rest, texts = parse_options(spec, spec.removeprefix(PREFIX), None)
    interface, _, channel = rest.partition(":")
    if not interface or not channel:
        raise BridgeError(f"bus {spec}: write python-can:INTERFACE:CHANNEL, like python-can:slcan:/dev/ttyACM0@115200")
    if reserved := {"channel", "interface", "ignore_config"} & texts.keys():
        raise BridgeError(f"bus {spec}: {reserved.pop()} is not an option; it stands before the question mark")
    return interface, channel, {key: _value(text) for key, text in texts.items()}


def to_message(frame: bytes) -> can.Message:
    """The python-can message of a raw frame; `timestamp` 0."""
    import can

    can_id, data = frame_data(frame)
    return can.Message(
        arbitration_id=can_id & ID_MASK,
        is_extended_id=bool(can_id & EFF_FLAG),
        is_remote_frame=bool(can_id & RTR_FLAG),
        is_fd=len(frame) == FD_FRAME_SIZE,
        bitrate_switch=len(frame) == FD_FRAME_SIZE,
        data=data,
        check=True,
    )


def from_message(message: can.Message) -> bytes:
    """The raw frame of a python-can message. Raises ValueError where it is not a CAN frame."""
    flags = (EFF_FLAG if message.is_extended_id else 0) | (RTR_FLAG if message.is_remote_frame else 0)
    can_id, data = message.arbitration_id | flags, bytes(message.data)
    if message.arbitration_id > (ID_MASK if message.is_extended_id else _STANDARD_ID_MAX):
        raise ValueError(f"CAN id {message.arbitration_id:#x} is too large")
    if message.is_fd:
        return fd_frame_bytes(can_id, data)
    frame = frame_bytes(can_id, data)
    return frame[:4] + bytes((message.dlc,)) + frame[5:] if message.is_remote_frame else frame


def _value(text: str) -> object:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
