/* libFuzzer harness of the governor: any frames, times and sensors, and what must hold whatever comes.
 *
 * The input is a list of operations of eight bytes. Most send well-formed frames, so that the fuzzer gets past the CRC.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "governor.h"

#define MUST(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "invariant broken: %s\n", #condition); \
            abort(); \
        } \
    } while (0)
#define STEP_CATCH_UP_US 2000

static const uint16_t SETPOINT_ID[EXO_JOINT_COUNT] = EXO_TORQUE_SETPOINT_IDS_INIT;
static const exo_joint_limits LIMIT[EXO_JOINT_COUNT] = EXO_JOINT_LIMITS_INIT;

/* The governor, a host, the sensors and what was seen last. */
typedef struct {
    governor g;
    uint64_t now_us;
    gov_measured measured[EXO_JOINT_COUNT];
    int32_t torque_cnm[EXO_JOINT_COUNT];
    int32_t highest_cnm[EXO_JOINT_COUNT];
    uint8_t counter[EXO_JOINT_COUNT + 1];
    uint64_t safe_since_us;
    int follows;
} world;

static void send(world *w, unsigned who, uint16_t id, uint8_t data[8])
{
    e2e_protect(data, id, w->counter[who]);
    w->counter[who] = e2e_next(w->counter[who]);
    uint8_t *exact = malloc(8); /* of its own, so that reading past it is found */
    memcpy(exact, data, 8);
    gov_on_frame(&w->g, id, exact, 8, w->now_us);
    free(exact);
}

static void host(world *w, unsigned state, unsigned mux, uint32_t value, uint8_t reason)
{
    uint8_t data[8] = { 0, 0, (uint8_t)((state & 15u) | mux << 4), reason, (uint8_t)value, (uint8_t)(value >> 8),
        (uint8_t)(value >> 16), (uint8_t)(value >> 24) };
    send(w, EXO_JOINT_COUNT, EXO_ID_HOST_STATE, data);
}

static void setpoint(world *w, unsigned joint, int32_t cnm, unsigned mode, uint8_t lease, uint8_t age, int ahead)
{
    unsigned word = (((unsigned)(w->now_us / 100u) + (unsigned)ahead) & 0xFFFu) | (mode & 15u) << 12;
    uint8_t data[8] = { 0, 0, (uint8_t)cnm, (uint8_t)((uint32_t)cnm >> 8), lease, age, (uint8_t)word,
        (uint8_t)(word >> 8) };
    send(w, joint, SETPOINT_ID[joint], data);
}

static int32_t size_of(int32_t value) { return value < 0 ? -value : value; }

/* What may change in one step. */
static void check(const world *w, const int32_t *before, uint8_t state, uint8_t reason, uint64_t dt_us)
{
    const governor *g = &w->g;
    int64_t counted_us = dt_us > STEP_CATCH_UP_US ? STEP_CATCH_UP_US : (int64_t)dt_us;
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++) {
        int32_t was = before[i], now = w->torque_cnm[i];
        int same = (was >= 0) == (now >= 0) || was == 0 || now == 0;
        int32_t grown = same ? size_of(now) - size_of(was) : size_of(now);
        int32_t fallen = same ? size_of(was) - size_of(now) : size_of(was);
        int64_t ramp_us = g->state == EXO_STATE_SAFE ? (int64_t)dt_us : counted_us;
        MUST(size_of(now) <= w->highest_cnm[i]);
        MUST(grown <= LIMIT[i].slew_up_cnm_per_s * counted_us / 1000000 + 1);
        MUST(fallen <= LIMIT[i].slew_down_cnm_per_s * ramp_us / 1000000 + 1);
    }
    MUST(g->state <= EXO_STATE_SAFE);
    if (state == EXO_STATE_SAFE) {
        MUST(g->state == EXO_STATE_SAFE || g->state == EXO_STATE_IDLE);
        MUST(g->state == EXO_STATE_IDLE || g->reason == reason);
        MUST(g->state == EXO_STATE_SAFE || w->now_us - w->safe_since_us >= EXO_CLEAR_AFTER_US);
    }
    if (state < EXO_STATE_READY)
        MUST(g->state < EXO_STATE_ARMED || g->state == EXO_STATE_SAFE);
}

static void step(world *w, uint64_t dt_us)
{
    int32_t before[EXO_JOINT_COUNT];
    gov_frame frames[GOV_TX_MAX];
    uint8_t state = w->g.state, reason = w->g.reason;
    memcpy(before, w->torque_cnm, sizeof before);
    w->now_us += dt_us;
    for (unsigned i = 0; i < EXO_JOINT_COUNT && w->follows; i++)
        w->measured[i].torque_cnm = (int16_t)w->torque_cnm[i];
    gov_step(&w->g, w->now_us, w->measured, w->torque_cnm);
    MUST(gov_transmit(&w->g, w->now_us, frames) <= GOV_TX_MAX);
    if (state != EXO_STATE_SAFE && w->g.state == EXO_STATE_SAFE)
        w->safe_since_us = w->now_us;
    check(w, before, state, reason, dt_us);
}

static void arm(world *w)
{
    const uint32_t hash[] = { EXO_PROTOCOL_HASH, EXO_LIMITS_HASH, w->g.config.profile_hash };
    step(w, EXO_STEP_US);
    for (unsigned i = 0; i < 3; i++)
        host(w, EXO_STATE_READY, EXO_MUX_PROTOCOL_HASH + i, hash[i], 0);
    step(w, EXO_STEP_US);
    host(w, EXO_STATE_ARMED, EXO_MUX_CLOCK, 0, 0);
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++)
        setpoint(w, i, 0, EXO_MODE_ZERO, 20, 17, 0);
    step(w, EXO_STEP_US);
}

/* A few milliseconds of an orderly host whose torque goes up or down at nearly the limit. */
static void walk(world *w, const uint8_t *op)
{
    for (unsigned n = 0; n < (op[1] & 31u); n++) {
        if (n % 16u == 0)
            host(w, EXO_STATE_ENGAGED, EXO_MUX_CLOCK, 0, 0);
        for (unsigned i = 0; i < EXO_JOINT_COUNT; i++) {
            int32_t last = w->g.joints[i].accepted_cnm;
            int32_t next = last + ((op[2] >> i & 1u) ? 14 : -14);
            setpoint(w, i, size_of(next) <= w->highest_cnm[i] ? next : last, EXO_MODE_TORQUE, 20, op[3], op[4] % 50);
        }
        step(w, op[5] & 1u ? EXO_STEP_US : op[5] * 10u);
    }
}

static void sense(world *w, const uint8_t *op)
{
    gov_measured *m = &w->measured[op[1] % EXO_JOINT_COUNT];
    m->position_cdeg = (int16_t)(op[2] | op[3] << 8);
    m->velocity_ddegps = (int16_t)(op[4] | op[5] << 8);
    m->valid = op[6] != 0;
    w->follows = op[7] & 1;
    if (!w->follows)
        m->torque_cnm = (int16_t)(op[7] * 100 - 12800);
}

static void act(world *w, const uint8_t *op)
{
    const uint32_t hash[] = { 0, EXO_PROTOCOL_HASH, EXO_LIMITS_HASH, w->g.config.profile_hash };
    unsigned joint = op[1] % EXO_JOINT_COUNT;
    switch (op[0] % 8u) {
    case 0:
        walk(w, op);
        break;
    case 1:
        setpoint(w, joint, (int16_t)(op[2] | op[3] << 8), op[4], op[5], op[6], (int8_t)op[7]);
        break;
    case 2:
        setpoint(w, joint, w->g.joints[joint].accepted_cnm + (int8_t)op[2], op[4] & 3u, 20, 17, (int8_t)op[7]);
        break;
    case 3:
        host(w, op[1], op[2] & 15u, (op[3] & 1u) ? hash[op[2] & 3u] : op[4], (op[5] & 1u) ? EXO_REASON_CLEAR_REQUEST : 0);
        break;
    case 4:
        gov_on_frame(&w->g, SETPOINT_ID[joint], op, op[2] & 7u, w->now_us);
        break;
    case 5:
        sense(w, op);
        break;
    case 6:
        step(w, (uint64_t)op[1] * op[2] * (op[3] & 15u));
        break;
    default:
        step(w, op[1] * 10u);
        break;
    }
}

/* Without a host all torque is gone once the lease has run out and SAFE has ramped down. */
static void fall_silent(world *w)
{
    w->follows = 1;
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++)
        w->measured[i].velocity_ddegps = 0;
    for (unsigned n = 0; n < LIMIT[0].lease_ms + EXO_SAFE_RAMP_US / EXO_STEP_US + 40u; n++)
        step(w, EXO_STEP_US);
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++)
        MUST(w->torque_cnm[i] == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 8)
        return 0;
    world *w = calloc(1, sizeof *w);
    gov_config config = gov_default_config(data[1]);
    w->follows = 1;
    w->now_us = data[0] * 1000003u;
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++) {
        config.torque_cnm[i] -= (data[2] & 1u) ? data[3] * 8 : 0;
        w->highest_cnm[i] = config.torque_cnm[i] > 0 ? config.torque_cnm[i] : 0;
        if (w->highest_cnm[i] < EXO_DAMPING_MAX_CNM)
            w->highest_cnm[i] = EXO_DAMPING_MAX_CNM;
        w->measured[i] = (gov_measured) { 3000, 0, 0, 1 };
    }
    gov_init(&w->g, &config);
    if (data[2] & 2u)
        arm(w);
    for (size_t at = 8; at + 8 <= size; at += 8)
        act(w, data + at);
    fall_silent(w);
    free(w);
    return 0;
}
