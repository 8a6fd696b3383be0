/* Soft governor; see session.h. */
#include "session.h"

#include <string.h>

#define DEG_PER_RAD 57.29577951308232087680

void session_sizes(uint32_t sizes[3])
{
    sizes[0] = sizeof(session_config);
    sizes[1] = sizeof(drive);
    sizes[2] = sizeof(session);
}

void session_init(session *s, const session_config *config)
{
    gov_config limits = gov_default_config((uint32_t)config->profile_hash);
    memset(s, 0, sizeof *s);
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++) {
        double range_cnm = config->drives[i].torque_max_nm * 100.0;
        if (range_cnm < limits.torque_cnm[i])
            limits.torque_cnm[i] = (int32_t)range_cnm;
        drive_init(&s->drives[i], &config->drives[i]);
    }
    s->every = config->every > 1 ? (uint32_t)config->every : 1;
    gov_init(&s->governor, &limits);
}

void session_on_host(session *s, uint32_t id, const uint8_t *data, uint8_t len, uint64_t now_us)
{
    gov_on_frame(&s->governor, id, data, len, now_us);
}

void session_on_drive(session *s, const drive_frame *frame, uint64_t now_us)
{
    int taken = 0;
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++)
        taken |= drive_receive(&s->drives[i], frame, now_us);
    s->foreign += (uint32_t)!taken;
}

static int16_t wire(double value)
{
    double rounded = value < 0.0 ? value - 0.5 : value + 0.5;
    return (int16_t)(rounded > 32767.0 ? 32767.0 : rounded < -32768.0 ? -32768.0 : rounded);
}

static void measure(const session *s, uint64_t now_us, gov_measured measured[EXO_JOINT_COUNT])
{
    memset(measured, 0, EXO_JOINT_COUNT * sizeof measured[0]);
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++) {
        const drive *d = &s->drives[i];
        measured[i].position_cdeg = wire(d->position_rad * DEG_PER_RAD * 100.0);
        measured[i].velocity_ddegps = wire(d->velocity_radps * DEG_PER_RAD * 10.0);
        measured[i].torque_cnm = wire(d->torque_nm * 100.0);
        measured[i].valid = (uint8_t)(drive_ready(d) && drive_fresh(d, now_us));
    }
}

unsigned session_step(session *s, uint64_t now_us, drive_frame out[SESSION_FRAMES])
{
    gov_measured measured[EXO_JOINT_COUNT];
    unsigned count = 0;
    measure(s, now_us, measured);
    gov_step(&s->governor, now_us, measured, s->command_cnm);
    if (s->steps++ % s->every != 0)
        return 0;
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++) {
        drive *d = &s->drives[i];
        if (drive_ready(d))
            count += drive_command(d, s->command_cnm[i] / 100.0, now_us, out + count);
        else
            count += drive_start(d, now_us, out + count);
    }
    return count;
}

void session_stop(session *s)
{
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++)
        s->drives[i].stopping = 1;
}

int session_at_rest(const session *s)
{
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++)
        if (s->drives[i].sent_nm < 0.0 || s->drives[i].sent_nm > 0.0)
            return 0;
    return 1;
}

unsigned session_release(session *s, drive_frame out[SESSION_FRAMES])
{
    unsigned count = 0;
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++)
        count += drive_release(&s->drives[i], out + count);
    return count;
}
