/* The limits as small predicates and motions of torque: integers only, no state of their own but the window's. */
#ifndef EXO_RULES_H
#define EXO_RULES_H

#include <stdint.h>

#include "exo_limits.h"

/* Torque in 1e-6 of 0.01 Nm: what a slew in 0.01 Nm per second does in one microsecond. */
typedef int64_t utorque;
#define UTORQUE_PER_CNM 1000000

/* Highest and lowest setpoint of each of the last EXO_WINDOW_BUCKETS stretches of time. */
typedef struct {
    int32_t low[EXO_WINDOW_BUCKETS];
    int32_t high[EXO_WINDOW_BUCKETS];
    int64_t bucket; /* number of the newest stretch since time zero */
} exo_window;

/* Magnitude allowed at an age: the limit up to EXO_AGE_FULL_US, none from EXO_AGE_ZERO_US on, linear between. */
int32_t rule_faded(int32_t limit_cnm, int32_t age_us);

/* Moves from one torque toward another for dt: away from zero at slew up, toward zero at slew down. */
utorque rule_slew(const exo_joint_limits *limits, utorque from, utorque to, int64_t dt_us);

/* Time spent against the wearer: up while the joint moves against the torque beyond both thresholds, else down to 0. */
int32_t rule_opposed(const exo_joint_limits *limits, int32_t opposed_us, int32_t torque_cnm, int32_t velocity_ddegps,
    int32_t dt_us);

/* Heat: torque squared through a first-order filter of i2t_us, times i2t_us; in 0.01 Nm squared times us. */
int64_t rule_heat(const exo_joint_limits *limits, int64_t heat, int32_t torque_cnm, int32_t dt_us);

/* True where the filtered square is above that of the torque which may be held for ever. */
int rule_too_hot(const exo_joint_limits *limits, int64_t heat);

/* Fills the window with one torque, as if it had been held for ever. */
void window_hold(exo_window *w, int32_t torque_cnm, const exo_joint_limits *limits, uint64_t now_us);

/* True where a torque at now_us stays within the window; zero always does. Call before window_add. */
int window_allows(exo_window *w, int32_t torque_cnm, int32_t held_cnm, const exo_joint_limits *limits, uint64_t now_us);

/* Adds an accepted torque at now_us. */
void window_add(exo_window *w, int32_t torque_cnm);

#endif
