"""Prepares CiA 402 drives over SDO with the package canopen: mode, PDO mapping, heartbeats, reaction to a lost host."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from firmware_bridge.actuators.config import Drives
from firmware_bridge.errors import BridgeError

if TYPE_CHECKING:
    import can

CYCLIC_TORQUE: Final = 10  # modes of operation, 6060h
CYCLIC_TORQUE_BIT: Final = 1 << 9  # supported drive modes, 6502h
OPERATIONAL_NODE: Final = 0x05  # NMT state
RATED_TOLERANCE: Final = 0.005  # 6076h is in mNm, a drives file in Nm with few digits
_OFF: Final = 1 << 31
_RPDO, _TPDO1, _TPDO2 = 0x200, 0x180, 0x280
_HEARTBEAT_MS: Final = 50
_SDO_TIMEOUT_S: Final = 0.5

Write = tuple[int, int, int, int]
"""Index, sub-index, value, size in bytes."""


def setup_writes(drives: Drives, name: str) -> tuple[Write, ...]:
    """The objects to write, in order. PDO layout as in session/cia402.c; each PDO is off while it changes."""
    node = drives.joints[name].node
    watch_ms = round(drives.watchdog_ms)
    return (
        (0x6060, 0, CYCLIC_TORQUE, 1),
        (0x60C2, 1, 1, 1),  # interpolation time 1 x 10^-3 s
        (0x60C2, 2, -3, 1),
        (0x6007, 0, 1, 2),  # abort connection: malfunction, so a lost host is a fault
        (0x1016, 1, drives.host_node << 16 | watch_ms, 4),  # consumer heartbeat: the drive's watchdog of the host
        (0x1017, 0, _HEARTBEAT_MS, 2),
        *_pdo(0x1400, 0x1600, _RPDO + node, (0x6040_0010, 0x6071_0010)),
        *_pdo(0x1800, 0x1A00, _TPDO1 + node, (0x6041_0010, 0x6077_0010)),
        *_pdo(0x1801, 0x1A01, _TPDO2 + node, (0x6064_0020, 0x606C_0020)),
    )


def _pdo(communication: int, mapping: int, cob_id: int, entries: tuple[int, ...]) -> tuple[Write, ...]:
    return (
        (communication, 1, _OFF | cob_id, 4),
        (mapping, 0, 0, 1),
        *((mapping, number, entry, 4) for number, entry in enumerate(entries, 1)),
        (mapping, 0, len(entries), 1),
        (communication, 2, 1, 1),  # with every SYNC
        (communication, 1, cob_id, 4),
    )


def set_up(drives: Drives, bus: can.BusABC) -> None:
    """Write and check everything on every drive, then start its PDOs. The drives stay without torque.

    Raises BridgeError with one line that names the joint, the object and what to do.
    """
    with _network(bus) as network:
        for name, joint in drives.joints.items():
            node = network.add_node(joint.node, _empty_dictionary())
            node.sdo.RESPONSE_TIMEOUT = _SDO_TIMEOUT_S
            node.nmt.state = "PRE-OPERATIONAL"
            _check(drives, name, node)
            for index, sub, value, size in setup_writes(drives, name):
                data = (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")
                _sdo(name, joint.node, f"{index:04X}h:{sub}", node.sdo.download, index, sub, data)
            node.nmt.state = "OPERATIONAL"


def _check(drives: Drives, name: str, node: Any) -> None:
    joint = drives.joints[name]
    modes = int.from_bytes(_sdo(name, joint.node, "6502h", node.sdo.upload, 0x6502, 0), "little")
    if not modes & CYCLIC_TORQUE_BIT:
        raise BridgeError(
            f"{name}: drive {joint.node} has no cyclic synchronous torque mode (6502h); it cannot be used"
        )
    rated = int.from_bytes(_sdo(name, joint.node, "6076h", node.sdo.upload, 0x6076, 0), "little") * 1e-3
    if abs(rated - joint.rated_torque_nm) > RATED_TOLERANCE * joint.rated_torque_nm:
        raise BridgeError(
            f"{name}: drive {joint.node} has a rated torque of {rated:g} Nm (6076h), the drives file says"
            f" {joint.rated_torque_nm:g}: torque would be wrong by that much; correct `rated_torque_nm` or the drive"
        )


def _sdo(name: str, node: int, what: str, call: Any, *arguments: Any) -> Any:
    import canopen

    try:
        return call(*arguments)
    except canopen.SdoAbortedError as error:
        raise BridgeError(f"{name}: drive {node} refuses {what}: {error}; it does not follow CiA 402 there") from error
    except canopen.SdoCommunicationError as error:
        raise BridgeError(f"{name}: drive {node} does not answer ({what}); check power, node id and wiring") from error


def _empty_dictionary() -> Any:
    import canopen

    return canopen.ObjectDictionary()


@contextlib.contextmanager
def _network(bus: can.BusABC) -> Iterator[Any]:
    try:
        import canopen
    except ImportError:
        raise BridgeError("CiA 402 drives need the package canopen: pip install 'exo-edge[drives]'") from None
    logging.getLogger("canopen").setLevel(logging.ERROR)  # an empty object dictionary is intended
    network = canopen.Network(bus)
    network.connect()
    try:
        yield network
    finally:
        network.disconnect()
