/* The simulated firmware inside another process, for lock-step without a message per step; see embedded.c. */
#ifndef EXO_EMBEDDED_H
#define EXO_EMBEDDED_H

#include "worn.h"

/* Governor at power-up and knees with these parameters (params.h), on descriptor fd as its bus; each step is added to
 * record_path. NULL where that or the parameters cannot be had, after one line on stderr. */
void *embedded_open(int fd, const char *parameter_path, const char *record_path);

/* Makes it suffer a fault. Returns -1 where as many as fit hold already. */
int embedded_order(void *handle, const fault_order *order);

/* What a tick message does: the wearer's motion, one millisecond, and what came of it. */
void embedded_step(void *handle, const sim_wearer *tick, sim_truth *truth);

/* Returns 1 where the record could not be written whole. */
int embedded_close(void *handle);

#endif
