/* Orders of the simulated faults, and the firmware's clock; see faults.h. */
#define _GNU_SOURCE
#include "faults.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum answer { TAKEN, NO_ROOM, NOT_UNDERSTOOD };

int faults_open(faults *f, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    memset(f, 0, sizeof *f);
    if (strlen(path) >= sizeof address.sun_path) {
        fprintf(stderr, "firmware: socket path %s is longer than %zu characters\n", path, sizeof address.sun_path - 1);
        return -1;
    }
    strcpy(address.sun_path, path);
    unlink(path);
    f->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (f->socket < 0 || bind(f->socket, (struct sockaddr *)&address, sizeof address) < 0) {
        fprintf(stderr, "firmware: socket %s: %s\n", path, strerror(errno));
        return -1;
    }
    return 0;
}

static int understood(const fault_order *order)
{
    int finite = 1;
    for (unsigned i = 0; i < FAULT_VALUES; i++)
        finite = finite && isfinite(order->value[i]) && fabs(order->value[i]) < 1e6;
    return finite && order->kind > FAULT_FREE && order->kind < FAULT_KINDS && order->start_ns >= 0
        && order->duration_ns >= 0;
}

static enum answer take(faults *f, fault_order *order, int64_t now_ns)
{
    if (!understood(order))
        return NOT_UNDERSTOOD;
    if (order->start_ns == 0)
        order->start_ns = now_ns;
    for (unsigned i = 0; i < FAULT_ORDERS; i++) {
        if (f->orders[i].kind == FAULT_FREE) {
            f->orders[i] = *order;
            return TAKEN;
        }
    }
    return NO_ROOM;
}

static int is_over(const fault_order *order, int64_t now_ns)
{
    return order->duration_ns > 0 && now_ns >= order->start_ns + order->duration_ns;
}

void faults_hear(faults *f, int64_t now_ns)
{
    for (unsigned i = 0; i < FAULT_ORDERS; i++)
        if (f->orders[i].kind != FAULT_FREE && is_over(&f->orders[i], now_ns))
            f->orders[i].kind = FAULT_FREE;
    for (unsigned i = 0; i < FAULT_ORDERS; i++) {
        fault_order order;
        struct sockaddr_un from;
        socklen_t size = sizeof from;
        ssize_t got = recvfrom(f->socket, &order, sizeof order, MSG_TRUNC, (struct sockaddr *)&from, &size);
        if (got < 0)
            return;
        uint8_t answer = (uint8_t)(got == (ssize_t)sizeof order ? take(f, &order, now_ns) : NOT_UNDERSTOOD);
        if (size > sizeof from.sun_family)
            (void)!sendto(f->socket, &answer, 1, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&from, size);
    }
}

fault_order *fault_active(faults *f, enum fault_kind kind, int64_t now_ns)
{
    for (unsigned i = 0; i < FAULT_ORDERS; i++) {
        fault_order *order = &f->orders[i];
        if (order->kind == (int64_t)kind && now_ns >= order->start_ns && !is_over(order, now_ns))
            return order;
    }
    return NULL;
}

/* splitmix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014. */
double fault_random(fault_order *order)
{
    order->seed += 0x9E3779B97F4A7C15u;
    uint64_t z = order->seed;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

int64_t faults_clock_ns(faults *f, int64_t now_ns)
{
    int64_t at_ns = now_ns;
    for (unsigned i = 0; i < FAULT_ORDERS; i++) {
        const fault_order *order = &f->orders[i];
        if (order->kind == FAULT_CLOCK && now_ns >= order->start_ns)
            at_ns += (int64_t)(order->value[0] * 1e6);
    }
    f->clock_ns = at_ns > f->clock_ns ? at_ns : f->clock_ns;
    return f->clock_ns;
}
