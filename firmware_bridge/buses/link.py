"""A network interface as the kernel describes it: asked by rtnetlink, with the CAN details where it has any.

Numbers are those of linux/rtnetlink.h, linux/if_link.h and linux/can/netlink.h.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

VIRTUAL_KINDS: Final = ("vcan", "vxcan")
CAN_STATES: Final = ("ERROR-ACTIVE", "ERROR-WARNING", "ERROR-PASSIVE", "BUS-OFF", "STOPPED", "SLEEPING")
TYPE_CAN: Final = 280  # ARPHRD_CAN, linux/if_arp.h

_NETLINK_ROUTE: Final = 0
_RTM_NEWLINK, _RTM_GETLINK = 16, 18
_NLM_F_REQUEST: Final = 1
_IFF_UP: Final = 1
_MTU, _TXQLEN, _LINKINFO = 4, 13, 18
_INFO_KIND, _INFO_DATA = 1, 2
_BITTIMING, _STATE, _CTRLMODE, _RESTART_MS, _DATA_BITTIMING = 1, 4, 5, 6, 9
_CTRLMODE_LOOPBACK, _CTRLMODE_LISTEN_ONLY, _CTRLMODE_FD = 0x01, 0x02, 0x20
_HEADER: Final = struct.Struct("=IHHII")
_IFINFO: Final = struct.Struct("=BxHiII")
_NESTED: Final = 0x3FFF  # mask of the type, without the flags for nesting and byte order


@dataclass(frozen=True, slots=True)
class Link:
    """An interface; bit rates in bit/s, None where the kernel tells none (as for vcan)."""

    name: str
    type: int
    kind: str  # can, vcan, vxcan ...; "" where the driver tells none
    up: bool
    mtu: int
    txqueuelen: int
    driver: str  # "" where no device is behind it
    bitrate: int | None = None
    data_bitrate: int | None = None
    state: str | None = None  # one of CAN_STATES
    restart_ms: int | None = None  # 0: never restarts by itself after bus-off
    fd: bool = False
    loopback: bool = False
    listen_only: bool = False

    @property
    def virtual(self) -> bool:
        """True where no wire is behind it. An interface of unknown kind counts as real."""
        return self.kind in VIRTUAL_KINDS


def read_link(name: str) -> Link:
    """Ask the kernel. Raises OSError where there is no such interface."""
    index = socket.if_nametoindex(name)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_ROUTE) as sock:
        sock.settimeout(1.0)
        body = _IFINFO.pack(0, 0, index, 0, 0)
        sock.send(_HEADER.pack(_HEADER.size + len(body), _RTM_GETLINK, _NLM_F_REQUEST, 1, 0) + body)
        return parse_link(name, sock.recv(65536), _driver(name))


def is_virtual(name: str) -> bool:
    """True where `name` is vcan or vxcan; False also where it does not exist."""
    try:
        return read_link(name).virtual
    except OSError:
        return False


def parse_link(name: str, reply: bytes, driver: str) -> Link:
    """A Link from the kernel's answer. Raises OSError where it is an error, or cut."""
    if len(reply) < _HEADER.size + _IFINFO.size:
        raise OSError(f"interface {name}: the kernel's answer is cut")
    length, what = _HEADER.unpack_from(reply)[:2]
    if what != _RTM_NEWLINK:
        code = -struct.unpack_from("=i", reply, _HEADER.size)[0]
        raise OSError(code, f"interface {name}: the kernel does not describe it")
    _, kind, _, flags, _ = _IFINFO.unpack_from(reply, _HEADER.size)
    found = _attributes(reply[_HEADER.size + _IFINFO.size : length])
    info = _attributes(found.get(_LINKINFO, b""))
    can = _attributes(info.get(_INFO_DATA, b"")) if info.get(_INFO_KIND, b"").rstrip(b"\0") == b"can" else {}
    mode = _u32(can.get(_CTRLMODE, b"")[4:]) or 0
    state = _u32(can.get(_STATE, b""))
    return Link(
        name=name,
        type=kind,
        kind=info.get(_INFO_KIND, b"").rstrip(b"\0").decode("ascii", "replace"),
        up=bool(flags & _IFF_UP),
        mtu=_u32(found.get(_MTU, b"")) or 0,
        txqueuelen=_u32(found.get(_TXQLEN, b"")) or 0,
        driver=driver,
        bitrate=_u32(can.get(_BITTIMING, b"")) or None,
        data_bitrate=_u32(can.get(_DATA_BITTIMING, b"")) or None,
        state=CAN_STATES[state] if state is not None and state < len(CAN_STATES) else None,
        restart_ms=_u32(can.get(_RESTART_MS, b"")),
        fd=bool(mode & _CTRLMODE_FD),
        loopback=bool(mode & _CTRLMODE_LOOPBACK),
        listen_only=bool(mode & _CTRLMODE_LISTEN_ONLY),
    )


def _attributes(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if length < 4:
            break
        found[kind & _NESTED] = data[at + 4 : at + length]
        at += (length + 3) & ~3
    return found


def _u32(data: bytes) -> int | None:
    return int(struct.unpack_from("=I", data)[0]) if len(data) >= 4 else None


def _driver(name: str) -> str:
    link = Path(f"/sys/class/net/{name}/device/driver")
    return link.resolve().name if link.exists() else ""
