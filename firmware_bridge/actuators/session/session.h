/* Soft governor: the governor on the host judges the setpoints, and its output drives third-party drives.
 *
 * To the torque loop it is the firmware: it takes TORQUE_SETPOINT and HOST_STATE and gives JOINT_STATE and
 * GOVERNOR_STATE. To the drives it is their master. No heap, no clock, no sockets here.
 */
#ifndef EXO_SESSION_H
#define EXO_SESSION_H

#include "drive.h"
#include "governor.h"

#define SESSION_FRAMES (DRIVE_FRAMES * EXO_JOINT_COUNT)

/* Written by actuators/native.py; sizes are compared before use. */
typedef struct {
    int64_t profile_hash;
    int64_t fifo_priority; /* 0: ordinary scheduling */
    int64_t guard_us; /* main.c: the guard ends a session that is silent for longer */
    int64_t every; /* steps between two commands to the drives: 1 or 2 */
    drive_config drives[EXO_JOINT_COUNT];
} session_config;

typedef struct {
    governor governor;
    drive drives[EXO_JOINT_COUNT];
    int32_t command_cnm[EXO_JOINT_COUNT]; /* of the governor */
    uint32_t every;
    uint32_t steps;
    uint32_t foreign; /* frames that no drive took */
} session;

/* Sizes of session_config, drive and session in bytes: a caller in another language compares them with its own. */
void session_sizes(uint32_t sizes[3]);

void session_init(session *s, const session_config *config);

/* A frame from the torque loop. */
void session_on_host(session *s, uint32_t id, const uint8_t *data, uint8_t len, uint64_t now_us);

/* A frame from the drives' bus. */
void session_on_drive(session *s, const drive_frame *frame, uint64_t now_us);

/* One millisecond: the governor's step, then the frames for the drives where it is their turn. Returns their number. */
unsigned session_step(session *s, uint64_t now_us, drive_frame out[SESSION_FRAMES]);

/* From now on torque only falls. */
void session_stop(session *s);

/* No drive is sent torque. */
int session_at_rest(const session *s);

/* The last frames of a session: a zero torque and the way out of torque mode for each drive. */
unsigned session_release(session *s, drive_frame out[SESSION_FRAMES]);

#endif
