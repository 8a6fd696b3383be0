/* CubeMars AK series, MIT mode ("force control mode"), classic CAN at 1 Mbit/s.
 *
 * Source: CubeMars, AK Series Actuator Driver Manual V1.0.8, section 5.3, pages 48 to 51. Command: position 16 bits,
 * velocity, kp, kd and torque 12 bits each, big endian; reply: drive id, position, velocity, torque, temperature, error.
 * Gains are zero here: the torque field alone acts. The scale has no code for exactly zero torque: the nearest is half a
 * step off (0.0044 Nm of +-18 Nm). The manual names no timeout of the drive.
 */
#include "codec.h"

#define ENTER 0xFCu
#define LEAVE 0xFDu
#define POSITION_BITS 16u
#define FIELD_BITS 12u

static double top(unsigned bits) { return (double)((1u << bits) - 1u); }

static uint32_t to_field(double value, double range, unsigned bits)
{
    double scaled = floor((value + range) / (2.0 * range) * top(bits) + 0.5);
    if (!(scaled > 0.0))
        return 0;
    return scaled > top(bits) ? (uint32_t)top(bits) : (uint32_t)scaled;
}

static double from_field(uint32_t field, double range, unsigned bits)
{
    return (double)field / top(bits) * 2.0 * range - range;
}

static unsigned special(const drive *d, uint8_t code, drive_frame *out)
{
    new_frame(out, (uint32_t)d->config.node, 8);
    memset(out->data, 0xFF, 7);
    out->data[7] = code;
    return 1;
}

static unsigned start(drive *d, uint64_t now_us, drive_frame *out)
{
    return drive_may_ask(d, now_us) ? special(d, ENTER, out) : 0;
}

static unsigned command(drive *d, double shaft_nm, uint64_t now_us, drive_frame *out)
{
    const drive_config *c = &d->config;
    uint32_t position = to_field(0.0, c->range_position, POSITION_BITS);
    uint32_t velocity = to_field(0.0, c->range_velocity, FIELD_BITS);
    uint32_t torque = to_field(shaft_nm, c->range_torque, FIELD_BITS);
    uint8_t *data = new_frame(out, (uint32_t)c->node, 8)->data;
    (void)now_us;
    data[0] = (uint8_t)(position >> 8);
    data[1] = (uint8_t)(position & 0xFFu);
    data[2] = (uint8_t)(velocity >> 4);
    data[3] = (uint8_t)((velocity & 0xFu) << 4); /* and kp, zero */
    data[6] = (uint8_t)(torque >> 8); /* below kd, zero */
    data[7] = (uint8_t)(torque & 0xFFu);
    return 1;
}

/* The manual writes the reply's id as 0x00 + drive id; drives in the field use either 0 or the drive's own. */
static int receive(drive *d, const drive_frame *frame, uint64_t now_us)
{
    const drive_config *c = &d->config;
    const uint8_t *data = frame->data;
    if ((frame->can_id != 0 && frame->can_id != (uint32_t)c->node) || frame->len == 0 || data[0] != (uint8_t)c->node)
        return 0;
    if (frame->len != 8)
        return -1; /* older firmware: no error code, so nothing to trust */
    uint32_t position = (uint32_t)data[1] << 8 | data[2];
    uint32_t velocity = (uint32_t)data[3] << 4 | data[4] >> 4;
    uint32_t torque = ((uint32_t)data[4] & 0xFu) << 8 | data[5];
    if (position == 0 || position == 0xFFFFu)
        return -1; /* at the end of its scale: the joint may be anywhere beyond */
    d->temperature_c = (double)(int8_t)data[6];
    drive_heard_state(d, d->asked, data[7]);
    if (!drive_heard_motion(d, from_field(position, c->range_position, POSITION_BITS),
            from_field(velocity, c->range_velocity, FIELD_BITS), now_us))
        return -1;
    return drive_heard_torque(d, from_field(torque, c->range_torque, FIELD_BITS), now_us) ? 1 : -1;
}

static unsigned release(drive *d, drive_frame *out)
{
    return command(d, 0.0, 0, out) + special(d, LEAVE, out + 1);
}

const drive_codec CUBEMARS_CODEC = { start, command, receive, release };
