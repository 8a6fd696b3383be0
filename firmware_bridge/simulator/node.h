/* The governor on a bus, with the faults that bus, encoders and clock can be made to suffer: what the simulated firmware
 * and the bench's governor are made of.
 */
#ifndef EXO_NODE_H
#define EXO_NODE_H

#include <stdint.h>

#include "bus.h"
#include "faults.h"
#include "governor.h"

typedef struct {
    can_bus bus;
    faults faults;
    governor governor;
} node;

/* A governor at power-up that talks on descriptor fd (struct can_frame, SOCK_SEQPACKET); orders come by node_order. */
void node_init(node *n, int fd, uint32_t profile_hash);

/* Makes it suffer a fault. Returns -1 where as many as fit hold already. */
int node_order(node *n, const fault_order *order);

/* What the sensors of one joint show (rad, rad/s, Nm), as on the wire. */
gov_measured node_measured(double angle_rad, double rate_radps, double torque_nm, int valid);

/* One governor step: waiting frames in, what the encoders show of `measured`, step, frames out. */
void node_step(node *n, int64_t now_ns, gov_measured measured[EXO_JOINT_COUNT], int32_t command_cnm[EXO_JOINT_COUNT]);

#endif
