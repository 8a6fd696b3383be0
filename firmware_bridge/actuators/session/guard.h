/* The guard: a second process that takes torque away when the session dies or hangs. */
#ifndef EXO_GUARD_H
#define EXO_GUARD_H

#include "session.h"

/* Starts the guard for these drives on drive_fd. Returns the end of the pipe to beat on, or -1. */
int guard_start(const session_config *config, int drive_fd);

/* Tells the guard that the session lives; call every few milliseconds. Never waits. */
void guard_beat(int guard_fd);

/* Sends the guard home after an orderly end. */
void guard_dismiss(int guard_fd);

/* Sends frames on the drives' bus as whole CAN frames; one that the queue does not take is dropped. */
void send_drive_frames(int drive_fd, const session *s, const drive_frame *frames, unsigned count);

/* Sends the last frames of a session: each is tried again for some milliseconds where the queue is full. */
void send_last_frames(int drive_fd, session *s);

#endif
