/* SPDX-License-Identifier: MIT */
/*
 * Accepting.
 *
 * libuv's own accept drops clients when the process has no descriptor left,
 * and tells nobody. Here the listening socket is polled: out of descriptors or
 * memory the exception handler is told, the socket rests for a second with its
 * backlog kept, and then goes on. A client that went away again is skipped.
 *
 * A client gets its protocol in the next pass and connection_made in the one
 * after it; one whose server is closed in between is closed, too.
 *
 * Python counterpart: BaseSelectorEventLoop._accept_connection.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/counters.h"
#include "io/connect.h"
#include "io/server.h"

#define RETRY_DELAY 1.0 /* seconds */

static void on_readable(uv_poll_t *poll, int status, int events);

static const char failed_client[] =
    "Error on transport creation for incoming connection";

static void
report(asyncio_loop_t *loop, int code, const char *message, int fd)
{
    asyncio_exception_t *exception = aio__raised(code);

    asyncio_loop_call_exception_handler(
        loop, &(asyncio_exception_context_t){
                  .size = sizeof(asyncio_exception_context_t),
                  .message = message,
                  .code = code,
                  .exception = exception,
                  .socket = fd});
    aio__exception_unref(exception);
}

static void
on_retry(struct aio__timer *timer)
{
    struct aio__listener *listener =
        aio__container_of(timer, struct aio__listener, retry);

    uv_poll_start(&listener->poll, UV_READABLE, on_readable);
}

static void
rest(struct aio__listener *listener, int code)
{
    uv_poll_stop(&listener->poll);
    /* It may rest already, when the poll itself failed as well. */
    aio__timerheap_remove(&listener->loop->timers, &listener->retry);
    aio__timerheap_insert(&listener->loop->timers, &listener->retry,
                          aio__loop_now(listener->loop) + RETRY_DELAY);
    report(listener->loop, code, "socket.accept() out of system resource",
           listener->fd);
}

/* The protocol for a client, with TLS in between where that is wanted. */
static int
make_protocol(asyncio_server_t *server, asyncio_protocol_t **ret_protocol)
{
    asyncio_protocol_t *protocol = NULL;
    asyncio_transport_t *transport;
    int r;

    r = server->factory(server->arg, &protocol);
    if (r >= 0 && protocol == NULL)
        r = UV_EINVAL;
    if (r < 0 || server->ssl == NULL) {
        *ret_protocol = protocol;
        return r;
    }
    r = server->ssl->ops->wrap(
        server->ssl,
        &(struct aio__tls_params){
            .loop = server->loop,
            .protocol = protocol,
            .server_side = true,
            .handshake_timeout = server->ssl_handshake_timeout,
            .shutdown_timeout = server->ssl_shutdown_timeout},
        ret_protocol, &transport);
    if (r < 0 && protocol->drop != NULL)
        protocol->drop(protocol);
    return r;
}

/* Takes the descriptor. The context of the connection is a copy of the
 * server's, from here on its own. */
static void
serve(struct aio__listener *listener, int fd)
{
    asyncio_server_t *server = listener->server;
    struct aio__conn *conn;
    int on = 1;
    int r;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    r = aio__conn_new(listener->loop, AIO__CONN_SOCKET, fd, NULL, &conn);
    if (r < 0) {
        report(listener->loop, r, failed_client, listener->fd);
        close(fd);
        return;
    }
    conn->owner = &server->owner;
    server->refs++;
}

/* Runs in the context of the connection, which the factory may change. */
int
aio__server_begin(struct aio__conn_owner *owner, struct aio__conn *conn)
{
    asyncio_server_t *server =
        aio__container_of(owner, asyncio_server_t, owner);
    int r;

    if (!server->open)
        return UV_ECONNABORTED; /* as if it were still in the backlog */
    r = make_protocol(server, &conn->base.protocol);
    if (r < 0)
        report(server->loop, r, failed_client, -1);
    else
        aio__list_push_back(&server->clients, &conn->owned);
    return r;
}

/* False: no more for now. */
static bool
accept_one(struct aio__listener *listener)
{
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int error = errno;

    if (fd >= 0) {
        serve(listener, fd);
        return listener->server != NULL && listener->server->serving;
    }
    switch (error) {
    case ECONNABORTED:
        return true;
    case EAGAIN:
    case EINTR:
        return false;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        rest(listener, -error);
        return false;
    default:
        report(listener->loop, -error, "Exception in callback", listener->fd);
        return false;
    }
}

static void
on_readable(uv_poll_t *poll, int status, int events)
{
    struct aio__listener *listener =
        aio__container_of(poll, struct aio__listener, poll);
    asyncio_server_t *server = asyncio_server_ref(listener->server);
    asyncio_loop_t *loop = listener->loop;

    (void) events;
    loop->context = server->context;
    for (int i = 0; i <= server->backlog; i++)
        if (!accept_one(listener))
            break;
    loop->context = NULL;
    if (status < 0 && server->serving)
        rest(listener, UV_EIO);
    asyncio_server_unref(server);
}

static void
on_closed(uv_handle_t *handle)
{
    struct aio__listener *listener =
        aio__container_of((uv_poll_t *) handle, struct aio__listener, poll);

    aio__uv_closed(listener->loop);
    aio__loop_release(listener->loop);
    aio__free(listener, sizeof *listener);
}

int
aio__listener_new(asyncio_server_t *server, int fd,
                  struct aio__listener **ret_listener)
{
    asyncio_loop_t *loop = server->loop;
    struct aio__listener *listener = aio__calloc(1, sizeof *listener);
    int r;

    if (listener == NULL)
        return UV_ENOMEM;
    r = aio__timerheap_reserve(&loop->timers, &listener->retry, on_retry);
    if (r >= 0) {
        r = uv_poll_init(loop->uv, &listener->poll, fd);
        if (r < 0)
            aio__timerheap_release(&loop->timers, &listener->retry);
    }
    if (r < 0) {
        aio__free(listener, sizeof *listener);
        return r;
    }
    listener->loop = loop;
    listener->server = server;
    listener->fd = fd;
    aio__loop_hold(loop);
    aio__uv_opened(loop);
    aio__count(AIO__COUNT_FDS, 1);
    *ret_listener = listener;
    return 0;
}

int
aio__listener_start(struct aio__listener *listener)
{
    if (listen(listener->fd, listener->server->backlog) < 0)
        return -errno;
    return uv_poll_start(&listener->poll, UV_READABLE, on_readable);
}

void
aio__listener_forget(struct aio__listener *listener)
{
    aio__timerheap_remove(&listener->loop->timers, &listener->retry);
    aio__timerheap_release(&listener->loop->timers, &listener->retry);
    listener->server = NULL;
    uv_close((uv_handle_t *) &listener->poll, on_closed);
    aio__count(AIO__COUNT_FDS, -1);
}

void
aio__listener_close(struct aio__listener *listener)
{
    int fd = listener->fd;

    aio__listener_forget(listener);
    close(fd);
}
