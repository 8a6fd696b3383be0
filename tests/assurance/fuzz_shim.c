/* The governor and the DBC's codec behind plain arrays, for the differential fuzzing. */
#include <stddef.h>

#include "exo_codec.h"
#include "governor.h"

static governor one;

void shim_init(uint32_t profile_hash, const int32_t *torque_cnm)
{
    gov_config config = gov_default_config(profile_hash);
    for (int i = 0; torque_cnm != NULL && i < EXO_JOINT_COUNT; i++)
        config.torque_cnm[i] = torque_cnm[i];
    gov_init(&one, &config);
}

void shim_frame(uint32_t id, const uint8_t *data, uint8_t len, uint64_t now_us)
{
    gov_on_frame(&one, id, data, len, now_us);
}

/* sensors: position, velocity, torque, valid per joint; out: torque per joint, state, reason. */
void shim_step(uint64_t now_us, const int64_t *sensors, int64_t *out)
{
    gov_measured measured[EXO_JOINT_COUNT];
    int32_t torque_cnm[EXO_JOINT_COUNT];
    gov_frame frames[GOV_TX_MAX];
    for (int i = 0; i < EXO_JOINT_COUNT; i++) {
        measured[i].position_cdeg = (int16_t)sensors[4 * i];
        measured[i].velocity_ddegps = (int16_t)sensors[4 * i + 1];
        measured[i].torque_cnm = (int16_t)sensors[4 * i + 2];
        measured[i].valid = (uint8_t)sensors[4 * i + 3];
    }
    gov_step(&one, now_us, measured, torque_cnm);
    (void)gov_transmit(&one, now_us, frames);
    for (int i = 0; i < EXO_JOINT_COUNT; i++)
        out[i] = torque_cnm[i];
    out[EXO_JOINT_COUNT] = one.state;
    out[EXO_JOINT_COUNT + 1] = one.reason;
}

/* Raw fields of a setpoint by the DBC: torque, lease, age, apply_at, mode, counter; returns 0 where it decodes. */
int shim_decode(int joint, const uint8_t *data, int64_t *out)
{
    struct exo_torque_setpoint_knee_r_t right;
    struct exo_torque_setpoint_knee_l_t left;
    int status = joint == 0 ? exo_torque_setpoint_knee_r_unpack(&right, data, 8)
                            : exo_torque_setpoint_knee_l_unpack(&left, data, 8);
    out[0] = joint == 0 ? right.torque : left.torque;
    out[1] = joint == 0 ? right.lease : left.lease;
    out[2] = joint == 0 ? right.age : left.age;
    out[3] = joint == 0 ? right.apply_at : left.apply_at;
    out[4] = joint == 0 ? right.mode : left.mode;
    out[5] = joint == 0 ? right.e2e_counter : left.e2e_counter;
    return status;
}
