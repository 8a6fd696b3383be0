/**
 * @file exo_codec.c
 *
 * @brief Packs and unpacks the frames. Generated from firmware_bridge/limits.toml by `exo-edge can generate`; do not edit.
 * Written by cantools.
 *
 * @copyright Copyright (c) 2018-2019 Erik Moqvist
 *
 * @par License
 * The MIT License (MIT)
 *
 * Permission is hereby granted, free of charge, to any person
 * obtaining a copy of this software and associated documentation
 * files (the "Software"), to deal in the Software without
 * restriction, including without limitation the rights to use, copy,
 * modify, merge, publish, distribute, sublicense, and/or sell copies
 * of the Software, and to permit persons to whom the Software is
 * furnished to do so, subject to the following conditions:
 *
 * The above copyright notice and this permission notice shall be
 * included in all copies or substantial portions of the Software.
 *
 * THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND,
 * EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
 * MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
 * NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS
 * BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN
 * ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN
 * CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
 * SOFTWARE.
 */

#include <math.h>
#include <string.h>

#include "exo_codec.h"

static inline uint8_t pack_left_shift_u8(
    uint8_t value,
    uint8_t shift,
    uint8_t mask)
{
    return (uint8_t)((uint8_t)(value << shift) & mask);
}

static inline uint8_t pack_left_shift_u16(
    uint16_t value,
    uint8_t shift,
    uint8_t mask)
{
    return (uint8_t)((uint8_t)(value << shift) & mask);
}

static inline uint8_t pack_left_shift_u32(
    uint32_t value,
    uint8_t shift,
    uint8_t mask)
{
    return (uint8_t)((uint8_t)(value << shift) & mask);
}

static inline uint8_t pack_right_shift_u16(
    uint16_t value,
    uint8_t shift,
    uint8_t mask)
{
    return (uint8_t)((uint8_t)(value >> shift) & mask);
}

static inline uint8_t pack_right_shift_u32(
    uint32_t value,
    uint8_t shift,
    uint8_t mask)
{
    return (uint8_t)((uint8_t)(value >> shift) & mask);
}

static inline uint16_t unpack_left_shift_u16(
    uint8_t value,
    uint8_t shift,
    uint8_t mask)
{
    return (uint16_t)((uint16_t)(value & mask) << shift);
}

static inline uint32_t unpack_left_shift_u32(
    uint8_t value,
    uint8_t shift,
    uint8_t mask)
{
    return (uint32_t)((uint32_t)(value & mask) << shift);
}

static inline uint8_t unpack_right_shift_u8(
    uint8_t value,
    uint8_t shift,
    uint8_t mask)
{
    return (uint8_t)((uint8_t)(value & mask) >> shift);
}

static inline uint16_t unpack_right_shift_u16(
    uint8_t value,
    uint8_t shift,
    uint8_t mask)
{
    return (uint16_t)((uint16_t)(value & mask) >> shift);
}

static inline uint32_t unpack_right_shift_u32(
    uint8_t value,
    uint8_t shift,
    uint8_t mask)
{
    return (uint32_t)((uint32_t)(value & mask) >> shift);
}

static uint64_t cantools_unsigned_from_double(double value)
{
    if (value < 0) {
        return 0;
    }

    return (uint64_t)value;
}

int exo_torque_setpoint_knee_r_pack(
    uint8_t *dst_p,
    const struct exo_torque_setpoint_knee_r_t *src_p,
    size_t size)
{
    uint16_t torque;

    if (size < 8u) {
        return (-EINVAL);
    }

    memset(&dst_p[0], 0, 8);

    dst_p[0] |= pack_left_shift_u8(src_p->e2e_crc, 0u, 0xffu);
    dst_p[1] |= pack_left_shift_u8(src_p->e2e_counter, 0u, 0x0fu);
    dst_p[1] |= pack_left_shift_u8(src_p->e2e_data_id, 4u, 0xf0u);
    torque = (uint16_t)src_p->torque;
    dst_p[2] |= pack_left_shift_u16(torque, 0u, 0xffu);
    dst_p[3] |= pack_right_shift_u16(torque, 8u, 0xffu);
    dst_p[4] |= pack_left_shift_u8(src_p->lease, 0u, 0xffu);
    dst_p[5] |= pack_left_shift_u8(src_p->age, 0u, 0xffu);
    dst_p[6] |= pack_left_shift_u16(src_p->apply_at, 0u, 0xffu);
    dst_p[7] |= pack_right_shift_u16(src_p->apply_at, 8u, 0x0fu);
    dst_p[7] |= pack_left_shift_u8(src_p->mode, 4u, 0xf0u);

    return (8);
}

int exo_torque_setpoint_knee_r_unpack(
    struct exo_torque_setpoint_knee_r_t *dst_p,
    const uint8_t *src_p,
    size_t size)
{
    uint16_t torque;

    if (size < 8u) {
        return (-EINVAL);
    }

    dst_p->e2e_crc = unpack_right_shift_u8(src_p[0], 0u, 0xffu);
    dst_p->e2e_counter = unpack_right_shift_u8(src_p[1], 0u, 0x0fu);
    dst_p->e2e_data_id = unpack_right_shift_u8(src_p[1], 4u, 0xf0u);
    torque = unpack_right_shift_u16(src_p[2], 0u, 0xffu);
    torque |= unpack_left_shift_u16(src_p[3], 8u, 0xffu);
    dst_p->torque = (int16_t)torque;
    dst_p->lease = unpack_right_shift_u8(src_p[4], 0u, 0xffu);
    dst_p->age = unpack_right_shift_u8(src_p[5], 0u, 0xffu);
    dst_p->apply_at = unpack_right_shift_u16(src_p[6], 0u, 0xffu);
    dst_p->apply_at |= unpack_left_shift_u16(src_p[7], 8u, 0x0fu);
    dst_p->mode = unpack_right_shift_u8(src_p[7], 4u, 0xf0u);

    return (0);
}

int exo_torque_setpoint_knee_r_init(struct exo_torque_setpoint_knee_r_t *msg_p)
{
    if (msg_p == NULL) return -1;

    memset(msg_p, 0, sizeof(struct exo_torque_setpoint_knee_r_t));

    return 0;
}

uint8_t exo_torque_setpoint_knee_r_e2e_crc_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_torque_setpoint_knee_r_e2e_crc_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_torque_setpoint_knee_r_e2e_crc_is_in_range(uint8_t value)
{
    (void)value;

    return (true);
}

bool exo_torque_setpoint_knee_r_e2e_crc_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 255.0));
}

uint8_t exo_torque_setpoint_knee_r_e2e_counter_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_torque_setpoint_knee_r_e2e_counter_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_torque_setpoint_knee_r_e2e_counter_is_in_range(uint8_t value)
{
    return (value <= 15u);
}

bool exo_torque_setpoint_knee_r_e2e_counter_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 15.0));
}

uint8_t exo_torque_setpoint_knee_r_e2e_data_id_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_torque_setpoint_knee_r_e2e_data_id_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_torque_setpoint_knee_r_e2e_data_id_is_in_range(uint8_t value)
{
    return (value <= 15u);
}

bool exo_torque_setpoint_knee_r_e2e_data_id_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 15.0));
}

int16_t exo_torque_setpoint_knee_r_torque_encode(double value)
{
    return (int16_t)(round(value / 0.01));
}

double exo_torque_setpoint_knee_r_torque_decode(int16_t value)
{
    return ((double)value * 0.01);
}

bool exo_torque_setpoint_knee_r_torque_is_in_range(int16_t value)
{
    (void)value;

    return (true);
}

bool exo_torque_setpoint_knee_r_torque_is_in_phys_range(double value)
{
    return ((value >= -327.68) && (value <= 327.67));
}

uint8_t exo_torque_setpoint_knee_r_lease_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_torque_setpoint_knee_r_lease_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_torque_setpoint_knee_r_lease_is_in_range(uint8_t value)
{
    (void)value;

    return (true);
}

bool exo_torque_setpoint_knee_r_lease_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 255.0));
}

uint8_t exo_torque_setpoint_knee_r_age_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_torque_setpoint_knee_r_age_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_torque_setpoint_knee_r_age_is_in_range(uint8_t value)
{
    (void)value;

    return (true);
}

bool exo_torque_setpoint_knee_r_age_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 255.0));
}

uint16_t exo_torque_setpoint_knee_r_apply_at_encode(double value)
{
    return (uint16_t)(cantools_unsigned_from_double(round(value / 0.1)));
}

double exo_torque_setpoint_knee_r_apply_at_decode(uint16_t value)
{
    return ((double)value * 0.1);
}

bool exo_torque_setpoint_knee_r_apply_at_is_in_range(uint16_t value)
{
    return (value <= 4095u);
}

bool exo_torque_setpoint_knee_r_apply_at_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 409.5));
}

uint8_t exo_torque_setpoint_knee_r_mode_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_torque_setpoint_knee_r_mode_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_torque_setpoint_knee_r_mode_is_in_range(uint8_t value)
{
    return (value <= 15u);
}

bool exo_torque_setpoint_knee_r_mode_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 15.0));
}

int exo_torque_setpoint_knee_l_pack(
    uint8_t *dst_p,
    const struct exo_torque_setpoint_knee_l_t *src_p,
    size_t size)
{
    uint16_t torque;

    if (size < 8u) {
        return (-EINVAL);
    }

    memset(&dst_p[0], 0, 8);

    dst_p[0] |= pack_left_shift_u8(src_p->e2e_crc, 0u, 0xffu);
    dst_p[1] |= pack_left_shift_u8(src_p->e2e_counter, 0u, 0x0fu);
    dst_p[1] |= pack_left_shift_u8(src_p->e2e_data_id, 4u, 0xf0u);
    torque = (uint16_t)src_p->torque;
    dst_p[2] |= pack_left_shift_u16(torque, 0u, 0xffu);
    dst_p[3] |= pack_right_shift_u16(torque, 8u, 0xffu);
    dst_p[4] |= pack_left_shift_u8(src_p->lease, 0u, 0xffu);
    dst_p[5] |= pack_left_shift_u8(src_p->age, 0u, 0xffu);
    dst_p[6] |= pack_left_shift_u16(src_p->apply_at, 0u, 0xffu);
    dst_p[7] |= pack_right_shift_u16(src_p->apply_at, 8u, 0x0fu);
    dst_p[7] |= pack_left_shift_u8(src_p->mode, 4u, 0xf0u);

    return (8);
}

int exo_torque_setpoint_knee_l_unpack(
    struct exo_torque_setpoint_knee_l_t *dst_p,
    const uint8_t *src_p,
    size_t size)
{
    uint16_t torque;

    if (size < 8u) {
        return (-EINVAL);
    }

    dst_p->e2e_crc = unpack_right_shift_u8(src_p[0], 0u, 0xffu);
    dst_p->e2e_counter = unpack_right_shift_u8(src_p[1], 0u, 0x0fu);
    dst_p->e2e_data_id = unpack_right_shift_u8(src_p[1], 4u, 0xf0u);
    torque = unpack_right_shift_u16(src_p[2], 0u, 0xffu);
    torque |= unpack_left_shift_u16(src_p[3], 8u, 0xffu);
    dst_p->torque = (int16_t)torque;
    dst_p->lease = unpack_right_shift_u8(src_p[4], 0u, 0xffu);
    dst_p->age = unpack_right_shift_u8(src_p[5], 0u, 0xffu);
    dst_p->apply_at = unpack_right_shift_u16(src_p[6], 0u, 0xffu);
    dst_p->apply_at |= unpack_left_shift_u16(src_p[7], 8u, 0x0fu);
    dst_p->mode = unpack_right_shift_u8(src_p[7], 4u, 0xf0u);

    return (0);
}

int exo_torque_setpoint_knee_l_init(struct exo_torque_setpoint_knee_l_t *msg_p)
{
    if (msg_p == NULL) return -1;

    memset(msg_p, 0, sizeof(struct exo_torque_setpoint_knee_l_t));

    return 0;
}

uint8_t exo_torque_setpoint_knee_l_e2e_crc_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_torque_setpoint_knee_l_e2e_crc_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_torque_setpoint_knee_l_e2e_crc_is_in_range(uint8_t value)
{
    (void)value;

    return (true);
}

bool exo_torque_setpoint_knee_l_e2e_crc_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 255.0));
}

uint8_t exo_torque_setpoint_knee_l_e2e_counter_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_torque_setpoint_knee_l_e2e_counter_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_torque_setpoint_knee_l_e2e_counter_is_in_range(uint8_t value)
{
    return (value <= 15u);
}

bool exo_torque_setpoint_knee_l_e2e_counter_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 15.0));
}

uint8_t exo_torque_setpoint_knee_l_e2e_data_id_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_torque_setpoint_knee_l_e2e_data_id_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_torque_setpoint_knee_l_e2e_data_id_is_in_range(uint8_t value)
{
    return (value <= 15u);
}

bool exo_torque_setpoint_knee_l_e2e_data_id_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 15.0));
}

int16_t exo_torque_setpoint_knee_l_torque_encode(double value)
{
    return (int16_t)(round(value / 0.01));
}

double exo_torque_setpoint_knee_l_torque_decode(int16_t value)
{
    return ((double)value * 0.01);
}

bool exo_torque_setpoint_knee_l_torque_is_in_range(int16_t value)
{
    (void)value;

    return (true);
}

bool exo_torque_setpoint_knee_l_torque_is_in_phys_range(double value)
{
    return ((value >= -327.68) && (value <= 327.67));
}

uint8_t exo_torque_setpoint_knee_l_lease_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_torque_setpoint_knee_l_lease_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_torque_setpoint_knee_l_lease_is_in_range(uint8_t value)
{
    (void)value;

    return (true);
}

bool exo_torque_setpoint_knee_l_lease_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 255.0));
}

uint8_t exo_torque_setpoint_knee_l_age_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_torque_setpoint_knee_l_age_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_torque_setpoint_knee_l_age_is_in_range(uint8_t value)
{
    (void)value;

    return (true);
}

bool exo_torque_setpoint_knee_l_age_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 255.0));
}

uint16_t exo_torque_setpoint_knee_l_apply_at_encode(double value)
{
    return (uint16_t)(cantools_unsigned_from_double(round(value / 0.1)));
}

double exo_torque_setpoint_knee_l_apply_at_decode(uint16_t value)
{
    return ((double)value * 0.1);
}

bool exo_torque_setpoint_knee_l_apply_at_is_in_range(uint16_t value)
{
    return (value <= 4095u);
}

bool exo_torque_setpoint_knee_l_apply_at_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 409.5));
}

uint8_t exo_torque_setpoint_knee_l_mode_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_torque_setpoint_knee_l_mode_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_torque_setpoint_knee_l_mode_is_in_range(uint8_t value)
{
    return (value <= 15u);
}

bool exo_torque_setpoint_knee_l_mode_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 15.0));
}

int exo_joint_state_knee_r_pack(
    uint8_t *dst_p,
    const struct exo_joint_state_knee_r_t *src_p,
    size_t size)
{
    uint16_t position;
    uint16_t torque;
    uint16_t velocity;

    if (size < 8u) {
        return (-EINVAL);
    }

    memset(&dst_p[0], 0, 8);

    dst_p[0] |= pack_left_shift_u8(src_p->e2e_crc, 0u, 0xffu);
    dst_p[1] |= pack_left_shift_u8(src_p->e2e_counter, 0u, 0x0fu);
    dst_p[1] |= pack_left_shift_u8(src_p->e2e_data_id, 4u, 0xf0u);
    position = (uint16_t)src_p->position;
    dst_p[2] |= pack_left_shift_u16(position, 0u, 0xffu);
    dst_p[3] |= pack_right_shift_u16(position, 8u, 0xffu);
    velocity = (uint16_t)src_p->velocity;
    dst_p[4] |= pack_left_shift_u16(velocity, 0u, 0xffu);
    dst_p[5] |= pack_right_shift_u16(velocity, 8u, 0xffu);
    torque = (uint16_t)src_p->torque;
    dst_p[6] |= pack_left_shift_u16(torque, 0u, 0xffu);
    dst_p[7] |= pack_right_shift_u16(torque, 8u, 0xffu);

    return (8);
}

int exo_joint_state_knee_r_unpack(
    struct exo_joint_state_knee_r_t *dst_p,
    const uint8_t *src_p,
    size_t size)
{
    uint16_t position;
    uint16_t torque;
    uint16_t velocity;

    if (size < 8u) {
        return (-EINVAL);
    }

    dst_p->e2e_crc = unpack_right_shift_u8(src_p[0], 0u, 0xffu);
    dst_p->e2e_counter = unpack_right_shift_u8(src_p[1], 0u, 0x0fu);
    dst_p->e2e_data_id = unpack_right_shift_u8(src_p[1], 4u, 0xf0u);
    position = unpack_right_shift_u16(src_p[2], 0u, 0xffu);
    position |= unpack_left_shift_u16(src_p[3], 8u, 0xffu);
    dst_p->position = (int16_t)position;
    velocity = unpack_right_shift_u16(src_p[4], 0u, 0xffu);
    velocity |= unpack_left_shift_u16(src_p[5], 8u, 0xffu);
    dst_p->velocity = (int16_t)velocity;
    torque = unpack_right_shift_u16(src_p[6], 0u, 0xffu);
    torque |= unpack_left_shift_u16(src_p[7], 8u, 0xffu);
    dst_p->torque = (int16_t)torque;

    return (0);
}

int exo_joint_state_knee_r_init(struct exo_joint_state_knee_r_t *msg_p)
{
    if (msg_p == NULL) return -1;

    memset(msg_p, 0, sizeof(struct exo_joint_state_knee_r_t));

    return 0;
}

uint8_t exo_joint_state_knee_r_e2e_crc_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_joint_state_knee_r_e2e_crc_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_joint_state_knee_r_e2e_crc_is_in_range(uint8_t value)
{
    (void)value;

    return (true);
}

bool exo_joint_state_knee_r_e2e_crc_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 255.0));
}

uint8_t exo_joint_state_knee_r_e2e_counter_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_joint_state_knee_r_e2e_counter_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_joint_state_knee_r_e2e_counter_is_in_range(uint8_t value)
{
    return (value <= 15u);
}

bool exo_joint_state_knee_r_e2e_counter_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 15.0));
}

uint8_t exo_joint_state_knee_r_e2e_data_id_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_joint_state_knee_r_e2e_data_id_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_joint_state_knee_r_e2e_data_id_is_in_range(uint8_t value)
{
    return (value <= 15u);
}

bool exo_joint_state_knee_r_e2e_data_id_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 15.0));
}

int16_t exo_joint_state_knee_r_position_encode(double value)
{
    return (int16_t)(round(value / 0.01));
}

double exo_joint_state_knee_r_position_decode(int16_t value)
{
    return ((double)value * 0.01);
}

bool exo_joint_state_knee_r_position_is_in_range(int16_t value)
{
    (void)value;

    return (true);
}

bool exo_joint_state_knee_r_position_is_in_phys_range(double value)
{
    return ((value >= -327.68) && (value <= 327.67));
}

int16_t exo_joint_state_knee_r_velocity_encode(double value)
{
    return (int16_t)(round(value / 0.1));
}

double exo_joint_state_knee_r_velocity_decode(int16_t value)
{
    return ((double)value * 0.1);
}

bool exo_joint_state_knee_r_velocity_is_in_range(int16_t value)
{
    (void)value;

    return (true);
}

bool exo_joint_state_knee_r_velocity_is_in_phys_range(double value)
{
    return ((value >= -3276.8) && (value <= 3276.7));
}

int16_t exo_joint_state_knee_r_torque_encode(double value)
{
    return (int16_t)(round(value / 0.01));
}

double exo_joint_state_knee_r_torque_decode(int16_t value)
{
    return ((double)value * 0.01);
}

bool exo_joint_state_knee_r_torque_is_in_range(int16_t value)
{
    (void)value;

    return (true);
}

bool exo_joint_state_knee_r_torque_is_in_phys_range(double value)
{
    return ((value >= -327.68) && (value <= 327.67));
}

int exo_joint_state_knee_l_pack(
    uint8_t *dst_p,
    const struct exo_joint_state_knee_l_t *src_p,
    size_t size)
{
    uint16_t position;
    uint16_t torque;
    uint16_t velocity;

    if (size < 8u) {
        return (-EINVAL);
    }

    memset(&dst_p[0], 0, 8);

    dst_p[0] |= pack_left_shift_u8(src_p->e2e_crc, 0u, 0xffu);
    dst_p[1] |= pack_left_shift_u8(src_p->e2e_counter, 0u, 0x0fu);
    dst_p[1] |= pack_left_shift_u8(src_p->e2e_data_id, 4u, 0xf0u);
    position = (uint16_t)src_p->position;
    dst_p[2] |= pack_left_shift_u16(position, 0u, 0xffu);
    dst_p[3] |= pack_right_shift_u16(position, 8u, 0xffu);
    velocity = (uint16_t)src_p->velocity;
    dst_p[4] |= pack_left_shift_u16(velocity, 0u, 0xffu);
    dst_p[5] |= pack_right_shift_u16(velocity, 8u, 0xffu);
    torque = (uint16_t)src_p->torque;
    dst_p[6] |= pack_left_shift_u16(torque, 0u, 0xffu);
    dst_p[7] |= pack_right_shift_u16(torque, 8u, 0xffu);

    return (8);
}

int exo_joint_state_knee_l_unpack(
    struct exo_joint_state_knee_l_t *dst_p,
    const uint8_t *src_p,
    size_t size)
{
    uint16_t position;
    uint16_t torque;
    uint16_t velocity;

    if (size < 8u) {
        return (-EINVAL);
    }

    dst_p->e2e_crc = unpack_right_shift_u8(src_p[0], 0u, 0xffu);
    dst_p->e2e_counter = unpack_right_shift_u8(src_p[1], 0u, 0x0fu);
    dst_p->e2e_data_id = unpack_right_shift_u8(src_p[1], 4u, 0xf0u);
    position = unpack_right_shift_u16(src_p[2], 0u, 0xffu);
    position |= unpack_left_shift_u16(src_p[3], 8u, 0xffu);
    dst_p->position = (int16_t)position;
    velocity = unpack_right_shift_u16(src_p[4], 0u, 0xffu);
    velocity |= unpack_left_shift_u16(src_p[5], 8u, 0xffu);
    dst_p->velocity = (int16_t)velocity;
    torque = unpack_right_shift_u16(src_p[6], 0u, 0xffu);
    torque |= unpack_left_shift_u16(src_p[7], 8u, 0xffu);
    dst_p->torque = (int16_t)torque;

    return (0);
}

int exo_joint_state_knee_l_init(struct exo_joint_state_knee_l_t *msg_p)
{
    if (msg_p == NULL) return -1;

    memset(msg_p, 0, sizeof(struct exo_joint_state_knee_l_t));

    return 0;
}

uint8_t exo_joint_state_knee_l_e2e_crc_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_joint_state_knee_l_e2e_crc_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_joint_state_knee_l_e2e_crc_is_in_range(uint8_t value)
{
    (void)value;

    return (true);
}

bool exo_joint_state_knee_l_e2e_crc_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 255.0));
}

uint8_t exo_joint_state_knee_l_e2e_counter_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_joint_state_knee_l_e2e_counter_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_joint_state_knee_l_e2e_counter_is_in_range(uint8_t value)
{
    return (value <= 15u);
}

bool exo_joint_state_knee_l_e2e_counter_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 15.0));
}

uint8_t exo_joint_state_knee_l_e2e_data_id_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_joint_state_knee_l_e2e_data_id_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_joint_state_knee_l_e2e_data_id_is_in_range(uint8_t value)
{
    return (value <= 15u);
}

bool exo_joint_state_knee_l_e2e_data_id_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 15.0));
}

int16_t exo_joint_state_knee_l_position_encode(double value)
{
    return (int16_t)(round(value / 0.01));
}

double exo_joint_state_knee_l_position_decode(int16_t value)
{
    return ((double)value * 0.01);
}

bool exo_joint_state_knee_l_position_is_in_range(int16_t value)
{
    (void)value;

    return (true);
}

bool exo_joint_state_knee_l_position_is_in_phys_range(double value)
{
    return ((value >= -327.68) && (value <= 327.67));
}

int16_t exo_joint_state_knee_l_velocity_encode(double value)
{
    return (int16_t)(round(value / 0.1));
}

double exo_joint_state_knee_l_velocity_decode(int16_t value)
{
    return ((double)value * 0.1);
}

bool exo_joint_state_knee_l_velocity_is_in_range(int16_t value)
{
    (void)value;

    return (true);
}

bool exo_joint_state_knee_l_velocity_is_in_phys_range(double value)
{
    return ((value >= -3276.8) && (value <= 3276.7));
}

int16_t exo_joint_state_knee_l_torque_encode(double value)
{
    return (int16_t)(round(value / 0.01));
}

double exo_joint_state_knee_l_torque_decode(int16_t value)
{
    return ((double)value * 0.01);
}

bool exo_joint_state_knee_l_torque_is_in_range(int16_t value)
{
    (void)value;

    return (true);
}

bool exo_joint_state_knee_l_torque_is_in_phys_range(double value)
{
    return ((value >= -327.68) && (value <= 327.67));
}

int exo_governor_state_pack(
    uint8_t *dst_p,
    const struct exo_governor_state_t *src_p,
    size_t size)
{
    if (size < 8u) {
        return (-EINVAL);
    }

    memset(&dst_p[0], 0, 8);

    dst_p[0] |= pack_left_shift_u8(src_p->e2e_crc, 0u, 0xffu);
    dst_p[1] |= pack_left_shift_u8(src_p->e2e_counter, 0u, 0x0fu);
    dst_p[1] |= pack_left_shift_u8(src_p->e2e_data_id, 4u, 0xf0u);
    dst_p[2] |= pack_left_shift_u8(src_p->state, 0u, 0x0fu);
    dst_p[2] |= pack_left_shift_u8(src_p->mux, 4u, 0xf0u);
    dst_p[3] |= pack_left_shift_u8(src_p->reason, 0u, 0xffu);

    switch (src_p->mux) {

    case 0:
        dst_p[4] |= pack_left_shift_u32(src_p->clock, 0u, 0xffu);
        dst_p[5] |= pack_right_shift_u32(src_p->clock, 8u, 0xffu);
        dst_p[6] |= pack_right_shift_u32(src_p->clock, 16u, 0xffu);
        dst_p[7] |= pack_right_shift_u32(src_p->clock, 24u, 0xffu);
        break;

    case 1:
        dst_p[4] |= pack_left_shift_u32(src_p->protocol_hash, 0u, 0xffu);
        dst_p[5] |= pack_right_shift_u32(src_p->protocol_hash, 8u, 0xffu);
        dst_p[6] |= pack_right_shift_u32(src_p->protocol_hash, 16u, 0xffu);
        dst_p[7] |= pack_right_shift_u32(src_p->protocol_hash, 24u, 0xffu);
        break;

    case 2:
        dst_p[4] |= pack_left_shift_u32(src_p->limits_hash, 0u, 0xffu);
        dst_p[5] |= pack_right_shift_u32(src_p->limits_hash, 8u, 0xffu);
        dst_p[6] |= pack_right_shift_u32(src_p->limits_hash, 16u, 0xffu);
        dst_p[7] |= pack_right_shift_u32(src_p->limits_hash, 24u, 0xffu);
        break;

    case 3:
        dst_p[4] |= pack_left_shift_u32(src_p->profile_hash, 0u, 0xffu);
        dst_p[5] |= pack_right_shift_u32(src_p->profile_hash, 8u, 0xffu);
        dst_p[6] |= pack_right_shift_u32(src_p->profile_hash, 16u, 0xffu);
        dst_p[7] |= pack_right_shift_u32(src_p->profile_hash, 24u, 0xffu);
        break;

    case 4:
        dst_p[4] |= pack_left_shift_u8(src_p->crc_errors, 0u, 0xffu);
        dst_p[5] |= pack_left_shift_u8(src_p->gaps, 0u, 0xffu);
        dst_p[6] |= pack_left_shift_u8(src_p->repeats, 0u, 0xffu);
        dst_p[7] |= pack_left_shift_u8(src_p->rejected, 0u, 0xffu);
        break;

    default:
        break;
    }

    return (8);
}

int exo_governor_state_unpack(
    struct exo_governor_state_t *dst_p,
    const uint8_t *src_p,
    size_t size)
{
    if (size < 8u) {
        return (-EINVAL);
    }

    dst_p->e2e_crc = unpack_right_shift_u8(src_p[0], 0u, 0xffu);
    dst_p->e2e_counter = unpack_right_shift_u8(src_p[1], 0u, 0x0fu);
    dst_p->e2e_data_id = unpack_right_shift_u8(src_p[1], 4u, 0xf0u);
    dst_p->state = unpack_right_shift_u8(src_p[2], 0u, 0x0fu);
    dst_p->mux = unpack_right_shift_u8(src_p[2], 4u, 0xf0u);
    dst_p->reason = unpack_right_shift_u8(src_p[3], 0u, 0xffu);

    switch (dst_p->mux) {

    case 0:
        dst_p->clock = unpack_right_shift_u32(src_p[4], 0u, 0xffu);
        dst_p->clock |= unpack_left_shift_u32(src_p[5], 8u, 0xffu);
        dst_p->clock |= unpack_left_shift_u32(src_p[6], 16u, 0xffu);
        dst_p->clock |= unpack_left_shift_u32(src_p[7], 24u, 0xffu);
        break;

    case 1:
        dst_p->protocol_hash = unpack_right_shift_u32(src_p[4], 0u, 0xffu);
        dst_p->protocol_hash |= unpack_left_shift_u32(src_p[5], 8u, 0xffu);
        dst_p->protocol_hash |= unpack_left_shift_u32(src_p[6], 16u, 0xffu);
        dst_p->protocol_hash |= unpack_left_shift_u32(src_p[7], 24u, 0xffu);
        break;

    case 2:
        dst_p->limits_hash = unpack_right_shift_u32(src_p[4], 0u, 0xffu);
        dst_p->limits_hash |= unpack_left_shift_u32(src_p[5], 8u, 0xffu);
        dst_p->limits_hash |= unpack_left_shift_u32(src_p[6], 16u, 0xffu);
        dst_p->limits_hash |= unpack_left_shift_u32(src_p[7], 24u, 0xffu);
        break;

    case 3:
        dst_p->profile_hash = unpack_right_shift_u32(src_p[4], 0u, 0xffu);
        dst_p->profile_hash |= unpack_left_shift_u32(src_p[5], 8u, 0xffu);
        dst_p->profile_hash |= unpack_left_shift_u32(src_p[6], 16u, 0xffu);
        dst_p->profile_hash |= unpack_left_shift_u32(src_p[7], 24u, 0xffu);
        break;

    case 4:
        dst_p->crc_errors = unpack_right_shift_u8(src_p[4], 0u, 0xffu);
        dst_p->gaps = unpack_right_shift_u8(src_p[5], 0u, 0xffu);
        dst_p->repeats = unpack_right_shift_u8(src_p[6], 0u, 0xffu);
        dst_p->rejected = unpack_right_shift_u8(src_p[7], 0u, 0xffu);
        break;

    default:
        break;
    }

    return (0);
}

int exo_governor_state_init(struct exo_governor_state_t *msg_p)
{
    if (msg_p == NULL) return -1;

    memset(msg_p, 0, sizeof(struct exo_governor_state_t));

    return 0;
}

uint8_t exo_governor_state_e2e_crc_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_governor_state_e2e_crc_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_governor_state_e2e_crc_is_in_range(uint8_t value)
{
    (void)value;

    return (true);
}

bool exo_governor_state_e2e_crc_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 255.0));
}

uint8_t exo_governor_state_e2e_counter_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_governor_state_e2e_counter_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_governor_state_e2e_counter_is_in_range(uint8_t value)
{
    return (value <= 15u);
}

bool exo_governor_state_e2e_counter_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 15.0));
}

uint8_t exo_governor_state_e2e_data_id_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_governor_state_e2e_data_id_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_governor_state_e2e_data_id_is_in_range(uint8_t value)
{
    return (value <= 15u);
}

bool exo_governor_state_e2e_data_id_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 15.0));
}

uint8_t exo_governor_state_state_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_governor_state_state_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_governor_state_state_is_in_range(uint8_t value)
{
    return (value <= 15u);
}

bool exo_governor_state_state_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 15.0));
}

uint8_t exo_governor_state_mux_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_governor_state_mux_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_governor_state_mux_is_in_range(uint8_t value)
{
    return (value <= 15u);
}

bool exo_governor_state_mux_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 15.0));
}

uint8_t exo_governor_state_reason_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_governor_state_reason_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_governor_state_reason_is_in_range(uint8_t value)
{
    (void)value;

    return (true);
}

bool exo_governor_state_reason_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 255.0));
}

uint32_t exo_governor_state_clock_encode(double value)
{
    return (uint32_t)(cantools_unsigned_from_double(round(value / 0.1)));
}

double exo_governor_state_clock_decode(uint32_t value)
{
    return ((double)value * 0.1);
}

bool exo_governor_state_clock_is_in_range(uint32_t value)
{
    (void)value;

    return (true);
}

bool exo_governor_state_clock_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 429496729.5));
}

uint32_t exo_governor_state_protocol_hash_encode(double value)
{
    return (uint32_t)(cantools_unsigned_from_double(round(value)));
}

double exo_governor_state_protocol_hash_decode(uint32_t value)
{
    return ((double)value);
}

bool exo_governor_state_protocol_hash_is_in_range(uint32_t value)
{
    (void)value;

    return (true);
}

bool exo_governor_state_protocol_hash_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 4294967295.0));
}

uint32_t exo_governor_state_limits_hash_encode(double value)
{
    return (uint32_t)(cantools_unsigned_from_double(round(value)));
}

double exo_governor_state_limits_hash_decode(uint32_t value)
{
    return ((double)value);
}

bool exo_governor_state_limits_hash_is_in_range(uint32_t value)
{
    (void)value;

    return (true);
}

bool exo_governor_state_limits_hash_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 4294967295.0));
}

uint32_t exo_governor_state_profile_hash_encode(double value)
{
    return (uint32_t)(cantools_unsigned_from_double(round(value)));
}

double exo_governor_state_profile_hash_decode(uint32_t value)
{
    return ((double)value);
}

bool exo_governor_state_profile_hash_is_in_range(uint32_t value)
{
    (void)value;

    return (true);
}

bool exo_governor_state_profile_hash_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 4294967295.0));
}

uint8_t exo_governor_state_crc_errors_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_governor_state_crc_errors_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_governor_state_crc_errors_is_in_range(uint8_t value)
{
    (void)value;

    return (true);
}

bool exo_governor_state_crc_errors_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 255.0));
}

uint8_t exo_governor_state_gaps_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_governor_state_gaps_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_governor_state_gaps_is_in_range(uint8_t value)
{
    (void)value;

    return (true);
}

bool exo_governor_state_gaps_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 255.0));
}

uint8_t exo_governor_state_repeats_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_governor_state_repeats_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_governor_state_repeats_is_in_range(uint8_t value)
{
    (void)value;

    return (true);
}

bool exo_governor_state_repeats_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 255.0));
}

uint8_t exo_governor_state_rejected_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_governor_state_rejected_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_governor_state_rejected_is_in_range(uint8_t value)
{
    (void)value;

    return (true);
}

bool exo_governor_state_rejected_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 255.0));
}

int exo_host_state_pack(
    uint8_t *dst_p,
    const struct exo_host_state_t *src_p,
    size_t size)
{
    if (size < 8u) {
        return (-EINVAL);
    }

    memset(&dst_p[0], 0, 8);

    dst_p[0] |= pack_left_shift_u8(src_p->e2e_crc, 0u, 0xffu);
    dst_p[1] |= pack_left_shift_u8(src_p->e2e_counter, 0u, 0x0fu);
    dst_p[1] |= pack_left_shift_u8(src_p->e2e_data_id, 4u, 0xf0u);
    dst_p[2] |= pack_left_shift_u8(src_p->state, 0u, 0x0fu);
    dst_p[2] |= pack_left_shift_u8(src_p->mux, 4u, 0xf0u);
    dst_p[3] |= pack_left_shift_u8(src_p->reason, 0u, 0xffu);

    switch (src_p->mux) {

    case 0:
        dst_p[4] |= pack_left_shift_u32(src_p->clock, 0u, 0xffu);
        dst_p[5] |= pack_right_shift_u32(src_p->clock, 8u, 0xffu);
        dst_p[6] |= pack_right_shift_u32(src_p->clock, 16u, 0xffu);
        dst_p[7] |= pack_right_shift_u32(src_p->clock, 24u, 0xffu);
        break;

    case 1:
        dst_p[4] |= pack_left_shift_u32(src_p->protocol_hash, 0u, 0xffu);
        dst_p[5] |= pack_right_shift_u32(src_p->protocol_hash, 8u, 0xffu);
        dst_p[6] |= pack_right_shift_u32(src_p->protocol_hash, 16u, 0xffu);
        dst_p[7] |= pack_right_shift_u32(src_p->protocol_hash, 24u, 0xffu);
        break;

    case 2:
        dst_p[4] |= pack_left_shift_u32(src_p->limits_hash, 0u, 0xffu);
        dst_p[5] |= pack_right_shift_u32(src_p->limits_hash, 8u, 0xffu);
        dst_p[6] |= pack_right_shift_u32(src_p->limits_hash, 16u, 0xffu);
        dst_p[7] |= pack_right_shift_u32(src_p->limits_hash, 24u, 0xffu);
        break;

    case 3:
        dst_p[4] |= pack_left_shift_u32(src_p->profile_hash, 0u, 0xffu);
        dst_p[5] |= pack_right_shift_u32(src_p->profile_hash, 8u, 0xffu);
        dst_p[6] |= pack_right_shift_u32(src_p->profile_hash, 16u, 0xffu);
        dst_p[7] |= pack_right_shift_u32(src_p->profile_hash, 24u, 0xffu);
        break;

    case 4:
        break;

    default:
        break;
    }

    return (8);
}

int exo_host_state_unpack(
    struct exo_host_state_t *dst_p,
    const uint8_t *src_p,
    size_t size)
{
    if (size < 8u) {
        return (-EINVAL);
    }

    dst_p->e2e_crc = unpack_right_shift_u8(src_p[0], 0u, 0xffu);
    dst_p->e2e_counter = unpack_right_shift_u8(src_p[1], 0u, 0x0fu);
    dst_p->e2e_data_id = unpack_right_shift_u8(src_p[1], 4u, 0xf0u);
    dst_p->state = unpack_right_shift_u8(src_p[2], 0u, 0x0fu);
    dst_p->mux = unpack_right_shift_u8(src_p[2], 4u, 0xf0u);
    dst_p->reason = unpack_right_shift_u8(src_p[3], 0u, 0xffu);

    switch (dst_p->mux) {

    case 0:
        dst_p->clock = unpack_right_shift_u32(src_p[4], 0u, 0xffu);
        dst_p->clock |= unpack_left_shift_u32(src_p[5], 8u, 0xffu);
        dst_p->clock |= unpack_left_shift_u32(src_p[6], 16u, 0xffu);
        dst_p->clock |= unpack_left_shift_u32(src_p[7], 24u, 0xffu);
        break;

    case 1:
        dst_p->protocol_hash = unpack_right_shift_u32(src_p[4], 0u, 0xffu);
        dst_p->protocol_hash |= unpack_left_shift_u32(src_p[5], 8u, 0xffu);
        dst_p->protocol_hash |= unpack_left_shift_u32(src_p[6], 16u, 0xffu);
        dst_p->protocol_hash |= unpack_left_shift_u32(src_p[7], 24u, 0xffu);
        break;

    case 2:
        dst_p->limits_hash = unpack_right_shift_u32(src_p[4], 0u, 0xffu);
        dst_p->limits_hash |= unpack_left_shift_u32(src_p[5], 8u, 0xffu);
        dst_p->limits_hash |= unpack_left_shift_u32(src_p[6], 16u, 0xffu);
        dst_p->limits_hash |= unpack_left_shift_u32(src_p[7], 24u, 0xffu);
        break;

    case 3:
        dst_p->profile_hash = unpack_right_shift_u32(src_p[4], 0u, 0xffu);
        dst_p->profile_hash |= unpack_left_shift_u32(src_p[5], 8u, 0xffu);
        dst_p->profile_hash |= unpack_left_shift_u32(src_p[6], 16u, 0xffu);
        dst_p->profile_hash |= unpack_left_shift_u32(src_p[7], 24u, 0xffu);
        break;

    case 4:
        break;

    default:
        break;
    }

    return (0);
}

int exo_host_state_init(struct exo_host_state_t *msg_p)
{
    if (msg_p == NULL) return -1;

    memset(msg_p, 0, sizeof(struct exo_host_state_t));

    return 0;
}

uint8_t exo_host_state_e2e_crc_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_host_state_e2e_crc_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_host_state_e2e_crc_is_in_range(uint8_t value)
{
    (void)value;

    return (true);
}

bool exo_host_state_e2e_crc_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 255.0));
}

uint8_t exo_host_state_e2e_counter_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_host_state_e2e_counter_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_host_state_e2e_counter_is_in_range(uint8_t value)
{
    return (value <= 15u);
}

bool exo_host_state_e2e_counter_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 15.0));
}

uint8_t exo_host_state_e2e_data_id_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_host_state_e2e_data_id_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_host_state_e2e_data_id_is_in_range(uint8_t value)
{
    return (value <= 15u);
}

bool exo_host_state_e2e_data_id_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 15.0));
}

uint8_t exo_host_state_state_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_host_state_state_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_host_state_state_is_in_range(uint8_t value)
{
    return (value <= 15u);
}

bool exo_host_state_state_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 15.0));
}

uint8_t exo_host_state_mux_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_host_state_mux_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_host_state_mux_is_in_range(uint8_t value)
{
    return (value <= 15u);
}

bool exo_host_state_mux_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 15.0));
}

uint8_t exo_host_state_reason_encode(double value)
{
    return (uint8_t)(cantools_unsigned_from_double(round(value)));
}

double exo_host_state_reason_decode(uint8_t value)
{
    return ((double)value);
}

bool exo_host_state_reason_is_in_range(uint8_t value)
{
    (void)value;

    return (true);
}

bool exo_host_state_reason_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 255.0));
}

uint32_t exo_host_state_clock_encode(double value)
{
    return (uint32_t)(cantools_unsigned_from_double(round(value / 0.1)));
}

double exo_host_state_clock_decode(uint32_t value)
{
    return ((double)value * 0.1);
}

bool exo_host_state_clock_is_in_range(uint32_t value)
{
    (void)value;

    return (true);
}

bool exo_host_state_clock_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 429496729.5));
}

uint32_t exo_host_state_protocol_hash_encode(double value)
{
    return (uint32_t)(cantools_unsigned_from_double(round(value)));
}

double exo_host_state_protocol_hash_decode(uint32_t value)
{
    return ((double)value);
}

bool exo_host_state_protocol_hash_is_in_range(uint32_t value)
{
    (void)value;

    return (true);
}

bool exo_host_state_protocol_hash_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 4294967295.0));
}

uint32_t exo_host_state_limits_hash_encode(double value)
{
    return (uint32_t)(cantools_unsigned_from_double(round(value)));
}

double exo_host_state_limits_hash_decode(uint32_t value)
{
    return ((double)value);
}

bool exo_host_state_limits_hash_is_in_range(uint32_t value)
{
    (void)value;

    return (true);
}

bool exo_host_state_limits_hash_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 4294967295.0));
}

uint32_t exo_host_state_profile_hash_encode(double value)
{
    return (uint32_t)(cantools_unsigned_from_double(round(value)));
}

double exo_host_state_profile_hash_decode(uint32_t value)
{
    return ((double)value);
}

bool exo_host_state_profile_hash_is_in_range(uint32_t value)
{
    (void)value;

    return (true);
}

bool exo_host_state_profile_hash_is_in_phys_range(double value)
{
    return ((value >= 0.0) && (value <= 4294967295.0));
}
