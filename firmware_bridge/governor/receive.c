/* What the governor does with a received frame: E2E check, then the rules, then accept or trip. */
#include <string.h>

#include "internal.h"

static const uint16_t SETPOINT_ID[EXO_JOINT_COUNT] = EXO_TORQUE_SETPOINT_IDS_INIT;

/* A TORQUE_SETPOINT as it came. */
typedef struct {
    int32_t torque_cnm;
    uint8_t lease_ms;
    uint8_t age_ms;
    uint16_t apply_at;
    uint8_t mode;
} setpoint;

static setpoint read_setpoint(const uint8_t *d)
{
    uint16_t word = (uint16_t)(d[6] | d[7] << 8);
    setpoint s;
    s.torque_cnm = (int16_t)(uint16_t)(d[2] | d[3] << 8);
    s.lease_ms = d[4];
    s.age_ms = d[5];
    s.apply_at = (uint16_t)(word & 0xFFFu);
    s.mode = (uint8_t)(word >> 12);
    return s;
}

/* What is wrong with a setpoint by itself and in this state. */
static uint8_t judge(const governor *g, const gov_joint *j, const setpoint *s)
{
    if (s->mode > EXO_MODE_SAFE || (s->mode != EXO_MODE_TORQUE && s->torque_cnm != 0))
        return EXO_REASON_MODE;
    if (s->mode == EXO_MODE_TORQUE && !is_live(g))
        return EXO_REASON_NOT_ARMED;
    if (s->lease_ms > j->limits.lease_ms)
        return EXO_REASON_LEASE_RANGE;
    if (magnitude(s->torque_cnm) > j->limits.torque_cnm)
        return EXO_REASON_TORQUE;
    if (magnitude(s->torque_cnm) > rule_faded(j->limits.torque_cnm, s->age_ms * 1000))
        return EXO_REASON_AGE;
    return EXO_REASON_NONE;
}

/* How far the 12-bit stamp lies after the oldest that is legal now, in 0.1 ms modulo 4096. */
static int32_t stamp_offset(uint16_t apply_at, uint64_t now_us)
{
    return (int32_t)((apply_at - (uint32_t)(now_us / 100u) + EXO_LATE_MAX_TICKS) & 0xFFFu);
}

/* What is wrong with the change from the setpoints before; accepts it where nothing is. */
static uint8_t follow(gov_joint *j, const setpoint *s, int64_t apply_us)
{
    utorque wanted = utorque_of(s->torque_cnm);
    int64_t elapsed_us = larger(apply_us - j->accepted_at_us, 0);
    int64_t with_jitter_us = elapsed_us + j->limits.slew_tolerance_us;
    utorque allowed = rule_slew(&j->limits, j->reference, wanted, with_jitter_us);
    if (allowed != wanted) /* as far as it may, and yet no further than on the way to zero: it falls too fast */
        return allowed == rule_slew(&j->limits, j->reference, 0, with_jitter_us) ? EXO_REASON_SLEW_DOWN
                                                                                 : EXO_REASON_SLEW_UP;
    if (!window_allows(&j->window, s->torque_cnm, j->accepted_cnm, &j->limits, apply_us))
        return EXO_REASON_WINDOW;
    window_add(&j->window, s->torque_cnm);
    j->reference = rule_slew(&j->limits, j->reference, wanted, elapsed_us);
    j->accepted_cnm = s->torque_cnm;
    j->accepted_at_us = larger(apply_us, j->accepted_at_us);
    return EXO_REASON_NONE;
}

void gov_apply_due(gov_joint *j, uint64_t now_us)
{
    unsigned due = 0;
    while (due < j->queued && j->queue[due].apply_us <= (int64_t)now_us)
        j->target_cnm = j->queue[due++].torque_cnm;
    j->queued = (uint8_t)(j->queued - due);
    memmove(j->queue, j->queue + due, j->queued * sizeof *j->queue);
}

/* What is due leaves first: after a stall of the firmware many frames come at once, and most are due. */
static uint8_t enqueue(gov_joint *j, int32_t torque_cnm, int64_t apply_us, uint64_t now_us)
{
    gov_apply_due(j, now_us);
    if (j->queued == GOV_QUEUE)
        return EXO_REASON_APPLY_AT;
    j->queue[j->queued].apply_us = apply_us;
    j->queue[j->queued].torque_cnm = torque_cnm;
    j->queued++;
    return EXO_REASON_NONE;
}

/* What the host asks for, and until when. */
static void hear_lease(gov_joint *j, const setpoint *s, uint64_t now_us)
{
    j->mode = s->mode;
    j->leased = 1;
    j->lease_end_us = now_us + (uint64_t)s->lease_ms * 1000u;
}

/* A stamp out of range drops the frame; several steps in a row with such frames only trip. Frames that come between two
 * steps count once: behind the firmware's own stall wait old ones, and the newest of them is in range again. */
static void drop_stamp(governor *g, gov_joint *j, uint64_t now_us)
{
    g->rejected++;
    if (j->stamp_dropped)
        return;
    j->stamp_dropped = 1;
    j->stamp_run++;
    if (j->stamp_run >= EXO_CONSECUTIVE_ERRORS_MAX && is_live(g))
        gov_trip(g, EXO_REASON_APPLY_AT, now_us);
}

static void accept(governor *g, gov_joint *j, const setpoint *s, uint64_t now_us)
{
    int32_t offset = stamp_offset(s->apply_at, now_us);
    if (offset > EXO_LATE_MAX_TICKS + EXO_AHEAD_MAX_TICKS) {
        drop_stamp(g, j, now_us);
        return;
    }
    j->stamp_run = 0;
    int64_t apply_us = ((int64_t)(now_us / 100u) + offset - EXO_LATE_MAX_TICKS) * 100;
    uint8_t reason = judge(g, j, s);
    if (reason == EXO_REASON_NONE)
        reason = follow(j, s, apply_us);
    if (reason == EXO_REASON_NONE && is_live(g))
        reason = enqueue(j, s->torque_cnm, apply_us, now_us);
    if (reason == EXO_REASON_NONE)
        hear_lease(j, s, now_us);
    else {
        g->rejected++;
        gov_trip(g, reason, now_us);
    }
}

static int usable(governor *g, e2e_rx *rx, const uint8_t *data, uint8_t len, uint16_t id, uint64_t now_us)
{
    enum e2e_result result = e2e_check(rx, data, len, id);
    if (result <= E2E_SOME_LOST)
        return 1;
    if (rx->bad_run >= EXO_CONSECUTIVE_ERRORS_MAX && is_live(g))
        gov_trip(g, result == E2E_CRC_ERROR ? EXO_REASON_CRC : EXO_REASON_COUNTER, now_us);
    return 0;
}

/* In SAFE a setpoint only tells whether the host still asks for torque; a lapsed lease is not taken up again. */
static void on_setpoint(governor *g, gov_joint *j, const uint8_t *data, uint64_t now_us)
{
    setpoint s = read_setpoint(data);
    if (g->state == EXO_STATE_SAFE)
        hear_lease(j, &s, now_us);
    else if (s.mode == EXO_MODE_SAFE && is_live(g))
        gov_trip(g, EXO_REASON_HOST_SAFE, now_us);
    else if (is_live(g) && lease_lapsed(j, now_us))
        gov_trip(g, EXO_REASON_LEASE, now_us);
    else
        accept(g, j, &s, now_us);
}

static void compare_hash(governor *g, uint8_t mux, uint32_t hash)
{
    const uint32_t own[] = { EXO_PROTOCOL_HASH, EXO_LIMITS_HASH, g->config.profile_hash };
    if (mux < EXO_MUX_PROTOCOL_HASH || mux > EXO_MUX_PROFILE_HASH)
        return;
    uint8_t bit = (uint8_t)(1u << (mux - EXO_MUX_PROTOCOL_HASH));
    g->host.hash_seen |= bit;
    if (hash == own[mux - EXO_MUX_PROTOCOL_HASH])
        g->host.hash_wrong &= (uint8_t)~bit;
    else
        g->host.hash_wrong |= bit;
}

uint8_t gov_hash_reason(const gov_host *host)
{
    if (host->hash_wrong == 0)
        return EXO_REASON_NONE;
    uint8_t first = 0;
    while (!(host->hash_wrong >> first & 1u))
        first++;
    return (uint8_t)(EXO_REASON_PROTOCOL_HASH + first);
}

static void on_host_state(governor *g, const uint8_t *data, uint64_t now_us)
{
    gov_host *host = &g->host;
    uint8_t state = data[2] & 15u;
    if (state > EXO_STATE_SAFE) {
        g->rejected++;
        return;
    }
    host->alive = 1;
    host->heard_us = now_us;
    host->state = state;
    host->clear_asked = data[3] == EXO_REASON_CLEAR_REQUEST;
    if (!host->clear_asked)
        host->clear_released = 1;
    uint32_t payload = (uint32_t)data[4] | (uint32_t)data[5] << 8 | (uint32_t)data[6] << 16 | (uint32_t)data[7] << 24;
    compare_hash(g, data[2] >> 4, payload);
    if (is_live(g) && gov_hash_reason(host) != EXO_REASON_NONE)
        gov_trip(g, gov_hash_reason(host), now_us);
    else if (is_live(g) && state == EXO_STATE_SAFE)
        gov_trip(g, EXO_REASON_HOST_SAFE, now_us);
}

void gov_on_frame(governor *g, uint32_t id, const uint8_t *data, uint8_t len, uint64_t now_us)
{
    if (id == EXO_ID_HOST_STATE && usable(g, &g->host.rx, data, len, EXO_ID_HOST_STATE, now_us))
        on_host_state(g, data, now_us);
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++)
        if (id == SETPOINT_ID[i] && usable(g, &g->joints[i].rx, data, len, SETPOINT_ID[i], now_us))
            on_setpoint(g, &g->joints[i], data, now_us);
}
