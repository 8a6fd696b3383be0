/* AUTOSAR E2E Profile 11 with the data id nibble: protects 8-byte frames and checks their sequence. */
#ifndef EXO_E2E_H
#define EXO_E2E_H

#include <stdint.h>

#define E2E_DATA_LEN 8u

enum e2e_result { E2E_OK, E2E_SOME_LOST, E2E_REPEATED, E2E_WRONG_SEQUENCE, E2E_CRC_ERROR };

/* Receiver of one message; all zero at the start. Counts wrap. */
typedef struct {
    uint8_t started;
    uint8_t counter;
    uint8_t bad_run; /* frames refused in a row, saturating */
    uint8_t crc_errors;
    uint8_t gaps; /* more frames lost than tolerated */
    uint8_t repeats;
} e2e_rx;

/* Writes the header (bytes 0 and 1); counter 0..14. */
void e2e_protect(uint8_t data[E2E_DATA_LEN], uint16_t data_id, uint8_t counter);

/* Counter of the frame after this one. */
uint8_t e2e_next(uint8_t counter);

/* Checks a frame of len bytes and updates rx; use the frame only for E2E_OK and E2E_SOME_LOST. */
enum e2e_result e2e_check(e2e_rx *rx, const uint8_t *data, uint8_t len, uint16_t data_id);

#endif
