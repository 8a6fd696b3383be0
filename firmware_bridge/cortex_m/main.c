/* Example firmware: the governor in a 1 kHz loop. Copy it; what depends on hardware is in board_*.c alone.
 *
 * Everything that touches the governor runs here, in one context. Interrupts only move bytes and count ticks.
 */
#include "board.h"

/* Static, so that the linker counts it and the stack stays small. */
static governor gov;

static void take_frames(uint64_t now_us)
{
    board_frame frame;
    while (board_receive(&frame))
        gov_on_frame(&gov, frame.id, frame.data, frame.len, now_us);
}

static void control(uint64_t now_us)
{
    gov_measured measured[EXO_JOINT_COUNT];
    int32_t torque_cnm[EXO_JOINT_COUNT];
    board_sense(measured);
    gov_step(&gov, now_us, measured, torque_cnm);
    /* The drives are on from ARMED; in SAFE they still ramp down and damp. */
    board_drive(torque_cnm, gov.state >= EXO_STATE_ARMED);
}

static void send_frames(uint64_t now_us)
{
    gov_frame frames[GOV_TX_MAX];
    unsigned count = gov_transmit(&gov, now_us, frames);
    for (unsigned i = 0; i < count; i++)
        board_send(&frames[i]);
}

int main(void)
{
    board_init();
    gov_config config = gov_default_config(board_profile_hash());
    gov_init(&gov, &config);
    for (;;) {
        uint64_t now_us = board_wait_tick();
        take_frames(now_us);
        control(now_us);
        send_frames(now_us);
        board_step_done(&gov);
        /* Last, once per step: a hang anywhere above ends in a reset, and the governor boots silent. */
        board_pet_watchdog();
    }
}
