/* The governor as a library that the bench calls; see bench_governor.c. */
#ifndef EXO_BENCH_GOVERNOR_H
#define EXO_BENCH_GOVERNOR_H

#include <stdint.h>

#include "faults.h"

/* One joint's sensors: rad, rad/s, Nm; valid 0.0 or 1.0. */
typedef struct {
    double angle_rad, rate_radps, torque_nm, valid;
} bench_sensed;

/* A governor at power-up that talks on socket fd (struct can_frame, SOCK_SEQPACKET); NULL without memory. */
void *bench_open(int fd, uint32_t profile_hash);

void bench_close(void *handle);

/* Makes it suffer a fault. Returns -1 where as many as fit hold already. */
int bench_order(void *handle, const fault_order *order);

/* One millisecond: takes waiting frames and the sensors, gives the command per joint and (state, reason), answers. */
void bench_step(void *handle, int64_t now_ns, const bench_sensed sensed[], double command_nm[], int64_t state[2]);

#endif
