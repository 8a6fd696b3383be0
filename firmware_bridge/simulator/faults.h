/* Faults that a simulated run is made to suffer: on its bus, at its encoders, in its firmware's clock.
 *
 * Orders come as datagrams on a socket that only this simulation has; firmware for a drive is built without this file.
 * The same orders with the same seeds give the same run in lock-step.
 */
#ifndef EXO_FAULTS_H
#define EXO_FAULTS_H

#include <stdint.h>

#include "bus.h"
#include "governor.h"

#define FAULT_ORDERS 16 /* at the same time */
#define FAULT_VALUES 4
#define FAULT_FRAMES 256  /* of one direction in one step, the made-up ones included */
#define FAULT_QUEUE 512   /* delayed frames under way; more are lost */
#define FAULT_HISTORY 512 /* ms of encoder values kept for a delayed encoder */

enum fault_kind {
    FAULT_FREE,
    FAULT_LOSS,           /* probability, direction */
    FAULT_DUPLICATE,      /* probability, direction, copies */
    FAULT_CORRUPT,        /* probability, direction, bits that flip */
    FAULT_DELAY,          /* ms, direction, jitter in ms: as netem, jitter brings frames out of order */
    FAULT_BUS_OFF,        /* whose controller: 0 firmware, 1 host */
    FAULT_BABBLE,         /* frames per ms, id */
    FAULT_SWAP,           /* direction: frames of the two joints carry each other's id */
    FAULT_ENCODER_OFF,    /* joints */
    FAULT_ENCODER_STUCK,  /* joints */
    FAULT_ENCODER_OFFSET, /* joints, rad */
    FAULT_ENCODER_NOISE,  /* joints, standard deviation in rad */
    FAULT_ENCODER_DELAY,  /* joints, ms */
    FAULT_CLOCK,          /* ms that the firmware's clock is ahead; several add up */
    FAULT_KINDS
};

/* Directions are bits, and so are joints: 1 right, 2 left. */
enum fault_direction { TO_GOVERNOR = 1, TO_HOST = 2 };

/* What a datagram holds. start_ns 0: at once; duration_ns 0: to the end. */
typedef struct {
    int64_t kind;
    int64_t start_ns;
    int64_t duration_ns;
    uint64_t seed;
    double value[FAULT_VALUES];
} fault_order;

typedef struct {
    bus_frame frame;
    int64_t due_ns;
    int direction;
} delayed_frame;

/* Noise of one joint's encoder as it was a step ago, and in its velocity. */
typedef struct {
    double rad, radps;
} encoder_noise;

typedef struct {
    int socket;
    fault_order orders[FAULT_ORDERS];
    delayed_frame queue[FAULT_QUEUE];
    unsigned queued;
    int host_off; /* the host's controller has been reported off */
    gov_measured history[FAULT_HISTORY][EXO_JOINT_COUNT];
    unsigned history_at;
    gov_measured stuck[EXO_JOINT_COUNT];
    uint8_t is_stuck[EXO_JOINT_COUNT];
    encoder_noise noise[EXO_JOINT_COUNT];
    int64_t clock_ns; /* newest time given to the governor */
} faults;

/* Opens the socket for orders at path. Returns -1 after one line on stderr. */
int faults_open(faults *f, const char *path);

/* Takes waiting orders, answers each with one byte (0 taken, 1 no room, 2 not understood), forgets those that are over. */
void faults_hear(faults *f, int64_t now_ns);

/* The order of this kind that holds now, or NULL. */
fault_order *fault_active(faults *f, enum fault_kind kind, int64_t now_ns);

/* 0 to 1, from the order's own sequence. */
double fault_random(fault_order *order);

/* What arrives of `count` frames that one side sent; in place, returns their new number. */
unsigned faults_on_bus(faults *f, int direction, bus_frame frames[FAULT_FRAMES], unsigned count, int64_t now_ns);

/* What the encoders show instead; once per step. */
void faults_on_encoders(faults *f, gov_measured measured[EXO_JOINT_COUNT], int64_t now_ns);

/* The firmware's own clock; never goes back. */
int64_t faults_clock_ns(faults *f, int64_t now_ns);

#endif
