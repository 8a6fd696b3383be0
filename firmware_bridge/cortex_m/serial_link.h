/* CAN frames over a UART: COBS packets with a CRC-16; docs/wire.md, section Serial. Portable, no state but the caller's. */
#ifndef EXO_SERIAL_LINK_H
#define EXO_SERIAL_LINK_H

#include <stdint.h>

#define SERIAL_DATA_MAX 8u
#define SERIAL_PAYLOAD_MAX (2u + SERIAL_DATA_MAX + 2u) /* head, data, CRC */
#define SERIAL_ENCODED_MAX (SERIAL_PAYLOAD_MAX + 1u)   /* COBS adds one byte up to 254 */
#define SERIAL_PACKET_MAX (SERIAL_ENCODED_MAX + 1u)    /* and the delimiter */

typedef struct {
    uint16_t id;   /* 11 bits */
    uint8_t bench; /* 0: a CAN frame; 1: a message of an emulated board, see bench.h */
    uint8_t len;
    uint8_t data[SERIAL_DATA_MAX];
} serial_frame;

/* Receiver of one line; all zero at the start. Counts wrap. */
typedef struct {
    uint8_t buf[SERIAL_ENCODED_MAX];
    uint8_t used;
    uint8_t spoiled; /* too long already: what comes until the delimiter is dropped */
    uint8_t lost;    /* something was dropped since the last good packet */
    uint16_t crc_errors;
    uint16_t malformed;
    uint16_t overruns;
    uint16_t resyncs;
} serial_rx;

/* CRC-16/IBM-3740 (polynomial 0x1021, start 0xFFFF, not reflected); 0 over a payload with its CRC. */
uint16_t serial_crc(const uint8_t *data, unsigned len);

/* Writes the packet of a frame, delimiter included; returns its length. */
unsigned serial_encode(const serial_frame *frame, uint8_t packet[SERIAL_PACKET_MAX]);

/* Takes one received byte; returns 1 where it completes a good packet, which is then in frame. */
int serial_take(serial_rx *rx, uint8_t byte, serial_frame *frame);

#endif
