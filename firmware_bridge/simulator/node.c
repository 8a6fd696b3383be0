/* One step of a governor on a bus; see node.h. */
#include "node.h"

#include <string.h>

#define PI 3.14159265358979323846

void node_init(node *n, int fd, uint32_t profile_hash)
{
    gov_config config = gov_default_config(profile_hash);
    memset(n, 0, sizeof *n);
    n->bus.listener = -1;
    n->bus.connection = fd;
    n->faults.socket = -1;
    gov_init(&n->governor, &config);
}

int node_order(node *n, const fault_order *order)
{
    for (unsigned i = 0; i < FAULT_ORDERS; i++) {
        if (n->faults.orders[i].kind == FAULT_FREE) {
            n->faults.orders[i] = *order;
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

gov_measured node_measured(double angle_rad, double rate_radps, double torque_nm, int valid)
{
    gov_measured measured;
    memset(&measured, 0, sizeof measured);
    measured.position_cdeg = wire(angle_rad * 18000.0 / PI);
    measured.velocity_ddegps = wire(rate_radps * 1800.0 / PI);
    measured.torque_cnm = wire(torque_nm * 100.0);
    measured.valid = valid != 0;
    return measured;
}

static void take_frames(node *n, int64_t now_ns, uint64_t now_us)
{
    bus_frame frames[FAULT_FRAMES];
    unsigned count = faults_on_bus(&n->faults, TO_GOVERNOR, frames, bus_receive(&n->bus, frames), now_ns);
    for (unsigned i = 0; i < count; i++)
        gov_on_frame(&n->governor, frames[i].can_id, frames[i].data, frames[i].len, now_us);
}

static void send_frames(node *n, int64_t now_ns, uint64_t now_us)
{
    gov_frame frames[GOV_TX_MAX];
    bus_frame out[FAULT_FRAMES];
    memset(out, 0, GOV_TX_MAX * sizeof out[0]);
    unsigned count = gov_transmit(&n->governor, now_us, frames);
    for (unsigned i = 0; i < count; i++) {
        out[i].can_id = frames[i].id;
        out[i].len = 8;
        memcpy(out[i].data, frames[i].data, sizeof out[i].data);
    }
    count = faults_on_bus(&n->faults, TO_HOST, out, count, now_ns);
    for (unsigned sent = 0; sent < count; sent += BUS_BATCH)
        bus_send(&n->bus, out + sent, count - sent < BUS_BATCH ? count - sent : BUS_BATCH);
}

void node_step(node *n, int64_t now_ns, gov_measured measured[EXO_JOINT_COUNT], int32_t command_cnm[EXO_JOINT_COUNT])
{
    faults_hear(&n->faults, now_ns);
    uint64_t now_us = (uint64_t)(faults_clock_ns(&n->faults, now_ns) / 1000);
    take_frames(n, now_ns, now_us);
    faults_on_encoders(&n->faults, measured, now_ns);
    gov_step(&n->governor, now_us, measured, command_cnm);
    send_frames(n, now_ns, now_us);
}
