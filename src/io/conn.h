/* SPDX-License-Identifier: MIT */
#ifndef AIO_IO_CONN_H
#define AIO_IO_CONN_H

/*
 * Connections: transports over a descriptor that libuv polls.
 *
 * What can be read is given to the protocol right in libuv's callback. A task
 * that waits for it in a stream reader is only woken, and does the reading when
 * it runs: between the system's read and its answer nothing else happens, so
 * everything the two touch is still in the cache. The program sees no
 * difference, because whoever looks at the reader or the transport, or changes
 * them, before that task runs, settles it: reads what was announced.
 */

#include <netinet/in.h>

#include "io/io.h"
#include "io/transport.h"
#include "io/wqueue.h"
#include "loop/fiber.h"

enum aio__conn_kind {
    AIO__CONN_SOCKET,
    AIO__CONN_READ_PIPE,
    AIO__CONN_WRITE_PIPE
};

struct aio__conn;

/* Somebody who accepts and counts connections: a server. */
struct aio__conn_owner {
    /* Gives a connection its protocol, a pass after it was accepted; or an
     * error, then it ends without a word. */
    int (*begin)(struct aio__conn_owner *owner, struct aio__conn *conn);
    void (*ended)(struct aio__conn_owner *owner); /* one of them did */
};

/* What every event and every write touch is at the front. */
struct aio__conn {
    asyncio_transport_t base;
    int fd;                     /* -1 once closed */
    uint8_t kind;               /* enum aio__conn_kind */
    uint8_t polled;             /* UV_READABLE | UV_WRITABLE, as libuv knows */
    bool made;                  /* connection_made was called */
    bool started;               /* reading is on from here, unless paused */
    bool paused;                /* by pause_reading */
    bool ended;                 /* the peer's end of file came */
    bool eof;                   /* by write_eof */
    bool sending_file;          /* nothing else may be written */
    bool losing;                /* connection_lost is or was scheduled */
    uint32_t lost_writes;       /* as CPython counts them, for the warning */
    struct aio__wqueue queue;
    uv_poll_t poll;             /* the transport's own reference is for it */
    asyncio_exception_t *exception; /* for connection_lost; owned */
    struct aio__waiter *waiter; /* waits for connection_made; or NULL */
    struct aio__waiter *empty;  /* waits until all is sent; or NULL */
    struct aio__event made_event;
    struct aio__event lost_event;
    struct aio__closer closer;
    struct aio__conn_owner *owner; /* NULL: nobody counts it */
    struct aio__list owned;     /* of that owner */
    struct sockaddr_storage *sockname; /* once asked for */
    struct sockaddr_storage *peername; /* once asked for */
};

/* Make a transport, and schedule connection_made. Takes `fd` and `protocol`
 * only when it succeeds. Without a protocol, set an owner: it is asked for one
 * in the next pass, and connection_made comes in the one after it. */
int aio__conn_new(asyncio_loop_t *loop, enum aio__conn_kind kind, int fd,
                  asyncio_protocol_t *protocol, struct aio__conn **ret_conn);

/* In the task that made it: wait until connection_made was called. On
 * cancellation the transport is closed. */
int aio__conn_wait_made(struct aio__conn *conn);

/* A transport that is one, or NULL. */
struct aio__conn *aio__conn_of(asyncio_transport_t *transport);

/* In a task: wait until everything is sent, or with nothing to send until more
 * can be; an error when the connection is lost. One task at a time. */
int aio__conn_wait_writable(struct aio__conn *conn);

/* The connection of which this reader's tasks read by themselves; or NULL. */
aio__inline struct aio__conn *
aio__conn_pulled(asyncio_transport_t *transport,
                 const asyncio_stream_reader_t *reader)
{
    return transport != NULL && transport->puller == reader
        ? aio__container_of(transport, struct aio__conn, base)
        : NULL;
}

/* What was announced: read it into a buffer of one's own, as the task that
 * pulls does, and get how much or -1; or give it to the protocol, as settling
 * does. */
ssize_t aio__conn_pull(struct aio__conn *conn, void *buffer, size_t size);
void aio__conn_settle(asyncio_transport_t *transport);

/* Ends the connection: it is the system's, or the protocol's, fault. */
void aio__conn_failed(struct aio__conn *conn, int code, const char *message);
void aio__conn_broke(struct aio__conn *conn, int code, const char *message);

/* Of conn_info.c, conn_read.c and conn_write.c. */
void aio__conn_poll(struct aio__conn *conn);
void aio__conn_force_close(struct aio__conn *conn,
                           asyncio_exception_t *exception);
void aio__conn_lose(struct aio__conn *conn);
void aio__conn_lose_now(struct aio__conn *conn);
int aio__conn_write(asyncio_transport_t *transport, const void *data,
                    size_t size);
int aio__conn_writelines(asyncio_transport_t *transport,
                         const asyncio_bytes_t *buffers, size_t count);
int aio__conn_write_owned(asyncio_transport_t *transport, void *data,
                          size_t size, asyncio_drop_t drop);
int aio__conn_write_eof(asyncio_transport_t *transport);
size_t aio__conn_buffered(const asyncio_transport_t *transport);
void aio__conn_flush(struct aio__conn *conn);
/* In debug mode, a line for those who follow its life. */
void aio__conn_say(const struct aio__conn *conn, const char *what);
const void *aio__conn_extra(asyncio_transport_t *transport, const char *name);

#endif
