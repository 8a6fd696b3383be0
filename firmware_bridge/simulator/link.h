/* The simulated firmware's unix sockets, and what the wearer's side of the simulation says. */
#ifndef EXO_LINK_H
#define EXO_LINK_H

#include <stdint.h>

#define SIM_JOINTS 2

enum sim_kind { SIM_WEARER = 1, SIM_TICK = 2 };

/* Host to simulation: where the wearer moves the knees; a tick also steps one millisecond. */
typedef struct {
    int64_t kind;
    int64_t now_ns;
    double angle_rad[SIM_JOINTS];
    double velocity_radps[SIM_JOINTS];
} sim_wearer;

/* Simulation to host after each step: what really happens. */
typedef struct {
    int64_t now_ns;
    int64_t state;  /* of the governor */
    int64_t reason; /* of the governor */
    double knee_nm[SIM_JOINTS];
    double knee_rad[SIM_JOINTS];
    double hinge_rad[SIM_JOINTS];
    double drive_nm[SIM_JOINTS];
    double command_nm[SIM_JOINTS];
} sim_truth;

/* A listening SEQPACKET socket at path, non-blocking. Returns -1 after one line on stderr. */
int link_listen(const char *path);

/* Takes a waiting connection in place of none; returns the connection or -1. */
int link_accept(int listener, int connection);

/* Receives one message of exactly size bytes; 1 received, 0 nothing there, -1 the peer is gone or misbehaves. */
int link_receive(int connection, void *message, unsigned size, int flags);

/* Names this process as one with nothing real behind it; a host that connects reads it (buses/unix.py). */
void link_say_simulated(void);

/* Sends without waiting; a full socket drops the message, as a full CAN controller does. */
void link_send(int connection, const void *message, unsigned size);

#endif
