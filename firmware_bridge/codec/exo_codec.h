/**
 * @file exo_codec.h
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

#ifndef EXO_H
#define EXO_H

#ifdef __cplusplus
extern "C" {
#endif

#include <stdint.h>
#include <stdbool.h>
#include <stddef.h>

#ifndef EINVAL
#    define EINVAL 22
#endif

/* Frame ids. */
#define EXO_TORQUE_SETPOINT_KNEE_R_FRAME_ID (0x100u)
#define EXO_TORQUE_SETPOINT_KNEE_L_FRAME_ID (0x101u)
#define EXO_JOINT_STATE_KNEE_R_FRAME_ID (0x180u)
#define EXO_JOINT_STATE_KNEE_L_FRAME_ID (0x181u)
#define EXO_GOVERNOR_STATE_FRAME_ID (0x200u)
#define EXO_HOST_STATE_FRAME_ID (0x201u)

/* Frame lengths in bytes. */
#define EXO_TORQUE_SETPOINT_KNEE_R_LENGTH (8u)
#define EXO_TORQUE_SETPOINT_KNEE_L_LENGTH (8u)
#define EXO_JOINT_STATE_KNEE_R_LENGTH (8u)
#define EXO_JOINT_STATE_KNEE_L_LENGTH (8u)
#define EXO_GOVERNOR_STATE_LENGTH (8u)
#define EXO_HOST_STATE_LENGTH (8u)

/* Extended or standard frame types. */
#define EXO_TORQUE_SETPOINT_KNEE_R_IS_EXTENDED (0)
#define EXO_TORQUE_SETPOINT_KNEE_L_IS_EXTENDED (0)
#define EXO_JOINT_STATE_KNEE_R_IS_EXTENDED (0)
#define EXO_JOINT_STATE_KNEE_L_IS_EXTENDED (0)
#define EXO_GOVERNOR_STATE_IS_EXTENDED (0)
#define EXO_HOST_STATE_IS_EXTENDED (0)

/* Frame cycle times in milliseconds. */
#define EXO_TORQUE_SETPOINT_KNEE_R_CYCLE_TIME_MS (1u)
#define EXO_TORQUE_SETPOINT_KNEE_L_CYCLE_TIME_MS (1u)
#define EXO_JOINT_STATE_KNEE_R_CYCLE_TIME_MS (1u)
#define EXO_JOINT_STATE_KNEE_L_CYCLE_TIME_MS (1u)
#define EXO_GOVERNOR_STATE_CYCLE_TIME_MS (20u)
#define EXO_HOST_STATE_CYCLE_TIME_MS (20u)

/* Signal choices. */
#define EXO_TORQUE_SETPOINT_KNEE_R_MODE_OFF_CHOICE (0u)
#define EXO_TORQUE_SETPOINT_KNEE_R_MODE_ZERO_CHOICE (1u)
#define EXO_TORQUE_SETPOINT_KNEE_R_MODE_TORQUE_CHOICE (2u)
#define EXO_TORQUE_SETPOINT_KNEE_R_MODE_SAFE_CHOICE (3u)

#define EXO_TORQUE_SETPOINT_KNEE_L_MODE_OFF_CHOICE (0u)
#define EXO_TORQUE_SETPOINT_KNEE_L_MODE_ZERO_CHOICE (1u)
#define EXO_TORQUE_SETPOINT_KNEE_L_MODE_TORQUE_CHOICE (2u)
#define EXO_TORQUE_SETPOINT_KNEE_L_MODE_SAFE_CHOICE (3u)

#define EXO_GOVERNOR_STATE_STATE_OFF_CHOICE (0u)
#define EXO_GOVERNOR_STATE_STATE_IDLE_CHOICE (1u)
#define EXO_GOVERNOR_STATE_STATE_READY_CHOICE (2u)
#define EXO_GOVERNOR_STATE_STATE_ARMED_CHOICE (3u)
#define EXO_GOVERNOR_STATE_STATE_ENGAGED_CHOICE (4u)
#define EXO_GOVERNOR_STATE_STATE_DEGRADED_CHOICE (5u)
#define EXO_GOVERNOR_STATE_STATE_SAFE_CHOICE (6u)

#define EXO_GOVERNOR_STATE_MUX_CLOCK_CHOICE (0u)
#define EXO_GOVERNOR_STATE_MUX_PROTOCOL_HASH_CHOICE (1u)
#define EXO_GOVERNOR_STATE_MUX_LIMITS_HASH_CHOICE (2u)
#define EXO_GOVERNOR_STATE_MUX_PROFILE_HASH_CHOICE (3u)
#define EXO_GOVERNOR_STATE_MUX_COUNTERS_CHOICE (4u)

#define EXO_GOVERNOR_STATE_REASON_NONE_CHOICE (0u)
#define EXO_GOVERNOR_STATE_REASON_BOOT_CHOICE (1u)
#define EXO_GOVERNOR_STATE_REASON_NO_HOST_CHOICE (2u)
#define EXO_GOVERNOR_STATE_REASON_PROTOCOL_HASH_CHOICE (3u)
#define EXO_GOVERNOR_STATE_REASON_LIMITS_HASH_CHOICE (4u)
#define EXO_GOVERNOR_STATE_REASON_PROFILE_HASH_CHOICE (5u)
#define EXO_GOVERNOR_STATE_REASON_TORQUE_CHOICE (6u)
#define EXO_GOVERNOR_STATE_REASON_SLEW_UP_CHOICE (7u)
#define EXO_GOVERNOR_STATE_REASON_SLEW_DOWN_CHOICE (8u)
#define EXO_GOVERNOR_STATE_REASON_WINDOW_CHOICE (9u)
#define EXO_GOVERNOR_STATE_REASON_LEASE_CHOICE (10u)
#define EXO_GOVERNOR_STATE_REASON_LEASE_RANGE_CHOICE (11u)
#define EXO_GOVERNOR_STATE_REASON_AGE_CHOICE (12u)
#define EXO_GOVERNOR_STATE_REASON_CRC_CHOICE (13u)
#define EXO_GOVERNOR_STATE_REASON_COUNTER_CHOICE (14u)
#define EXO_GOVERNOR_STATE_REASON_MODE_CHOICE (15u)
#define EXO_GOVERNOR_STATE_REASON_NOT_ARMED_CHOICE (16u)
#define EXO_GOVERNOR_STATE_REASON_APPLY_AT_CHOICE (17u)
#define EXO_GOVERNOR_STATE_REASON_POWER_CHOICE (18u)
#define EXO_GOVERNOR_STATE_REASON_SOFT_STOP_CHOICE (19u)
#define EXO_GOVERNOR_STATE_REASON_VELOCITY_CHOICE (20u)
#define EXO_GOVERNOR_STATE_REASON_TRACKING_CHOICE (21u)
#define EXO_GOVERNOR_STATE_REASON_SENSOR_CHOICE (22u)
#define EXO_GOVERNOR_STATE_REASON_HOST_SAFE_CHOICE (23u)
#define EXO_GOVERNOR_STATE_REASON_HOST_SILENT_CHOICE (24u)
#define EXO_GOVERNOR_STATE_REASON_OPPOSING_CHOICE (25u)
#define EXO_GOVERNOR_STATE_REASON_I2T_CHOICE (26u)
#define EXO_GOVERNOR_STATE_REASON_CLEAR_REQUEST_CHOICE (255u)

#define EXO_HOST_STATE_STATE_OFF_CHOICE (0u)
#define EXO_HOST_STATE_STATE_IDLE_CHOICE (1u)
#define EXO_HOST_STATE_STATE_READY_CHOICE (2u)
#define EXO_HOST_STATE_STATE_ARMED_CHOICE (3u)
#define EXO_HOST_STATE_STATE_ENGAGED_CHOICE (4u)
#define EXO_HOST_STATE_STATE_DEGRADED_CHOICE (5u)
#define EXO_HOST_STATE_STATE_SAFE_CHOICE (6u)

#define EXO_HOST_STATE_MUX_CLOCK_CHOICE (0u)
#define EXO_HOST_STATE_MUX_PROTOCOL_HASH_CHOICE (1u)
#define EXO_HOST_STATE_MUX_LIMITS_HASH_CHOICE (2u)
#define EXO_HOST_STATE_MUX_PROFILE_HASH_CHOICE (3u)
#define EXO_HOST_STATE_MUX_COUNTERS_CHOICE (4u)

#define EXO_HOST_STATE_REASON_NONE_CHOICE (0u)
#define EXO_HOST_STATE_REASON_BOOT_CHOICE (1u)
#define EXO_HOST_STATE_REASON_NO_HOST_CHOICE (2u)
#define EXO_HOST_STATE_REASON_PROTOCOL_HASH_CHOICE (3u)
#define EXO_HOST_STATE_REASON_LIMITS_HASH_CHOICE (4u)
#define EXO_HOST_STATE_REASON_PROFILE_HASH_CHOICE (5u)
#define EXO_HOST_STATE_REASON_TORQUE_CHOICE (6u)
#define EXO_HOST_STATE_REASON_SLEW_UP_CHOICE (7u)
#define EXO_HOST_STATE_REASON_SLEW_DOWN_CHOICE (8u)
#define EXO_HOST_STATE_REASON_WINDOW_CHOICE (9u)
#define EXO_HOST_STATE_REASON_LEASE_CHOICE (10u)
#define EXO_HOST_STATE_REASON_LEASE_RANGE_CHOICE (11u)
#define EXO_HOST_STATE_REASON_AGE_CHOICE (12u)
#define EXO_HOST_STATE_REASON_CRC_CHOICE (13u)
#define EXO_HOST_STATE_REASON_COUNTER_CHOICE (14u)
#define EXO_HOST_STATE_REASON_MODE_CHOICE (15u)
#define EXO_HOST_STATE_REASON_NOT_ARMED_CHOICE (16u)
#define EXO_HOST_STATE_REASON_APPLY_AT_CHOICE (17u)
#define EXO_HOST_STATE_REASON_POWER_CHOICE (18u)
#define EXO_HOST_STATE_REASON_SOFT_STOP_CHOICE (19u)
#define EXO_HOST_STATE_REASON_VELOCITY_CHOICE (20u)
#define EXO_HOST_STATE_REASON_TRACKING_CHOICE (21u)
#define EXO_HOST_STATE_REASON_SENSOR_CHOICE (22u)
#define EXO_HOST_STATE_REASON_HOST_SAFE_CHOICE (23u)
#define EXO_HOST_STATE_REASON_HOST_SILENT_CHOICE (24u)
#define EXO_HOST_STATE_REASON_OPPOSING_CHOICE (25u)
#define EXO_HOST_STATE_REASON_I2T_CHOICE (26u)
#define EXO_HOST_STATE_REASON_CLEAR_REQUEST_CHOICE (255u)

/* Frame Names. */
#define EXO_TORQUE_SETPOINT_KNEE_R_NAME "TORQUE_SETPOINT_KNEE_R"
#define EXO_TORQUE_SETPOINT_KNEE_L_NAME "TORQUE_SETPOINT_KNEE_L"
#define EXO_JOINT_STATE_KNEE_R_NAME "JOINT_STATE_KNEE_R"
#define EXO_JOINT_STATE_KNEE_L_NAME "JOINT_STATE_KNEE_L"
#define EXO_GOVERNOR_STATE_NAME "GOVERNOR_STATE"
#define EXO_HOST_STATE_NAME "HOST_STATE"

/* Signal Names. */
#define EXO_TORQUE_SETPOINT_KNEE_R_E2E_CRC_NAME "e2e_crc"
#define EXO_TORQUE_SETPOINT_KNEE_R_E2E_COUNTER_NAME "e2e_counter"
#define EXO_TORQUE_SETPOINT_KNEE_R_E2E_DATA_ID_NAME "e2e_data_id"
#define EXO_TORQUE_SETPOINT_KNEE_R_TORQUE_NAME "torque"
#define EXO_TORQUE_SETPOINT_KNEE_R_LEASE_NAME "lease"
#define EXO_TORQUE_SETPOINT_KNEE_R_AGE_NAME "age"
#define EXO_TORQUE_SETPOINT_KNEE_R_APPLY_AT_NAME "apply_at"
#define EXO_TORQUE_SETPOINT_KNEE_R_MODE_NAME "mode"
#define EXO_TORQUE_SETPOINT_KNEE_L_E2E_CRC_NAME "e2e_crc"
#define EXO_TORQUE_SETPOINT_KNEE_L_E2E_COUNTER_NAME "e2e_counter"
#define EXO_TORQUE_SETPOINT_KNEE_L_E2E_DATA_ID_NAME "e2e_data_id"
#define EXO_TORQUE_SETPOINT_KNEE_L_TORQUE_NAME "torque"
#define EXO_TORQUE_SETPOINT_KNEE_L_LEASE_NAME "lease"
#define EXO_TORQUE_SETPOINT_KNEE_L_AGE_NAME "age"
#define EXO_TORQUE_SETPOINT_KNEE_L_APPLY_AT_NAME "apply_at"
#define EXO_TORQUE_SETPOINT_KNEE_L_MODE_NAME "mode"
#define EXO_JOINT_STATE_KNEE_R_E2E_CRC_NAME "e2e_crc"
#define EXO_JOINT_STATE_KNEE_R_E2E_COUNTER_NAME "e2e_counter"
#define EXO_JOINT_STATE_KNEE_R_E2E_DATA_ID_NAME "e2e_data_id"
#define EXO_JOINT_STATE_KNEE_R_POSITION_NAME "position"
#define EXO_JOINT_STATE_KNEE_R_VELOCITY_NAME "velocity"
#define EXO_JOINT_STATE_KNEE_R_TORQUE_NAME "torque"
#define EXO_JOINT_STATE_KNEE_L_E2E_CRC_NAME "e2e_crc"
#define EXO_JOINT_STATE_KNEE_L_E2E_COUNTER_NAME "e2e_counter"
#define EXO_JOINT_STATE_KNEE_L_E2E_DATA_ID_NAME "e2e_data_id"
#define EXO_JOINT_STATE_KNEE_L_POSITION_NAME "position"
#define EXO_JOINT_STATE_KNEE_L_VELOCITY_NAME "velocity"
#define EXO_JOINT_STATE_KNEE_L_TORQUE_NAME "torque"
#define EXO_GOVERNOR_STATE_E2E_CRC_NAME "e2e_crc"
#define EXO_GOVERNOR_STATE_E2E_COUNTER_NAME "e2e_counter"
#define EXO_GOVERNOR_STATE_E2E_DATA_ID_NAME "e2e_data_id"
#define EXO_GOVERNOR_STATE_STATE_NAME "state"
#define EXO_GOVERNOR_STATE_MUX_NAME "mux"
#define EXO_GOVERNOR_STATE_REASON_NAME "reason"
#define EXO_GOVERNOR_STATE_CLOCK_NAME "clock"
#define EXO_GOVERNOR_STATE_PROTOCOL_HASH_NAME "protocol_hash"
#define EXO_GOVERNOR_STATE_LIMITS_HASH_NAME "limits_hash"
#define EXO_GOVERNOR_STATE_PROFILE_HASH_NAME "profile_hash"
#define EXO_GOVERNOR_STATE_CRC_ERRORS_NAME "crc_errors"
#define EXO_GOVERNOR_STATE_GAPS_NAME "gaps"
#define EXO_GOVERNOR_STATE_REPEATS_NAME "repeats"
#define EXO_GOVERNOR_STATE_REJECTED_NAME "rejected"
#define EXO_HOST_STATE_E2E_CRC_NAME "e2e_crc"
#define EXO_HOST_STATE_E2E_COUNTER_NAME "e2e_counter"
#define EXO_HOST_STATE_E2E_DATA_ID_NAME "e2e_data_id"
#define EXO_HOST_STATE_STATE_NAME "state"
#define EXO_HOST_STATE_MUX_NAME "mux"
#define EXO_HOST_STATE_REASON_NAME "reason"
#define EXO_HOST_STATE_CLOCK_NAME "clock"
#define EXO_HOST_STATE_PROTOCOL_HASH_NAME "protocol_hash"
#define EXO_HOST_STATE_LIMITS_HASH_NAME "limits_hash"
#define EXO_HOST_STATE_PROFILE_HASH_NAME "profile_hash"

/**
 * Signals in message TORQUE_SETPOINT_KNEE_R.
 *
 * All signal values are as on the CAN bus.
 */
struct exo_torque_setpoint_knee_r_t {
    /**
     * Range: 0..255 (0..255 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t e2e_crc;

    /**
     * Range: 0..15 (0..15 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t e2e_counter;

    /**
     * Range: 0..15 (0..15 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t e2e_data_id;

    /**
     * Range: -32768..32767 (-327.68..327.67 Nm)
     * Scale: 0.01
     * Offset: 0
     */
    int16_t torque;

    /**
     * Range: 0..255 (0..255 ms)
     * Scale: 1
     * Offset: 0
     */
    uint8_t lease;

    /**
     * Range: 0..255 (0..255 ms)
     * Scale: 1
     * Offset: 0
     */
    uint8_t age;

    /**
     * Range: 0..4095 (0..409.5 ms)
     * Scale: 0.1
     * Offset: 0
     */
    uint16_t apply_at;

    /**
     * Range: 0..15 (0..15 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t mode;
};

/**
 * Signals in message TORQUE_SETPOINT_KNEE_L.
 *
 * All signal values are as on the CAN bus.
 */
struct exo_torque_setpoint_knee_l_t {
    /**
     * Range: 0..255 (0..255 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t e2e_crc;

    /**
     * Range: 0..15 (0..15 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t e2e_counter;

    /**
     * Range: 0..15 (0..15 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t e2e_data_id;

    /**
     * Range: -32768..32767 (-327.68..327.67 Nm)
     * Scale: 0.01
     * Offset: 0
     */
    int16_t torque;

    /**
     * Range: 0..255 (0..255 ms)
     * Scale: 1
     * Offset: 0
     */
    uint8_t lease;

    /**
     * Range: 0..255 (0..255 ms)
     * Scale: 1
     * Offset: 0
     */
    uint8_t age;

    /**
     * Range: 0..4095 (0..409.5 ms)
     * Scale: 0.1
     * Offset: 0
     */
    uint16_t apply_at;

    /**
     * Range: 0..15 (0..15 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t mode;
};

/**
 * Signals in message JOINT_STATE_KNEE_R.
 *
 * All signal values are as on the CAN bus.
 */
struct exo_joint_state_knee_r_t {
    /**
     * Range: 0..255 (0..255 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t e2e_crc;

    /**
     * Range: 0..15 (0..15 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t e2e_counter;

    /**
     * Range: 0..15 (0..15 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t e2e_data_id;

    /**
     * Range: -32768..32767 (-327.68..327.67 deg)
     * Scale: 0.01
     * Offset: 0
     */
    int16_t position;

    /**
     * Range: -32768..32767 (-3276.8..3276.7 deg/s)
     * Scale: 0.1
     * Offset: 0
     */
    int16_t velocity;

    /**
     * Range: -32768..32767 (-327.68..327.67 Nm)
     * Scale: 0.01
     * Offset: 0
     */
    int16_t torque;
};

/**
 * Signals in message JOINT_STATE_KNEE_L.
 *
 * All signal values are as on the CAN bus.
 */
struct exo_joint_state_knee_l_t {
    /**
     * Range: 0..255 (0..255 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t e2e_crc;

    /**
     * Range: 0..15 (0..15 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t e2e_counter;

    /**
     * Range: 0..15 (0..15 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t e2e_data_id;

    /**
     * Range: -32768..32767 (-327.68..327.67 deg)
     * Scale: 0.01
     * Offset: 0
     */
    int16_t position;

    /**
     * Range: -32768..32767 (-3276.8..3276.7 deg/s)
     * Scale: 0.1
     * Offset: 0
     */
    int16_t velocity;

    /**
     * Range: -32768..32767 (-327.68..327.67 Nm)
     * Scale: 0.01
     * Offset: 0
     */
    int16_t torque;
};

/**
 * Signals in message GOVERNOR_STATE.
 *
 * All signal values are as on the CAN bus.
 */
struct exo_governor_state_t {
    /**
     * Range: 0..255 (0..255 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t e2e_crc;

    /**
     * Range: 0..15 (0..15 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t e2e_counter;

    /**
     * Range: 0..15 (0..15 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t e2e_data_id;

    /**
     * Range: 0..15 (0..15 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t state;

    /**
     * Range: 0..15 (0..15 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t mux;

    /**
     * Range: 0..255 (0..255 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t reason;

    /**
     * Range: 0..4294967295 (0..429496729.5 ms)
     * Scale: 0.1
     * Offset: 0
     */
    uint32_t clock;

    /**
     * Range: 0..4294967295 (0..4294967295 -)
     * Scale: 1
     * Offset: 0
     */
    uint32_t protocol_hash;

    /**
     * Range: 0..4294967295 (0..4294967295 -)
     * Scale: 1
     * Offset: 0
     */
    uint32_t limits_hash;

    /**
     * Range: 0..4294967295 (0..4294967295 -)
     * Scale: 1
     * Offset: 0
     */
    uint32_t profile_hash;

    /**
     * Range: 0..255 (0..255 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t crc_errors;

    /**
     * Range: 0..255 (0..255 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t gaps;

    /**
     * Range: 0..255 (0..255 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t repeats;

    /**
     * Range: 0..255 (0..255 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t rejected;
};

/**
 * Signals in message HOST_STATE.
 *
 * All signal values are as on the CAN bus.
 */
struct exo_host_state_t {
    /**
     * Range: 0..255 (0..255 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t e2e_crc;

    /**
     * Range: 0..15 (0..15 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t e2e_counter;

    /**
     * Range: 0..15 (0..15 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t e2e_data_id;

    /**
     * Range: 0..15 (0..15 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t state;

    /**
     * Range: 0..15 (0..15 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t mux;

    /**
     * Range: 0..255 (0..255 -)
     * Scale: 1
     * Offset: 0
     */
    uint8_t reason;

    /**
     * Range: 0..4294967295 (0..429496729.5 ms)
     * Scale: 0.1
     * Offset: 0
     */
    uint32_t clock;

    /**
     * Range: 0..4294967295 (0..4294967295 -)
     * Scale: 1
     * Offset: 0
     */
    uint32_t protocol_hash;

    /**
     * Range: 0..4294967295 (0..4294967295 -)
     * Scale: 1
     * Offset: 0
     */
    uint32_t limits_hash;

    /**
     * Range: 0..4294967295 (0..4294967295 -)
     * Scale: 1
     * Offset: 0
     */
    uint32_t profile_hash;
};

/**
 * Pack message TORQUE_SETPOINT_KNEE_R.
 *
 * @param[out] dst_p Buffer to pack the message into.
 * @param[in] src_p Data to pack.
 * @param[in] size Size of dst_p.
 *
 * @return Size of packed data, or negative error code.
 */
int exo_torque_setpoint_knee_r_pack(
    uint8_t *dst_p,
    const struct exo_torque_setpoint_knee_r_t *src_p,
    size_t size);

/**
 * Unpack message TORQUE_SETPOINT_KNEE_R.
 *
 * @param[out] dst_p Object to unpack the message into.
 * @param[in] src_p Message to unpack.
 * @param[in] size Size of src_p.
 *
 * @return zero(0) or negative error code.
 */
int exo_torque_setpoint_knee_r_unpack(
    struct exo_torque_setpoint_knee_r_t *dst_p,
    const uint8_t *src_p,
    size_t size);

/**
 * Init message fields to default values from TORQUE_SETPOINT_KNEE_R.
 *
 * @param[in] msg_p Message to init.
 *
 * @return zero(0) on success or (-1) in case of nullptr argument.
 */
int exo_torque_setpoint_knee_r_init(struct exo_torque_setpoint_knee_r_t *msg_p);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_torque_setpoint_knee_r_e2e_crc_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_torque_setpoint_knee_r_e2e_crc_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_r_e2e_crc_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_r_e2e_crc_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_torque_setpoint_knee_r_e2e_counter_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_torque_setpoint_knee_r_e2e_counter_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_r_e2e_counter_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_r_e2e_counter_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_torque_setpoint_knee_r_e2e_data_id_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_torque_setpoint_knee_r_e2e_data_id_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_r_e2e_data_id_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_r_e2e_data_id_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
int16_t exo_torque_setpoint_knee_r_torque_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_torque_setpoint_knee_r_torque_decode(int16_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_r_torque_is_in_range(int16_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_r_torque_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_torque_setpoint_knee_r_lease_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_torque_setpoint_knee_r_lease_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_r_lease_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_r_lease_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_torque_setpoint_knee_r_age_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_torque_setpoint_knee_r_age_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_r_age_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_r_age_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint16_t exo_torque_setpoint_knee_r_apply_at_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_torque_setpoint_knee_r_apply_at_decode(uint16_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_r_apply_at_is_in_range(uint16_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_r_apply_at_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_torque_setpoint_knee_r_mode_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_torque_setpoint_knee_r_mode_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_r_mode_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_r_mode_is_in_phys_range(double value);

/**
 * Pack message TORQUE_SETPOINT_KNEE_L.
 *
 * @param[out] dst_p Buffer to pack the message into.
 * @param[in] src_p Data to pack.
 * @param[in] size Size of dst_p.
 *
 * @return Size of packed data, or negative error code.
 */
int exo_torque_setpoint_knee_l_pack(
    uint8_t *dst_p,
    const struct exo_torque_setpoint_knee_l_t *src_p,
    size_t size);

/**
 * Unpack message TORQUE_SETPOINT_KNEE_L.
 *
 * @param[out] dst_p Object to unpack the message into.
 * @param[in] src_p Message to unpack.
 * @param[in] size Size of src_p.
 *
 * @return zero(0) or negative error code.
 */
int exo_torque_setpoint_knee_l_unpack(
    struct exo_torque_setpoint_knee_l_t *dst_p,
    const uint8_t *src_p,
    size_t size);

/**
 * Init message fields to default values from TORQUE_SETPOINT_KNEE_L.
 *
 * @param[in] msg_p Message to init.
 *
 * @return zero(0) on success or (-1) in case of nullptr argument.
 */
int exo_torque_setpoint_knee_l_init(struct exo_torque_setpoint_knee_l_t *msg_p);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_torque_setpoint_knee_l_e2e_crc_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_torque_setpoint_knee_l_e2e_crc_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_l_e2e_crc_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_l_e2e_crc_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_torque_setpoint_knee_l_e2e_counter_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_torque_setpoint_knee_l_e2e_counter_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_l_e2e_counter_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_l_e2e_counter_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_torque_setpoint_knee_l_e2e_data_id_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_torque_setpoint_knee_l_e2e_data_id_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_l_e2e_data_id_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_l_e2e_data_id_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
int16_t exo_torque_setpoint_knee_l_torque_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_torque_setpoint_knee_l_torque_decode(int16_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_l_torque_is_in_range(int16_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_l_torque_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_torque_setpoint_knee_l_lease_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_torque_setpoint_knee_l_lease_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_l_lease_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_l_lease_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_torque_setpoint_knee_l_age_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_torque_setpoint_knee_l_age_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_l_age_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_l_age_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint16_t exo_torque_setpoint_knee_l_apply_at_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_torque_setpoint_knee_l_apply_at_decode(uint16_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_l_apply_at_is_in_range(uint16_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_l_apply_at_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_torque_setpoint_knee_l_mode_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_torque_setpoint_knee_l_mode_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_l_mode_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_torque_setpoint_knee_l_mode_is_in_phys_range(double value);

/**
 * Pack message JOINT_STATE_KNEE_R.
 *
 * @param[out] dst_p Buffer to pack the message into.
 * @param[in] src_p Data to pack.
 * @param[in] size Size of dst_p.
 *
 * @return Size of packed data, or negative error code.
 */
int exo_joint_state_knee_r_pack(
    uint8_t *dst_p,
    const struct exo_joint_state_knee_r_t *src_p,
    size_t size);

/**
 * Unpack message JOINT_STATE_KNEE_R.
 *
 * @param[out] dst_p Object to unpack the message into.
 * @param[in] src_p Message to unpack.
 * @param[in] size Size of src_p.
 *
 * @return zero(0) or negative error code.
 */
int exo_joint_state_knee_r_unpack(
    struct exo_joint_state_knee_r_t *dst_p,
    const uint8_t *src_p,
    size_t size);

/**
 * Init message fields to default values from JOINT_STATE_KNEE_R.
 *
 * @param[in] msg_p Message to init.
 *
 * @return zero(0) on success or (-1) in case of nullptr argument.
 */
int exo_joint_state_knee_r_init(struct exo_joint_state_knee_r_t *msg_p);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_joint_state_knee_r_e2e_crc_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_joint_state_knee_r_e2e_crc_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_joint_state_knee_r_e2e_crc_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_joint_state_knee_r_e2e_crc_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_joint_state_knee_r_e2e_counter_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_joint_state_knee_r_e2e_counter_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_joint_state_knee_r_e2e_counter_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_joint_state_knee_r_e2e_counter_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_joint_state_knee_r_e2e_data_id_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_joint_state_knee_r_e2e_data_id_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_joint_state_knee_r_e2e_data_id_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_joint_state_knee_r_e2e_data_id_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
int16_t exo_joint_state_knee_r_position_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_joint_state_knee_r_position_decode(int16_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_joint_state_knee_r_position_is_in_range(int16_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_joint_state_knee_r_position_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
int16_t exo_joint_state_knee_r_velocity_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_joint_state_knee_r_velocity_decode(int16_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_joint_state_knee_r_velocity_is_in_range(int16_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_joint_state_knee_r_velocity_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
int16_t exo_joint_state_knee_r_torque_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_joint_state_knee_r_torque_decode(int16_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_joint_state_knee_r_torque_is_in_range(int16_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_joint_state_knee_r_torque_is_in_phys_range(double value);

/**
 * Pack message JOINT_STATE_KNEE_L.
 *
 * @param[out] dst_p Buffer to pack the message into.
 * @param[in] src_p Data to pack.
 * @param[in] size Size of dst_p.
 *
 * @return Size of packed data, or negative error code.
 */
int exo_joint_state_knee_l_pack(
    uint8_t *dst_p,
    const struct exo_joint_state_knee_l_t *src_p,
    size_t size);

/**
 * Unpack message JOINT_STATE_KNEE_L.
 *
 * @param[out] dst_p Object to unpack the message into.
 * @param[in] src_p Message to unpack.
 * @param[in] size Size of src_p.
 *
 * @return zero(0) or negative error code.
 */
int exo_joint_state_knee_l_unpack(
    struct exo_joint_state_knee_l_t *dst_p,
    const uint8_t *src_p,
    size_t size);

/**
 * Init message fields to default values from JOINT_STATE_KNEE_L.
 *
 * @param[in] msg_p Message to init.
 *
 * @return zero(0) on success or (-1) in case of nullptr argument.
 */
int exo_joint_state_knee_l_init(struct exo_joint_state_knee_l_t *msg_p);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_joint_state_knee_l_e2e_crc_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_joint_state_knee_l_e2e_crc_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_joint_state_knee_l_e2e_crc_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_joint_state_knee_l_e2e_crc_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_joint_state_knee_l_e2e_counter_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_joint_state_knee_l_e2e_counter_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_joint_state_knee_l_e2e_counter_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_joint_state_knee_l_e2e_counter_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_joint_state_knee_l_e2e_data_id_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_joint_state_knee_l_e2e_data_id_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_joint_state_knee_l_e2e_data_id_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_joint_state_knee_l_e2e_data_id_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
int16_t exo_joint_state_knee_l_position_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_joint_state_knee_l_position_decode(int16_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_joint_state_knee_l_position_is_in_range(int16_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_joint_state_knee_l_position_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
int16_t exo_joint_state_knee_l_velocity_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_joint_state_knee_l_velocity_decode(int16_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_joint_state_knee_l_velocity_is_in_range(int16_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_joint_state_knee_l_velocity_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
int16_t exo_joint_state_knee_l_torque_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_joint_state_knee_l_torque_decode(int16_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_joint_state_knee_l_torque_is_in_range(int16_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_joint_state_knee_l_torque_is_in_phys_range(double value);

/**
 * Pack message GOVERNOR_STATE.
 *
 * @param[out] dst_p Buffer to pack the message into.
 * @param[in] src_p Data to pack.
 * @param[in] size Size of dst_p.
 *
 * @return Size of packed data, or negative error code.
 */
int exo_governor_state_pack(
    uint8_t *dst_p,
    const struct exo_governor_state_t *src_p,
    size_t size);

/**
 * Unpack message GOVERNOR_STATE.
 *
 * @param[out] dst_p Object to unpack the message into.
 * @param[in] src_p Message to unpack.
 * @param[in] size Size of src_p.
 *
 * @return zero(0) or negative error code.
 */
int exo_governor_state_unpack(
    struct exo_governor_state_t *dst_p,
    const uint8_t *src_p,
    size_t size);

/**
 * Init message fields to default values from GOVERNOR_STATE.
 *
 * @param[in] msg_p Message to init.
 *
 * @return zero(0) on success or (-1) in case of nullptr argument.
 */
int exo_governor_state_init(struct exo_governor_state_t *msg_p);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_governor_state_e2e_crc_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_governor_state_e2e_crc_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_governor_state_e2e_crc_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_governor_state_e2e_crc_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_governor_state_e2e_counter_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_governor_state_e2e_counter_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_governor_state_e2e_counter_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_governor_state_e2e_counter_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_governor_state_e2e_data_id_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_governor_state_e2e_data_id_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_governor_state_e2e_data_id_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_governor_state_e2e_data_id_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_governor_state_state_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_governor_state_state_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_governor_state_state_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_governor_state_state_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_governor_state_mux_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_governor_state_mux_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_governor_state_mux_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_governor_state_mux_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_governor_state_reason_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_governor_state_reason_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_governor_state_reason_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_governor_state_reason_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint32_t exo_governor_state_clock_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_governor_state_clock_decode(uint32_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_governor_state_clock_is_in_range(uint32_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_governor_state_clock_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint32_t exo_governor_state_protocol_hash_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_governor_state_protocol_hash_decode(uint32_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_governor_state_protocol_hash_is_in_range(uint32_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_governor_state_protocol_hash_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint32_t exo_governor_state_limits_hash_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_governor_state_limits_hash_decode(uint32_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_governor_state_limits_hash_is_in_range(uint32_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_governor_state_limits_hash_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint32_t exo_governor_state_profile_hash_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_governor_state_profile_hash_decode(uint32_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_governor_state_profile_hash_is_in_range(uint32_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_governor_state_profile_hash_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_governor_state_crc_errors_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_governor_state_crc_errors_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_governor_state_crc_errors_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_governor_state_crc_errors_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_governor_state_gaps_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_governor_state_gaps_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_governor_state_gaps_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_governor_state_gaps_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_governor_state_repeats_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_governor_state_repeats_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_governor_state_repeats_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_governor_state_repeats_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_governor_state_rejected_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_governor_state_rejected_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_governor_state_rejected_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_governor_state_rejected_is_in_phys_range(double value);

/**
 * Pack message HOST_STATE.
 *
 * @param[out] dst_p Buffer to pack the message into.
 * @param[in] src_p Data to pack.
 * @param[in] size Size of dst_p.
 *
 * @return Size of packed data, or negative error code.
 */
int exo_host_state_pack(
    uint8_t *dst_p,
    const struct exo_host_state_t *src_p,
    size_t size);

/**
 * Unpack message HOST_STATE.
 *
 * @param[out] dst_p Object to unpack the message into.
 * @param[in] src_p Message to unpack.
 * @param[in] size Size of src_p.
 *
 * @return zero(0) or negative error code.
 */
int exo_host_state_unpack(
    struct exo_host_state_t *dst_p,
    const uint8_t *src_p,
    size_t size);

/**
 * Init message fields to default values from HOST_STATE.
 *
 * @param[in] msg_p Message to init.
 *
 * @return zero(0) on success or (-1) in case of nullptr argument.
 */
int exo_host_state_init(struct exo_host_state_t *msg_p);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_host_state_e2e_crc_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_host_state_e2e_crc_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_host_state_e2e_crc_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_host_state_e2e_crc_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_host_state_e2e_counter_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_host_state_e2e_counter_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_host_state_e2e_counter_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_host_state_e2e_counter_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_host_state_e2e_data_id_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_host_state_e2e_data_id_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_host_state_e2e_data_id_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_host_state_e2e_data_id_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_host_state_state_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_host_state_state_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_host_state_state_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_host_state_state_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_host_state_mux_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_host_state_mux_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_host_state_mux_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_host_state_mux_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint8_t exo_host_state_reason_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_host_state_reason_decode(uint8_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_host_state_reason_is_in_range(uint8_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_host_state_reason_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint32_t exo_host_state_clock_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_host_state_clock_decode(uint32_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_host_state_clock_is_in_range(uint32_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_host_state_clock_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint32_t exo_host_state_protocol_hash_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_host_state_protocol_hash_decode(uint32_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_host_state_protocol_hash_is_in_range(uint32_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_host_state_protocol_hash_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint32_t exo_host_state_limits_hash_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_host_state_limits_hash_decode(uint32_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_host_state_limits_hash_is_in_range(uint32_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_host_state_limits_hash_is_in_phys_range(double value);

/**
 * Encode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to encode.
 *
 * @return Encoded signal.
 */
uint32_t exo_host_state_profile_hash_encode(double value);

/**
 * Decode given signal by applying scaling and offset.
 *
 * @param[in] value Signal to decode.
 *
 * @return Decoded signal.
 */
double exo_host_state_profile_hash_decode(uint32_t value);

/**
 * Check that given signal is in allowed range.
 *
 * @param[in] value Signal to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_host_state_profile_hash_is_in_range(uint32_t value);

/**
 * Check that given physical value is in allowed range before encoding.
 *
 * Use this BEFORE calling _encode() to avoid silent integer overflow:
 *   encode(-1.0) on a [0,100] signal wraps to 255 and passes is_in_range().
 *   is_in_phys_range(-1.0) correctly returns false.
 *
 * @param[in] value Physical signal value to check.
 *
 * @return true if in range, false otherwise.
 */
bool exo_host_state_profile_hash_is_in_phys_range(double value);


#ifdef __cplusplus
}
#endif

#endif
