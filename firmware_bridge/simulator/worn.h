/* Two simulated knees under one governor: what the simulated firmware steps, as a process or inside another. */
#ifndef EXO_WORN_H
#define EXO_WORN_H

#include <stdint.h>

#include "knee_plant.h"
#include "link.h"
#include "node.h"

typedef struct {
    node node;
    knee_plant plants[SIM_JOINTS];
} worn;

/* Where the wearer moves the knees from now on. */
void worn_refer(worn *w, const sim_wearer *wearer);

/* One governor step, then the knees for so many milliseconds; what came of it. */
sim_truth worn_step(worn *w, int64_t now_ns, int milliseconds);

#endif
