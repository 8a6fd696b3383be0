/* CAN frames over a UART: COBS packets with a CRC-16. */
#include "serial_link.h"

#include <string.h>

#define BENCH_BIT 0x0800u

uint16_t serial_crc(const uint8_t *data, unsigned len)
{
    uint16_t crc = 0xFFFFu;
    for (unsigned i = 0; i < len; i++) {
        crc = (uint16_t)(crc ^ (uint16_t)(data[i] << 8));
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)((uint16_t)(crc << 1) ^ ((crc & 0x8000u) ? 0x1021u : 0u));
    }
    return crc;
}

/* Consistent overhead byte stuffing (Cheshire and Baker, 1999) of fewer than 254 bytes; returns the length. */
static unsigned stuff(const uint8_t *payload, unsigned len, uint8_t *out)
{
    unsigned code_at = 0;
    unsigned at = 1;
    for (unsigned i = 0; i < len; i++) {
        if (payload[i] != 0) {
            out[at++] = payload[i];
            continue;
        }
        out[code_at] = (uint8_t)(at - code_at);
        code_at = at++;
    }
    out[code_at] = (uint8_t)(at - code_at);
    return at;
}

unsigned serial_encode(const serial_frame *frame, uint8_t packet[SERIAL_PACKET_MAX])
{
    uint8_t payload[SERIAL_PAYLOAD_MAX];
    unsigned len = frame->len <= SERIAL_DATA_MAX ? frame->len : SERIAL_DATA_MAX;
    uint16_t head = (uint16_t)((frame->id & 0x7FFu) | (frame->bench ? BENCH_BIT : 0u) | len << 12);
    payload[0] = (uint8_t)(head & 0xFFu);
    payload[1] = (uint8_t)(head >> 8);
    memcpy(payload + 2, frame->data, len);
    uint16_t crc = serial_crc(payload, 2 + len);
    payload[2 + len] = (uint8_t)(crc >> 8);
    payload[3 + len] = (uint8_t)(crc & 0xFFu);
    unsigned used = stuff(payload, 4 + len, packet);
    packet[used] = 0;
    return used + 1;
}

/* Undoes the stuffing in place; returns the length, or 0 where a code points past the end. */
static unsigned unstuff(uint8_t *buf, unsigned used)
{
    unsigned at = 0;
    unsigned out = 0;
    while (at < used) {
        unsigned code = buf[at];
        if (at + code > used)
            return 0;
        for (unsigned i = 1; i < code; i++)
            buf[out++] = buf[at + i];
        at += code;
        if (at < used)
            buf[out++] = 0;
    }
    return out;
}

static int refuse(serial_rx *rx, uint16_t *count)
{
    (*count)++;
    rx->lost = 1;
    return 0;
}

static int finish(serial_rx *rx, serial_frame *frame)
{
    unsigned len = unstuff(rx->buf, rx->used);
    rx->used = 0;
    if (len < 4 || len != 4u + (rx->buf[1] >> 4))
        return refuse(rx, &rx->malformed);
    if (serial_crc(rx->buf, len) != 0)
        return refuse(rx, &rx->crc_errors);
    rx->resyncs = (uint16_t)(rx->resyncs + rx->lost);
    rx->lost = 0;
    uint16_t head = (uint16_t)(rx->buf[0] | rx->buf[1] << 8);
    frame->id = head & 0x7FFu;
    frame->bench = (head & BENCH_BIT) != 0;
    frame->len = (uint8_t)(len - 4);
    memset(frame->data, 0, sizeof frame->data);
    memcpy(frame->data, rx->buf + 2, len - 4);
    return 1;
}

int serial_take(serial_rx *rx, uint8_t byte, serial_frame *frame)
{
    if (byte == 0) {
        int whole = rx->used > 0 && !rx->spoiled;
        rx->spoiled = 0;
        return whole ? finish(rx, frame) : 0;
    }
    if (rx->spoiled)
        return 0;
    if (rx->used == SERIAL_ENCODED_MAX) {
        rx->used = 0;
        rx->spoiled = 1;
        return refuse(rx, &rx->overruns);
    }
    rx->buf[rx->used++] = byte;
    return 0;
}
