/* SPDX-License-Identifier: MIT */
/*
 * Connections: polling and reading.
 *
 * Reading happens inside libuv's callback, into a read buffer of the loop or
 * straight into that of a buffered protocol; one read for each event, so that
 * a fast peer starves nobody. libuv is told what to look for only when that
 * changes.
 *
 * Python counterpart: _read_ready of the transports.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/conn.h"
#include "loop/poll.h"
#include "loop/report.h"

static const char pipe_error[] = "Fatal read error on pipe transport";

static bool
wants_reading(const struct aio__conn *conn)
{
    return conn->started && !conn->paused && !conn->ended
        && !conn->base.closing;
}

static void
read_end(struct aio__conn *conn)
{
    asyncio_protocol_t *protocol = conn->base.protocol;
    int keep = 0;

    aio__conn_say(conn, conn->kind == AIO__CONN_SOCKET ? "received EOF"
                                                       : "was closed by peer");
    if (conn->kind == AIO__CONN_READ_PIPE) {
        conn->ended = true; /* connection_lost has eof_received before it */
        asyncio_transport_close(&conn->base);
        return;
    }
    if (protocol->eof_received != NULL)
        keep = protocol->eof_received(protocol);
    if (keep < 0) {
        aio__conn_failed(conn, keep,
                         "Fatal error: protocol.eof_received() call failed.");
        return;
    }
    conn->ended = true;
    if (keep == 0)
        asyncio_transport_close(&conn->base);
    else
        aio__conn_poll(conn);
}

static void
read_error(struct aio__conn *conn, int code)
{
    if (conn->kind == AIO__CONN_SOCKET)
        aio__conn_broke(conn, code, "Fatal read error on socket transport");
    else if (code == UV_EIO) /* a terminal whose other side was closed */
        aio__conn_broke(conn, code, pipe_error);
    else
        aio__conn_failed(conn, code, pipe_error);
}

static __attribute__((noinline)) void
read_nothing(struct aio__conn *conn, ssize_t n)
{
    if (n == 0)
        read_end(conn);
    else if (errno != EAGAIN && errno != EINTR)
        read_error(conn, -errno);
}

aio__inline ssize_t
read_some(struct aio__conn *conn, void *buffer, size_t size)
{
    ssize_t n = aio__likely(conn->kind == AIO__CONN_SOCKET)
        ? recv(conn->fd, buffer, size, MSG_DONTWAIT)
        : read(conn->fd, buffer, size);

    if (aio__likely(n > 0))
        return n;
    read_nothing(conn, n);
    return -1;
}

/* The protocol refused what was read. */
static void
refused(struct aio__conn *conn, int r, const char *message)
{
    if (conn->kind == AIO__CONN_SOCKET) {
        aio__conn_failed(conn, r, message);
        return;
    }
    aio__callback_failed(conn->base.loop, r, NULL); /* and the pipe goes on */
}

static void
read_buffered(struct aio__conn *conn)
{
    asyncio_protocol_t *protocol = conn->base.protocol;
    void *buffer = NULL;
    size_t size = 0;
    ssize_t n;
    int r;

    r = protocol->get_buffer(protocol, -1, &buffer, &size);
    if (r >= 0 && (size == 0 || buffer == NULL))
        r = asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                             "get_buffer() returned an empty buffer");
    if (r < 0) {
        aio__conn_failed(conn, r,
                         "Fatal error: protocol.get_buffer() call failed.");
        return;
    }
    if (!wants_reading(conn))
        return;
    n = read_some(conn, buffer, size);
    if (n < 0)
        return;
    r = protocol->buffer_updated(protocol, (size_t) n);
    if (r < 0)
        aio__conn_failed(
            conn, r, "Fatal error: protocol.buffer_updated() call failed.");
}

static void
read_plain(struct aio__conn *conn)
{
    asyncio_protocol_t *protocol = conn->base.protocol;
    struct aio__io *io = conn->base.loop->io;
    char *buffer = aio__readbuf_take(io);
    ssize_t n;
    int r = 0;

    if (aio__unlikely(buffer == NULL)) {
        read_error(conn, UV_ENOMEM);
        return;
    }
    n = read_some(conn, buffer, AIO__READ_SIZE);
    if (n >= 0 && protocol->data_received != NULL)
        r = protocol->data_received(protocol, buffer, (size_t) n);
    aio__readbuf_give(io, buffer);
    if (aio__unlikely(r < 0))
        refused(conn, r, "Fatal error: protocol.data_received() call failed.");
}

static void
read_ready(struct aio__conn *conn)
{
    if (conn->base.protocol->get_buffer != NULL)
        read_buffered(conn);
    else
        read_plain(conn);
}

/* What was announced is being read, unless nobody wants that any more, or a
 * forked child has woken up with it: that would take it from the parent. */
aio__inline bool
may_settle(struct aio__conn *conn)
{
    conn->base.unread = false;
    return aio__likely((conn->polled & UV_READABLE)
                       && conn->base.loop->forks == aio__forks);
}

ssize_t
aio__conn_pull(struct aio__conn *conn, void *buffer, size_t size)
{
    return may_settle(conn) ? read_some(conn, buffer, size) : -1;
}

void
aio__conn_settle(asyncio_transport_t *transport)
{
    struct aio__conn *conn = aio__container_of(transport, struct aio__conn,
                                               base);

    if (may_settle(conn))
        read_ready(conn);
}

/* The reader of what we write went away. */
static void
write_pipe_broke(struct aio__conn *conn)
{
    aio__conn_say(conn, "was closed by peer");
    if (conn->queue.size > 0)
        aio__conn_broke(conn, UV_EPIPE, "something was to be written");
    else
        aio__conn_force_close(conn, NULL);
}

static void
write_ready(struct aio__conn *conn)
{
    if (conn->queue.size > 0) {
        aio__conn_flush(conn);
    } else if (conn->empty != NULL) {
        aio__wake(conn->empty, 0);
        conn->empty = NULL;
        aio__conn_poll(conn);
    }
}

/* libuv says "bad descriptor" for any error condition, and stops. */
static int
error_events(struct aio__conn *conn)
{
    int error = 0;
    socklen_t size = sizeof error;

    conn->polled = 0;
    if (conn->kind == AIO__CONN_SOCKET) {
        /* What arrived before the error is delivered before it; reading or
         * writing will tell the error, unless neither is wanted. */
        if (!wants_reading(conn) && conn->queue.size == 0
            && getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0
            && error != 0)
            aio__conn_broke(conn, -error, "the socket failed");
        return UV_READABLE | UV_WRITABLE;
    }
    if (conn->kind == AIO__CONN_WRITE_PIPE) {
        write_pipe_broke(conn);
        return 0;
    }
    return UV_READABLE;
}

static __attribute__((noinline)) void
on_events(struct aio__conn *conn, int status, int events)
{
    asyncio_loop_t *loop = conn->base.loop;

    loop->context = &conn->base.context;
    if (aio__unlikely(status < 0))
        events = error_events(conn);
    if ((events & UV_READABLE) && wants_reading(conn)) {
        conn->base.unread = false;
        if (aio__likely(conn->kind != AIO__CONN_WRITE_PIPE))
            read_ready(conn);
        else
            write_pipe_broke(conn);
    }
    if (aio__unlikely(events & UV_WRITABLE))
        write_ready(conn);
    if (aio__unlikely(status < 0))
        aio__conn_poll(conn);
    loop->context = NULL;
}

/* There is something to read: true when a task will do that. What comes with
 * an error is not left to it, nor what is announced for the second time. */
aio__inline bool
tell(struct aio__conn *conn)
{
    struct aio__fiber *fiber = conn->base.pulling;

    if (fiber == NULL || fiber->waiter == NULL)
        return false;
    conn->base.unread = true;
    conn->base.loop->told++;
    aio__wake_fiber(conn->base.loop, fiber);
    aio__prefetch(conn->base.puller, 0);
    aio__prefetch(conn->base.puller, AIO__LINE);
    return true;
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
    struct aio__conn *conn = aio__container_of(poll, struct aio__conn, poll);

    if (events != UV_READABLE || !tell(conn))
        on_events(conn, status, events);
    aio__turn(conn->base.loop);
}

/* Tell libuv what to look for, when that has changed. In a forked child it is
 * the parent's epoll that would be told. */
void
aio__conn_poll(struct aio__conn *conn)
{
    int wanted = 0;

    if (wants_reading(conn))
        wanted |= UV_READABLE;
    if (conn->queue.size > 0 || conn->empty != NULL)
        wanted |= UV_WRITABLE;
    if (wanted == conn->polled || conn->fd < 0
        || conn->base.loop->forks != aio__forks)
        return;
    conn->polled = (uint8_t) wanted;
    if (wanted != 0)
        uv_poll_start(&conn->poll, wanted, on_poll);
    else
        uv_poll_stop(&conn->poll);
}
