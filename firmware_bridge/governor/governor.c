/* Governor: states and steps; see governor.h. */
#include <string.h>

#include "internal.h"

#define ALL_HASHES 7u

static const exo_joint_limits LIMITS[EXO_JOINT_COUNT] = EXO_JOINT_LIMITS_INIT;

void gov_enter(governor *g, uint8_t state, uint8_t reason)
{
    g->tx_now |= (uint8_t)(state != g->state || reason != g->reason);
    g->state = state;
    g->reason = reason;
}

void gov_trip(governor *g, uint8_t reason, uint64_t now_us)
{
    int was_live = is_live(g);
    gov_enter(g, EXO_STATE_SAFE, reason);
    g->safe_since_us = now_us;
    g->host.clear_released = 0;
    g->damps = (uint8_t)(was_live && reason != EXO_REASON_SENSOR && reason != EXO_REASON_TRACKING);
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++)
        g->joints[i].safe_from = g->joints[i].applied;
}

/* Forgets every request, not what torque there was: the window and the time against the wearer go on. */
static void rest(gov_joint *j)
{
    j->queued = 0;
    j->target_cnm = 0;
    j->accepted_cnm = 0;
    j->leased = 0;
    memset(j->outside, 0, sizeof j->outside);
}

gov_config gov_default_config(uint32_t profile_hash)
{
    gov_config config;
    config.profile_hash = profile_hash;
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++)
        config.torque_cnm[i] = LIMITS[i].torque_cnm;
    return config;
}

void gov_init(governor *g, const gov_config *config)
{
    memset(g, 0, sizeof *g); /* EXO_STATE_OFF is 0 */
    g->config = *config;
    g->reason = EXO_REASON_BOOT;
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++) {
        gov_joint *j = &g->joints[i];
        j->limits = LIMITS[i];
        j->limits.torque_cnm = (int32_t)larger(smaller(config->torque_cnm[i], j->limits.torque_cnm), 0);
    }
}

static int all_sensors_valid(const governor *g)
{
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++)
        if (!g->joints[i].measured.valid)
            return 0;
    return 1;
}

static int at_zero(const gov_joint *j)
{
    for (unsigned i = 0; i < j->queued; i++)
        if (j->queue[i].torque_cnm != 0)
            return 0;
    return j->applied == 0 && j->target_cnm == 0;
}

static int all_at_zero(const governor *g)
{
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++)
        if (!at_zero(&g->joints[i]))
            return 0;
    return 1;
}

/* True where every joint has a live setpoint with this mode. */
static int all_in_mode(const governor *g, uint8_t mode, uint64_t now_us)
{
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++)
        if (!lease_holds(&g->joints[i], now_us) || g->joints[i].mode != mode)
            return 0;
    return 1;
}

static int any_torque(const governor *g, uint64_t now_us)
{
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++)
        if (lease_holds(&g->joints[i], now_us) && g->joints[i].mode == EXO_MODE_TORQUE)
            return 1;
    return 0;
}

/* True where the host keeps torque on for longer than its own release takes while its state says that it is disarmed. */
static int torque_outlives_host(governor *g, uint64_t now_us)
{
    int outside = g->host.state < EXO_STATE_ARMED && (any_torque(g, now_us) || !all_at_zero(g));
    if (outside && !g->disarmed)
        g->disarmed_since_us = now_us;
    g->disarmed = (uint8_t)outside;
    return outside && now_us - g->disarmed_since_us > GOV_RELEASE_US;
}

/* What ends a live state. */
static uint8_t live_fault(governor *g, uint64_t now_us)
{
    if (!all_sensors_valid(g))
        return EXO_REASON_SENSOR;
    if (!g->host.alive)
        return EXO_REASON_HOST_SILENT;
    uint8_t fault = EXO_REASON_NONE;
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++) {
        gov_joint *j = &g->joints[i];
        uint8_t seen = gov_watch_joint(j, now_us);
        if (lease_lapsed(j, now_us))
            seen = EXO_REASON_LEASE;
        if (fault == EXO_REASON_NONE)
            fault = seen;
    }
    if (torque_outlives_host(g, now_us) && fault == EXO_REASON_NONE)
        fault = EXO_REASON_MODE;
    return fault;
}

static void hear(gov_host *host, uint64_t now_us)
{
    if (host->alive && now_us - host->heard_us > EXO_HOST_TIMEOUT_US) {
        host->alive = 0;
        host->hash_seen = 0;
        host->hash_wrong = 0;
    }
}

static int clear_allowed(const governor *g, uint64_t now_us)
{
    const gov_host *host = &g->host;
    if (!host->alive || !host->clear_asked || !host->clear_released || host->state == EXO_STATE_SAFE)
        return 0;
    if (host->hash_seen != ALL_HASHES || host->hash_wrong || now_us - g->safe_since_us < EXO_CLEAR_AFTER_US)
        return 0;
    if (!all_sensors_valid(g) || any_torque(g, now_us))
        return 0;
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++)
        if (magnitude(g->joints[i].measured.velocity_ddegps) > EXO_CLEAR_VELOCITY_DDEGPS)
            return 0;
    return 1;
}

static void rest_all(governor *g)
{
    g->disarmed = 0;
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++)
        rest(&g->joints[i]);
}

static void wait_for_host(governor *g)
{
    const gov_host *host = &g->host;
    uint8_t reason = gov_hash_reason(host);
    if (reason == EXO_REASON_NONE && (!host->alive || host->hash_seen != ALL_HASHES))
        reason = EXO_REASON_NO_HOST;
    /* A host that is already past READY when it appears does not arm: it must show READY first. */
    int ready = g->state == EXO_STATE_READY ? host->state >= EXO_STATE_READY : host->state == EXO_STATE_READY;
    ready = ready && reason == EXO_REASON_NONE && host->state != EXO_STATE_SAFE;
    gov_enter(g, ready ? EXO_STATE_READY : EXO_STATE_IDLE, reason);
}

static void run_live(governor *g, uint64_t now_us)
{
    uint8_t fault = live_fault(g, now_us);
    if (fault != EXO_REASON_NONE) {
        gov_trip(g, fault, now_us);
        return;
    }
    int wanted = g->host.state >= EXO_STATE_ARMED;
    if (any_torque(g, now_us))
        gov_enter(g, g->host.state == EXO_STATE_DEGRADED ? EXO_STATE_DEGRADED : EXO_STATE_ENGAGED, EXO_REASON_NONE);
    else if (all_at_zero(g) && (!wanted || all_in_mode(g, EXO_MODE_OFF, now_us))) {
        gov_enter(g, EXO_STATE_READY, EXO_REASON_NONE);
        rest_all(g);
    } else if (all_at_zero(g))
        gov_enter(g, EXO_STATE_ARMED, EXO_REASON_NONE);
}

static void run_silent(governor *g, uint64_t now_us)
{
    if (g->state == EXO_STATE_OFF) {
        if (all_sensors_valid(g))
            gov_enter(g, EXO_STATE_IDLE, EXO_REASON_NO_HOST);
    } else if (g->state == EXO_STATE_SAFE) {
        if (clear_allowed(g, now_us)) {
            gov_enter(g, EXO_STATE_IDLE, EXO_REASON_NO_HOST);
            rest_all(g);
        }
    } else {
        wait_for_host(g);
        if (g->state == EXO_STATE_READY && g->host.state >= EXO_STATE_ARMED && all_sensors_valid(g)
            && all_in_mode(g, EXO_MODE_ZERO, now_us))
            gov_enter(g, EXO_STATE_ARMED, EXO_REASON_NONE);
    }
}

/* Torque that takes energy out of the joint: against its velocity, bounded. */
static utorque damping(const gov_joint *j)
{
    int32_t torque = -(j->measured.velocity_ddegps * EXO_DAMPING_Q) / ((int32_t)1 << EXO_DAMPING_SHIFT);
    return utorque_of((int32_t)larger(smaller(torque, EXO_DAMPING_MAX_CNM), -EXO_DAMPING_MAX_CNM));
}

static void move(governor *g, gov_joint *j, uint64_t now_us, int64_t dt_us)
{
    uint64_t in_safe_us = now_us - g->safe_since_us;
    utorque target = 0;
    if (g->state == EXO_STATE_SAFE && in_safe_us < EXO_SAFE_RAMP_US) {
        j->applied = j->safe_from / EXO_SAFE_RAMP_US * (int64_t)(EXO_SAFE_RAMP_US - in_safe_us);
        return;
    }
    if (g->state == EXO_STATE_SAFE && g->damps && j->measured.valid)
        target = damping(j);
    if (is_live(g)) {
        gov_apply_due(j, now_us);
        target = utorque_of(j->target_cnm);
    }
    j->applied = rule_slew(&j->limits, j->applied, target, dt_us);
}

void gov_step(governor *g, uint64_t now_us, const gov_measured measured[EXO_JOINT_COUNT],
    int32_t torque_cnm[EXO_JOINT_COUNT])
{
    int64_t dt_us = larger(smaller((int64_t)(now_us - g->step_us), 2 * EXO_STEP_US), 0);
    g->step_us = now_us;
    hear(&g->host, now_us);
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++) {
        g->joints[i].measured = measured[i];
        g->joints[i].stamp_dropped = 0;
        gov_count_joint(&g->joints[i], (int32_t)dt_us);
    }
    if (is_live(g))
        run_live(g, now_us);
    else
        run_silent(g, now_us);
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++) {
        move(g, &g->joints[i], now_us, dt_us);
        torque_cnm[i] = cnm_of(g->joints[i].applied);
    }
}
