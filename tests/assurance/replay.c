/* Plays a tape (tape.py) against the governor: exit status 0 where all it gives is as expected, 1 at the first difference.
 * Usage: replay TAPE [MUTANT]; the number of the mutant to activate, see schemata.py. Ends by SIGVTALRM in an endless loop. */
#define _DEFAULT_SOURCE

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "governor.h"

#define PATIENCE_S 10 /* of processor time; a tape takes well under a second */

int active_mutant;

static const uint8_t *at;

static void take(void *into, size_t size)
{
    memcpy(into, at, size);
    at += size;
}

static int differs(const void *got, size_t size)
{
    int result = memcmp(got, at, size) != 0;
    at += size;
    return result;
}

static int init(governor *g, char kind)
{
    gov_config config;
    uint32_t hash;
    uint8_t frames_most;
    take(&hash, sizeof hash);
    take(&frames_most, 1);
    if (frames_most != GOV_TX_MAX)
        return 1;
    if (kind == 'D') {
        config = gov_default_config(hash);
        if (config.profile_hash != hash || differs(config.torque_cnm, sizeof config.torque_cnm))
            return 1;
    } else {
        config.profile_hash = hash;
        take(config.torque_cnm, sizeof config.torque_cnm);
    }
    memset(g, 0xA5, sizeof *g);
    gov_init(g, &config);
    return 0;
}

static void frame(governor *g)
{
    uint64_t now_us;
    uint32_t id;
    uint8_t len, data[8];
    take(&now_us, sizeof now_us);
    take(&id, sizeof id);
    take(&len, 1);
    take(data, sizeof data);
    gov_on_frame(g, id, data, len, now_us);
}

/* One frame for a receiver of its own: result and counts. */
static int check(e2e_rx *rx)
{
    uint16_t id;
    uint8_t len, data[8];
    take(&id, sizeof id);
    take(&len, 1);
    take(data, sizeof data);
    uint8_t result = (uint8_t)e2e_check(rx, data, len, id);
    uint8_t counts[4] = { rx->bad_run, rx->crc_errors, rx->gaps, rx->repeats };
    return differs(&result, 1) || differs(counts, sizeof counts);
}

static int told(governor *g, uint64_t now_us)
{
    gov_frame frames[GOV_TX_MAX];
    uint8_t count = (uint8_t)gov_transmit(g, now_us, frames);
    if (differs(&count, 1))
        return 1;
    for (unsigned i = 0; i < count; i++)
        if (differs(&frames[i].id, 2) || differs(frames[i].data, 8))
            return 1;
    return 0;
}

static int step(governor *g, char kind)
{
    uint64_t now_us;
    gov_measured measured[EXO_JOINT_COUNT];
    int32_t torque_cnm[EXO_JOINT_COUNT];
    take(&now_us, sizeof now_us);
    for (int i = 0; i < EXO_JOINT_COUNT; i++) {
        take(&measured[i].position_cdeg, 2);
        take(&measured[i].velocity_ddegps, 2);
        take(&measured[i].torque_cnm, 2);
        take(&measured[i].valid, 1);
    }
    gov_step(g, now_us, measured, torque_cnm);
    if (differs(torque_cnm, sizeof torque_cnm))
        return 1;
    return kind == 'S' ? told(g, now_us) : 0;
}

/* A rule by itself: eight limits, four arguments, what must come out. */
static int rule(exo_window *w)
{
    char kind;
    int32_t limit[8];
    int64_t a[4], expected, got = 0;
    take(&kind, 1);
    take(limit, sizeof limit);
    take(a, sizeof a);
    take(&expected, sizeof expected);
    const exo_joint_limits l = { .slew_up_cnm_per_s = limit[0], .slew_down_cnm_per_s = limit[1], .window_cnm = limit[2],
        .window_us = limit[3], .opposing_cnm = limit[4], .opposing_ddegps = limit[5], .i2t_us = limit[6],
        .i2t_cnm = limit[7] };
    if (kind == 'f')
        got = rule_faded((int32_t)a[0], (int32_t)a[1]);
    else if (kind == 's')
        got = rule_slew(&l, a[0], a[1], a[2]);
    else if (kind == 'o')
        got = rule_opposed(&l, (int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3]);
    else if (kind == 'h')
        got = rule_heat(&l, a[0], (int32_t)a[1], (int32_t)a[2]);
    else if (kind == 't')
        got = rule_too_hot(&l, a[0]);
    else if (kind == 'w')
        memset(w, 0, sizeof *w);
    else if (kind == 'n')
        window_add(w, (int32_t)a[0]);
    else
        got = window_allows(w, (int32_t)a[0], (int32_t)a[1], &l, a[2]);
    return got != expected;
}

/* One operation of the tape. */
static int play(governor *g, e2e_rx *rx, exo_window *w, char kind)
{
    switch (kind) {
    case 'F':
        frame(g);
        return 0;
    case 'S':
    case 'U':
        return step(g, kind);
    case 'E':
        memset(rx, 0, sizeof *rx);
        return 0;
    case 'K':
        return check(rx);
    case 'R':
        return rule(w);
    default:
        return init(g, kind);
    }
}

/* A governor behind which nothing may be read or written. */
static governor *at_end_of_page(void)
{
    size_t page = 4096, room = (sizeof(governor) + page - 1) / page * page;
    uint8_t *memory = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory + room, page, PROT_NONE) != 0)
        return NULL;
    return (governor *)(void *)(memory + room - sizeof(governor));
}

int main(int argc, char **argv)
{
    governor *g = at_end_of_page();
    static e2e_rx rx;
    static exo_window window;
    const struct itimerval patience = { .it_value = { .tv_sec = PATIENCE_S } };
    struct stat info;
    int file = argc > 1 ? open(argv[1], O_RDONLY) : -1;
    if (g == NULL || file < 0 || fstat(file, &info) != 0 || setitimer(ITIMER_VIRTUAL, &patience, NULL) != 0)
        return 2;
    active_mutant = argc > 2 ? atoi(argv[2]) : 0;
    const uint8_t *tape = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (tape == MAP_FAILED)
        return 2;
    at = tape;
    for (unsigned long number = 0; at < tape + info.st_size; number++)
        if (play(g, &rx, &window, (char)*at++)) {
            printf("differs at operation %lu\n", number);
            return 1;
        }
    return 0;
}
