/* Shared by the governor's own files only. */
#ifndef EXO_GOVERNOR_INTERNAL_H
#define EXO_GOVERNOR_INTERNAL_H

#include "governor.h"

/* True from ARMED to DEGRADED: the drive is on and setpoints count. */
static inline int is_live(const governor *g)
{
    return g->state >= EXO_STATE_ARMED && g->state <= EXO_STATE_DEGRADED;
}

static inline int lease_holds(const gov_joint *j, uint64_t now_us)
{
    return j->leased && now_us <= j->lease_end_us;
}

/* True where a joint that is not released has no valid setpoint. */
static inline int lease_lapsed(const gov_joint *j, uint64_t now_us)
{
    return j->mode != EXO_MODE_OFF && !lease_holds(j, now_us);
}

/* Changes the state and makes the change known at once. */
void gov_enter(governor *g, uint8_t state, uint8_t reason);

/* Latches SAFE with a reason. In SAFE nothing calls it: the first reason stays. */
void gov_trip(governor *g, uint8_t reason, uint64_t now_us);

/* Makes the newest setpoint that is due the target, in the order in which they came, and drops it from the queue. */
void gov_apply_due(gov_joint *j, uint64_t now_us);

/* Once per step: what the torque held since the last one did to the drive's heat and against the wearer. */
void gov_count_joint(gov_joint *j, int32_t dt_us);

/* First rule on measurements that a joint has broken for longer than it may, as a reason. */
uint8_t gov_watch_joint(gov_joint *j, uint64_t now_us);

/* First hash of the host that differs from ours, as a reason. */
uint8_t gov_hash_reason(const gov_host *host);

#endif
