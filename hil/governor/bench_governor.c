/* One governor per handle for the bench: takes frames from a socket, sensors in SI units, and steps as firmware does. */
#include "bench_governor.h"

#include <stdlib.h>

#include "node.h"

void *bench_open(int fd, uint32_t profile_hash)
{
    node *n = calloc(1, sizeof *n);
    if (n != NULL)
        node_init(n, fd, profile_hash);
    return n;
}

void bench_close(void *handle) { free(handle); }

int bench_order(void *handle, const fault_order *order) { return node_order(handle, order); }

void bench_step(void *handle, int64_t now_ns, const bench_sensed sensed[], double command_nm[], int64_t state[2])
{
    node *n = handle;
    gov_measured measured[EXO_JOINT_COUNT];
    int32_t command_cnm[EXO_JOINT_COUNT];
    for (int i = 0; i < EXO_JOINT_COUNT; i++)
        measured[i] = node_measured(sensed[i].angle_rad, sensed[i].rate_radps, sensed[i].torque_nm, sensed[i].valid != 0.0);
    node_step(n, now_ns, measured, command_cnm);
    for (int i = 0; i < EXO_JOINT_COUNT; i++)
        command_nm[i] = command_cnm[i] / 100.0;
    state[0] = n->governor.state;
    state[1] = n->governor.reason;
}
