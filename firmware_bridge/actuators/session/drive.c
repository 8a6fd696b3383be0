/* What all third-party drives share; see drive.h. */
#include "codec.h"
#include "exo_limits.h"

/* A reading that JOINT_STATE cannot carry is a broken frame, whatever the drive. */
#define RAD_PER_DEG (TURN_RAD / 360.0)
#define POSITION_MAX_RAD (EXO_POSITION_MAX_CDEG / 100.0 * RAD_PER_DEG)
#define VELOCITY_MAX_RADPS (EXO_VELOCITY_MAX_DDEGPS / 10.0 * RAD_PER_DEG)
#define TORQUE_MAX_NM (EXO_TORQUE_MAX_CNM / 100.0)

/* A pause in the commands does not let withheld torque jump: at most so much time counts. */
#define FALL_MAX_US 2000

static const drive_codec *const CODECS[DRIVE_KINDS] = { &CUBEMARS_CODEC, &ODRIVE_CODEC, &MOTEUS_CODEC, &CIA402_CODEC };

static int has_beat(const drive *d) { return d->config.kind == DRIVE_ODRIVE || d->config.kind == DRIVE_CIA402; }

static int older(uint64_t then_us, uint64_t now_us, int64_t limit_us)
{
    return now_us > then_us && now_us - then_us > (uint64_t)limit_us;
}

void drive_init(drive *d, const drive_config *config)
{
    memset(d, 0, sizeof *d);
    d->config = *config;
    d->temperature_c = (double)NAN;
}

int drive_ready(const drive *d) { return d->in_mode && d->fault == 0 && !d->lost && !d->released; }

int drive_fresh(const drive *d, uint64_t now_us)
{
    if (d->parts != 3 || older(d->heard_us, now_us, d->config.reply_max_us))
        return 0;
    return !has_beat(d) || (d->beaten && !older(d->beat_us, now_us, d->config.beat_max_us));
}

unsigned drive_frame_size(const drive *d) { return d->config.kind == DRIVE_MOTEUS ? DRIVE_FD : DRIVE_CLASSIC; }

int drive_may_ask(drive *d, uint64_t now_us)
{
    if (d->asked && !older(d->asked_us, now_us, DRIVE_RETRY_US - 1))
        return 0;
    d->asked = 1;
    d->asked_us = now_us;
    return 1;
}

static void heard(drive *d, enum drive_part part, uint64_t now_us)
{
    d->parts |= (uint8_t)(1u << part);
    d->part_us[part] = now_us;
    d->heard_us = d->part_us[0] < d->part_us[1] ? d->part_us[0] : d->part_us[1];
}

int drive_heard_motion(drive *d, double shaft_rad, double shaft_radps, uint64_t now_us)
{
    const drive_config *c = &d->config;
    double position = c->sign * shaft_rad / c->gear - c->zero_rad;
    double velocity = c->sign * shaft_radps / c->gear;
    if (!(fabs(position) <= POSITION_MAX_RAD) || !(fabs(velocity) <= VELOCITY_MAX_RADPS))
        return 0;
    d->position_rad = position;
    d->velocity_radps = velocity;
    heard(d, DRIVE_MOTION, now_us);
    return 1;
}

int drive_heard_torque(drive *d, double shaft_nm, uint64_t now_us)
{
    double torque = d->config.sign * shaft_nm * d->config.gear;
    if (!(fabs(torque) <= TORQUE_MAX_NM))
        return 0;
    d->torque_nm = torque;
    heard(d, DRIVE_TORQUE, now_us);
    return 1;
}

void drive_heard_state(drive *d, int in_mode, uint32_t fault)
{
    d->in_mode = (uint8_t)(in_mode != 0);
    d->fault = fault;
    if (drive_ready(d))
        d->was_ready = 1;
    else if (d->was_ready)
        d->lost = 1;
}

unsigned drive_start(drive *d, uint64_t now_us, drive_frame out[DRIVE_FRAMES])
{
    d->sent_nm = 0.0;
    d->reason = DRIVE_NOT_READY;
    if (d->lost || d->fault != 0 || d->stopping)
        return CODECS[d->config.kind]->command(d, 0.0, now_us, out);
    return CODECS[d->config.kind]->start(d, now_us, out);
}

/* What stands against torque now. */
static uint8_t against(const drive *d, double torque_nm, uint64_t now_us)
{
    if (d->stopping)
        return DRIVE_STOPPING;
    if (d->fault != 0)
        return DRIVE_FAULT;
    if (!drive_ready(d))
        return DRIVE_NOT_READY;
    if (!drive_fresh(d, now_us))
        return DRIVE_STALE;
    if (!isfinite(torque_nm))
        return DRIVE_NOT_FINITE;
    return fabs(torque_nm) > d->config.torque_max_nm ? DRIVE_RANGE : DRIVE_AS_ASKED;
}

/* Torque that is taken away falls as fast as the governor would let it, never at one blow. */
static double fallen(const drive *d, uint64_t now_us)
{
    uint64_t pause_us = d->commanded && now_us > d->commanded_us ? now_us - d->commanded_us : 0;
    double fall_us = (double)(pause_us < FALL_MAX_US ? pause_us : FALL_MAX_US);
    double left = fabs(d->sent_nm) - d->config.slew_down_nm_per_s * fall_us * 1e-6;
    return left > 0.0 ? copysign(left, d->sent_nm) : 0.0;
}

unsigned drive_command(drive *d, double torque_nm, uint64_t now_us, drive_frame out[DRIVE_FRAMES])
{
    d->reason = against(d, torque_nm, now_us);
    if (d->reason == DRIVE_AS_ASKED)
        d->sent_nm = torque_nm;
    else if (d->reason == DRIVE_RANGE)
        d->sent_nm = copysign(d->config.torque_max_nm, torque_nm);
    else if (d->reason == DRIVE_FAULT || d->reason == DRIVE_NOT_READY)
        d->sent_nm = 0.0;
    else
        d->sent_nm = fallen(d, now_us);
    d->commanded = 1;
    d->commanded_us = now_us;
    return CODECS[d->config.kind]->command(d, d->config.sign * d->sent_nm / d->config.gear, now_us, out);
}

int drive_receive(drive *d, const drive_frame *frame, uint64_t now_us)
{
    int found = CODECS[d->config.kind]->receive(d, frame, now_us);
    if (found > 0)
        d->replies++;
    else if (found < 0)
        d->rejected++;
    return found > 0;
}

unsigned drive_release(drive *d, drive_frame out[DRIVE_FRAMES])
{
    d->stopping = 1;
    d->sent_nm = 0.0;
    d->reason = DRIVE_STOPPING;
    unsigned count = CODECS[d->config.kind]->release(d, out);
    d->released = 1;
    return count;
}
