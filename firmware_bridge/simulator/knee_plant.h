/* Simulated wearer's knee in an exoskeleton: drive, hinge, soft tissue between cuff and bone, skeletal knee.
 *
 * Torque flows drive -> hinge -> tissue -> bone. The tissue is a standard linear solid (a spring and damper beside a
 * Maxwell branch) whose stiffness rises with knee flexion. The wearer moves the bone along a reference; what the
 * tissue presses on it displaces it against the wearer's own impedance. SI units; flexion positive.
 */
#ifndef EXO_KNEE_PLANT_H
#define EXO_KNEE_PLANT_H

#define PLANT_SUBSTEPS 8 /* per millisecond */
#define PLANT_DELAY_MAX (5 * PLANT_SUBSTEPS)

typedef struct {
    double hinge_inertia_kg_m2;
    double hinge_viscous_nm_s_per_rad;
    double hinge_coulomb_nm;
    double drive_delay_ms;
    double drive_bandwidth_hz;
    double torque_resolution_nm;
    double encoder_bits;
    double velocity_filter_hz;
    double tissue_stiffness_nm_per_rad; /* at full extension */
    double tissue_stiffness_rise;       /* factor at 80 deg of flexion */
    double tissue_damping_nm_s_per_rad;
    double tissue_maxwell_nm_per_rad; /* at full extension */
    double tissue_maxwell_s;          /* relaxation time */
    double tissue_transmission;       /* share of the interface torque that reaches the bone: cuff geometry */
    double wearer_stiffness_nm_per_rad;
    double wearer_damping_nm_s_per_rad;
    double wearer_inertia_kg_m2;
} plant_params;

typedef struct {
    plant_params params;
    int placed; /* a reference has come: hinge and bone stand on it */
    double reference_rad, reference_radps;
    double hinge_rad, hinge_radps;
    double displaced_rad, displaced_radps; /* of the bone from the reference */
    double drive_nm, maxwell_nm;
    double delay_nm[PLANT_DELAY_MAX + 1];
    int delay_at;
    double encoder_rad, velocity_radps;
    double interface_nm; /* torque between hinge and tissue */
    double knee_nm;      /* torque that reaches the bone */
} knee_plant;

/* Values of a plausible knee brace on an adult; every one can be set in the parameter file. */
plant_params plant_defaults(void);

void plant_init(knee_plant *p, const plant_params *params);

/* Where the wearer moves the knee: angle and velocity now; the plant goes on at that velocity until told again. */
void plant_refer(knee_plant *p, double angle_rad, double velocity_radps);

/* One millisecond with a torque command held. */
void plant_step(knee_plant *p, double command_nm);

/* Skeletal knee angle. */
double plant_knee_rad(const knee_plant *p);

/* What the drive's torque sensor shows. */
double plant_sensed_nm(const knee_plant *p);

#endif
