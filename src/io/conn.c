/* SPDX-License-Identifier: MIT */
/*
 * Connections: the life of a transport over a descriptor, and its reading.
 *
 * libuv polls the descriptor and we read and write it ourselves: so bytes go
 * straight where a buffered protocol wants them, a write to a closed socket
 * raises no SIGPIPE, and what the system says is seen as it is.
 *
 * Invariants: connection_made is the first call of a protocol and
 * connection_lost the last one, each once, both from the ready queue and
 * never inside a call of the program. After close() or abort() nothing is
 * delivered. The descriptor is closed right after connection_lost, behind
 * uv_close(), which makes libuv forget it; the memory goes when libuv has
 * called back and nobody holds a reference.
 *
 * Python counterpart: _SelectorSocketTransport and the pipe transports.
 */
#include "io/conn.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/block.h"
#include "base/counters.h"
#include "loop/report.h"


static struct aio__conn *
conn_of(asyncio_transport_t *transport)
{
    return aio__container_of(transport, struct aio__conn, base);
}

static void
set_losing(struct aio__conn *conn)
{
    conn->losing = true;
    if (conn->kind == AIO__CONN_SOCKET)
        conn->lost_writes++;
}

void
aio__conn_lose(struct aio__conn *conn)
{
    set_losing(conn);
    aio__event_post(conn->base.loop, &conn->lost_event);
}

/* Takes the exception. */
void
aio__conn_force_close(struct aio__conn *conn, asyncio_exception_t *exception)
{
    if (conn->losing) {
        aio__exception_unref(exception);
        return;
    }
    aio__transport_settle(&conn->base);
    if (conn->losing) { /* it met an error */
        aio__exception_unref(exception);
        return;
    }
    aio__wqueue_clear(&conn->queue);
    conn->base.closing = true;
    aio__conn_poll(conn);
    conn->exception = exception;
    aio__conn_lose(conn);
}

/* Errors of the system are no news for anybody but the protocol. */
void
aio__conn_broke(struct aio__conn *conn, int code, const char *message)
{
    if (aio__unlikely(conn->base.loop->debug))
        aio__log(ASYNCIO_LOG_DEBUG, "%s fd=%d: %s: %s", conn->base.type->name,
                 conn->fd, message, asyncio_strerror(code));
    aio__conn_force_close(conn, aio__exception_of(code));
}

void
aio__conn_failed(struct aio__conn *conn, int code, const char *message)
{
    asyncio_exception_t *detail = aio__transport_detail(code);

    aio__transport_report(&conn->base, code, message);
    aio__conn_force_close(conn, detail);
}

static void let_go(struct aio__conn *conn);

/* Accepted a pass ago: the owner makes a protocol for it. */
static void
begin(struct aio__conn *conn)
{
    asyncio_loop_t *loop = conn->base.loop;
    int r;

    loop->context = &conn->base.context;
    r = conn->owner->begin(conn->owner, conn);
    loop->context = NULL;
    if (r >= 0) {
        aio__event_post(loop, &conn->made_event);
        return;
    }
    conn->base.closing = conn->losing = true;
    let_go(conn);
}

static void
on_made(struct aio__job *job)
{
    struct aio__conn *conn =
        aio__container_of(job, struct aio__conn, made_event.job);

    conn->made_event.queued = false;
    if (conn->base.protocol == NULL) {
        begin(conn);
        return;
    }
    conn->made = true;
    aio__transport_made(&conn->base);
    conn->started = true;
    aio__conn_poll(conn);
    if (conn->waiter != NULL)
        aio__wake(conn->waiter, 0);
    conn->waiter = NULL;
}

static void
on_closed(uv_handle_t *handle)
{
    struct aio__conn *conn =
        aio__container_of((uv_poll_t *) handle, struct aio__conn, poll);

    aio__uv_closed(conn->base.loop);
    asyncio_transport_unref(&conn->base);
}

/* Everything but the memory. */
static void
let_go(struct aio__conn *conn)
{
    struct aio__conn_owner *owner = conn->owner;

    aio__list_remove(&conn->closer.link);
    aio__io_own(conn->base.loop, conn->fd, NULL);
    uv_close((uv_handle_t *) &conn->poll, on_closed);
    aio__fd_close(conn->fd);
    conn->fd = -1;
    if (conn->empty != NULL) {
        aio__wake(conn->empty, UV_ECONNRESET);
        conn->empty = NULL;
    }
    aio__transport_drop_protocol(&conn->base);
    aio__list_remove(&conn->owned);
    conn->owner = NULL;
    if (owner != NULL)
        owner->ended(owner);
}

static void
on_lost(struct aio__job *job)
{
    struct aio__conn *conn =
        aio__container_of(job, struct aio__conn, lost_event.job);

    conn->lost_event.queued = false;
    if (conn->kind == AIO__CONN_READ_PIPE && conn->ended)
        aio__transport_ended(&conn->base);
    aio__transport_lost(&conn->base, conn->exception);
    let_go(conn);
}

/* From a callback of libuv, which is as good as one of the loop's own. */
void
aio__conn_lose_now(struct aio__conn *conn)
{
    set_losing(conn);
    aio__transport_lost(&conn->base, NULL);
    let_go(conn);
}

/* The loop closes: nobody is called any more. */
static void
close_with_loop(struct aio__closer *closer)
{
    struct aio__conn *conn =
        aio__container_of(closer, struct aio__conn, closer);
    asyncio_loop_t *loop = conn->base.loop;

    if (!conn->base.closing)
        aio__log(ASYNCIO_LOG_WARNING, "unclosed transport %s fd=%d",
                 conn->base.type->name, conn->fd);
    aio__event_withdraw(loop, &conn->made_event);
    aio__event_withdraw(loop, &conn->lost_event);
    conn->base.left_open = !conn->base.closing;
    conn->base.closing = true;
    conn->losing = true;
    aio__wqueue_clear(&conn->queue);
    let_go(conn);
}

static void
conn_close(asyncio_transport_t *transport)
{
    struct aio__conn *conn = conn_of(transport);

    if (transport->closing || transport->loop->forks != aio__forks)
        return;
    aio__transport_settle(&conn->base);
    if (transport->closing)
        return;
    transport->closing = true;
    aio__conn_poll(conn);
    if (conn->queue.size == 0)
        aio__conn_lose(conn);
}

static void
conn_abort(asyncio_transport_t *transport)
{
    if (transport->loop->forks == aio__forks)
        aio__conn_force_close(conn_of(transport), NULL);
}

static bool
conn_is_reading(const asyncio_transport_t *transport)
{
    const struct aio__conn *conn =
        (const struct aio__conn *) (const void *) transport;

    return !transport->closing && !conn->paused;
}

static int
conn_pause_reading(asyncio_transport_t *transport)
{
    struct aio__conn *conn = conn_of(transport);

    if (transport->closing || conn->paused)
        return 0;
    conn->paused = true;
    aio__conn_poll(conn);
    aio__conn_say(conn, "pauses reading");
    return 0;
}

static int
conn_resume_reading(asyncio_transport_t *transport)
{
    struct aio__conn *conn = conn_of(transport);

    if (transport->closing || !conn->paused)
        return 0;
    conn->paused = false;
    if (conn->owner == NULL) /* a server gave its connections theirs */
        aio__transport_capture(transport);
    aio__conn_poll(conn);
    aio__conn_say(conn, "resumes reading");
    return 0;
}

static void
conn_fini(asyncio_transport_t *transport)
{
    struct aio__conn *conn = conn_of(transport);

    aio__wqueue_clear(&conn->queue);
    aio__exception_unref(conn->exception);
    if (conn->sockname != NULL)
        aio__block_free(conn->sockname, sizeof *conn->sockname);
    if (conn->peername != NULL)
        aio__block_free(conn->peername, sizeof *conn->peername);
}

static const struct aio__transport_type socket_type = {
    .name = "SocketTransport",
    .size = sizeof(struct aio__conn),
    .carries_tls = true,
    .close = conn_close,
    .abort = conn_abort,
    .extra = aio__conn_extra,
    .is_reading = conn_is_reading,
    .pause_reading = conn_pause_reading,
    .resume_reading = conn_resume_reading,
    .write = aio__conn_write,
    .writelines = aio__conn_writelines,
    .write_owned = aio__conn_write_owned,
    .write_eof = aio__conn_write_eof,
    .buffered = aio__conn_buffered,
    .settle = aio__conn_settle,
    .fini = conn_fini,
};

static const struct aio__transport_type read_pipe_type = {
    .name = "ReadPipeTransport",
    .size = sizeof(struct aio__conn),
    .close = conn_close,
    .abort = conn_abort,
    .extra = aio__conn_extra,
    .is_reading = conn_is_reading,
    .pause_reading = conn_pause_reading,
    .resume_reading = conn_resume_reading,
    .fini = conn_fini,
};

static const struct aio__transport_type write_pipe_type = {
    .name = "WritePipeTransport",
    .size = sizeof(struct aio__conn),
    .close = conn_close,
    .abort = conn_abort,
    .extra = aio__conn_extra,
    .write = aio__conn_write,
    .writelines = aio__conn_writelines,
    .write_owned = aio__conn_write_owned,
    .write_eof = aio__conn_write_eof,
    .buffered = aio__conn_buffered,
    .fini = conn_fini,
};

struct aio__conn *
aio__conn_of(asyncio_transport_t *transport)
{
    return transport->type == &socket_type ? conn_of(transport) : NULL;
}

static bool
is_device(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode);
}

static void
conn_init(struct aio__conn *conn, asyncio_loop_t *loop,
          enum aio__conn_kind kind, int fd, asyncio_protocol_t *protocol)
{
    static const struct aio__transport_type *const types[] = {
        &socket_type, &read_pipe_type, &write_pipe_type};

    aio__transport_init(&conn->base, types[kind], loop, protocol);
    conn->fd = fd;
    conn->kind = (uint8_t) kind;
    conn->polled = 0;
    conn->made = conn->started = conn->paused = false;
    /* What can be read from a terminal that is written to is no news. */
    conn->ended = kind == AIO__CONN_WRITE_PIPE && is_device(fd);
    conn->eof = conn->sending_file = conn->losing = false;
    conn->lost_writes = 0;
    aio__wqueue_init(&conn->queue);
    conn->exception = NULL;
    conn->waiter = conn->empty = NULL;
    aio__event_init(&conn->made_event, on_made);
    aio__event_init(&conn->lost_event, on_lost);
    conn->closer.close = close_with_loop;
    conn->owner = NULL;
    aio__list_init(&conn->owned);
    conn->sockname = conn->peername = NULL;
    aio__list_push_back(&loop->closers, &conn->closer.link);
    aio__count(AIO__COUNT_FDS, 1);
    aio__uv_opened(loop);
    aio__event_post(loop, &conn->made_event);
}

int
aio__conn_new(asyncio_loop_t *loop, enum aio__conn_kind kind, int fd,
              asyncio_protocol_t *protocol, struct aio__conn **ret_conn)
{
    struct aio__conn *conn = aio__block_alloc(sizeof *conn);
    int r;

    if (conn == NULL)
        return UV_ENOMEM;
    r = aio__io_own(loop, fd, &conn->base);
    if (r < 0)
        goto fail;
    r = uv_poll_init(loop->uv, &conn->poll, fd);
    if (r < 0) {
        aio__io_own(loop, fd, NULL);
        goto fail;
    }
    conn_init(conn, loop, kind, fd, protocol);
    *ret_conn = conn;
    return 0;

fail:
    aio__block_free(conn, sizeof *conn);
    return r;
}

int
aio__conn_wait_made(struct aio__conn *conn)
{
    struct aio__waiter waiter;
    int r;

    aio__waiter_init(&waiter, conn->base.loop, NULL);
    conn->waiter = &waiter;
    asyncio_transport_ref(&conn->base);
    r = aio__wait(&waiter);
    if (r < 0) {
        conn->waiter = NULL;
        asyncio_transport_close(&conn->base);
    }
    asyncio_transport_unref(&conn->base);
    return r;
}

int
aio__conn_wait_writable(struct aio__conn *conn)
{
    struct aio__waiter waiter;
    int r;

    aio__waiter_init(&waiter, conn->base.loop, NULL);
    conn->empty = &waiter;
    aio__conn_poll(conn);
    r = aio__wait(&waiter);
    if (conn->empty == &waiter) {
        conn->empty = NULL;
        aio__conn_poll(conn);
    }
    return r;
}
