/* ODrive, CANSimple over classic CAN: id = node << 5 | command, little endian.
 *
 * Source: ODrive Robotics, CAN protocol and odrive-cansimple.dbc of firmware 0.6.10; enums of the package odrive
 * 0.6.11. Heartbeat, encoder estimates and torques are cyclic messages whose period is set on the drive.
 */
#include "codec.h"

enum {
    HEARTBEAT = 0x01,
    SET_AXIS_STATE = 0x07,
    ENCODER_ESTIMATES = 0x09,
    SET_CONTROLLER_MODE = 0x0B,
    SET_INPUT_TORQUE = 0x0E,
    GET_TEMPERATURE = 0x15,
    GET_TORQUES = 0x1C
};
enum { AXIS_IDLE = 1, AXIS_CLOSED_LOOP = 8, TORQUE_CONTROL = 1, PASSTHROUGH = 1 };

static uint8_t *message(const drive *d, uint32_t what, drive_frame *out)
{
    return new_frame(out, (uint32_t)d->config.node << 5 | what, 8)->data;
}

static unsigned command(drive *d, double shaft_nm, uint64_t now_us, drive_frame *out)
{
    (void)now_us;
    put_f32(message(d, SET_INPUT_TORQUE, out), shaft_nm);
    return 1;
}

static unsigned start(drive *d, uint64_t now_us, drive_frame *out)
{
    if (!drive_may_ask(d, now_us))
        return 0;
    uint8_t *mode = message(d, SET_CONTROLLER_MODE, out);
    put_u32(mode, TORQUE_CONTROL);
    put_u32(mode + 4, PASSTHROUGH);
    command(d, 0.0, now_us, out + 1);
    put_u32(message(d, SET_AXIS_STATE, out + 2), AXIS_CLOSED_LOOP);
    return 3;
}

static int heartbeat(drive *d, const uint8_t *data, uint64_t now_us)
{
    d->state = data[4];
    d->beaten = 1;
    d->beat_us = now_us;
    drive_heard_state(d, data[4] == AXIS_CLOSED_LOOP, get_u32(data));
    return 1;
}

static int receive(drive *d, const drive_frame *frame, uint64_t now_us)
{
    const uint8_t *data = frame->data;
    if (frame->can_id >> 5 != (uint32_t)d->config.node)
        return 0;
    uint32_t what = frame->can_id & 31u;
    int ours = what == HEARTBEAT || what == ENCODER_ESTIMATES || what == GET_TORQUES || what == GET_TEMPERATURE;
    if (!ours)
        return 0;
    if (frame->len != 8)
        return -1;
    if (what == HEARTBEAT)
        return heartbeat(d, data, now_us);
    if (what == ENCODER_ESTIMATES)
        return drive_heard_motion(d, get_f32(data) * TURN_RAD, get_f32(data + 4) * TURN_RAD, now_us) ? 1 : -1;
    if (what == GET_TORQUES)
        return drive_heard_torque(d, get_f32(data + 4), now_us) ? 1 : -1;
    d->temperature_c = get_f32(data);
    return 1;
}

static unsigned release(drive *d, drive_frame *out)
{
    command(d, 0.0, 0, out);
    put_u32(message(d, SET_AXIS_STATE, out + 1), AXIS_IDLE);
    return 2;
}

const drive_codec ODRIVE_CODEC = { start, command, receive, release };
