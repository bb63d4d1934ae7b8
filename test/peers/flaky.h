/* SPDX-License-Identifier: MIT */
/*
 * Sessions through a flaky proxy. A client sends a stream of known bytes, ends
 * its side, and gets the same back from a server that echoes as it reads; a
 * proxy between them does what the session's plan says. Both ends note how
 * many bytes came, whether each was the right one, and how it ended.
 */
#ifndef TEST_PEERS_FLAKY_H
#define TEST_PEERS_FLAKY_H

#include <asyncio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UP, DOWN };              /* client to server, server to client */
enum { HEADER = 8 };            /* bytes that say how many follow */
#define PATIENCE 30.0           /* seconds of a client when the proxy stalls */

enum fault {
    FAULT_NONE,
    FAULT_CUT,   /* an end of file; what else comes is thrown away */
    FAULT_RESET, /* of both connections */
    FAULT_STALL, /* nothing more goes this way */
    FAULTS
};

enum kind {
    KIND_STREAMS,
    KIND_PROTOCOL,
    KIND_BUFFERED,
    KINDS
};

struct plan {
    uint64_t seed;
    size_t total;       /* bytes each way, with the header */
    enum fault fault;
    int direction;      /* of the fault */
    size_t at;          /* that many bytes still pass */
    size_t single;      /* so many bytes pass one by one */
    bool delays;        /* between the pieces */
    bool narrow;        /* sockets with small buffers */
    bool local;         /* Unix sockets */
    enum kind client, server;
};

struct outcome {
    size_t got;  /* bytes that came */
    bool wrong;  /* one was not the right one */
    int code;    /* 0: all came, and then the end of file */
    int sending; /* of a client on streams: how its sending ended */
};

struct session {
    struct plan plan;
    struct outcome client, server;
    asyncio_event_t over;     /* the client has gone */
    asyncio_event_t served;   /* the server is through with it */
    char path[2][64];         /* of the server and of the proxy */
    asyncio_server_t *listener[2]; /* the server's and the proxy's */
    int proxy_code;           /* an error of the proxy that nobody planned */
};

/* A number from 0 to below `n`; the state goes on. */
uint64_t flaky_random(uint64_t *state, uint64_t n);

/* Byte `i` of the session's stream. */
unsigned char flaky_byte(const struct plan *plan, size_t i);
void flaky_fill(const struct plan *plan, size_t from, void *data, size_t size);
/* These bytes came next. */
void flaky_check(const struct plan *plan, struct outcome *outcome,
                 const void *data, size_t size);

/* Give a connection small buffers where that is planned. */
void flaky_narrow(const struct plan *plan, asyncio_transport_t *transport);

/* Connect to a listener of the session. */
int flaky_open(const struct session *session, int listener,
               asyncio_stream_reader_t **ret_reader,
               asyncio_stream_writer_t **ret_writer);

/* Servers: put themselves into session->listener[0]. */
void flaky_serve_streams(struct session *session);
void flaky_serve_protocol(struct session *session);
/* The proxy: puts itself into session->listener[1]. */
void flaky_serve_proxy(struct session *session);

/* How long a client waits. */
asyncio_timeout_t *flaky_patience(const struct session *session,
                                  asyncio_timeout_t *timeout);

/* Clients: from connecting to the end of the connection. */
void flaky_talk_streams(struct session *session);
void flaky_talk_protocol(struct session *session);

#endif
