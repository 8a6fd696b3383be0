/* What the governor costs on this machine: each gov_on_frame and gov_step of an engaged run, timed.
 *
 * usage: governor_cost MILLISECONDS. Writes int64 to stdout: the number of frames timed, their ns; the number of steps,
 * their ns; the number of readings of the clock with nothing between, their ns. Status 1: it did not stay ENGAGED.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "governor.h"

#define ARMING_MS 300
#define PEAK_CNM 800
#define HALF_PERIOD_MS 500
#define STATE_EVERY_MS (EXO_STATE_PERIOD_US / EXO_STEP_US)

typedef struct {
    int64_t count;
    int64_t *ns;
} series;

static governor g;
static gov_measured measured[EXO_JOINT_COUNT];
static uint8_t counters[EXO_JOINT_COUNT + 1];

static int64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void feed(series *timed, uint16_t id, uint8_t *counter, uint8_t data[E2E_DATA_LEN], uint64_t now_us)
{
    e2e_protect(data, id, *counter);
    *counter = e2e_next(*counter);
    int64_t before = clock_ns();
    gov_on_frame(&g, id, data, E2E_DATA_LEN, now_us);
    timed->ns[timed->count++] = clock_ns() - before;
}

static void host_state(series *timed, int64_t ms, uint64_t now_us)
{
    const uint32_t payload[4] = { 0, EXO_PROTOCOL_HASH, EXO_LIMITS_HASH, 0 };
    uint8_t state = ms < ARMING_MS / 2 ? EXO_STATE_READY : ms < ARMING_MS ? EXO_STATE_ARMED : EXO_STATE_ENGAGED;
    uint8_t mux = (uint8_t)(ms / STATE_EVERY_MS % 4);
    uint8_t data[E2E_DATA_LEN] = { 0, 0, (uint8_t)(state | mux << 4), 0 };
    for (unsigned i = 0; i < 4; i++)
        data[4 + i] = (uint8_t)(payload[mux] >> (8 * i));
    feed(timed, EXO_ID_HOST_STATE, &counters[EXO_JOINT_COUNT], data, now_us);
}

/* A triangle well inside every limit, from zero on. */
static int32_t torque_at(int64_t ms)
{
    int64_t phase = (ms + HALF_PERIOD_MS / 2) % (2 * HALF_PERIOD_MS);
    int64_t up = phase < HALF_PERIOD_MS ? phase : 2 * HALF_PERIOD_MS - phase;
    return (int32_t)(2 * PEAK_CNM * up / HALF_PERIOD_MS - PEAK_CNM);
}

static void setpoints(series *timed, int64_t ms, uint64_t now_us)
{
    static const uint16_t ids[EXO_JOINT_COUNT] = EXO_TORQUE_SETPOINT_IDS_INIT;
    uint32_t torque = (uint32_t)(ms < ARMING_MS ? 0 : torque_at(ms - ARMING_MS));
    uint8_t mode = ms < ARMING_MS ? EXO_MODE_ZERO : EXO_MODE_TORQUE;
    uint32_t stamp = (uint32_t)(now_us / 100u) & 0xFFFu;
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++) {
        uint8_t data[E2E_DATA_LEN] = { 0, 0, (uint8_t)(torque & 0xFFu), (uint8_t)(torque >> 8 & 0xFFu), 20, 17,
            (uint8_t)(stamp & 0xFFu), (uint8_t)(stamp >> 8 | (uint32_t)mode << 4) };
        feed(timed, ids[i], &counters[i], data, now_us);
    }
}

static void step(series *timed, uint64_t now_us)
{
    int32_t torque_cnm[EXO_JOINT_COUNT];
    int64_t before = clock_ns();
    gov_step(&g, now_us, measured, torque_cnm);
    timed->ns[timed->count++] = clock_ns() - before;
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++)
        measured[i].torque_cnm = (int16_t)torque_cnm[i];
}

static void write_series(const series *s)
{
    fwrite(&s->count, sizeof s->count, 1, stdout);
    fwrite(s->ns, sizeof s->ns[0], (size_t)s->count, stdout);
}

int main(int argc, char **argv)
{
    int64_t wanted = argc == 2 ? strtoll(argv[1], NULL, 10) : 0;
    series all[3];
    if (wanted < 1 || wanted > 10000000)
        return 2;
    for (unsigned i = 0; i < 3; i++) {
        all[i].count = 0;
        all[i].ns = malloc(sizeof(int64_t) * (EXO_JOINT_COUNT + 1) * (size_t)(wanted + ARMING_MS));
        if (!all[i].ns)
            return 2;
    }
    gov_config config = gov_default_config(0);
    gov_init(&g, &config);
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++)
        measured[i] = (gov_measured) { .position_cdeg = 3000, .velocity_ddegps = 200, .valid = 1 };
    for (int64_t ms = 0; ms < wanted + ARMING_MS; ms++) {
        uint64_t now_us = 1000000u + (uint64_t)ms * EXO_STEP_US;
        if (ms == ARMING_MS)
            all[0].count = all[1].count = 0;
        if (ms % STATE_EVERY_MS == 0)
            host_state(&all[0], ms, now_us);
        setpoints(&all[0], ms, now_us);
        step(&all[1], now_us);
        int64_t before = clock_ns();
        all[2].ns[all[2].count++] = clock_ns() - before;
    }
    for (unsigned i = 0; i < 3; i++)
        write_series(&all[i]);
    return g.state == EXO_STATE_ENGAGED ? 0 : 1;
}
