/* The simulated firmware's CAN bus: a unix socket that one host connects to, or a SocketCAN interface. Nothing waits. */
#ifndef EXO_BUS_H
#define EXO_BUS_H

#include <stdint.h>

#define BUS_BATCH 64 /* frames per call; a flood waits for the next one */

/* struct can_frame of linux/can.h. */
typedef struct {
    uint32_t can_id;
    uint8_t len;
    uint8_t pad[3];
    uint8_t data[8];
} bus_frame;

/* The listener is -1 on SocketCAN, the connection while no host is there. */
typedef struct {
    int listener, connection;
} can_bus;

/* Opens a socket path, or socketcan:INTERFACE. Returns -1 after one line on stderr. */
int bus_open(can_bus *bus, const char *where);

/* Takes up to BUS_BATCH waiting frames in one system call; returns their number. A host that left makes room for the
 * next. */
unsigned bus_receive(can_bus *bus, bus_frame frames[BUS_BATCH]);

/* Sends in one system call; what does not fit is dropped, as a full CAN controller does. */
void bus_send(can_bus *bus, bus_frame *frames, unsigned count);

#endif
