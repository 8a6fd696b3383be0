"""The serial phantom rig: line protocol, receiver, connection, emulated bench and cable; docs/hil-serial.md."""
