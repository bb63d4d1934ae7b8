/* SPDX-License-Identifier: MIT */
#ifndef AIO_IO_CONNECT_H
#define AIO_IO_CONNECT_H

/* From a connected socket to a transport with a protocol; and TLS's part. */

#include "asyncio/net.h"
#include "io/conn.h"
#include "io/sockaddr.h"

/* What TLS is asked to do between a socket and the program's protocol. */
struct aio__tls_params {
    asyncio_loop_t *loop;
    asyncio_protocol_t *protocol; /* of the program */
    bool server_side;
    bool made;                    /* connection_made was called before */
    const char *server_hostname;  /* NULL: none is checked */
    double handshake_timeout;     /* seconds; 0: the default */
    double shutdown_timeout;      /* seconds; 0: the default */
};

struct aio__tls_ops {
    /* Make the protocol for the socket's transport, which has taken the
     * program's one when this succeeds, and the program's transport, which it
     * owns. */
    int (*wrap)(asyncio_ssl_context_t *context,
                const struct aio__tls_params *params,
                asyncio_protocol_t **ret_protocol,
                asyncio_transport_t **ret_transport);
    /* The socket's transport is there already: in the next pass, call the
     * protocol's connection_made and let the socket be read. */
    void (*start)(asyncio_transport_t *transport, asyncio_transport_t *socket);
    /* In a task: wait for the end of the handshake. On an error or a
     * cancellation the connection is closed. */
    int (*wait)(asyncio_transport_t *transport);
    /* The last reference was dropped. */
    void (*free)(asyncio_ssl_context_t *context);
};

/* The first member of every TLS context: how this layer reaches it. */
struct asyncio_ssl_context {
    const struct aio__tls_ops *ops;
    _Atomic(uint32_t) refs; /* 0: static, lives for ever */
};

aio__inline asyncio_ssl_context_t *
aio__ssl_context_ref(asyncio_ssl_context_t *context)
{
    if (context != NULL && atomic_load(&context->refs) > 0)
        atomic_fetch_add(&context->refs, 1);
    return context;
}

aio__inline void
aio__ssl_context_unref(asyncio_ssl_context_t *context)
{
    if (context != NULL && atomic_load(&context->refs) > 0
        && atomic_fetch_sub(&context->refs, 1) == 1)
        context->ops->free(context);
}

/* Sets `*fd` to -1 as soon as the descriptor is the transport's. */
int aio__connect_transport(asyncio_loop_t *loop, enum aio__conn_kind kind,
                           int *fd, asyncio_protocol_factory_t factory,
                           const asyncio_connection_options_t *options,
                           bool server_side, const char *server_hostname,
                           asyncio_transport_t **ret_transport,
                           asyncio_protocol_t **ret_protocol);

/* 0, or ASYNCIO_ERR_VALUE for keywords that make no sense together. */
int aio__connect_check_tls(const asyncio_connection_options_t *options,
                           const char *host, const char **ret_hostname);

/* The checks that begin every call of this family. */
int aio__connect_check(asyncio_loop_t *loop,
                       asyncio_protocol_factory_t factory);

/* A stream socket? ASYNCIO_ERR_VALUE if not. */
int aio__check_stream_socket(int fd);

/* Make a socket, bind it, connect it; a descriptor. Raises the detail. */
int aio__connect_socket(asyncio_loop_t *loop, const struct aio__addr *addr,
                        const struct aio__addrs *local);

/* The halves of it, for who connects to several at once: the second one after
 * UV_EINPROGRESS and an event. */
int aio__connect_begin(const struct aio__addr *addr,
                       const struct aio__addrs *local, int *ret_fd);
int aio__connect_end(int fd, const struct aio__addr *addr);

/* RFC 8305: try all, each when the one before failed or `delay` seconds have
 * passed; a delay of 0: only when it failed. 0, and then a descriptor, or -1
 * and all errors in the group; UV_ENOMEM; ASYNCIO_ERR_CANCELLED. */
int aio__connect_race(asyncio_loop_t *loop, const struct aio__addrs *addrs,
                      const struct aio__addrs *local, double delay,
                      asyncio_exception_t *group, int *ret_fd);

#endif
