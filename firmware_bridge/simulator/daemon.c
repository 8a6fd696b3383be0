/* How the Linux processes of the firmware live; see daemon.h. */
#define _GNU_SOURCE
#include "daemon.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <time.h>

#define NS_PER_S 1000000000LL

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

void daemon_prepare(const char *name, int fifo_priority)
{
    struct sigaction action = { .sa_handler = on_signal };
    struct sched_param priority = { .sched_priority = fifo_priority };
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (fifo_priority > 0 && sched_setscheduler(0, SCHED_FIFO, &priority) < 0)
        fprintf(stderr, "%s: no right to real-time priority %d; goes on without\n", name, fifo_priority);
}

int daemon_stopped(void) { return stopped != 0; }

void daemon_stop(void) { stopped = 1; }

int64_t daemon_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

int daemon_sleep_until(int64_t at_ns)
{
    struct timespec until = { .tv_sec = at_ns / NS_PER_S, .tv_nsec = at_ns % NS_PER_S };
    return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == 0;
}
