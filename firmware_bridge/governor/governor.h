/* Governor: decides which torque may reach the drive. No heap, no floating point, no clock of its own.
 *
 * Call gov_init once, gov_on_frame for every CAN frame received, gov_step every EXO_STEP_US, and send what
 * gov_transmit gives after each step. One thread or interrupt level; now_us must never go back.
 *
 * It rejects and latches SAFE with a reason; it does not clamp a setpoint to make it legal. What reaches the drive
 * follows the accepted setpoints at no more than the slew limits, whatever arrives.
 */
#ifndef EXO_GOVERNOR_H
#define EXO_GOVERNOR_H

#include <stdint.h>

#include "e2e.h"
#include "exo_limits.h"
#include "rules.h"

#define GOV_QUEUE 8
/* How long torque may go on after the host's state says that it is disarmed: three times the 33 ms that a release of
 * 20 Nm at 600 Nm/s takes. Covers the queue (5 ms) and a stall of the firmware (20 ms) as well. */
#define GOV_RELEASE_US 100000
#define GOV_TX_MAX (EXO_JOINT_COUNT + 1)

/* What a device and its wearer's profile add to the table. A profile can only tighten: torque above the table's is cut. */
typedef struct {
    uint32_t profile_hash;
    int32_t torque_cnm[EXO_JOINT_COUNT];
} gov_config;

/* One joint's sensors in wire units: 0.01 deg, 0.1 deg/s, 0.01 Nm; flexion positive. */
typedef struct {
    int16_t position_cdeg;
    int16_t velocity_ddegps;
    int16_t torque_cnm;
    uint8_t valid;
} gov_measured;

typedef struct {
    uint16_t id;
    uint8_t data[E2E_DATA_LEN];
} gov_frame;

/* An accepted setpoint that waits for its moment. */
typedef struct {
    int64_t apply_us;
    int32_t torque_cnm;
} gov_pending;

enum gov_watch { GOV_WATCH_POWER, GOV_WATCH_SOFT_STOP, GOV_WATCH_VELOCITY, GOV_WATCH_TRACKING, GOV_WATCH_COUNT };

typedef struct {
    exo_joint_limits limits;
    e2e_rx rx;
    uint8_t tx_counter;
    uint8_t mode;
    uint32_t stamp_run; /* steps in a row with apply_at out of range, until one is in range */
    uint8_t stamp_dropped; /* one since the last step */
    uint8_t leased;
    uint64_t lease_end_us; /* last moment at which the newest setpoint is valid */
    int32_t accepted_cnm; /* newest setpoint accepted */
    int64_t accepted_at_us; /* its apply_at */
    utorque reference; /* accepted setpoints, followed at exactly the slew limits on their own stamps */
    exo_window window;
    gov_pending queue[GOV_QUEUE];
    uint8_t queued;
    int32_t target_cnm;
    utorque applied;
    utorque safe_from; /* torque at the moment SAFE began */
    uint64_t outside_since_us[GOV_WATCH_COUNT];
    uint8_t outside[GOV_WATCH_COUNT];
    int32_t opposed_us; /* time against the wearer, see rule_opposed */
    int64_t heat; /* of the drive, kept in every state; see rule_heat */
    gov_measured measured;
} gov_joint;

typedef struct {
    uint8_t alive;
    uint8_t state;
    uint8_t hash_seen; /* bit per hash */
    uint8_t hash_wrong;
    uint8_t clear_released; /* a HOST_STATE without clear request came since SAFE began */
    uint8_t clear_asked;
    e2e_rx rx;
    uint64_t heard_us;
} gov_host;

typedef struct {
    gov_config config;
    uint8_t state;
    uint8_t reason;
    uint8_t damps; /* SAFE began with the drive on and the sensors trusted */
    uint8_t rejected;
    uint8_t tx_counter;
    uint8_t tx_mux;
    uint8_t tx_now;
    uint64_t tx_state_us;
    uint64_t safe_since_us;
    uint8_t disarmed; /* torque is on while the host's state says disarmed */
    uint64_t disarmed_since_us;
    uint64_t step_us;
    gov_host host;
    gov_joint joints[EXO_JOINT_COUNT];
} governor;

/* Config with the table's limits and the given profile. */
gov_config gov_default_config(uint32_t profile_hash);

/* Starts silent: state OFF, no torque. */
void gov_init(governor *g, const gov_config *config);

/* Takes one received frame; ids that are not ours are ignored. */
void gov_on_frame(governor *g, uint32_t id, const uint8_t *data, uint8_t len, uint64_t now_us);

/* One period: takes the sensors, gives the torque to command per joint in 0.01 Nm. */
void gov_step(governor *g, uint64_t now_us, const gov_measured measured[EXO_JOINT_COUNT],
    int32_t torque_cnm[EXO_JOINT_COUNT]);

/* Frames to send after a step: every JOINT_STATE, and GOVERNOR_STATE when due or changed. Returns their number. */
unsigned gov_transmit(governor *g, uint64_t now_us, gov_frame frames[GOV_TX_MAX]);

#endif
