/* The governor as a Linux process with a simulated wearer: CAN frames on one socket, the wearer's motion on another.
 *
 * usage: firmware realtime|lockstep BUS_SOCKET SIM_SOCKET PARAMETER_FILE
 *
 * realtime: one step per millisecond of CLOCK_MONOTONIC. lockstep: one step of exactly one millisecond per tick message,
 * nothing else reads a clock. It ends when the simulation socket closes or on SIGTERM; when only the bus closes it goes
 * on, as firmware on a dead bus does, and takes the next host.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "governor.h"
#include "link.h"
#include "params.h"

#define PI 3.14159265358979323846
#define STEP_NS 1000000LL
#define DRAIN_MAX 64 /* frames per step; a flood waits for the next step */
#define CATCH_UP_MAX 100
#define START_TIMEOUT_MS 200

typedef struct {
    int bus_listener, sim_listener, bus, sim;
    governor governor;
    knee_plant plants[SIM_JOINTS];
} firmware;

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int16_t wire(double value)
{
    double rounded = value < 0.0 ? value - 0.5 : value + 0.5;
    return (int16_t)(rounded > 32767.0 ? 32767.0 : rounded < -32768.0 ? -32768.0 : rounded);
}

static void drain_bus(firmware *f, uint64_t now_us)
{
    bus_frame frame;
    f->bus = link_accept(f->bus_listener, f->bus);
    for (int i = 0; i < DRAIN_MAX && f->bus >= 0; i++) {
        int got = link_receive(f->bus, &frame, sizeof frame, MSG_DONTWAIT);
        if (got == 0)
            return;
        if (got < 0) {
            close(f->bus);
            f->bus = -1;
            return;
        }
        gov_on_frame(&f->governor, frame.can_id, frame.data, frame.len, now_us);
    }
}

static void refer(firmware *f, const sim_wearer *wearer)
{
    for (int i = 0; i < SIM_JOINTS; i++)
        plant_refer(&f->plants[i], wearer->angle_rad[i], wearer->velocity_radps[i]);
}

static void measure(const firmware *f, gov_measured measured[SIM_JOINTS])
{
    for (int i = 0; i < SIM_JOINTS; i++) {
        const knee_plant *p = &f->plants[i];
        measured[i].position_cdeg = wire(p->encoder_rad * 18000.0 / PI);
        measured[i].velocity_ddegps = wire(p->velocity_radps * 1800.0 / PI);
        measured[i].torque_cnm = wire(plant_sensed_nm(p) * 100.0);
        measured[i].valid = (uint8_t)p->placed;
    }
}

static void send_frames(firmware *f, uint64_t now_us)
{
    gov_frame frames[GOV_TX_MAX];
    unsigned count = gov_transmit(&f->governor, now_us, frames);
    for (unsigned i = 0; i < count; i++) {
        bus_frame out = { .can_id = frames[i].id, .len = 8 };
        memcpy(out.data, frames[i].data, sizeof out.data);
        link_send(f->bus, &out, sizeof out);
    }
}

static void send_truth(const firmware *f, int64_t at_ns, const int32_t command_cnm[SIM_JOINTS])
{
    sim_truth truth = { .now_ns = at_ns, .state = f->governor.state, .reason = f->governor.reason };
    for (int i = 0; i < SIM_JOINTS; i++) {
        truth.knee_nm[i] = f->plants[i].knee_nm;
        truth.knee_rad[i] = plant_knee_rad(&f->plants[i]);
        truth.hinge_rad[i] = f->plants[i].hinge_rad;
        truth.drive_nm[i] = f->plants[i].drive_nm;
        truth.command_nm[i] = command_cnm[i] / 100.0;
    }
    link_send(f->sim, &truth, sizeof truth);
}

/* One governor step, then the plant for so many milliseconds. */
static void step(firmware *f, int64_t at_ns, int milliseconds)
{
    uint64_t now_us = (uint64_t)(at_ns / 1000);
    gov_measured measured[SIM_JOINTS];
    int32_t command_cnm[SIM_JOINTS];
    drain_bus(f, now_us);
    measure(f, measured);
    gov_step(&f->governor, now_us, measured, command_cnm);
    for (int ms = 0; ms < milliseconds; ms++)
        for (int i = 0; i < SIM_JOINTS; i++)
            plant_step(&f->plants[i], command_cnm[i] / 100.0);
    send_frames(f, now_us);
    send_truth(f, at_ns, command_cnm);
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
        refer(f, &wearer);
    }
    return 1;
}

static void run_realtime(firmware *f)
{
    int64_t next_ns = now_ns() + STEP_NS;
    while (!stopped && hear_wearer(f)) {
        struct timespec until = { .tv_sec = next_ns / 1000000000LL, .tv_nsec = next_ns % 1000000000LL };
        if (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0)
            continue;
        int64_t at_ns = now_ns();
        int64_t due = 1 + (at_ns - next_ns) / STEP_NS;
        next_ns += due * STEP_NS;
        step(f, at_ns, due < CATCH_UP_MAX ? (int)due : CATCH_UP_MAX);
    }
}

static void wait_for_simulation(firmware *f)
{
    struct pollfd waiting = { .fd = f->sim_listener, .events = POLLIN };
    while (!stopped && f->sim < 0) {
        if (poll(&waiting, 1, START_TIMEOUT_MS) > 0)
            f->sim = link_accept(f->sim_listener, f->sim);
    }
}

static void run_lockstep(firmware *f)
{
    sim_wearer tick;
    wait_for_simulation(f);
    while (!stopped) {
        int got = link_receive(f->sim, &tick, sizeof tick, 0);
        if (got < 0)
            return;
        if (got == 0)
            continue;
        refer(f, &tick);
        if (tick.kind == SIM_TICK)
            step(f, tick.now_ns, 1);
    }
}

static void prepare_process(int fifo_priority)
{
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    struct sched_param priority = { .sched_priority = fifo_priority };
    if (fifo_priority > 0 && sched_setscheduler(0, SCHED_FIFO, &priority) < 0)
        fprintf(stderr, "firmware: no right to real-time priority %d, goes on without\n", fifo_priority);
}

static int open_links(firmware *f, const char *bus_path, const char *sim_path)
{
    f->bus = -1;
    f->sim = -1;
    f->bus_listener = link_listen(bus_path);
    f->sim_listener = link_listen(sim_path);
    return f->bus_listener >= 0 && f->sim_listener >= 0;
}

int main(int argc, char **argv)
{
    static firmware f;
    sim_params params;
    int lockstep = argc == 5 && strcmp(argv[1], "lockstep") == 0;
    if (argc != 5 || (!lockstep && strcmp(argv[1], "realtime") != 0)) {
        fprintf(stderr, "usage: firmware realtime|lockstep BUS_SOCKET SIM_SOCKET PARAMETER_FILE\n");
        return 2;
    }
    if (params_read(argv[4], &params) < 0 || !open_links(&f, argv[2], argv[3]))
        return 2;
    prepare_process(params.fifo_priority);
    gov_config config = gov_default_config(params.profile_hash);
    gov_init(&f.governor, &config);
    for (int i = 0; i < SIM_JOINTS; i++)
        plant_init(&f.plants[i], &params.plant);
    puts("ready");
    fflush(stdout);
    if (lockstep)
        run_lockstep(&f);
    else
        run_realtime(&f);
    unlink(argv[2]);
    unlink(argv[3]);
    return 0;
}
