/* Parameter file of the simulated firmware: lines of key=value, # starts a comment. */
#ifndef EXO_PARAMS_H
#define EXO_PARAMS_H

#include <stdint.h>

#include "knee_plant.h"

typedef struct {
    plant_params plant;
    uint32_t profile_hash;
    int fifo_priority; /* 0: ordinary scheduling */
} sim_params;

/* Reads the file into params, defaults where a key is absent. Returns 0, or -1 after one line on stderr. */
int params_read(const char *path, sim_params *params);

#endif
