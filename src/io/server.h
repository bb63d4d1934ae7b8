/* SPDX-License-Identifier: MIT */
#ifndef AIO_IO_SERVER_H
#define AIO_IO_SERVER_H

/* The insides of servers. */

#include "asyncio/net.h"
#include "io/conn.h"

/* One listening socket; its memory goes in the close callback. */
struct aio__listener {
    uv_poll_t poll;
    asyncio_loop_t *loop;
    asyncio_server_t *server; /* NULL once closed */
    struct aio__timer retry;  /* after running out of descriptors */
    bool timer_reserved;
    int fd;
};

struct asyncio_server {
    struct aio__conn_owner owner;
    asyncio_loop_t *loop;         /* its memory is held */
    uint32_t refs;
    bool open;                    /* not closed yet */
    bool serving;
    bool lent;                    /* the sockets stay the caller's */
    struct aio__closer closer;
    struct aio__listener **listeners;
    int *sockets;                 /* their descriptors */
    size_t count;                 /* of listeners */
    struct aio__list clients;     /* aio__conn.owned */
    struct aio__list waiters;     /* in wait_closed */
    struct aio__waiter *forever;  /* in serve_forever; or NULL */
    asyncio_protocol_factory_t factory;
    void *arg;
    asyncio_drop_t drop;          /* of arg; or NULL */
    asyncio_ssl_context_t *ssl;   /* NULL: none */
    double ssl_handshake_timeout;
    double ssl_shutdown_timeout;
    int backlog;
    char *path;                   /* Unix: to remove; NULL: nothing */
    uint64_t inode;               /* that it had */
    asyncio_context_t *context;   /* a copy, for the connections */
};

/* Takes the sockets, and options' `arg`, when it succeeds. A reference. */
int aio__server_new(asyncio_loop_t *loop, const int *sockets, size_t count,
                    asyncio_protocol_factory_t factory,
                    const asyncio_server_options_t *options,
                    asyncio_server_t **ret_server);

/* Begin to accept, without suspending. */
int aio__server_start(asyncio_server_t *server);

/* When it did not come to a server: its `arg` is dropped. Returns `r`. */
int aio__server_refused(const asyncio_server_options_t *options, int r);

/* The end of create_server: start unless told otherwise, one pass later. */
int aio__server_finish(asyncio_server_t *server,
                       const asyncio_server_options_t *options,
                       asyncio_server_t **ret_server);

/* For accept.c, and of it. */
int aio__server_begin(struct aio__conn_owner *owner, struct aio__conn *conn);
int aio__listener_new(asyncio_server_t *server, int fd,
                      struct aio__listener **ret_listener);
int aio__listener_start(struct aio__listener *listener);
void aio__listener_close(struct aio__listener *listener);
/* The same, but the descriptor stays the caller's. */
void aio__listener_forget(struct aio__listener *listener);

#endif
