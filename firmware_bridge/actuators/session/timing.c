/* Times of the codecs and of a session's step; see timing.h. */
#define _GNU_SOURCE
#include "timing.h"

#include <time.h>

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

void timing_pack(drive *d, double *ns, unsigned calls)
{
    drive_frame out[DRIVE_FRAMES];
    for (unsigned i = 0; i < calls; i++) {
        double from = now_ns();
        for (unsigned k = 0; k < DRIVE_BURST; k++)
            drive_command(d, k * 0.1, k, out);
        ns[i] = (now_ns() - from) / DRIVE_BURST;
    }
}

void timing_read(drive *d, const drive_frame *reply, unsigned count, double *ns, unsigned calls)
{
    for (unsigned i = 0; i < calls; i++) {
        double from = now_ns();
        for (unsigned k = 0; k < DRIVE_BURST; k++)
            drive_receive(d, &reply[k % count], k);
        ns[i] = (now_ns() - from) / DRIVE_BURST;
    }
}

void timing_step(session *s, const drive_frame *replies, unsigned count, double *ns, unsigned calls)
{
    drive_frame out[SESSION_FRAMES];
    gov_frame frames[GOV_TX_MAX];
    for (unsigned i = 0; i < calls; i++) {
        uint64_t now_us = 1000u * (i + 1u);
        double from = now_ns();
        for (unsigned k = 0; k < count; k++)
            session_on_drive(s, &replies[k], now_us);
        session_step(s, now_us, out);
        gov_transmit(&s->governor, now_us, frames);
        ns[i] = now_ns() - from;
    }
}
