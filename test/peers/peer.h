/* SPDX-License-Identifier: MIT */
/*
 * One end of an echo conversation, as a program. A client sends a file, ends
 * its side and keeps what comes back; a server sends everything back as it
 * comes and, when the client has ended its side, "END n\n" with the number of
 * bytes that came. So what the client keeps proves both directions and both
 * half closes. peer.py is the same in Python's asyncio.
 */
#ifndef TEST_PEERS_PEER_H
#define TEST_PEERS_PEER_H

#include <asyncio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Ends the program with a sentence unless `r` is a result. */
int must_at(int r, const char *what, const char *file, int line);
#define must(call) must_at((call), #call, __FILE__, __LINE__)

/* Where to: "unix:PATH" or "tcp:PORT". */
struct place {
    const char *path; /* NULL: TCP */
    int port;
};

/* One conversation of a client. */
struct talk {
    struct place place;
    const char *data; /* what to send */
    size_t size;
    FILE *got; /* where to keep what comes back */
};

/* The servers: on a free TCP port and on a Unix socket. */
void serve_streams(const char *path, asyncio_server_t *ret_servers[2]);
void serve_protocols(const char *path, asyncio_server_t *ret_servers[2]);

/* The clients: one whole conversation. */
void talk_streams(const struct talk *talk);
void talk_protocols(const struct talk *talk);

/* Datagrams: an echo server, and a client that waits for each echo. A path is
 * of a Unix socket; then the client binds to PATH.client. */
int serve_datagrams(const char *path); /* the UDP port */
void end_datagrams(void);
void talk_datagrams(struct place place);

#endif
