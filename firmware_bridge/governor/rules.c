/* The limits as small predicates and motions of torque. */
#include "rules.h"

int32_t rule_faded(int32_t limit_cnm, int32_t age_us)
{
    if (age_us <= EXO_AGE_FULL_US)
        return limit_cnm;
    if (age_us >= EXO_AGE_ZERO_US)
        return 0;
    return (int32_t)((int64_t)limit_cnm * (EXO_AGE_ZERO_US - age_us) / (EXO_AGE_ZERO_US - EXO_AGE_FULL_US));
}

/* Motion from a torque >= 0 toward any other. */
static utorque slew_positive(const exo_joint_limits *limits, utorque from, utorque to, int64_t dt_us)
{
    if (to >= from) {
        utorque reach = from + limits->slew_up_cnm_per_s * dt_us;
        return to < reach ? to : reach;
    }
    utorque floor = to > 0 ? to : 0;
    utorque fall = limits->slew_down_cnm_per_s * dt_us;
    if (from - floor > fall)
        return from - fall;
    if (to >= 0)
        return to;
    /* Zero is crossed: the rest of the time counts as growth on the other side. */
    int64_t left_us = dt_us - (from + limits->slew_down_cnm_per_s - 1) / limits->slew_down_cnm_per_s;
    if (left_us <= 0)
        return 0;
    utorque reach = -(limits->slew_up_cnm_per_s * left_us);
    return to > reach ? to : reach;
}

utorque rule_slew(const exo_joint_limits *limits, utorque from, utorque to, int64_t dt_us)
{
    if (from > 0 || (from == 0 && to >= 0))
        return slew_positive(limits, from, to, dt_us);
    return -slew_positive(limits, -from, -to, dt_us);
}

int32_t rule_opposed(const exo_joint_limits *limits, int32_t opposed_us, int32_t torque_cnm, int32_t velocity_ddegps,
    int32_t dt_us)
{
    int32_t against = torque_cnm > 0 ? -velocity_ddegps : velocity_ddegps;
    int32_t size = torque_cnm > 0 ? torque_cnm : -torque_cnm;
    if (size > limits->opposing_cnm && against > limits->opposing_ddegps)
        return opposed_us + dt_us;
    return opposed_us > dt_us ? opposed_us - dt_us : 0;
}

int64_t rule_heat(const exo_joint_limits *limits, int64_t heat, int32_t torque_cnm, int32_t dt_us)
{
    int64_t square = (int64_t)torque_cnm * torque_cnm;
    return heat + (square - heat / limits->i2t_us) * dt_us;
}

int rule_too_hot(const exo_joint_limits *limits, int64_t heat)
{
    return heat / limits->i2t_us > (int64_t)limits->i2t_cnm * limits->i2t_cnm;
}

static uint64_t bucket_us(const exo_joint_limits *limits)
{
    return (uint64_t)(limits->window_us / (EXO_WINDOW_BUCKETS - 1));
}

static void start_bucket(exo_window *w, uint64_t bucket, int32_t torque_cnm)
{
    w->low[bucket % EXO_WINDOW_BUCKETS] = torque_cnm;
    w->high[bucket % EXO_WINDOW_BUCKETS] = torque_cnm;
    w->bucket = bucket;
}

void window_hold(exo_window *w, int32_t torque_cnm, const exo_joint_limits *limits, uint64_t now_us)
{
    for (unsigned i = 0; i < EXO_WINDOW_BUCKETS; i++) {
        w->low[i] = torque_cnm;
        w->high[i] = torque_cnm;
    }
    w->bucket = now_us / bucket_us(limits);
}

/* Opens the stretches between the newest and now, each filled with the torque that was held meanwhile. */
static void advance(exo_window *w, int32_t held_cnm, const exo_joint_limits *limits, uint64_t now_us)
{
    uint64_t bucket = now_us / bucket_us(limits);
    if (bucket > w->bucket + EXO_WINDOW_BUCKETS)
        w->bucket = bucket - EXO_WINDOW_BUCKETS;
    while (w->bucket < bucket)
        start_bucket(w, w->bucket + 1, held_cnm);
}

int window_allows(exo_window *w, int32_t torque_cnm, int32_t held_cnm, const exo_joint_limits *limits, uint64_t now_us)
{
    advance(w, held_cnm, limits, now_us);
    int32_t lowest = 0;
    int32_t highest = 0;
    for (unsigned i = 0; i < EXO_WINDOW_BUCKETS; i++) {
        lowest = (i == 0 || w->low[i] < lowest) ? w->low[i] : lowest;
        highest = (i == 0 || w->high[i] > highest) ? w->high[i] : highest;
    }
    if (torque_cnm > 0)
        return torque_cnm <= lowest + limits->window_cnm;
    if (torque_cnm < 0)
        return torque_cnm >= highest - limits->window_cnm;
    return 1;
}

void window_add(exo_window *w, int32_t torque_cnm)
{
    unsigned i = (unsigned)(w->bucket % EXO_WINDOW_BUCKETS);
    if (torque_cnm < w->low[i])
        w->low[i] = torque_cnm;
    if (torque_cnm > w->high[i])
        w->high[i] = torque_cnm;
}
