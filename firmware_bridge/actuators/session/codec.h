/* Shared by the codecs only: little-endian fields, and what a codec has. */
#ifndef EXO_CODEC_H
#define EXO_CODEC_H

#include <math.h>
#include <string.h>

#include "drive.h"

#define TURN_RAD 6.28318530717958647692

enum drive_part { DRIVE_MOTION, DRIVE_TORQUE };

typedef struct {
    unsigned (*start)(drive *d, uint64_t now_us, drive_frame *out);
    unsigned (*command)(drive *d, double shaft_nm, uint64_t now_us, drive_frame *out);
    int (*receive)(drive *d, const drive_frame *frame, uint64_t now_us);
    unsigned (*release)(drive *d, drive_frame *out);
} drive_codec;

extern const drive_codec CUBEMARS_CODEC, ODRIVE_CODEC, MOTEUS_CODEC, CIA402_CODEC;

static inline void put_u16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value & 0xFFu);
    at[1] = (uint8_t)((value >> 8) & 0xFFu);
}

static inline void put_u32(uint8_t *at, uint32_t value)
{
    put_u16(at, value & 0xFFFFu);
    put_u16(at + 2, value >> 16);
}

static inline void put_f32(uint8_t *at, double value)
{
    float narrow = (float)value;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    put_u32(at, bits);
}

static inline uint32_t get_u16(const uint8_t *at) { return (uint32_t)at[0] | (uint32_t)at[1] << 8; }

static inline uint32_t get_u32(const uint8_t *at) { return get_u16(at) | get_u16(at + 2) << 16; }

static inline int32_t get_i16(const uint8_t *at) { return (int16_t)(uint16_t)get_u16(at); }

static inline int32_t get_i32(const uint8_t *at) { return (int32_t)get_u32(at); }

static inline double get_f32(const uint8_t *at)
{
    uint32_t bits = get_u32(at);
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

/* An empty frame with this id and length. */
static inline drive_frame *new_frame(drive_frame *frame, uint32_t can_id, uint8_t len)
{
    memset(frame, 0, sizeof *frame);
    frame->can_id = can_id;
    frame->len = len;
    return frame;
}

/* Motion of the drive's shaft taken as motion of the joint; 0 where it is not a number or beyond reason. */
int drive_heard_motion(drive *d, double shaft_rad, double shaft_radps, uint64_t now_us);

/* The same for the torque at the shaft. */
int drive_heard_torque(drive *d, double shaft_nm, uint64_t now_us);

/* What the drive says of itself; latches `lost` where a drive that was ready no longer is. */
void drive_heard_state(drive *d, int in_mode, uint32_t fault);

/* True once per DRIVE_RETRY_US. */
int drive_may_ask(drive *d, uint64_t now_us);

#endif
