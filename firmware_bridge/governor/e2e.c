/* AUTOSAR E2E Profile 11: CRC over the low byte of the data id, a zero byte, then bytes 1..7 of the frame. */
#include "e2e.h"

#include "exo_limits.h"

#define POLYNOMIAL 0x1Du /* SAE J1850 */

static uint8_t crc_byte(uint8_t crc, uint8_t byte)
{
    crc ^= byte;
    for (int bit = 0; bit < 8; bit++) {
        uint8_t carry = (uint8_t)((crc & 0x80u) ? POLYNOMIAL : 0u);
        crc = (uint8_t)((uint8_t)(crc << 1) ^ carry);
    }
    return crc;
}

static uint8_t crc_of(const uint8_t *data, uint16_t data_id)
{
    uint8_t crc = crc_byte(crc_byte(0, (uint8_t)(data_id & 0xFFu)), 0);
    for (unsigned i = 1; i < E2E_DATA_LEN; i++)
        crc = crc_byte(crc, data[i]);
    return crc;
}

void e2e_protect(uint8_t data[E2E_DATA_LEN], uint16_t data_id, uint8_t counter)
{
    data[1] = (uint8_t)(((data_id >> 8) & 15u) << 4 | (counter & 15u));
    data[0] = crc_of(data, data_id);
}

uint8_t e2e_next(uint8_t counter)
{
    return (uint8_t)(counter >= EXO_COUNTER_MAX ? 0 : counter + 1);
}

static int intact(const uint8_t *data, uint8_t len, uint16_t data_id)
{
    return len == E2E_DATA_LEN && (data[1] >> 4) == ((data_id >> 8) & 15u) && (data[1] & 15u) <= EXO_COUNTER_MAX
        && crc_of(data, data_id) == data[0];
}

static enum e2e_result refuse(e2e_rx *rx, uint8_t *count, enum e2e_result result)
{
    (*count)++;
    if (rx->bad_run < UINT8_MAX)
        rx->bad_run++;
    return result;
}

enum e2e_result e2e_check(e2e_rx *rx, const uint8_t *data, uint8_t len, uint16_t data_id)
{
    if (!intact(data, len, data_id))
        return refuse(rx, &rx->crc_errors, E2E_CRC_ERROR);

    int counter = data[1] & 15;
    int delta = rx->started ? (counter - rx->counter + EXO_COUNTER_MAX + 1) % (EXO_COUNTER_MAX + 1) : 1;
    rx->started = 1;
    rx->counter = (uint8_t)counter;
    if (delta == 0)
        return refuse(rx, &rx->repeats, E2E_REPEATED);
    if (delta > EXO_MAX_DELTA_COUNTER)
        return refuse(rx, &rx->gaps, E2E_WRONG_SEQUENCE);
    rx->bad_run = 0;
    return delta == 1 ? E2E_OK : E2E_SOME_LOST;
}
