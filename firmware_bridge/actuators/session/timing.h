/* Times of the codecs and of a session's step, for `exo-edge bench drives`. */
#ifndef EXO_TIMING_H
#define EXO_TIMING_H

#include "session.h"

/* Nanoseconds of `calls` runs each of packing a command, reading a reply and one step; bursts of DRIVE_BURST per sample
 * for the first two, divided by it. */
#define DRIVE_BURST 100
void timing_pack(drive *d, double *ns, unsigned calls);
void timing_read(drive *d, const drive_frame *reply, unsigned count, double *ns, unsigned calls);
void timing_step(session *s, const drive_frame *replies, unsigned count, double *ns, unsigned calls);

#endif
