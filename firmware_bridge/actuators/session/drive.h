/* Third-party drives behind one shape: torque in, frames out; frames in, state of the joint out. No heap, no clock.
 *
 * What all drives share is decided here (drive.c): a torque that is not a number, a drive that is not ready, silent or
 * faulty gets no torque; a torque beyond the drive's range is cut to it. The codecs only pack and read.
 */
#ifndef EXO_DRIVE_H
#define EXO_DRIVE_H

#include <stdint.h>

#define DRIVE_FRAMES 6 /* most frames that one call gives */
#define DRIVE_CLASSIC 16 /* bytes of struct can_frame */
#define DRIVE_FD 72 /* bytes of struct canfd_frame */
#define DRIVE_EXTENDED 0x80000000u /* CAN_EFF_FLAG of linux/can.h */
#define DRIVE_RETRY_US 100000 /* between two requests to enter torque mode */

/* struct canfd_frame of linux/can.h; its first 16 bytes are a struct can_frame. */
typedef struct {
    uint32_t can_id;
    uint8_t len;
    uint8_t flags;
    uint8_t reserved[2];
    uint8_t data[64];
} drive_frame;

enum drive_kind { DRIVE_CUBEMARS, DRIVE_ODRIVE, DRIVE_MOTEUS, DRIVE_CIA402, DRIVE_KINDS };

/* Why the torque sent is not the torque asked for. */
enum drive_reason {
    DRIVE_AS_ASKED,
    DRIVE_RANGE,
    DRIVE_NOT_FINITE,
    DRIVE_NOT_READY,
    DRIVE_STALE,
    DRIVE_FAULT,
    DRIVE_STOPPING
};

/* One drive on one joint. Joint = sign * drive / gear - zero; torque the other way round. */
typedef struct {
    int64_t kind;
    int64_t node;
    int64_t host_node; /* our own id: moteus source, CiA 402 heartbeat producer */
    int64_t closes_cycle; /* CiA 402: the last drive on the bus, whose frames end with SYNC */
    int64_t reply_max_us; /* an older reply withholds torque */
    int64_t beat_max_us; /* so does an older heartbeat: ODrive, CiA 402 */
    int64_t watchdog_us; /* moteus: validity of each command; CiA 402: our heartbeat goes four times as often */
    double sign; /* +1 or -1 */
    double gear; /* turns of the drive's shaft per turn of the joint */
    double zero_rad; /* reading of the joint, after sign and gear, at its zero */
    double torque_max_nm; /* at the joint */
    double slew_down_nm_per_s; /* withheld torque falls no faster */
    double range_position; /* CubeMars: rad. CiA 402: counts per turn */
    double range_velocity; /* CubeMars: rad/s */
    double range_torque; /* CubeMars: Nm. CiA 402: rated torque, Nm */
} drive_config;

typedef struct {
    drive_config config;
    double position_rad; /* of the joint */
    double velocity_radps;
    double torque_nm;
    double temperature_c;
    double sent_nm; /* torque in the newest command */
    uint64_t heard_us; /* newest moment at which every part of the reply was as new */
    uint64_t part_us[2]; /* motion, torque */
    uint64_t beat_us;
    uint64_t asked_us;
    uint64_t commanded_us;
    uint64_t own_beat_us;
    uint32_t fault; /* the drive's own code; 0: none */
    uint32_t state; /* the drive's own state */
    uint32_t replies;
    uint32_t rejected; /* frames with our id that make no sense */
    uint8_t parts; /* bit per part heard */
    uint8_t beaten; /* a heartbeat was heard */
    uint8_t asked;
    uint8_t commanded;
    uint8_t in_mode; /* the drive says that it follows torque */
    uint8_t was_ready;
    uint8_t lost; /* it left torque mode by itself; only a new session brings it back */
    uint8_t stopping;
    uint8_t released; /* the last frames are out */
    uint8_t reason;
} drive;

void drive_init(drive *d, const drive_config *config);

/* Frames that bring the drive into torque mode, without torque. Call every step until drive_ready. */
unsigned drive_start(drive *d, uint64_t now_us, drive_frame out[DRIVE_FRAMES]);

/* Frames for this torque at the joint; d->sent_nm and d->reason say what became of it. */
unsigned drive_command(drive *d, double torque_nm, uint64_t now_us, drive_frame out[DRIVE_FRAMES]);

/* Takes a frame; 1 where it was this drive's and made sense. */
int drive_receive(drive *d, const drive_frame *frame, uint64_t now_us);

/* Frames that end it: a last zero torque, then out of torque mode. */
unsigned drive_release(drive *d, drive_frame out[DRIVE_FRAMES]);

/* In torque mode, no fault, neither lost nor released. */
int drive_ready(const drive *d);

/* Every part of its reply, and its heartbeat where it has one, is young enough. */
int drive_fresh(const drive *d, uint64_t now_us);

/* Bytes of a frame on the socket. */
unsigned drive_frame_size(const drive *d);

#endif
