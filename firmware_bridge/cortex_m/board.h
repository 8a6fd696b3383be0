/* What main.c needs of a board. A port to other hardware writes these functions and nothing else; docs/cortex-m.md. */
#ifndef EXO_BOARD_H
#define EXO_BOARD_H

#include <stdint.h>

#include "governor.h"

typedef struct {
    uint16_t id;
    uint8_t len;
    uint8_t data[E2E_DATA_LEN];
} board_frame;

/* Clocks, bus, timer, watchdog, drive off. */
void board_init(void);

/* Hash of the wearer's profile that this device is set up for. */
uint32_t board_profile_hash(void);

/* Waits for the next 1 kHz tick and gives its time since start; never goes back. Ticks missed in a stall are one. */
uint64_t board_wait_tick(void);

/* Tells the watchdog that one whole control step is done. */
void board_pet_watchdog(void);

/* Next frame received before this tick; 0 where there is none. */
int board_receive(board_frame *frame);

/* Queues a frame; dropped and counted where the queue is full. Never waits. */
void board_send(const gov_frame *frame);

/* Newest sensor values; valid = 0 where a sensor is silent or implausible. */
void board_sense(gov_measured measured[EXO_JOINT_COUNT]);

/* Commands the drives, 0.01 Nm; with `live` 0 they are released. */
void board_drive(const int32_t torque_cnm[EXO_JOINT_COUNT], int live);

/* Drives off at once, from any context; used by the fault handlers. */
void board_drive_off(void);

/* One control step is over; a board with nothing to say does nothing. */
void board_step_done(const governor *g);

#endif
