/* SPDX-License-Identifier: MIT */
/*
 * Connecting one socket, and making a transport of it.
 *
 * A socket belongs to the task that connects it until it has become a
 * transport; a cancellation closes it, also when it was connected just before.
 *
 * Python counterpart: BaseEventLoop._connect_sock, sock_connect and
 * _create_connection_transport.
 */
#include "io/connect.h"

#include <errno.h>
#include <stdio.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/poll.h"

int
aio__connect_check(asyncio_loop_t *loop, asyncio_protocol_factory_t factory)
{
    asyncio_loop_t *running;
    int r;

    r = aio__fiber_running(&running);
    if (r < 0)
        return r;
    if (factory == NULL)
        return UV_EINVAL;
    if (loop != running)
        return asyncio_raise_at(ASYNCIO_ERR_WRONG_LOOP, NULL, 0,
                                "this loop does not run here");
    return 0;
}

int
aio__check_stream_socket(int fd)
{
    int type = 0;
    socklen_t size = sizeof type;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
        return errno == EBADF
            ? UV_EBADF
            : asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                               "A Stream Socket was expected, got %d", fd);
    if (type != SOCK_STREAM)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "A Stream Socket was expected, got %d", fd);
    return 0;
}

int
aio__connect_check_tls(const asyncio_connection_options_t *options,
                       const char *host, const char **ret_hostname)
{
    bool ssl = aio__option(options, ssl, NULL) != NULL;
    const char *hostname = aio__option(options, server_hostname, NULL);

    if (!ssl && hostname != NULL)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "server_hostname is only meaningful with ssl");
    if (!ssl && aio__option(options, ssl_handshake_timeout, 0) != 0)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "ssl_handshake_timeout is only meaningful "
                                "with ssl");
    if (!ssl && aio__option(options, ssl_shutdown_timeout, 0) != 0)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "ssl_shutdown_timeout is only meaningful with "
                                "ssl");
    if (ssl && hostname == NULL && (host == NULL || host[0] == '\0'))
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "You must set server_hostname when using ssl "
                                "without a host");
    *ret_hostname = hostname != NULL ? hostname : host;
    return 0;
}

/* What the addresses of the errors are called. */
static int
raise_errno(int code, const char *what, const struct aio__addr *addr)
{
    char text[160];

    asyncio_sockaddr_repr((const struct sockaddr *) &addr->addr, text,
                          sizeof text);
    return asyncio_raise_at(code, NULL, 0, "%s %s: %s", what, text,
                            asyncio_strerror(code));
}

static int
bind_local(int fd, const struct aio__addr *addr,
           const struct aio__addrs *local)
{
    int r = 0;

    for (size_t i = 0; i < local->count; i++) {
        const struct aio__addr *at = &local->list[i];

        if (at->family != addr->family)
            continue;
        if (bind(fd, (const struct sockaddr *) &at->addr, at->size) == 0)
            return 0;
        r = raise_errno(-errno, "error while attempting to bind on address",
                        at);
    }
    return r < 0 ? r
                 : asyncio_raise_at(UV_EADDRNOTAVAIL, NULL, 0,
                                    "no matching local address with family=%d "
                                    "found",
                                    addr->family);
}

int
aio__connect_begin(const struct aio__addr *addr,
                   const struct aio__addrs *local, int *ret_fd)
{
    int fd = socket(addr->family, addr->type | SOCK_NONBLOCK | SOCK_CLOEXEC,
                    addr->proto);
    int r = 0;

    if (fd < 0)
        return raise_errno(-errno, "no socket for", addr);
    if (local != NULL && local->count > 0)
        r = bind_local(fd, addr, local);
    if (r == 0
        && connect(fd, (const struct sockaddr *) &addr->addr, addr->size) < 0)
        r = errno == EINPROGRESS || errno == EINTR
            ? -EINPROGRESS
            : raise_errno(-errno, "Connect call failed", addr);
    if (r < 0 && r != -EINPROGRESS)
        close(fd);
    else
        *ret_fd = fd;
    return r;
}

int
aio__connect_end(int fd, const struct aio__addr *addr)
{
    socklen_t size = sizeof(int);
    int error = 0;

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        error = errno;
    return error == 0 ? 0 : raise_errno(-error, "Connect call failed", addr);
}

int
aio__connect_socket(asyncio_loop_t *loop, const struct aio__addr *addr,
                    const struct aio__addrs *local)
{
    int fd = -1;
    int r;

    r = aio__connect_begin(addr, local, &fd);
    if (r == -EINPROGRESS) {
        r = aio__poll_wait(loop, fd, AIO__CONNECT);
        if (r >= 0)
            r = aio__connect_end(fd, addr);
        if (r < 0)
            close(fd);
    }
    return r < 0 ? r : fd;
}

/* Small writes are sent without waiting for the acknowledgement of others. */
static void
set_nodelay(int fd)
{
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* A program's protocol that came to nothing. */
static void
drop_protocol(asyncio_protocol_t *protocol)
{
    if (protocol->drop != NULL)
        protocol->drop(protocol);
}

static int
make_plain(asyncio_loop_t *loop, enum aio__conn_kind kind, int *fd,
           asyncio_protocol_t *protocol, asyncio_transport_t **ret_transport)
{
    struct aio__conn *conn;
    int r;

    r = aio__conn_new(loop, kind, *fd, protocol, &conn);
    if (r < 0) {
        drop_protocol(protocol);
        return r;
    }
    *fd = -1;
    r = aio__conn_wait_made(conn);
    if (r < 0)
        return r;
    *ret_transport = &conn->base;
    return 0;
}

static int
make_tls(int *fd, asyncio_ssl_context_t *ssl,
         const struct aio__tls_params *params,
         asyncio_transport_t **ret_transport)
{
    asyncio_protocol_t *between;
    asyncio_transport_t *transport;
    struct aio__conn *conn;
    int r;

    r = ssl->ops->wrap(ssl, params, &between, &transport);
    if (r < 0) {
        drop_protocol(params->protocol);
        return r;
    }
    r = aio__conn_new(params->loop, AIO__CONN_SOCKET, *fd, between, &conn);
    if (r < 0) {
        drop_protocol(between);
        return r;
    }
    *fd = -1;
    asyncio_transport_ref(transport);
    r = ssl->ops->wait(transport);
    if (r >= 0)
        *ret_transport = transport;
    asyncio_transport_unref(transport);
    return r;
}

int
aio__connect_transport(asyncio_loop_t *loop, enum aio__conn_kind kind, int *fd,
                       asyncio_protocol_factory_t factory,
                       const asyncio_connection_options_t *options,
                       bool server_side, const char *server_hostname,
                       asyncio_transport_t **ret_transport,
                       asyncio_protocol_t **ret_protocol)
{
    asyncio_ssl_context_t *ssl = aio__option(options, ssl, NULL);
    asyncio_protocol_t *protocol = NULL;
    asyncio_transport_t *transport;
    int r;

    r = aio__fd_nonblock(*fd);
    if (r < 0)
        return r;
    if (kind == AIO__CONN_SOCKET)
        set_nodelay(*fd);
    r = factory(aio__option(options, arg, NULL), &protocol);
    if (r >= 0 && protocol == NULL)
        r = UV_EINVAL;
    if (r < 0)
        return r;
    if (ssl != NULL)
        r = make_tls(fd, ssl,
                     &(struct aio__tls_params){
                         .loop = loop,
                         .protocol = protocol,
                         .server_side = server_side,
                         .server_hostname = server_hostname,
                         .handshake_timeout =
                             aio__option(options, ssl_handshake_timeout, 0),
                         .shutdown_timeout =
                             aio__option(options, ssl_shutdown_timeout, 0)},
                     &transport);
    else
        r = make_plain(loop, kind, fd, protocol, &transport);
    if (r < 0)
        return r;
    if (ret_transport != NULL)
        *ret_transport = transport;
    if (ret_protocol != NULL)
        *ret_protocol = protocol;
    return 0;
}
