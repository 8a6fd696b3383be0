/* Records of a trace that `replay.c` takes and gives; the same on every little-endian machine. */
#ifndef EXO_REPLAY_H
#define EXO_REPLAY_H

#include <stdint.h>

#include "governor.h"

#define REPLAY_IN "trace.in"
#define REPLAY_OUT "trace.out"

enum replay_kind { REPLAY_INIT = 0, REPLAY_FRAME = 1, REPLAY_STEP = 2 };

/* One call of the governor. INIT: id unused, data holds the profile hash. STEP: data holds the sensors. */
typedef struct {
    uint64_t now_us;
    uint16_t id;
    uint8_t kind;
    uint8_t len;
    uint8_t data[20];
} replay_record;

/* Does not compile where the sensors no longer fit. */
typedef char replay_sensors_fit[sizeof(gov_measured) * EXO_JOINT_COUNT <= sizeof(((replay_record *)0)->data) ? 1 : -1];

/* What a step gave. */
typedef struct {
    int32_t torque_cnm[EXO_JOINT_COUNT];
    uint16_t count;
    gov_frame frames[GOV_TX_MAX];
} replay_output;

#endif
