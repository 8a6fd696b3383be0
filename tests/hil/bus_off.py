"""Inside a box: the controller of vcan0 reports bus-off, nobody is heard for a while, then it reports a restart."""

import os
import signal
import socket
import time
from pathlib import Path

ERROR = 0x20000000  # linux/can.h and linux/can/error.h
BUS_OFF, RESTARTED = 0x40, 0x100
AFTER_S, SILENT_S = 4.0, 0.2


def main() -> None:
    """Error frames can be sent on vcan; the silence is a firmware that stands still."""
    with socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW) as sock:
        sock.bind(("vcan0",))
        time.sleep(AFTER_S)
        commands = ((int(p.name), p / "cmdline") for p in Path("/proc").iterdir() if p.name.isdigit())
        (firmware,) = (pid for pid, path in commands if b"-firmware\0realtime" in path.read_bytes())
        os.kill(firmware, signal.SIGSTOP)
        sock.send((ERROR | BUS_OFF).to_bytes(4, "little") + bytes((8, 0, 0, 0)) + bytes(8))
        time.sleep(SILENT_S)
        sock.send((ERROR | RESTARTED).to_bytes(4, "little") + bytes((8, 0, 0, 0)) + bytes(8))
        os.kill(firmware, signal.SIGCONT)


if __name__ == "__main__":
    main()
