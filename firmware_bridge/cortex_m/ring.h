/* Ring of bytes between one interrupt and the main loop: one writes, one reads, nobody waits. */
#ifndef EXO_RING_H
#define EXO_RING_H

#include <stdint.h>

#define RING_SIZE 1024u /* a power of two; 36 ms of two joints at 1 kHz */

typedef struct {
    volatile uint32_t head; /* written by the producer only */
    volatile uint32_t tail; /* written by the consumer only */
    volatile uint8_t buf[RING_SIZE];
} ring;

static inline uint32_t ring_used(const ring *r) { return r->head - r->tail; }

static inline uint32_t ring_free(const ring *r) { return RING_SIZE - ring_used(r); }

/* Returns 0 where the ring is full. */
static inline int ring_put(ring *r, uint8_t byte)
{
    if (ring_free(r) == 0)
        return 0;
    r->buf[r->head % RING_SIZE] = byte;
    r->head = r->head + 1;
    return 1;
}

/* Returns 0 where the ring is empty. */
static inline int ring_get(ring *r, uint8_t *byte)
{
    if (ring_used(r) == 0)
        return 0;
    *byte = r->buf[r->tail % RING_SIZE];
    r->tail = r->tail + 1;
    return 1;
}

#endif
