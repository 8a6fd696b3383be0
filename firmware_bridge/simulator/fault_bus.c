/* Simulated faults of the bus: frames lost, doubled, broken, late, shut out or under a wrong id; see faults.h. */
#include <stddef.h>
#include <string.h>

#include "faults.h"

#define BIT_RATE_FRAMES_PER_MS 8u /* 1 Mbit/s, 8 data bytes: at most 135 bits with stuffing, ISO 11898-1 */
#define DATA_BITS 64.0
#define ERROR_FLAG 0x20000000u /* linux/can.h */
#define ERROR_BUS_OFF 0x40u    /* linux/can/error.h, as the next */
#define ERROR_RESTARTED 0x100u

static const uint16_t PAIRS[][EXO_JOINT_COUNT] = { EXO_TORQUE_SETPOINT_IDS_INIT, EXO_JOINT_STATE_IDS_INIT };

static int hits(fault_order *order, int direction)
{
    return order != NULL && ((int)order->value[1] & direction) != 0 && fault_random(order) < order->value[0];
}

static void corrupt(fault_order *order, bus_frame *frame)
{
    for (int i = 0; i < (int)order->value[2]; i++) {
        unsigned bit = (unsigned)(fault_random(order) * DATA_BITS);
        frame->data[bit / 8u] ^= (uint8_t)(1u << bit % 8u);
    }
}

static void swap(bus_frame *frame)
{
    for (size_t i = 0; i < sizeof PAIRS / sizeof PAIRS[0]; i++) {
        if (frame->can_id == PAIRS[i][0])
            frame->can_id = PAIRS[i][1];
        else if (frame->can_id == PAIRS[i][1])
            frame->can_id = PAIRS[i][0];
    }
}

static void put_off(faults *f, fault_order *order, int direction, const bus_frame *frame, int64_t now_ns)
{
    if (f->queued == FAULT_QUEUE)
        return;
    double late_ms = order->value[0] + order->value[2] * fault_random(order);
    f->queue[f->queued].frame = *frame;
    f->queue[f->queued].due_ns = now_ns + (int64_t)(late_ms * 1e6);
    f->queue[f->queued].direction = direction;
    f->queued++;
}

/* Frames whose time has come, the oldest first. */
static unsigned arrive(faults *f, int direction, bus_frame out[FAULT_FRAMES], int64_t now_ns)
{
    unsigned count = 0, kept = 0;
    for (unsigned i = 0; i < f->queued; i++) {
        int due = f->queue[i].direction == direction && f->queue[i].due_ns <= now_ns;
        if (due && count < FAULT_FRAMES)
            out[count++] = f->queue[i].frame;
        else
            f->queue[kept++] = f->queue[i];
    }
    f->queued = kept;
    return count;
}

/* A node that never stops talking wins the bus by its lower id: what room it leaves is ours, its frames come on top. */
static unsigned babble(const fault_order *order, bus_frame out[FAULT_FRAMES], unsigned count)
{
    unsigned flood = (unsigned)order->value[0];
    flood = flood < BIT_RATE_FRAMES_PER_MS ? flood : BIT_RATE_FRAMES_PER_MS;
    unsigned room = BIT_RATE_FRAMES_PER_MS - flood;
    count = count < room ? count : room;
    for (unsigned i = 0; i < flood && count < FAULT_FRAMES; i++) {
        bus_frame noise = { .can_id = (uint32_t)order->value[1], .len = 8 };
        memset(noise.data, 0xAA, sizeof noise.data);
        out[count++] = noise;
    }
    return count;
}

/* A controller that is off sends and hears nothing; the host's own tells its driver, and again when it is back. */
static unsigned report(faults *f, int off, int direction, bus_frame out[FAULT_FRAMES], unsigned count)
{
    if (direction != TO_HOST || off == f->host_off)
        return count;
    f->host_off = off;
    bus_frame error = { .can_id = ERROR_FLAG | (off ? ERROR_BUS_OFF : ERROR_RESTARTED), .len = 8 };
    memmove(out + 1, out, (count < FAULT_FRAMES ? count : FAULT_FRAMES - 1) * sizeof *out);
    out[0] = error;
    return count < FAULT_FRAMES ? count + 1 : count;
}

/* One frame on its way: `out` grows by what arrives of it now. */
static unsigned carry(faults *f, int direction, bus_frame frame, bus_frame *out, unsigned room, int64_t now_ns)
{
    fault_order *doubled = fault_active(f, FAULT_DUPLICATE, now_ns);
    fault_order *broken = fault_active(f, FAULT_CORRUPT, now_ns);
    fault_order *late = fault_active(f, FAULT_DELAY, now_ns);
    const fault_order *swapped = fault_active(f, FAULT_SWAP, now_ns);
    if (hits(fault_active(f, FAULT_LOSS, now_ns), direction))
        return 0;
    if (swapped != NULL && ((int)swapped->value[0] & direction) != 0)
        swap(&frame);
    if (hits(broken, direction))
        corrupt(broken, &frame);
    unsigned copies = 1u + (hits(doubled, direction) ? (unsigned)doubled->value[2] : 0u);
    if (late != NULL && ((int)late->value[1] & direction) != 0) {
        for (unsigned i = 0; i < copies; i++)
            put_off(f, late, direction, &frame, now_ns);
        return 0;
    }
    copies = copies < room ? copies : room;
    for (unsigned i = 0; i < copies; i++)
        out[i] = frame;
    return copies;
}

static int any_order(const faults *f)
{
    for (unsigned i = 0; i < FAULT_ORDERS; i++)
        if (f->orders[i].kind != FAULT_FREE)
            return 1;
    return f->queued > 0 || f->host_off;
}

unsigned faults_on_bus(faults *f, int direction, bus_frame frames[FAULT_FRAMES], unsigned count, int64_t now_ns)
{
    if (!any_order(f))
        return count;
    bus_frame sent[FAULT_FRAMES];
    memcpy(sent, frames, count * sizeof *frames);
    unsigned arrived = arrive(f, direction, frames, now_ns);
    for (unsigned i = 0; i < count; i++)
        arrived += carry(f, direction, sent[i], frames + arrived, FAULT_FRAMES - arrived, now_ns);
    const fault_order *off = fault_active(f, FAULT_BUS_OFF, now_ns);
    const fault_order *noisy = fault_active(f, FAULT_BABBLE, now_ns);
    if (off != NULL)
        arrived = 0;
    else if (noisy != NULL)
        arrived = babble(noisy, frames, arrived);
    return report(f, off != NULL && off->value[0] > 0.0, direction, frames, arrived);
}
