"""Pack a setpoint as the torque loop does, decode it as a CAN tool would: python examples/decode_frames.py"""

from firmware_bridge import e2e, wire
from firmware_bridge.table import MODES, TABLE

frame = wire.frame()
can_id = TABLE.messages["TORQUE_SETPOINT"].can_id["knee_r"]
wire.pack_setpoint(frame, can_id, 3, 7.25, 20, 17.4, 1234, MODES["TORQUE"], e2e.CRC_TABLE)
print(frame.tobytes().hex(" "))
print(wire.decode(frame.tobytes()))
