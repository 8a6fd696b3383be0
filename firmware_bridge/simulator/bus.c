/* The simulated firmware's CAN bus; see bus.h. */
#define _GNU_SOURCE
#include "bus.h"

#include <errno.h>
#include <linux/can.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link.h"

static const char SOCKETCAN[] = "socketcan:";

static int open_interface(const char *name)
{
    struct sockaddr_can address = { .can_family = AF_CAN, .can_ifindex = (int)if_nametoindex(name) };
    int fd = socket(AF_CAN, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, CAN_RAW);
    if (fd < 0 || address.can_ifindex == 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        fprintf(stderr, "firmware: CAN interface %s: %s\n", name, strerror(errno));
        return -1;
    }
    return fd;
}

int bus_open(can_bus *bus, const char *where)
{
    int on_interface = strncmp(where, SOCKETCAN, sizeof SOCKETCAN - 1) == 0;
    bus->listener = on_interface ? -1 : link_listen(where);
    bus->connection = on_interface ? open_interface(where + sizeof SOCKETCAN - 1) : -1;
    return bus->listener >= 0 || bus->connection >= 0 ? 0 : -1;
}

/* One message header per frame. */
static void lay_out(struct mmsghdr headers[], struct iovec parts[], bus_frame frames[], unsigned count)
{
    memset(headers, 0, count * sizeof headers[0]);
    for (unsigned i = 0; i < count; i++) {
        parts[i].iov_base = &frames[i];
        parts[i].iov_len = sizeof frames[i];
        headers[i].msg_hdr.msg_iov = &parts[i];
        headers[i].msg_hdr.msg_iovlen = 1;
    }
}

/* A host on the socket that has left, or sends anything but whole frames, is let go. */
static void let_go(can_bus *bus)
{
    if (bus->listener < 0)
        return;
    close(bus->connection);
    bus->connection = -1;
}

unsigned bus_receive(can_bus *bus, bus_frame frames[BUS_BATCH])
{
    struct mmsghdr headers[BUS_BATCH];
    struct iovec parts[BUS_BATCH];
    if (bus->listener >= 0)
        bus->connection = link_accept(bus->listener, bus->connection);
    if (bus->connection < 0)
        return 0;
    lay_out(headers, parts, frames, BUS_BATCH);
    int got = recvmmsg(bus->connection, headers, BUS_BATCH, MSG_DONTWAIT, NULL);
    if (got < 0 && errno != EAGAIN && errno != EINTR)
        let_go(bus);
    for (int i = 0; i < got; i++) {
        int whole = headers[i].msg_len == sizeof frames[i] && !(headers[i].msg_hdr.msg_flags & MSG_TRUNC);
        if (!whole) {
            let_go(bus);
            return (unsigned)i;
        }
    }
    return got > 0 ? (unsigned)got : 0;
}

void bus_send(can_bus *bus, bus_frame *frames, unsigned count)
{
    struct mmsghdr headers[BUS_BATCH];
    struct iovec parts[BUS_BATCH];
    if (bus->connection < 0 || count > BUS_BATCH)
        return;
    lay_out(headers, parts, frames, count);
    (void)!sendmmsg(bus->connection, headers, count, MSG_DONTWAIT | MSG_NOSIGNAL);
}
