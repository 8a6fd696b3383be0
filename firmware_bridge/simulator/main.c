/* The governor as a Linux process with a simulated wearer: CAN frames on one socket, the wearer's motion on another.
 *
 * usage: firmware realtime|lockstep BUS SIM_SOCKET PARAMETER_FILE [RECORD_FILE]
 *
 * BUS: path of a socket, or socketcan:INTERFACE. With RECORD_FILE what each step tells the simulation (struct sim_truth)
 * is written there: in real time instead, in lock-step as well. Orders for faults (faults.h) come on SIM_SOCKET.faults.
 *
 * realtime: one step per millisecond of CLOCK_MONOTONIC. lockstep: one step of exactly one millisecond per tick message,
 * nothing else reads a clock. It ends when the simulation socket closes or on SIGTERM; when only the bus closes it goes
 * on, as firmware on a dead bus does, and takes the next host.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon.h"
#include "link.h"
#include "params.h"
#include "worn.h"

#define STEP_NS 1000000LL
#define DRAIN_MAX 64 /* messages per step */
#define CATCH_UP_MAX 100
#define START_TIMEOUT_MS 200
#define PATH_LENGTH 512

typedef struct {
    int sim_listener, sim;
    FILE *record;
    int lockstep;
    worn worn;
} firmware;

static void step(firmware *f, int64_t at_ns, int milliseconds)
{
    sim_truth truth = worn_step(&f->worn, at_ns, milliseconds);
    if (f->record != NULL)
        (void)!fwrite(&truth, sizeof truth, 1, f->record);
    if (f->record == NULL || f->lockstep)
        link_send(f->sim, &truth, sizeof truth);
}

/* Newest wearer message, if any; 0 when the simulation is over. */
static int hear_wearer(firmware *f)
{
    sim_wearer wearer;
    f->sim = link_accept(f->sim_listener, f->sim);
    if (f->sim < 0)
        return 1;
    for (int i = 0; i < DRAIN_MAX; i++) {
        int got = link_receive(f->sim, &wearer, sizeof wearer, MSG_DONTWAIT);
        if (got <= 0)
            return got == 0;
        worn_refer(&f->worn, &wearer);
    }
    return 1;
}

static void run_realtime(firmware *f)
{
    int64_t next_ns = daemon_now_ns() + STEP_NS;
    while (!daemon_stopped() && hear_wearer(f)) {
        if (!daemon_sleep_until(next_ns))
            continue;
        int64_t at_ns = daemon_now_ns();
        int64_t due = 1 + (at_ns - next_ns) / STEP_NS;
        next_ns += due * STEP_NS;
        step(f, at_ns, due < CATCH_UP_MAX ? (int)due : CATCH_UP_MAX);
    }
}

static void wait_for_simulation(firmware *f)
{
    struct pollfd waiting = { .fd = f->sim_listener, .events = POLLIN };
    while (!daemon_stopped() && f->sim < 0) {
        if (poll(&waiting, 1, START_TIMEOUT_MS) > 0)
            f->sim = link_accept(f->sim_listener, f->sim);
    }
}

static void run_lockstep(firmware *f)
{
    sim_wearer tick;
    wait_for_simulation(f);
    while (!daemon_stopped()) {
        int got = link_receive(f->sim, &tick, sizeof tick, 0);
        if (got < 0)
            return;
        if (got == 0)
            continue;
        worn_refer(&f->worn, &tick);
        if (tick.kind == SIM_TICK)
            step(f, tick.now_ns, 1);
    }
}

static void fault_path(char path[PATH_LENGTH], const char *sim_path)
{
    (void)!snprintf(path, PATH_LENGTH, "%s.faults", sim_path);
}

static int open_links(firmware *f, const char *bus, const char *sim_path, const char *record_path)
{
    char orders[PATH_LENGTH];
    fault_path(orders, sim_path);
    f->sim = -1;
    if (bus_open(&f->worn.node.bus, bus) < 0 || faults_open(&f->worn.node.faults, orders) < 0)
        return -1;
    f->sim_listener = link_listen(sim_path);
    f->record = record_path != NULL ? fopen(record_path, "wb") : NULL;
    if (record_path != NULL && f->record == NULL) {
        perror("firmware: record file");
        return -1;
    }
    return f->sim_listener >= 0 ? 0 : -1;
}

static int close_links(const firmware *f, const char *bus, const char *sim_path)
{
    char orders[PATH_LENGTH];
    fault_path(orders, sim_path);
    unlink(orders);
    unlink(sim_path);
    if (f->worn.node.bus.listener >= 0)
        unlink(bus);
    return f->record != NULL && fclose(f->record) != 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
    static firmware f;
    sim_params params;
    f.lockstep = argc >= 5 && strcmp(argv[1], "lockstep") == 0;
    if (argc < 5 || argc > 6 || (!f.lockstep && strcmp(argv[1], "realtime") != 0)) {
        fprintf(stderr, "usage: firmware realtime|lockstep BUS SIM_SOCKET PARAMETER_FILE [RECORD_FILE]\n");
        return 2;
    }
    if (params_read(argv[4], &params) < 0 || open_links(&f, argv[2], argv[3], argv[5]) < 0)
        return 2;
    daemon_prepare("firmware", params.fifo_priority);
    link_say_simulated();
    gov_config config = gov_default_config(params.profile_hash);
    gov_init(&f.worn.node.governor, &config);
    for (int i = 0; i < SIM_JOINTS; i++)
        plant_init(&f.worn.plants[i], &params.plant);
    puts("ready");
    fflush(stdout);
    if (f.lockstep)
        run_lockstep(&f);
    else
        run_realtime(&f);
    return close_links(&f, argv[2], argv[3]);
}
