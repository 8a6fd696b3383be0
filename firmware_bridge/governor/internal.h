/* Shared by the governor's own files only. */
#ifndef EXO_GOVERNOR_INTERNAL_H
#define EXO_GOVERNOR_INTERNAL_H

#include "governor.h"

static inline int32_t magnitude(int32_t value) { return value < 0 ? -value : value; }

/* True from ARMED to DEGRADED: the drive is on and setpoints count. */
static inline int is_live(const governor *g)
{
    return g->state >= EXO_STATE_ARMED && g->state <= EXO_STATE_DEGRADED;
}

/* Changes the state and makes the change known at once. */
void gov_enter(governor *g, uint8_t state, uint8_t reason);

/* Latches SAFE with a reason; the first reason stays. */
void gov_trip(governor *g, uint8_t reason, uint64_t now_us);

/* First hash of the host that differs from ours, as a reason. */
uint8_t gov_hash_reason(const gov_host *host);

#endif
