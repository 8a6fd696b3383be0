/* One governor per handle for the bench: takes frames from a socket, sensors in SI units, and steps as firmware does.
 *
 * The order of a step is that of firmware_bridge/simulator/main.c: frames in, sensors, governor, frames out; so are the
 * faults that its bus, its encoders and its clock can be made to suffer.
 */
#include "bench_governor.h"

#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "governor.h"

#define PI 3.14159265358979323846

typedef struct {
    can_bus bus;
    faults faults;
    governor governor;
} bench;

void *bench_open(int fd, uint32_t profile_hash)
{
    bench *b = calloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    gov_config config = gov_default_config(profile_hash);
    b->bus.listener = -1;
    b->bus.connection = fd;
    b->faults.socket = -1; /* orders come by bench_order */
    gov_init(&b->governor, &config);
    return b;
}

void bench_close(void *handle) { free(handle); }

int bench_order(void *handle, const fault_order *order)
{
    bench *b = handle;
    for (unsigned i = 0; i < FAULT_ORDERS; i++) {
        if (b->faults.orders[i].kind == FAULT_FREE) {
            b->faults.orders[i] = *order;
            return 0;
        }
    }
    return -1;
}

static int16_t wire(double value)
{
    double rounded = value < 0.0 ? value - 0.5 : value + 0.5;
    return (int16_t)(rounded > 32767.0 ? 32767.0 : rounded < -32768.0 ? -32768.0 : rounded);
}

static void take_frames(bench *b, int64_t now_ns, uint64_t now_us)
{
    bus_frame frames[FAULT_FRAMES];
    unsigned count = faults_on_bus(&b->faults, TO_GOVERNOR, frames, bus_receive(&b->bus, frames), now_ns);
    for (unsigned i = 0; i < count; i++)
        gov_on_frame(&b->governor, frames[i].can_id, frames[i].data, frames[i].len, now_us);
}

static void send_frames(bench *b, int64_t now_ns, uint64_t now_us)
{
    gov_frame frames[GOV_TX_MAX];
    bus_frame out[FAULT_FRAMES];
    memset(out, 0, GOV_TX_MAX * sizeof out[0]);
    unsigned count = gov_transmit(&b->governor, now_us, frames);
    for (unsigned i = 0; i < count; i++) {
        out[i].can_id = frames[i].id;
        out[i].len = 8;
        memcpy(out[i].data, frames[i].data, sizeof out[i].data);
    }
    count = faults_on_bus(&b->faults, TO_HOST, out, count, now_ns);
    for (unsigned sent = 0; sent < count; sent += BUS_BATCH)
        bus_send(&b->bus, out + sent, count - sent < BUS_BATCH ? count - sent : BUS_BATCH);
}

static void measure(bench *b, const bench_sensed sensed[], gov_measured measured[], int64_t now_ns)
{
    for (int i = 0; i < EXO_JOINT_COUNT; i++) {
        measured[i].position_cdeg = wire(sensed[i].angle_rad * 18000.0 / PI);
        measured[i].velocity_ddegps = wire(sensed[i].rate_radps * 1800.0 / PI);
        measured[i].torque_cnm = wire(sensed[i].torque_nm * 100.0);
        measured[i].valid = sensed[i].valid != 0.0;
    }
    faults_on_encoders(&b->faults, measured, now_ns);
}

void bench_step(void *handle, int64_t now_ns, const bench_sensed sensed[], double command_nm[], int64_t state[2])
{
    bench *b = handle;
    gov_measured measured[EXO_JOINT_COUNT];
    int32_t command_cnm[EXO_JOINT_COUNT];
    faults_hear(&b->faults, now_ns);
    uint64_t now_us = (uint64_t)(faults_clock_ns(&b->faults, now_ns) / 1000);
    take_frames(b, now_ns, now_us);
    measure(b, sensed, measured, now_ns);
    gov_step(&b->governor, now_us, measured, command_cnm);
    for (int i = 0; i < EXO_JOINT_COUNT; i++)
        command_nm[i] = command_cnm[i] / 100.0;
    state[0] = b->governor.state;
    state[1] = b->governor.reason;
    send_frames(b, now_ns, now_us);
}
