/* The guard; see guard.h. Drives without a watchdog of their own would go on with their last torque for ever. */
#define _GNU_SOURCE
#include "guard.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define BEAT 'b'
#define DISMISSED 'q'
#define LAST_TRIES 20 /* for one frame, 1 ms apart */

void send_drive_frames(int drive_fd, const session *s, const drive_frame *frames, unsigned count)
{
    unsigned size = drive_frame_size(&s->drives[0]);
    for (unsigned i = 0; i < count; i++)
        (void)!send(drive_fd, &frames[i], size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void send_last_frames(int drive_fd, session *s)
{
    drive_frame frames[SESSION_FRAMES];
    unsigned count = session_release(s, frames), size = drive_frame_size(&s->drives[0]);
    for (unsigned i = 0; i < count; i++)
        for (int tries = LAST_TRIES; tries > 0; tries--) {
            if (send(drive_fd, &frames[i], size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)size)
                break;
            usleep(1000);
        }
}

/* Waits for beats; returns when the session is gone (0), silent for too long (1) or has dismissed the guard (-1). */
static int watch(int from, int timeout_ms)
{
    struct pollfd waiting = { .fd = from, .events = POLLIN };
    char beats[64];
    for (;;) {
        int ready = poll(&waiting, 1, timeout_ms);
        if (ready == 0)
            return 1;
        ssize_t got = ready > 0 ? read(from, beats, sizeof beats) : -1;
        if (got == 0)
            return 0;
        if (got > 0 && beats[got - 1] == DISMISSED)
            return -1;
    }
}

static void take_over(const session_config *config, int drive_fd)
{
    static session last;
    session_init(&last, config);
    send_last_frames(drive_fd, &last);
}

static void guard_main(const session_config *config, int drive_fd, int from, pid_t session_pid)
{
    setsid();
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    struct sched_param priority = { .sched_priority = (int)config->fifo_priority + 1 };
    if (config->fifo_priority > 0)
        (void)sched_setscheduler(0, SCHED_FIFO, &priority); /* above a session that spins */
    int found = watch(from, (int)(config->guard_us / 1000));
    if (found < 0)
        _exit(0);
    if (found > 0 && getppid() == session_pid)
        kill(session_pid, SIGKILL); /* it must not wake up and go on */
    take_over(config, drive_fd);
    static const char line[] = "drives: the session died or hung; the guard has sent the last zero torque\n";
    (void)!write(STDERR_FILENO, line, sizeof line - 1);
    _exit(1);
}

int guard_start(const session_config *config, int drive_fd)
{
    int ends[2];
    pid_t session_pid = getpid();
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    pid_t child = fork();
    if (child == 0) {
        close(ends[1]);
        guard_main(config, drive_fd, ends[0], session_pid);
    }
    close(ends[0]);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    return child < 0 ? -1 : ends[1];
}

void guard_beat(int guard_fd) { (void)!write(guard_fd, &(char){ BEAT }, 1); }

void guard_dismiss(int guard_fd) { (void)!write(guard_fd, &(char){ DISMISSED }, 1); }
