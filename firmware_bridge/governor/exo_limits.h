/* Limits and protocol of the torque path.
 * Generated from firmware_bridge/limits.toml by `exo-edge can generate`; do not edit. */

#ifndef EXO_LIMITS_H
#define EXO_LIMITS_H

#include <stdint.h>

/* Hashes that both ends compare before arming. */
#define EXO_PROTOCOL_HASH 0x9075B611u
#define EXO_LIMITS_HASH 0xBA00C019u

/* CAN ids, which are also the E2E data ids. */
#define EXO_ID_TORQUE_SETPOINT_KNEE_R 0x100u
#define EXO_ID_TORQUE_SETPOINT_KNEE_L 0x101u
#define EXO_ID_JOINT_STATE_KNEE_R 0x180u
#define EXO_ID_JOINT_STATE_KNEE_L 0x181u
#define EXO_ID_GOVERNOR_STATE 0x200u
#define EXO_ID_HOST_STATE 0x201u
#define EXO_TORQUE_SETPOINT_IDS_INIT { 0x100u, 0x101u }
#define EXO_JOINT_STATE_IDS_INIT { 0x180u, 0x181u }

enum exo_joint {
    EXO_JOINT_KNEE_R = 0,
    EXO_JOINT_KNEE_L = 1,
    EXO_JOINT_COUNT = 2,
};

enum exo_mode {
    EXO_MODE_OFF = 0,
    EXO_MODE_ZERO = 1,
    EXO_MODE_TORQUE = 2,
    EXO_MODE_SAFE = 3,
};

enum exo_state {
    EXO_STATE_OFF = 0,
    EXO_STATE_IDLE = 1,
    EXO_STATE_READY = 2,
    EXO_STATE_ARMED = 3,
    EXO_STATE_ENGAGED = 4,
    EXO_STATE_DEGRADED = 5,
    EXO_STATE_SAFE = 6,
};

enum exo_mux {
    EXO_MUX_CLOCK = 0,
    EXO_MUX_PROTOCOL_HASH = 1,
    EXO_MUX_LIMITS_HASH = 2,
    EXO_MUX_PROFILE_HASH = 3,
    EXO_MUX_COUNTERS = 4,
};

enum exo_reason {
    EXO_REASON_NONE = 0,
    EXO_REASON_BOOT = 1,
    EXO_REASON_NO_HOST = 2,
    EXO_REASON_PROTOCOL_HASH = 3,
    EXO_REASON_LIMITS_HASH = 4,
    EXO_REASON_PROFILE_HASH = 5,
    EXO_REASON_TORQUE = 6,
    EXO_REASON_SLEW_UP = 7,
    EXO_REASON_SLEW_DOWN = 8,
    EXO_REASON_WINDOW = 9,
    EXO_REASON_LEASE = 10,
    EXO_REASON_LEASE_RANGE = 11,
    EXO_REASON_AGE = 12,
    EXO_REASON_CRC = 13,
    EXO_REASON_COUNTER = 14,
    EXO_REASON_MODE = 15,
    EXO_REASON_NOT_ARMED = 16,
    EXO_REASON_APPLY_AT = 17,
    EXO_REASON_POWER = 18,
    EXO_REASON_SOFT_STOP = 19,
    EXO_REASON_VELOCITY = 20,
    EXO_REASON_TRACKING = 21,
    EXO_REASON_SENSOR = 22,
    EXO_REASON_HOST_SAFE = 23,
    EXO_REASON_HOST_SILENT = 24,
    EXO_REASON_OPPOSING = 25,
    EXO_REASON_I2T = 26,
    EXO_REASON_CLEAR_REQUEST = 255,
};

/* Protocol. */
#define EXO_COUNTER_MAX 14
#define EXO_MAX_DELTA_COUNTER 5
#define EXO_CONSECUTIVE_ERRORS_MAX 5
#define EXO_LATE_MAX_TICKS 100
#define EXO_AHEAD_MAX_TICKS 50
#define EXO_HOST_TIMEOUT_US 200000
#define EXO_STATE_PERIOD_US 20000
#define EXO_STEP_US 1000
#define EXO_WINDOW_BUCKETS 26

/* Largest readings that JOINT_STATE carries. */
#define EXO_POSITION_MAX_CDEG 32767
#define EXO_VELOCITY_MAX_DDEGPS 32767
#define EXO_TORQUE_MAX_CNM 32767

/* Age fade and SAFE. */
#define EXO_AGE_FULL_US 54000
#define EXO_AGE_ZERO_US 90000
#define EXO_SAFE_RAMP_US 60000
#define EXO_DAMPING_SHIFT 16
#define EXO_DAMPING_Q 3431
#define EXO_DAMPING_MAX_CNM 200
#define EXO_CLEAR_AFTER_US 500000
#define EXO_CLEAR_VELOCITY_DDEGPS 600

/* Limits of one joint; power_raw is 0.01 Nm times 0.1 deg/s. */
typedef struct {
    int32_t torque_cnm;
    int32_t slew_up_cnm_per_s;
    int32_t slew_down_cnm_per_s;
    int32_t slew_tolerance_us;
    int32_t window_cnm;
    int32_t window_us;
    int32_t lease_ms;
    int32_t power_raw;
    int32_t velocity_max_ddegps;
    int32_t position_min_cdeg;
    int32_t position_max_cdeg;
    int32_t tracking_cnm;
    int32_t persist_us;
    int32_t yield_us;
    int32_t opposing_cnm;
    int32_t opposing_ddegps;
    int32_t opposing_us;
    int32_t i2t_cnm;
    int32_t i2t_us;
} exo_joint_limits;

#define EXO_JOINT_LIMITS_INIT { \
    { /* knee_r */ \
        .torque_cnm = 2000, \
        .slew_up_cnm_per_s = 15000, \
        .slew_down_cnm_per_s = 60000, \
        .slew_tolerance_us = 200, \
        .window_cnm = 1500, \
        .window_us = 250000, \
        .lease_ms = 20, \
        .power_raw = 3437746, \
        .velocity_max_ddegps = 7000, \
        .position_min_cdeg = -500, \
        .position_max_cdeg = 11000, \
        .tracking_cnm = 500, \
        .persist_us = 20000, \
        .yield_us = 60000, \
        .opposing_cnm = 300, \
        .opposing_ddegps = 600, \
        .opposing_us = 300000, \
        .i2t_cnm = 1000, \
        .i2t_us = 20000000, \
    }, \
    { /* knee_l */ \
        .torque_cnm = 2000, \
        .slew_up_cnm_per_s = 15000, \
        .slew_down_cnm_per_s = 60000, \
        .slew_tolerance_us = 200, \
        .window_cnm = 1500, \
        .window_us = 250000, \
        .lease_ms = 20, \
        .power_raw = 3437746, \
        .velocity_max_ddegps = 7000, \
        .position_min_cdeg = -500, \
        .position_max_cdeg = 11000, \
        .tracking_cnm = 500, \
        .persist_us = 20000, \
        .yield_us = 60000, \
        .opposing_cnm = 300, \
        .opposing_ddegps = 600, \
        .opposing_us = 300000, \
        .i2t_cnm = 1000, \
        .i2t_us = 20000000, \
    }, \
}

#endif
