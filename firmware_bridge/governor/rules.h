/* The limits as small predicates and motions of torque: integers only, no state of their own but the window's. */
#ifndef EXO_RULES_H
#define EXO_RULES_H

#include <stdint.h>

#include "exo_limits.h"

/* Torque in 1e-6 of 0.01 Nm: what a slew in 0.01 Nm per second does in one microsecond. */
typedef int64_t utorque;
#define UTORQUE_PER_CNM 1000000

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int32_t magnitude(int32_t value) { return (int32_t)larger(value, -(int64_t)value); }

static inline utorque utorque_of(int32_t cnm) { return (utorque)cnm * UTORQUE_PER_CNM; }
static inline int32_t cnm_of(utorque torque) { return (int32_t)(torque / UTORQUE_PER_CNM); }

/* Highest and lowest setpoint of each of the last EXO_WINDOW_BUCKETS stretches of time; all zero at the start. */
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

/* True where a torque at at_us stays within the window; zero always does. Call before window_add. */
int window_allows(exo_window *w, int32_t torque_cnm, int32_t held_cnm, const exo_joint_limits *limits, int64_t at_us);

/* Adds a torque that window_allows accepted. */
void window_add(exo_window *w, int32_t torque_cnm);

#endif
