/* Governor and knees, step by step; see worn.h. */
#include "worn.h"

void worn_refer(worn *w, const sim_wearer *wearer)
{
    for (int i = 0; i < SIM_JOINTS; i++)
        plant_refer(&w->plants[i], wearer->angle_rad[i], wearer->velocity_radps[i]);
}

sim_truth worn_step(worn *w, int64_t now_ns, int milliseconds)
{
    gov_measured measured[SIM_JOINTS];
    int32_t command_cnm[SIM_JOINTS];
    for (int i = 0; i < SIM_JOINTS; i++) {
        const knee_plant *p = &w->plants[i];
        measured[i] = node_measured(p->encoder_rad, p->velocity_radps, plant_sensed_nm(p), p->placed);
    }
    node_step(&w->node, now_ns, measured, command_cnm);
    sim_truth truth = { .now_ns = now_ns, .state = w->node.governor.state, .reason = w->node.governor.reason };
    for (int i = 0; i < SIM_JOINTS; i++) {
        knee_plant *p = &w->plants[i];
        for (int ms = 0; ms < milliseconds; ms++)
            plant_step(p, command_cnm[i] / 100.0);
        truth.knee_nm[i] = p->knee_nm;
        truth.knee_rad[i] = plant_knee_rad(p);
        truth.hinge_rad[i] = p->hinge_rad;
        truth.drive_nm[i] = p->drive_nm;
        truth.command_nm[i] = command_cnm[i] / 100.0;
    }
    return truth;
}
