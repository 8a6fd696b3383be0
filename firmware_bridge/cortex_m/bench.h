/* The emulated board's knees, and the messages by which a test bench sets and watches them; docs/wire.md, Serial.
 *
 * Part of board_mps2.c only. A port to real hardware has sensors and drives in its place, and no bench messages.
 */
#ifndef EXO_BENCH_H
#define EXO_BENCH_H

#include <stdint.h>

#include "governor.h"
#include "serial_link.h"

enum bench_id {
    BENCH_SENSOR = 1, /* to the board: joint, flags, position, velocity, torque */
    BENCH_TICK = 2,   /* to the board, after BENCH_CLOCK: one step at this time of the governor's clock, us */
    BENCH_DONE = 3,   /* from the board after each such step: command of both joints, state, reason */
    BENCH_ASK = 4,    /* to the board: send BENCH_REPORT */
    BENCH_REPORT = 5, /* from the board: stack used, UART overruns, packets refused, frames dropped */
    BENCH_HANG = 6,   /* to the board: hang in the control step, for the watchdog to find */
    BENCH_FAULT = 7,  /* to the board: use an address that does not exist */
    BENCH_CLOCK = 8,  /* to the board: start again, and from then on step by BENCH_TICK only; answered by BENCH_REPORT */
};

#define BENCH_VALID 1u  /* the sensors can be trusted */
#define BENCH_SHOWN 2u  /* torque is what the sensor shows; else it is what the sensor shows too much */

/* One knee: stands where it is told; its drive follows the command with a lag of four steps. */
typedef struct {
    int16_t position_cdeg;
    int16_t velocity_ddegps;
    int16_t torque_cnm;
    uint8_t flags;
    int32_t drive_cnm;
} bench_knee;

typedef struct {
    bench_knee knees[EXO_JOINT_COUNT];
    uint8_t ticked; /* a BENCH_TICK waits */
    uint64_t tick_us;
    uint8_t asked; /* the last of BENCH_ASK, HANG, FAULT and CLOCK that came; 0 none */
} bench;

/* Knees at rest at 30 deg, sensors valid, the board's own clock. */
void bench_init(bench *b);

/* Takes one bench message; unknown ones are ignored. */
void bench_take(bench *b, const serial_frame *frame);

/* What the knees' sensors show. */
void bench_sense(const bench *b, gov_measured measured[EXO_JOINT_COUNT]);

/* One millisecond of the drives. */
void bench_drive(bench *b, const int32_t torque_cnm[EXO_JOINT_COUNT]);

/* The BENCH_DONE of a step. */
serial_frame bench_done(const int32_t torque_cnm[EXO_JOINT_COUNT], uint8_t state, uint8_t reason);

/* The BENCH_REPORT; counts wrap. */
serial_frame bench_report(const uint16_t counts[4]);

#endif
