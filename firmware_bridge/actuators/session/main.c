/* The soft governor as a Linux process: the torque loop on a unix: bus, drives on a bus that is already open.
 *
 * usage: drives HOST_SOCKET DRIVE_FD < session_config
 *
 * One step per millisecond of CLOCK_MONOTONIC. On SIGTERM or SIGINT torque falls to zero, then the drives leave torque
 * mode. A second process, the guard, does the last part when this one dies or hangs.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bus.h"
#include "daemon.h"
#include "guard.h"
#include "link.h"

#define STEP_NS 1000000LL
#define DRAIN_MAX 64 /* frames of the drives per step; a flood waits for the next step */
#define STOP_STEPS 100 /* torque falls to zero in a third of it */
#define LATE_US 10000 /* lateness is counted by the microsecond up to here */

typedef struct {
    can_bus host;
    int drive_fd, guard;
    session session;
    uint64_t steps;
    int64_t worst_late_ns, worst_step_ns;
    uint32_t late[LATE_US + 1]; /* steps by how late they began; the last holds all later ones */
} process;

static void drain_host(process *p, uint64_t now_us)
{
    bus_frame frames[BUS_BATCH];
    unsigned count = bus_receive(&p->host, frames);
    for (unsigned i = 0; i < count; i++)
        session_on_host(&p->session, frames[i].can_id, frames[i].data, frames[i].len, now_us);
}

static void drain_drives(process *p, uint64_t now_us)
{
    drive_frame frame;
    for (int i = 0; i < DRAIN_MAX; i++) {
        ssize_t got = recv(p->drive_fd, &frame, sizeof frame, MSG_DONTWAIT | MSG_TRUNC);
        if (got < 0)
            return;
        if (got == 0) {
            daemon_stop(); /* a unix: bus that the drives' end closed; a CAN interface never does */
            return;
        }
        if (got == DRIVE_FD || (got == DRIVE_CLASSIC && frame.len <= 8))
            session_on_drive(&p->session, &frame, now_us);
    }
}

static void send_to_host(process *p, uint64_t now_us)
{
    gov_frame frames[GOV_TX_MAX];
    bus_frame out[GOV_TX_MAX] = { 0 };
    unsigned count = gov_transmit(&p->session.governor, now_us, frames);
    for (unsigned i = 0; i < count; i++) {
        out[i].can_id = frames[i].id;
        out[i].len = 8;
        memcpy(out[i].data, frames[i].data, sizeof out[i].data);
    }
    bus_send(&p->host, out, count);
}

static void step(process *p, int64_t at_ns)
{
    drive_frame frames[SESSION_FRAMES];
    uint64_t now_us = (uint64_t)(at_ns / 1000);
    drain_host(p, now_us);
    drain_drives(p, now_us);
    unsigned count = session_step(&p->session, now_us, frames);
    send_drive_frames(p->drive_fd, &p->session, frames, count);
    send_to_host(p, now_us);
    guard_beat(p->guard);
    p->steps++;
}

static void run(process *p)
{
    int64_t next_ns = daemon_now_ns() + STEP_NS;
    int left = STOP_STEPS;
    while (left > 0 && !(daemon_stopped() && session_at_rest(&p->session))) {
        left -= daemon_stopped();
        if (!daemon_sleep_until(next_ns))
            continue;
        if (daemon_stopped())
            session_stop(&p->session);
        int64_t at_ns = daemon_now_ns(), late_ns = at_ns - next_ns;
        step(p, at_ns);
        int64_t took_ns = daemon_now_ns() - at_ns;
        p->late[late_ns / 1000 < LATE_US ? late_ns / 1000 : LATE_US]++;
        p->worst_late_ns = late_ns > p->worst_late_ns ? late_ns : p->worst_late_ns;
        p->worst_step_ns = took_ns > p->worst_step_ns ? took_ns : p->worst_step_ns;
        next_ns += (1 + late_ns / STEP_NS) * STEP_NS;
    }
}

/* Lateness in us that this share of the steps did not exceed. */
static int late_us(const process *p, double share)
{
    uint64_t seen = 0;
    for (int us = 0; us < LATE_US; us++) {
        seen += p->late[us];
        if ((double)seen >= share * (double)p->steps)
            return us;
    }
    return LATE_US;
}

static void report(const process *p)
{
    printf("{\"steps\": %llu, \"late_us\": {\"n\": %llu, \"p50\": %d, \"p90\": %d, \"p99\": %d, \"p99_9\": %d, "
           "\"max\": %.1f}, \"worst_step_us\": %.1f}\n",
        (unsigned long long)p->steps, (unsigned long long)p->steps, late_us(p, 0.5), late_us(p, 0.9), late_us(p, 0.99),
        late_us(p, 0.999), (double)p->worst_late_ns / 1e3, (double)p->worst_step_ns / 1e3);
}

/* A drives' bus that is a unix socket has emulated drives on it. */
static int is_emulated(int drive_fd)
{
    struct sockaddr address = { 0 };
    socklen_t size = sizeof address;
    return getsockname(drive_fd, &address, &size) == 0 && address.sa_family == AF_UNIX;
}

static int read_config(session_config *config)
{
    if (fread(config, sizeof *config, 1, stdin) == 1 && fgetc(stdin) == EOF)
        return 1;
    fprintf(stderr, "drives: the configuration on stdin is not %zu bytes; start it with exo-edge drive run\n",
        sizeof *config);
    return 0;
}

int main(int argc, char **argv)
{
    static process p;
    session_config config;
    if (argc != 3) {
        fprintf(stderr, "usage: drives HOST_SOCKET DRIVE_FD < session_config\n");
        return 2;
    }
    p.drive_fd = atoi(argv[2]);
    if (!read_config(&config) || bus_open(&p.host, argv[1]) < 0)
        return 2;
    session_init(&p.session, &config);
    p.guard = guard_start(&config, p.drive_fd);
    if (p.guard < 0) {
        fprintf(stderr, "drives: no second process for the guard; close other programs\n");
        return 2;
    }
    if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
        fprintf(stderr, "drives: memory cannot be locked (ulimit -l); goes on without\n");
    daemon_prepare("drives", (int)config.fifo_priority);
    if (is_emulated(p.drive_fd))
        link_say_simulated();
    puts("ready");
    fflush(stdout);
    run(&p);
    send_last_frames(p.drive_fd, &p.session);
    guard_dismiss(p.guard);
    unlink(argv[1]);
    report(&p);
    return 0;
}
