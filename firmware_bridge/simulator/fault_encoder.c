/* Simulated faults of the encoders; see faults.h. */
#include <math.h>
#include <string.h>

#include "faults.h"

#define PI 3.14159265358979323846
#define CDEG_PER_RAD (18000.0 / PI)
#define DDEGPS_PER_RADPS (1800.0 / PI)
#define STEP_S 0.001
#define VELOCITY_LAG_S (1.0 / (2.0 * PI * 60.0)) /* velocity_filter_hz of the plant's encoder */

static int16_t shifted(int16_t value, double by)
{
    double sum = value + by;
    return (int16_t)(sum > 32767.0 ? 32767.0 : sum < -32768.0 ? -32768.0 : sum);
}

static int concerns(const fault_order *order, unsigned joint)
{
    return order != NULL && ((unsigned)order->value[0] >> joint & 1u) != 0;
}

/* Box and Muller, "A note on the generation of random normal deviates", 1958. */
static double normal(fault_order *order)
{
    double radius = sqrt(-2.0 * log(1.0 - fault_random(order)));
    return radius * cos(2.0 * PI * fault_random(order));
}

/* Position and the velocity that the drive's filter makes of it. */
static void add_noise(fault_order *order, encoder_noise *state, gov_measured *m)
{
    double rad = order->value[1] * normal(order);
    state->radps += STEP_S / (VELOCITY_LAG_S + STEP_S) * ((rad - state->rad) / STEP_S - state->radps);
    state->rad = rad;
    m->position_cdeg = shifted(m->position_cdeg, state->rad * CDEG_PER_RAD);
    m->velocity_ddegps = shifted(m->velocity_ddegps, state->radps * DDEGPS_PER_RADPS);
}

static void late(const faults *f, const fault_order *order, unsigned joint, gov_measured *m)
{
    unsigned back = (unsigned)order->value[1];
    back = back < FAULT_HISTORY ? back : FAULT_HISTORY - 1u;
    const gov_measured *then = &f->history[(f->history_at + FAULT_HISTORY - back) % FAULT_HISTORY][joint];
    m->position_cdeg = then->position_cdeg;
    m->velocity_ddegps = then->velocity_ddegps;
}

static void stick(faults *f, unsigned joint, gov_measured *m)
{
    if (!f->is_stuck[joint])
        f->stuck[joint] = *m;
    f->is_stuck[joint] = 1;
    m->position_cdeg = f->stuck[joint].position_cdeg;
    m->velocity_ddegps = 0;
}

void faults_on_encoders(faults *f, gov_measured measured[EXO_JOINT_COUNT], int64_t now_ns)
{
    const fault_order *off = fault_active(f, FAULT_ENCODER_OFF, now_ns);
    const fault_order *stuck = fault_active(f, FAULT_ENCODER_STUCK, now_ns);
    const fault_order *offset = fault_active(f, FAULT_ENCODER_OFFSET, now_ns);
    const fault_order *delay = fault_active(f, FAULT_ENCODER_DELAY, now_ns);
    fault_order *noisy = fault_active(f, FAULT_ENCODER_NOISE, now_ns);
    f->history_at = (f->history_at + 1u) % FAULT_HISTORY;
    memcpy(f->history[f->history_at], measured, sizeof f->history[0]);
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++) {
        gov_measured *m = &measured[i];
        if (concerns(delay, i))
            late(f, delay, i, m);
        if (concerns(stuck, i))
            stick(f, i, m);
        else
            f->is_stuck[i] = 0;
        if (concerns(offset, i))
            m->position_cdeg = shifted(m->position_cdeg, offset->value[1] * CDEG_PER_RAD);
        if (concerns(noisy, i))
            add_noise(noisy, &f->noise[i], m);
        if (concerns(off, i))
            m->valid = 0;
    }
}
