/* CiA 402 drive in cyclic synchronous torque mode over CANopen, with the PDO mapping that cia402_setup.py writes.
 *
 * Source: CiA 301 (PDO, SYNC, heartbeat, EMCY default identifiers) and CiA 402-2 / IEC 61800-7-201 (state machine,
 * controlword 6040h, statusword 6041h, torque in thousandths of the rated torque 6076h).
 * RPDO1: controlword, target torque. TPDO1: statusword, actual torque. TPDO2: position, velocity in counts and counts/s.
 */
#include "codec.h"

enum { COB_SYNC = 0x080, COB_EMCY = 0x080, COB_TPDO1 = 0x180, COB_RPDO1 = 0x200, COB_TPDO2 = 0x280, COB_HEARTBEAT = 0x700 };
enum { CW_SHUTDOWN = 0x06, CW_SWITCH_ON = 0x07, CW_ENABLE_OPERATION = 0x0F };
enum { SW_SWITCH_ON_DISABLED = 0x40, SW_READY = 0x21, SW_SWITCHED_ON = 0x23, SW_ENABLED = 0x27 };
enum { NMT_OPERATIONAL = 0x05, FAULT_BIT = 0x08, NO_CODE = 0xFFFF };

static uint32_t id_of(const drive *d, uint32_t base) { return base + (uint32_t)d->config.node; }

/* SYNC after the last drive's PDO, and our heartbeat, which the drives watch. */
static unsigned close_cycle(drive *d, uint64_t now_us, drive_frame *out)
{
    unsigned count = 0;
    if (!d->config.closes_cycle)
        return 0;
    new_frame(&out[count++], COB_SYNC, 0);
    if (d->own_beat_us == 0 || now_us - d->own_beat_us >= (uint64_t)d->config.watchdog_us / 4u) {
        new_frame(&out[count], COB_HEARTBEAT + (uint32_t)d->config.host_node, 1);
        out[count++].data[0] = NMT_OPERATIONAL;
        d->own_beat_us = now_us;
    }
    return count;
}

static unsigned pdo(drive *d, uint32_t controlword, double shaft_nm, uint64_t now_us, drive_frame *out)
{
    double thousandths = floor(shaft_nm / d->config.range_torque * 1000.0 + 0.5);
    thousandths = thousandths > 32767.0 ? 32767.0 : thousandths < -32768.0 ? -32768.0 : thousandths;
    uint8_t *data = new_frame(out, id_of(d, COB_RPDO1), 4)->data;
    put_u16(data, controlword);
    put_u16(data + 2, (uint32_t)(int32_t)thousandths & 0xFFFFu);
    return 1 + close_cycle(d, now_us, out + 1);
}

static unsigned command(drive *d, double shaft_nm, uint64_t now_us, drive_frame *out)
{
    return pdo(d, drive_ready(d) ? CW_ENABLE_OPERATION : CW_SHUTDOWN, shaft_nm, now_us, out);
}

/* One transition of the state machine at a time, as the statusword says. */
static unsigned start(drive *d, uint64_t now_us, drive_frame *out)
{
    uint32_t controlword = CW_SHUTDOWN;
    if (d->state == SW_READY)
        controlword = CW_SWITCH_ON;
    else if (d->state == SW_SWITCHED_ON || d->state == SW_ENABLED)
        controlword = CW_ENABLE_OPERATION;
    return pdo(d, controlword, 0.0, now_us, out);
}

static uint32_t state_of(uint32_t statusword)
{
    uint32_t low = statusword & 0x4Fu;
    return low == SW_SWITCH_ON_DISABLED ? low : statusword & 0x6Fu;
}

static int take_status(drive *d, const drive_frame *frame, uint64_t now_us)
{
    if (frame->len != 4)
        return -1;
    uint32_t statusword = get_u16(frame->data);
    uint32_t code = d->fault != 0 ? d->fault : NO_CODE;
    d->state = state_of(statusword);
    drive_heard_state(d, d->state == SW_ENABLED, statusword & FAULT_BIT ? code : 0);
    return drive_heard_torque(d, get_i16(frame->data + 2) * d->config.range_torque / 1000.0, now_us) ? 1 : -1;
}

static int take_motion(drive *d, const drive_frame *frame, uint64_t now_us)
{
    double count_rad = TURN_RAD / d->config.range_position;
    if (frame->len != 8)
        return -1;
    return drive_heard_motion(d, get_i32(frame->data) * count_rad, get_i32(frame->data + 4) * count_rad, now_us) ? 1 : -1;
}

/* A boot-up message or another NMT state than operational: PDOs no longer act. */
static int take_heartbeat(drive *d, const drive_frame *frame, uint64_t now_us)
{
    if (frame->len != 1)
        return -1;
    d->beaten = frame->data[0] == NMT_OPERATIONAL;
    d->beat_us = now_us;
    if (!d->beaten)
        drive_heard_state(d, 0, d->fault);
    return 1;
}

static int take_emergency(drive *d, const drive_frame *frame)
{
    if (frame->len != 8)
        return -1;
    drive_heard_state(d, d->in_mode, get_u16(frame->data));
    return 1;
}

static int receive(drive *d, const drive_frame *frame, uint64_t now_us)
{
    if (frame->can_id == id_of(d, COB_TPDO1))
        return take_status(d, frame, now_us);
    if (frame->can_id == id_of(d, COB_TPDO2))
        return take_motion(d, frame, now_us);
    if (frame->can_id == id_of(d, COB_HEARTBEAT))
        return take_heartbeat(d, frame, now_us);
    return frame->can_id == id_of(d, COB_EMCY) ? take_emergency(d, frame) : 0;
}

/* Each step acts with its SYNC, also from a drive that does not close the cycle. */
static unsigned release(drive *d, drive_frame *out)
{
    const uint32_t last[2] = { d->state == SW_ENABLED ? CW_ENABLE_OPERATION : CW_SHUTDOWN, CW_SHUTDOWN };
    unsigned count = 0;
    for (unsigned i = 0; i < 2; i++) {
        put_u16(new_frame(&out[count++], id_of(d, COB_RPDO1), 4)->data, last[i]);
        new_frame(&out[count++], COB_SYNC, 0);
    }
    return count;
}

const drive_codec CIA402_CODEC = { start, command, receive, release };
