/* What the Linux processes of the firmware share: how they end, their priority, their clock. */
#ifndef EXO_DAEMON_H
#define EXO_DAEMON_H

#include <stdint.h>

/* Ends on SIGTERM, SIGINT and with the parent; at this FIFO priority, 0: ordinary scheduling. `name` is for the line on
 * stderr where there is no right to it. */
void daemon_prepare(const char *name, int fifo_priority);

/* True once the process has been asked to end, by a signal or by daemon_stop. */
int daemon_stopped(void);

void daemon_stop(void);

/* CLOCK_MONOTONIC. */
int64_t daemon_now_ns(void);

/* Sleeps until then; 0 where a signal came first. */
int daemon_sleep_until(int64_t at_ns);

#endif
