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
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bus.h"
#include "faults.h"
#include "governor.h"
#include "link.h"
#include "params.h"

#define PI 3.14159265358979323846
#define STEP_NS 1000000LL
#define DRAIN_MAX 64 /* messages per step */
#define CATCH_UP_MAX 100
#define START_TIMEOUT_MS 200
#define PATH_LENGTH 512

typedef struct {
    can_bus bus;
    int sim_listener, sim;
    FILE *record;
    int lockstep;
    faults faults;
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

static void drain_bus(firmware *f, int64_t at_ns, uint64_t now_us)
{
    bus_frame frames[FAULT_FRAMES];
    unsigned count = faults_on_bus(&f->faults, TO_GOVERNOR, frames, bus_receive(&f->bus, frames), at_ns);
    for (unsigned i = 0; i < count; i++)
        gov_on_frame(&f->governor, frames[i].can_id, frames[i].data, frames[i].len, now_us);
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

static void send_frames(firmware *f, int64_t at_ns, uint64_t now_us)
{
    gov_frame frames[GOV_TX_MAX];
    bus_frame out[FAULT_FRAMES];
    memset(out, 0, GOV_TX_MAX * sizeof out[0]);
    unsigned count = gov_transmit(&f->governor, now_us, frames);
    for (unsigned i = 0; i < count; i++) {
        out[i].can_id = frames[i].id;
        out[i].len = 8;
        memcpy(out[i].data, frames[i].data, sizeof out[i].data);
    }
    count = faults_on_bus(&f->faults, TO_HOST, out, count, at_ns);
    for (unsigned sent = 0; sent < count; sent += BUS_BATCH)
        bus_send(&f->bus, out + sent, count - sent < BUS_BATCH ? count - sent : BUS_BATCH);
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
    if (f->record != NULL)
        (void)!fwrite(&truth, sizeof truth, 1, f->record);
    if (f->record == NULL || f->lockstep)
        link_send(f->sim, &truth, sizeof truth);
}

/* One governor step, then the plant for so many milliseconds. */
static void step(firmware *f, int64_t at_ns, int milliseconds)
{
    faults_hear(&f->faults, at_ns);
    uint64_t now_us = (uint64_t)(faults_clock_ns(&f->faults, at_ns) / 1000);
    gov_measured measured[SIM_JOINTS];
    int32_t command_cnm[SIM_JOINTS];
    drain_bus(f, at_ns, now_us);
    measure(f, measured);
    faults_on_encoders(&f->faults, measured, at_ns);
    gov_step(&f->governor, now_us, measured, command_cnm);
    for (int ms = 0; ms < milliseconds; ms++)
        for (int i = 0; i < SIM_JOINTS; i++)
            plant_step(&f->plants[i], command_cnm[i] / 100.0);
    send_frames(f, at_ns, now_us);
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
    link_say_simulated();
    struct sched_param priority = { .sched_priority = fifo_priority };
    if (fifo_priority > 0 && sched_setscheduler(0, SCHED_FIFO, &priority) < 0)
        fprintf(stderr, "firmware: no right to real-time priority %d, goes on without\n", fifo_priority);
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
    if (bus_open(&f->bus, bus) < 0 || faults_open(&f->faults, orders) < 0)
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
    if (f->bus.listener >= 0)
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
    prepare_process(params.fifo_priority);
    gov_config config = gov_default_config(params.profile_hash);
    gov_init(&f.governor, &config);
    for (int i = 0; i < SIM_JOINTS; i++)
        plant_init(&f.plants[i], &params.plant);
    puts("ready");
    fflush(stdout);
    if (f.lockstep)
        run_lockstep(&f);
    else
        run_realtime(&f);
    return close_links(&f, argv[2], argv[3]);
}
