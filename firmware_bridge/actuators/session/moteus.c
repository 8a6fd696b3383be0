/* mjbots moteus over CAN FD: register writes and reads in subframes of the multiplex protocol, little endian.
 *
 * Source: moteus docs/protocol/can.md and docs/protocol/registers.md. Position mode with position NaN and both gains
 * scaled to zero leaves the feedforward torque alone; each command carries its own timeout (register 0x027), after which
 * the drive goes to mode 11 and stays there until it is stopped.
 */
#include "codec.h"

enum { MODE_STOPPED = 0, MODE_FAULT = 1, MODE_POSITION = 10 };
enum { REG_MODE = 0x00, REG_POSITION = 0x01, REG_TEMPERATURE = 0x0E, REG_FAULT = 0x0F, REG_COMMAND = 0x20 };
enum { REG_TIMEOUT = 0x27, REG_INTEGRAL_SCALE = 0x2B };
enum { WRITE_INT8 = 0x00, WRITE_F32 = 0x0C, READ_INT8 = 0x10, READ_F32 = 0x1C, REPLY = 0x20, NOP = 0x50 };
enum { TYPE_INT8 = 0, TYPE_F32 = 3 };

#define BIT_RATE_SWITCH 0x01u /* CANFD_BRS of linux/can.h */
#define REPLY_WANTED 0x8000u
#define POWER_LIMITS 96u /* codes from here on tell what limits the torque; not faults */

typedef struct {
    double position, velocity, torque;
    uint32_t mode, fault;
    unsigned seen; /* bit per value */
} reading;

static uint32_t bus_id(uint32_t id) { return id > 0x7FFu ? id | DRIVE_EXTENDED : id; }

static const uint8_t SIZES[4] = { 1, 2, 4, 4 };

/* Reads the mode and the fault, and motion and torque as floats, with every command. */
static uint8_t *put_query(uint8_t *at)
{
    static const uint8_t QUERY[] = { READ_INT8 + 1, REG_MODE, READ_F32 + 3, REG_POSITION, READ_INT8 + 2, REG_TEMPERATURE };
    memcpy(at, QUERY, sizeof QUERY);
    return at + sizeof QUERY;
}

/* Lengths above 8 that CAN FD knows. */
static uint8_t padded(unsigned used)
{
    static const uint8_t LENGTHS[] = { 12, 16, 20, 24, 32, 48, 64 };
    for (unsigned i = 0; i < sizeof LENGTHS; i++)
        if (used <= LENGTHS[i])
            return LENGTHS[i];
    return 0;
}

static unsigned finish(const drive *d, drive_frame *out, const uint8_t *end)
{
    unsigned used = (unsigned)(end - out->data);
    out->can_id = bus_id(REPLY_WANTED | (uint32_t)d->config.host_node << 8 | (uint32_t)d->config.node);
    out->flags = BIT_RATE_SWITCH;
    out->len = used <= 8 ? (uint8_t)used : padded(used);
    memset(out->data + used, NOP, out->len - used);
    return 1;
}

static uint8_t *put_mode(drive_frame *out, uint8_t mode)
{
    uint8_t *at = new_frame(out, 0, 0)->data;
    *at++ = WRITE_INT8 + 1;
    *at++ = REG_MODE;
    *at++ = mode;
    return at;
}

static uint8_t *put_floats(uint8_t *at, uint8_t first, const double *values, uint8_t count)
{
    *at++ = (uint8_t)(count <= 3 ? WRITE_F32 + count : WRITE_F32);
    if (count > 3)
        *at++ = count;
    *at++ = first;
    for (uint8_t i = 0; i < count; i++, at += 4)
        put_f32(at, values[i]);
    return at;
}

static unsigned push(const drive *d, double shaft_nm, drive_frame *out)
{
    const drive_config *c = &d->config;
    /* position, velocity, feedforward torque, kp scale, kd scale, maximum torque */
    const double values[6] = { (double)NAN, 0.0, shaft_nm, 0.0, 0.0, c->torque_max_nm / c->gear };
    const double timeout = (double)c->watchdog_us * 1e-6;
    const double none = 0.0;
    uint8_t *at = put_floats(put_mode(out, MODE_POSITION), REG_COMMAND, values, 6);
    at = put_floats(at, REG_TIMEOUT, &timeout, 1);
    at = put_floats(at, REG_INTEGRAL_SCALE, &none, 1);
    return finish(d, out, put_query(at));
}

static unsigned stop(const drive *d, drive_frame *out) { return finish(d, out, put_query(put_mode(out, MODE_STOPPED))); }

/* A drive out of torque mode is only asked how it is: any torque command would take it back. */
static unsigned command(drive *d, double shaft_nm, uint64_t now_us, drive_frame *out)
{
    (void)now_us;
    if (drive_ready(d))
        return push(d, shaft_nm, out);
    return finish(d, out, put_query(new_frame(out, 0, 0)->data));
}

/* A stop first: it clears a timeout that an earlier session left. */
static unsigned start(drive *d, uint64_t now_us, drive_frame *out)
{
    (void)now_us;
    if (!d->asked) {
        d->asked = 1;
        return stop(d, out);
    }
    return push(d, 0.0, out);
}

static void take(reading *r, unsigned type, uint32_t number, const uint8_t *value)
{
    double *const floats[3] = { &r->position, &r->velocity, &r->torque };
    if (type == TYPE_F32 && number >= REG_POSITION && number < REG_POSITION + 3u) {
        *floats[number - REG_POSITION] = get_f32(value);
        r->seen |= 1u << number;
    } else if (type == TYPE_INT8 && number == REG_MODE) {
        r->mode = *value;
        r->seen |= 1u;
    } else if (type == TYPE_INT8 && number == REG_FAULT) {
        r->fault = *value;
        r->seen |= 1u << 4;
    }
}

/* One reply subframe from at; bytes used, 0 where it is none or runs past the end. Counts and registers stay below 128. */
static unsigned read_subframe(reading *r, const uint8_t *at, unsigned left)
{
    unsigned type = (unsigned)(at[0] >> 2 & 3u), count = at[0] & 3u, used = 1;
    if ((at[0] & 0xF0u) != REPLY || left < 2)
        return 0;
    if (count == 0)
        count = at[used++];
    if (used >= left || count == 0 || count >= 128u || at[used] >= 128u)
        return 0;
    uint32_t first = at[used++];
    if (used + count * SIZES[type] > left)
        return 0;
    for (unsigned i = 0; i < count; i++, used += SIZES[type])
        take(r, type, first + i, at + used);
    return used;
}

static int read_reply(reading *r, const drive_frame *frame)
{
    unsigned at = 0, used;
    memset(r, 0, sizeof *r);
    while (at < frame->len && frame->data[at] != NOP) {
        used = read_subframe(r, frame->data + at, frame->len - at);
        if (used == 0)
            return 0;
        at += used;
    }
    return r->seen == 31u;
}

static int receive(drive *d, const drive_frame *frame, uint64_t now_us)
{
    reading r;
    if (frame->can_id != bus_id((uint32_t)d->config.node << 8 | (uint32_t)d->config.host_node))
        return 0;
    if (frame->len > sizeof frame->data || !read_reply(&r, frame))
        return -1;
    d->state = r.mode;
    uint32_t fault = r.fault < POWER_LIMITS ? r.fault : 0;
    drive_heard_state(d, r.mode == MODE_POSITION, r.mode == MODE_FAULT && fault == 0 ? MODE_FAULT : fault);
    if (!drive_heard_motion(d, r.position * TURN_RAD, r.velocity * TURN_RAD, now_us))
        return -1;
    return drive_heard_torque(d, r.torque, now_us) ? 1 : -1;
}

static unsigned release(drive *d, drive_frame *out) { return push(d, 0.0, out) + stop(d, out + 1); }

const drive_codec MOTEUS_CODEC = { start, command, receive, release };
