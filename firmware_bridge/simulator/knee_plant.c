/* Simulated wearer's knee in an exoskeleton; semi-implicit Euler at 8 kHz. */
#include "knee_plant.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846
#define STEP_S (0.001 / PLANT_SUBSTEPS)
#define RISE_SPAN_RAD (80.0 * PI / 180.0)
#define COULOMB_SPAN_RADPS 0.05 /* velocity within which dry friction changes sign */

plant_params plant_defaults(void)
{
    plant_params d = {
        .hinge_inertia_kg_m2 = 0.03,
        .hinge_viscous_nm_s_per_rad = 0.05,
        .hinge_coulomb_nm = 0.2,
        .drive_delay_ms = 1.0,
        .drive_bandwidth_hz = 100.0,
        .torque_resolution_nm = 0.02,
        .encoder_bits = 16.0,
        .velocity_filter_hz = 60.0,
        .tissue_stiffness_nm_per_rad = 80.0,
        .tissue_stiffness_rise = 3.0,
        .tissue_damping_nm_s_per_rad = 1.0,
        .tissue_maxwell_nm_per_rad = 30.0,
        .tissue_maxwell_s = 0.1,
        .tissue_transmission = 1.0,
        .wearer_stiffness_nm_per_rad = 150.0,
        .wearer_damping_nm_s_per_rad = 6.0,
        .wearer_inertia_kg_m2 = 0.3,
    };
    return d;
}

void plant_init(knee_plant *p, const plant_params *params)
{
    memset(p, 0, sizeof *p);
    p->params = *params;
}

double plant_knee_rad(const knee_plant *p) { return p->reference_rad + p->displaced_rad; }

static double quantized(double value, double step) { return step > 0.0 ? step * floor(value / step + 0.5) : value; }

double plant_sensed_nm(const knee_plant *p) { return quantized(p->drive_nm, p->params.torque_resolution_nm); }

static double encoder(const knee_plant *p) { return quantized(p->hinge_rad, 2.0 * PI / exp2(p->params.encoder_bits)); }

void plant_refer(knee_plant *p, double angle_rad, double velocity_radps)
{
    p->reference_rad = angle_rad;
    p->reference_radps = velocity_radps;
    if (!p->placed) {
        p->placed = 1;
        p->hinge_rad = angle_rad;
        p->hinge_radps = velocity_radps;
        p->encoder_rad = encoder(p);
        p->velocity_radps = velocity_radps;
    }
}

/* Stiffness relative to full extension. */
static double rise(const knee_plant *p)
{
    double flexion = plant_knee_rad(p) / RISE_SPAN_RAD;
    flexion = flexion < 0.0 ? 0.0 : flexion;
    return 1.0 + (p->params.tissue_stiffness_rise - 1.0) * flexion;
}

/* The command as it reaches the motor: delayed, then through the current loop. */
static void drive(knee_plant *p, double command_nm)
{
    int slots = (int)(p->params.drive_delay_ms * PLANT_SUBSTEPS + 0.5) + 1;
    p->delay_nm[p->delay_at] = command_nm;
    p->delay_at = (p->delay_at + 1) % slots;
    double lag_s = 1.0 / (2.0 * PI * p->params.drive_bandwidth_hz);
    p->drive_nm += STEP_S / (lag_s + STEP_S) * (p->delay_nm[p->delay_at] - p->drive_nm);
}

static void tissue(knee_plant *p)
{
    const plant_params *k = &p->params;
    double shift_rad = p->hinge_rad - plant_knee_rad(p);
    double shift_radps = p->hinge_radps - p->reference_radps - p->displaced_radps;
    double branch = k->tissue_maxwell_nm_per_rad * rise(p);
    p->maxwell_nm = (p->maxwell_nm + STEP_S * branch * shift_radps) / (1.0 + STEP_S / k->tissue_maxwell_s);
    p->interface_nm = k->tissue_stiffness_nm_per_rad * rise(p) * shift_rad
        + k->tissue_damping_nm_s_per_rad * shift_radps + p->maxwell_nm;
    p->knee_nm = k->tissue_transmission * p->interface_nm;
}

static void move(knee_plant *p)
{
    const plant_params *k = &p->params;
    double friction = k->hinge_viscous_nm_s_per_rad * p->hinge_radps
        + k->hinge_coulomb_nm * tanh(p->hinge_radps / COULOMB_SPAN_RADPS);
    p->hinge_radps += STEP_S * (p->drive_nm - friction - p->interface_nm) / k->hinge_inertia_kg_m2;
    p->hinge_rad += STEP_S * p->hinge_radps;

    double held = k->wearer_stiffness_nm_per_rad * p->displaced_rad + k->wearer_damping_nm_s_per_rad * p->displaced_radps;
    p->displaced_radps += STEP_S * (p->knee_nm - held) / k->wearer_inertia_kg_m2;
    p->displaced_rad += STEP_S * p->displaced_radps;
    p->reference_rad += STEP_S * p->reference_radps;
}

static void sense(knee_plant *p)
{
    double before = p->encoder_rad;
    double lag_s = 1.0 / (2.0 * PI * p->params.velocity_filter_hz);
    p->encoder_rad = encoder(p);
    p->velocity_radps += 0.001 / (lag_s + 0.001) * ((p->encoder_rad - before) / 0.001 - p->velocity_radps);
}

void plant_step(knee_plant *p, double command_nm)
{
    if (!p->placed)
        return;
    for (int i = 0; i < PLANT_SUBSTEPS; i++) {
        drive(p, command_nm);
        tissue(p);
        move(p);
    }
    sense(p);
}
