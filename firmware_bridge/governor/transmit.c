/* Frames the governor sends. */
#include "internal.h"

static const uint16_t JOINT_STATE_ID[EXO_JOINT_COUNT] = EXO_JOINT_STATE_IDS_INIT;

static void put16(uint8_t *at, int32_t value)
{
    at[0] = (uint8_t)((uint32_t)value & 0xFFu);
    at[1] = (uint8_t)(((uint32_t)value >> 8) & 0xFFu);
}

static void joint_frame(gov_joint *j, uint16_t id, gov_frame *frame)
{
    frame->id = id;
    put16(frame->data + 2, j->measured.position_cdeg);
    put16(frame->data + 4, j->measured.velocity_ddegps);
    put16(frame->data + 6, j->measured.torque_cnm);
    e2e_protect(frame->data, id, j->tx_counter);
    j->tx_counter = e2e_next(j->tx_counter);
}

static uint32_t counters(const governor *g)
{
    uint8_t crc = g->host.rx.crc_errors, gaps = g->host.rx.gaps, repeats = g->host.rx.repeats;
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++) {
        crc = (uint8_t)(crc + g->joints[i].rx.crc_errors);
        gaps = (uint8_t)(gaps + g->joints[i].rx.gaps);
        repeats = (uint8_t)(repeats + g->joints[i].rx.repeats);
    }
    return (uint32_t)crc | (uint32_t)gaps << 8 | (uint32_t)repeats << 16 | (uint32_t)g->rejected << 24;
}

static uint32_t payload(const governor *g, uint64_t now_us)
{
    switch (g->tx_mux) {
    case EXO_MUX_PROTOCOL_HASH:
        return EXO_PROTOCOL_HASH;
    case EXO_MUX_LIMITS_HASH:
        return EXO_LIMITS_HASH;
    case EXO_MUX_PROFILE_HASH:
        return g->config.profile_hash;
    case EXO_MUX_COUNTERS:
        return counters(g);
    default:
        return (uint32_t)(now_us / 100u);
    }
}

static void state_frame(governor *g, uint64_t now_us, gov_frame *frame)
{
    uint32_t value = payload(g, now_us);
    frame->id = EXO_ID_GOVERNOR_STATE;
    frame->data[2] = (uint8_t)(g->state | g->tx_mux << 4);
    frame->data[3] = g->reason;
    put16(frame->data + 4, (int32_t)(value & 0xFFFFu));
    put16(frame->data + 6, (int32_t)(value >> 16));
    e2e_protect(frame->data, EXO_ID_GOVERNOR_STATE, g->tx_counter);
    g->tx_counter = e2e_next(g->tx_counter);
    g->tx_mux = (uint8_t)(g->tx_mux >= EXO_MUX_COUNTERS ? EXO_MUX_CLOCK : g->tx_mux + 1);
    g->tx_state_us = now_us;
    g->tx_now = 0;
}

unsigned gov_transmit(governor *g, uint64_t now_us, gov_frame frames[GOV_TX_MAX])
{
    unsigned count = 0;
    for (; count < EXO_JOINT_COUNT; count++)
        joint_frame(&g->joints[count], JOINT_STATE_ID[count], &frames[count]);
    if (g->tx_now || now_us - g->tx_state_us >= EXO_STATE_PERIOD_US)
        state_frame(g, now_us, &frames[count++]);
    return count;
}
