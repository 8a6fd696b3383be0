/* Parameter file of the simulated firmware. */
#include "params.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLANT(key, low) { #key, offsetof(plant_params, key), low }

/* Every number of the plant and the lowest value that makes sense. */
static const struct {
    const char *key;
    size_t offset;
    double low;
} KEYS[] = {
    PLANT(hinge_inertia_kg_m2, 0.005),
    PLANT(hinge_viscous_nm_s_per_rad, 0.0),
    PLANT(hinge_coulomb_nm, 0.0),
    PLANT(drive_delay_ms, 0.0),
    PLANT(drive_bandwidth_hz, 1.0),
    PLANT(torque_resolution_nm, 0.0),
    PLANT(encoder_bits, 8.0),
    PLANT(velocity_filter_hz, 1.0),
    PLANT(tissue_stiffness_nm_per_rad, 0.0),
    PLANT(tissue_stiffness_rise, 1.0),
    PLANT(tissue_damping_nm_s_per_rad, 0.0),
    PLANT(tissue_maxwell_nm_per_rad, 0.0),
    PLANT(tissue_maxwell_s, 0.001),
    PLANT(tissue_transmission, 0.0),
    PLANT(wearer_stiffness_nm_per_rad, 1.0),
    PLANT(wearer_damping_nm_s_per_rad, 0.0),
    PLANT(wearer_inertia_kg_m2, 0.01),
};

static int set_plant(plant_params *plant, const char *key, const char *text)
{
    char *end = NULL;
    double value = strtod(text, &end);
    for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0]; i++) {
        if (strcmp(key, KEYS[i].key) != 0)
            continue;
        int delay = strcmp(key, "drive_delay_ms") == 0;
        if (end == text || *end != '\0' || !isfinite(value) || value < KEYS[i].low || (delay && value > 5.0))
            return -1;
        memcpy((char *)plant + KEYS[i].offset, &value, sizeof value);
        return 0;
    }
    return -1;
}

static int set(sim_params *params, const char *key, const char *text)
{
    char *end = NULL;
    unsigned long whole = strtoul(text, &end, 0);
    int is_whole = end != text && *end == '\0';
    if (strcmp(key, "profile_hash") == 0) {
        params->profile_hash = (uint32_t)whole;
        return is_whole && whole <= UINT32_MAX ? 0 : -1;
    }
    if (strcmp(key, "fifo_priority") == 0) {
        params->fifo_priority = (int)whole;
        return is_whole && whole <= 99 ? 0 : -1;
    }
    return set_plant(&params->plant, key, text);
}

static int read_line(sim_params *params, char *line)
{
    line[strcspn(line, "#\r\n")] = '\0';
    char key[64], value[64], rest[2];
    int found = sscanf(line, " %63[^= ] = %63s %1s", key, value, rest);
    if (found == EOF)
        return 0;
    return found == 2 ? set(params, key, value) : -1;
}

int params_read(const char *path, sim_params *params)
{
    memset(params, 0, sizeof *params);
    params->plant = plant_defaults();
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fprintf(stderr, "firmware: parameter file %s: %s\n", path, strerror(errno));
        return -1;
    }
    char line[256];
    int number = 0, bad = 0;
    while (!bad && fgets(line, sizeof line, file) != NULL) {
        number++;
        bad = read_line(params, line) != 0;
    }
    fclose(file);
    if (bad)
        fprintf(stderr, "firmware: parameter file %s: line %d has an unknown key or a bad value\n", path, number);
    return bad ? -1 : 0;
}
