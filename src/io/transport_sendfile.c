/* SPDX-License-Identifier: MIT */
/*
 * Sending a file over a transport.
 *
 * What was written before goes out first; then the kernel copies from the
 * file to the socket, and reading is paused. A transport that is no plain
 * socket gets the file in pieces instead, each when there is room for it:
 * meanwhile a protocol of our own stands in for the program's, to hear of the
 * flow control. Either way there is one waiter, and one file at a time.
 *
 * Python counterpart: loop.sendfile, _SendfileFallbackProtocol.
 */
#include <errno.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "asyncio/tasks.h"
#include "base/alloc.h"
#include "io/connect.h"

enum { PIECE = 256 * 1024 }; /* bytes of one step */

struct sending {
    asyncio_loop_t *loop;
    asyncio_transport_t *transport;
    int file;
    int64_t offset; /* in the file */
    int64_t left;   /* bytes to send; -1: up to its end */
    int64_t sent;
};

static size_t
piece(const struct sending *s)
{
    return s->left >= 0 && s->left < PIECE ? (size_t) s->left : PIECE;
}

static void
advance(struct sending *s, int64_t n)
{
    s->offset += n;
    s->sent += n;
    if (s->left >= 0)
        s->left -= n;
}

/* What a wait gave, unless the connection was lost meanwhile: it may have been
 * woken first, and by now there is no descriptor. */
static int
unless_lost(const struct aio__conn *conn, int r)
{
    if (r < 0 || !conn->losing)
        return r;
    return conn->exception != NULL ? asyncio_exception_code(conn->exception)
                                   : UV_ECONNRESET;
}

/* One step of the system call: bytes, 0 at the end, or an error. */
static int64_t
native_step(struct sending *s, struct aio__conn *conn)
{
    for (;;) {
        off_t offset = s->offset;
        ssize_t n = sendfile(conn->fd, s->file, &offset, piece(s));
        int r;

        if (n >= 0)
            return n;
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return -errno;
        r = unless_lost(conn, aio__conn_wait_writable(conn));
        if (r < 0)
            return r;
    }
}

static bool
not_available(int64_t code)
{
    return code == -EINVAL || code == -ENOSYS || code == -EOPNOTSUPP
        || code == -ESPIPE;
}

static int
send_native(struct sending *s, struct aio__conn *conn)
{
    int r = 0;

    if (conn->queue.size > 0)
        r = unless_lost(conn, aio__conn_wait_writable(conn));
    while (r >= 0 && s->left != 0) {
        int64_t n = native_step(s, conn);

        if (n < 0 && s->sent == 0 && not_available(n))
            return ASYNCIO_ERR_SENDFILE_NOT_AVAILABLE;
        if (n < 0) {
            if (n != ASYNCIO_ERR_CANCELLED)
                aio__conn_broke(
                    conn, (int) n,
                    "Fatal write error on socket transport");
            return (int) n;
        }
        if (n == 0)
            return 0;
        advance(s, n);
        r = unless_lost(conn, asyncio_sleep(0));
    }
    return r;
}

/* Stands in for the protocol of the program, on the stack of the task. */
struct stand_in {
    asyncio_protocol_t protocol; /* first */
    asyncio_protocol_t *former;
    asyncio_transport_t *transport;
    struct aio__waiter *waiter; /* while it is full; or NULL */
    bool was_paused;            /* the former one, when this began */
    bool full;
    bool lost;
};

static void
wake(struct stand_in *self, int status)
{
    if (self->waiter != NULL)
        aio__wake(self->waiter, status);
    self->waiter = NULL;
}

static int
on_pause(asyncio_protocol_t *protocol)
{
    ((struct stand_in *) protocol)->full = true;
    return 0;
}

static int
on_resume(asyncio_protocol_t *protocol)
{
    struct stand_in *self = (struct stand_in *) protocol;

    self->full = false;
    wake(self, 0);
    return 0;
}

static int
on_unwanted(asyncio_protocol_t *protocol)
{
    (void) protocol;
    return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                            "Invalid state: reading should be paused");
}

static int
on_unwanted_data(asyncio_protocol_t *protocol, const void *data, size_t size)
{
    (void) data;
    (void) size;
    return on_unwanted(protocol);
}

/* The former one hears it, and is the one that is dropped. */
static int
on_lost(asyncio_protocol_t *protocol, const asyncio_exception_t *exception)
{
    struct stand_in *self = (struct stand_in *) protocol;
    asyncio_protocol_t *former = self->former;
    int code = asyncio_exception_code(exception);

    self->lost = true;
    self->transport->protocol = former;
    wake(self, code < 0 ? code : UV_ECONNRESET);
    return former != NULL && former->connection_lost != NULL
        ? former->connection_lost(former, exception)
        : 0;
}

static void
stand_in(struct stand_in *self, asyncio_transport_t *transport)
{
    *self = (struct stand_in){.protocol = {.pause_writing = on_pause,
                                           .resume_writing = on_resume,
                                           .data_received = on_unwanted_data,
                                           .eof_received = on_unwanted,
                                           .connection_lost = on_lost},
                              .former = transport->protocol,
                              .transport = transport,
                              .was_paused = transport->protocol_paused,
                              .full = transport->protocol_paused};
    asyncio_transport_set_protocol(transport, &self->protocol);
}

/* The former protocol comes back, and hears what has changed. */
static void
stand_back(struct stand_in *self)
{
    if (self->lost || self->transport->protocol != &self->protocol)
        return;
    asyncio_transport_set_protocol(self->transport, self->former);
    if (self->was_paused && !self->full)
        aio__transport_resume_protocol(self->transport);
    else if (!self->was_paused && self->full)
        aio__transport_pause_protocol(self->transport);
}

static int
wait_for_room(struct stand_in *self)
{
    struct aio__waiter waiter;
    int r;

    if (asyncio_transport_is_closing(self->transport))
        return UV_ECONNRESET;
    if (!self->full)
        return asyncio_sleep(0);
    aio__waiter_init(&waiter, self->transport->loop, NULL);
    self->waiter = &waiter;
    r = aio__wait(&waiter);
    self->waiter = NULL;
    return r;
}

static int
send_pieces(struct sending *s)
{
    char *buffer = aio__alloc(PIECE);
    struct stand_in self;
    int r = 0;

    if (buffer == NULL)
        return UV_ENOMEM;
    stand_in(&self, s->transport);
    while (r >= 0 && s->left != 0) {
        ssize_t n = pread(s->file, buffer, piece(s), s->offset);

        if (n < 0)
            r = -errno;
        if (n <= 0)
            break;
        r = asyncio_transport_write(s->transport, buffer, (size_t) n);
        if (r >= 0)
            r = wait_for_room(&self);
        if (r >= 0)
            advance(s, n);
    }
    stand_back(&self);
    aio__free(buffer, PIECE);
    return r;
}

static int
send_all(struct sending *s, bool fallback)
{
    struct aio__conn *conn = aio__conn_of(s->transport);
    int r = ASYNCIO_ERR_SENDFILE_NOT_AVAILABLE;

    if (conn != NULL) {
        conn->sending_file = true;
        r = send_native(s, conn);
        conn->sending_file = false;
    }
    if (r != ASYNCIO_ERR_SENDFILE_NOT_AVAILABLE)
        return r;
    if (!fallback)
        return conn != NULL
            ? asyncio_raise_at(r, NULL, 0, "sendfile is not available")
            : asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                               "fallback is disabled and native sendfile is "
                               "not supported for this transport");
    return send_pieces(s);
}

static int
check(const struct sending *s, int64_t count)
{
    asyncio_loop_t *running;
    int r;

    r = aio__fiber_running(&running);
    if (r < 0)
        return r;
    if (s->transport == NULL || s->loop != running
        || s->transport->loop != running)
        return UV_EINVAL;
    if (asyncio_transport_is_closing(s->transport))
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "Transport is closing");
    if (s->transport->type->write == NULL)
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "sendfile is not supported for this "
                                "transport");
    if (s->offset < 0 || count < 0)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "offset and count must not be negative");
    return aio__transport_check_free(s->transport, "sendfile");
}

int64_t
asyncio_loop_sendfile(asyncio_loop_t *loop, asyncio_transport_t *transport,
                      int file, const asyncio_sendfile_options_t *options)
{
    int64_t count = aio__option(options, count, 0);
    struct sending s = {.loop = loop,
                        .transport = transport,
                        .file = file,
                        .offset = aio__option(options, offset, 0),
                        .left = count > 0 ? count : -1};
    bool reading;
    int r;

    r = check(&s, count);
    if (r < 0)
        return r;
    asyncio_transport_ref(transport);
    transport->use = AIO__TRANSPORT_SENDS_FILE;
    reading = asyncio_transport_is_reading(transport);
    (void) asyncio_transport_pause_reading(transport);
    r = send_all(&s, !aio__option(options, no_fallback, false));
    transport->use = AIO__TRANSPORT_FREE;
    if (reading)
        (void) asyncio_transport_resume_reading(transport);
    if (s.sent > 0)
        (void) lseek(file, s.offset, SEEK_SET);
    asyncio_transport_unref(transport);
    return r < 0 ? r : s.sent;
}
