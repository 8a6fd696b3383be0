/* The limits as small predicates and motions of torque. */
#include "rules.h"

int32_t rule_faded(int32_t limit_cnm, int32_t age_us)
{
    const int64_t span_us = EXO_AGE_ZERO_US - EXO_AGE_FULL_US;
    int64_t left_us = smaller(larger(EXO_AGE_ZERO_US - age_us, 0), span_us);
    return (int32_t)(limit_cnm * left_us / span_us);
}

/* How far down a torque >= 0 may come in dt: to zero at slew down, what is left of the time beyond it at slew up. */
static utorque lowest_after(const exo_joint_limits *limits, utorque from, int64_t dt_us)
{
    int64_t to_zero_us = (from + limits->slew_down_cnm_per_s - 1) / limits->slew_down_cnm_per_s;
    utorque above = larger(from - limits->slew_down_cnm_per_s * dt_us, 0);
    return above - limits->slew_up_cnm_per_s * larger(dt_us - to_zero_us, 0);
}

utorque rule_slew(const exo_joint_limits *limits, utorque from, utorque to, int64_t dt_us)
{
    utorque positive = larger(from, 0);
    utorque negative = smaller(from, 0);
    utorque low = negative + lowest_after(limits, positive, dt_us);
    utorque high = positive - lowest_after(limits, -negative, dt_us);
    return smaller(larger(to, low), high);
}

int32_t rule_opposed(const exo_joint_limits *limits, int32_t opposed_us, int32_t torque_cnm, int32_t velocity_ddegps,
    int32_t dt_us)
{
    int32_t against = 0;
    if (torque_cnm > limits->opposing_cnm)
        against = -velocity_ddegps;
    if (torque_cnm < -limits->opposing_cnm)
        against = velocity_ddegps;
    int32_t change_us = against > limits->opposing_ddegps ? dt_us : -dt_us;
    return (int32_t)larger(opposed_us + change_us, 0);
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

/* Opens the stretches between the newest and at_us, each filled with the torque that was held meanwhile. */
static void advance(exo_window *w, int32_t held_cnm, const exo_joint_limits *limits, int64_t at_us)
{
    int64_t bucket = at_us / (limits->window_us / (EXO_WINDOW_BUCKETS - 1));
    int64_t opened = bucket - w->bucket;
    unsigned newest = (unsigned)(bucket % EXO_WINDOW_BUCKETS);
    for (unsigned i = 0; i < EXO_WINDOW_BUCKETS; i++)
        if ((newest + EXO_WINDOW_BUCKETS - i) % EXO_WINDOW_BUCKETS < opened) {
            w->low[i] = held_cnm;
            w->high[i] = held_cnm;
        }
    w->bucket = larger(w->bucket, bucket);
}

int window_allows(exo_window *w, int32_t torque_cnm, int32_t held_cnm, const exo_joint_limits *limits, int64_t at_us)
{
    advance(w, held_cnm, limits, at_us);
    int64_t lowest = INT32_MAX;
    int64_t highest = INT32_MIN;
    for (unsigned i = 0; i < EXO_WINDOW_BUCKETS; i++) {
        lowest = smaller(lowest, w->low[i]);
        highest = larger(highest, w->high[i]);
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
    w->low[i] = (int32_t)smaller(w->low[i], torque_cnm);
    w->high[i] = (int32_t)larger(w->high[i], torque_cnm);
}
