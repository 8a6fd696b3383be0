"""What kind of CAN interface a name is: a virtual one (vcan, vxcan) has no hardware behind it."""

from __future__ import annotations

import ctypes
import fcntl
import socket
from typing import Final

_SIOCETHTOOL: Final = 0x8946  # linux/sockios.h
_ETHTOOL_GDRVINFO: Final = 0x3  # linux/ethtool.h
_DRIVER_AT: Final = 4  # struct ethtool_drvinfo: command, then the driver's name
_DRIVER_SIZE: Final = 32
_DRVINFO_SIZE: Final = 196
_NAME_SIZE: Final = 16  # IFNAMSIZ of linux/if.h
_VIRTUAL: Final = ("vcan", "vxcan")


def is_virtual(interface: str) -> bool:
    """True where the kernel says that `interface` is vcan or vxcan; False also where it does not exist or cannot say.

    Kernels before 5.14 do not name the driver of a vcan: it then counts as hardware.
    """
    info = ctypes.create_string_buffer(_ETHTOOL_GDRVINFO.to_bytes(4, "little"), _DRVINFO_SIZE)
    name = interface.encode()
    if not 0 < len(name) < _NAME_SIZE:
        return False
    request = name.ljust(_NAME_SIZE, b"\0") + ctypes.addressof(info).to_bytes(8, "little") + bytes(16)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            fcntl.ioctl(sock.fileno(), _SIOCETHTOOL, request)
        except OSError:
            return False
    driver = info.raw[_DRIVER_AT : _DRIVER_AT + _DRIVER_SIZE].split(b"\0")[0]
    return driver.decode("ascii", "replace") in _VIRTUAL
