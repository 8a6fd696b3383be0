/* The emulated board's knees and bench messages; see bench.h. */
#include "bench.h"

#include <string.h>

#define REST_CDEG 3000
#define LAG_STEPS 4

static int16_t read16(const uint8_t *at) { return (int16_t)(uint16_t)(at[0] | at[1] << 8); }

static void write16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value & 0xFFu);
    at[1] = (uint8_t)(value >> 8);
}

void bench_init(bench *b)
{
    memset(b, 0, sizeof *b);
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++) {
        b->knees[i].position_cdeg = REST_CDEG;
        b->knees[i].flags = BENCH_VALID;
    }
}

static void take_sensor(bench *b, const uint8_t *data)
{
    if (data[0] >= EXO_JOINT_COUNT)
        return;
    bench_knee *k = &b->knees[data[0]];
    k->flags = data[1];
    k->position_cdeg = read16(data + 2);
    k->velocity_ddegps = read16(data + 4);
    k->torque_cnm = read16(data + 6);
}

static void take_tick(bench *b, const uint8_t *data)
{
    uint64_t now_us = 0;
    for (unsigned i = 8; i-- > 0;)
        now_us = now_us << 8 | data[i];
    if (now_us > b->tick_us)
        b->tick_us = now_us;
    b->ticked = 1;
}

void bench_take(bench *b, const serial_frame *frame)
{
    switch (frame->id) {
    case BENCH_SENSOR:
        take_sensor(b, frame->data);
        break;
    case BENCH_TICK:
        take_tick(b, frame->data);
        break;
    case BENCH_ASK:
    case BENCH_HANG:
    case BENCH_FAULT:
    case BENCH_CLOCK:
        b->asked = (uint8_t)frame->id;
        break;
    default:
        break;
    }
}

static int16_t saturated(int32_t value)
{
    return (int16_t)(value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value);
}

void bench_sense(const bench *b, gov_measured measured[EXO_JOINT_COUNT])
{
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++) {
        const bench_knee *k = &b->knees[i];
        measured[i].position_cdeg = k->position_cdeg;
        measured[i].velocity_ddegps = k->velocity_ddegps;
        measured[i].torque_cnm = saturated(k->torque_cnm + ((k->flags & BENCH_SHOWN) ? 0 : k->drive_cnm));
        measured[i].valid = k->flags & BENCH_VALID;
    }
}

void bench_drive(bench *b, const int32_t torque_cnm[EXO_JOINT_COUNT])
{
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++) {
        int32_t apart = torque_cnm[i] - b->knees[i].drive_cnm;
        /* Division cuts off: what is closer than the lag's last step is there. */
        b->knees[i].drive_cnm += apart / LAG_STEPS != 0 ? apart / LAG_STEPS : apart;
    }
}

serial_frame bench_done(const int32_t torque_cnm[EXO_JOINT_COUNT], uint8_t state, uint8_t reason)
{
    serial_frame frame = { .id = BENCH_DONE, .bench = 1, .len = 6 };
    write16(frame.data, (uint16_t)torque_cnm[EXO_JOINT_KNEE_R]);
    write16(frame.data + 2, (uint16_t)torque_cnm[EXO_JOINT_KNEE_L]);
    frame.data[4] = state;
    frame.data[5] = reason;
    return frame;
}

serial_frame bench_report(const uint16_t counts[4])
{
    serial_frame frame = { .id = BENCH_REPORT, .bench = 1, .len = 8 };
    for (unsigned i = 0; i < 4; i++)
        write16(frame.data + 2 * i, counts[i]);
    return frame;
}
