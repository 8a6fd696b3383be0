/* The simulated firmware's sockets: AF_UNIX SEQPACKET keeps messages whole and in order. */
#define _GNU_SOURCE
#include "link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int link_listen(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path) {
        fprintf(stderr, "firmware: socket path %s is longer than %zu characters\n", path, sizeof address.sun_path - 1);
        return -1;
    }
    strcpy(address.sun_path, path);
    unlink(path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1) < 0) {
        fprintf(stderr, "firmware: socket %s: %s\n", path, strerror(errno));
        return -1;
    }
    return fd;
}

void link_say_simulated(void) { prctl(PR_SET_NAME, "exo-simulated"); }

int link_accept(int listener, int connection)
{
    return connection >= 0 ? connection : accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

int link_receive(int connection, void *message, unsigned size, int flags)
{
    ssize_t got = recv(connection, message, size, flags | MSG_TRUNC);
    if (got == (ssize_t)size)
        return 1;
    return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

void link_send(int connection, const void *message, unsigned size)
{
    if (connection >= 0)
        (void)!send(connection, message, size, MSG_DONTWAIT | MSG_NOSIGNAL);
}
