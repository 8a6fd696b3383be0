"""systemd's notification protocol (sd_notify(3)): one datagram per message, nothing where no manager listens."""

from __future__ import annotations

import os
import socket


class Notifier:
    """Tells the service manager that the service is ready, alive or stopping."""

    def __init__(self, address: str | None = None) -> None:
        address = os.environ.get("NOTIFY_SOCKET", "") if address is None else address
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if address else None
        self._counted = 0

    def alive(self, counter: int) -> None:
        """Pet the watchdog, where `counter` (of the torque loop) has moved since the last call."""
        if counter != self._counted:
            self.send("WATCHDOG=1")
        self._counted = counter

    def send(self, message: str) -> None:
        """Send e.g. READY=1, WATCHDOG=1, STOPPING=1; a manager that went away is not an error."""
        if self._socket is None:
            return
        try:
            self._socket.sendto(message.encode(), self._address)
        except OSError:
            self._socket.close()
            self._socket = None
