/* What the sensors of a joint, and its own past, say against its torque. */
#include "internal.h"

void gov_count_joint(gov_joint *j, int32_t dt_us)
{
    int32_t torque = cnm_of(j->applied);
    j->heat = rule_heat(&j->limits, j->heat, torque, dt_us);
    j->opposed_us = rule_opposed(&j->limits, j->opposed_us, torque, j->measured.velocity_ddegps, dt_us);
}

/* True for conditions that hold for longer than a patience. */
static int watched(gov_joint *j, enum gov_watch which, int outside, int32_t patience_us, uint64_t now_us)
{
    if (outside && !j->outside[which])
        j->outside_since_us[which] = now_us;
    j->outside[which] = (uint8_t)outside;
    return outside && now_us - j->outside_since_us[which] >= (uint64_t)patience_us;
}

uint8_t gov_watch_joint(gov_joint *j, uint64_t now_us)
{
    const gov_measured *m = &j->measured;
    int32_t torque = cnm_of(j->applied);
    int past_stop = (m->position_cdeg > j->limits.position_max_cdeg && torque > 0)
        || (m->position_cdeg < j->limits.position_min_cdeg && torque < 0);
    int strong = torque * m->velocity_ddegps > j->limits.power_raw;
    int power = watched(j, GOV_WATCH_POWER, strong, j->limits.yield_us, now_us);
    int stop = watched(j, GOV_WATCH_SOFT_STOP, past_stop, j->limits.yield_us, now_us);
    int fast = magnitude(m->velocity_ddegps) > j->limits.velocity_max_ddegps;
    int velocity = watched(j, GOV_WATCH_VELOCITY, fast, j->limits.persist_us, now_us);
    int apart = magnitude(m->torque_cnm - torque) > j->limits.tracking_cnm;
    int tracking = watched(j, GOV_WATCH_TRACKING, apart, j->limits.persist_us, now_us);
    if (power)
        return EXO_REASON_POWER;
    if (stop)
        return EXO_REASON_SOFT_STOP;
    if (velocity)
        return EXO_REASON_VELOCITY;
    if (tracking)
        return EXO_REASON_TRACKING;
    if (j->opposed_us > j->limits.opposing_us)
        return EXO_REASON_OPPOSING;
    return rule_too_hot(&j->limits, j->heat) ? EXO_REASON_I2T : EXO_REASON_NONE;
}
