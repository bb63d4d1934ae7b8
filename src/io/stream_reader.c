/* SPDX-License-Identifier: MIT */
/*
 * StreamReader: the buffer between a protocol and the task that reads.
 *
 * Bytes are in one piece, [start, end) of the buffer. A view that a read gave
 * out lies before `start` and stays where it is until the next read: until
 * then nothing is moved, and a buffer that has to grow leaves the former one
 * behind. So a view survives whatever the task awaits while it looks.
 *
 * A task that waits reads by itself when it is woken (conn.h), into a read
 * buffer of the loop, and keeps that while there are bytes in it: nothing is
 * copied, and a reader that waits has no buffer at all. It waits with bytes
 * left over only in memory of its own.
 *
 * A cancelled read has consumed nothing, because bytes leave the buffer only
 * when the read returns.
 *
 * Python counterpart: asyncio.StreamReader.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "io/conn.h"
#include "io/stream.h"

enum {
    ROOM_FIRST = 1024,         /* bytes of a new buffer: a page has four */
    ROOM_KEPT = 2 * 64 * 1024  /* a larger one goes when it is empty */
};

int
aio__reader_new(asyncio_loop_t *loop, size_t limit,
                asyncio_stream_reader_t **ret_reader)
{
    asyncio_stream_reader_t *reader = aio__block_alloc(sizeof *reader);

    if (reader == NULL)
        return UV_ENOMEM;
    *reader = (asyncio_stream_reader_t){
        .loop = loop,
        .refs = 1,
        .limit = limit > 0 ? limit : AIO__STREAM_LIMIT};
    aio__loop_hold(loop);
    *ret_reader = reader;
    return 0;
}

int
aio__reader_check(size_t limit)
{
    if (limit > SIZE_MAX / 4)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "Limit cannot be <= 0");
    return 0;
}

int
asyncio_stream_reader_new(size_t limit, asyncio_stream_reader_t **ret_reader)
{
    asyncio_loop_t *loop = asyncio_get_event_loop();
    int r = aio__reader_check(limit);

    if (r < 0)
        return r;
    if (loop == NULL)
        return asyncio_raise_at(ASYNCIO_ERR_NO_RUNNING_LOOP, NULL, 0,
                                "no running event loop");
    return aio__reader_new(loop, limit, ret_reader);
}

asyncio_stream_reader_t *
asyncio_stream_reader_ref(asyncio_stream_reader_t *reader)
{
    if (reader != NULL)
        reader->refs++;
    return reader;
}

static void
free_seen(asyncio_stream_reader_t *reader)
{
    struct aio__seen *seen;

    while ((seen = reader->seen) != NULL) {
        reader->seen = seen->next;
        aio__reader_free_bytes(reader, seen->data, seen->room, seen->kept);
        aio__block_free(seen, sizeof *seen);
    }
}

asyncio_stream_reader_t *
asyncio_stream_reader_unref(asyncio_stream_reader_t *reader)
{
    if (reader == NULL || --reader->refs > 0)
        return NULL;
    aio__reader_free_buffer(reader);
    free_seen(reader);
    aio__exception_unref(reader->exception);
    asyncio_transport_unref(reader->transport);
    aio__loop_release(reader->loop);
    aio__block_free(reader, sizeof *reader);
    return NULL;
}

static void
wake(asyncio_stream_reader_t *reader)
{
    if (reader->waiting == NULL)
        return;
    aio__wake_fiber(reader->loop, reader->waiting);
    reader->waiting = NULL;
}

/* Leave the buffer behind: somebody looks at it. */
static int
keep_seen(asyncio_stream_reader_t *reader)
{
    struct aio__seen *seen = aio__block_alloc(sizeof *seen);

    if (seen == NULL)
        return UV_ENOMEM;
    *seen = (struct aio__seen){reader->seen, reader->data, reader->room,
                               reader->kept};
    reader->seen = seen;
    return 0;
}

/* To memory of its own, with room for so much more. */
static int
move(asyncio_stream_reader_t *reader, size_t size)
{
    size_t used = aio__reader_size(reader);
    size_t room = ROOM_FIRST;
    char *data;

    while (room < used + size || (room < reader->room && !reader->kept))
        room *= 2;
    data = aio__alloc(room);
    if (data == NULL)
        return UV_ENOMEM;
    if (used > 0)
        memcpy(data, reader->data + reader->start, used);
    if (reader->pinned) {
        if (keep_seen(reader) < 0) {
            aio__free(data, room);
            return UV_ENOMEM;
        }
    } else {
        aio__reader_free_buffer(reader);
    }
    reader->pinned = reader->kept = false;
    reader->data = data;
    reader->room = room;
    reader->start = 0;
    reader->end = used;
    return 0;
}

/* Room behind `end`, moving the bytes to the front or to a larger buffer. */
static int
make_room(asyncio_stream_reader_t *reader, size_t size)
{
    size_t used = aio__reader_size(reader);

    if (reader->pinned || reader->room - used < size || reader->start < used)
        return move(reader, size);
    memmove(reader->data, reader->data + reader->start, used);
    reader->start = 0;
    reader->end = used;
    return 0;
}

/* There is more than twice the limit in it. */
static void
full(asyncio_stream_reader_t *reader)
{
    if (reader->transport == NULL || reader->paused)
        return;
    if (asyncio_transport_pause_reading(reader->transport) < 0)
        reader->transport = asyncio_transport_unref(reader->transport);
    else
        reader->paused = true;
}

/* A task was told that there is something to read, and whoever runs first
 * reads it. Where its bytes cannot stay in the read buffer they go the way of
 * all others, by the protocol. */
static void
pull(asyncio_stream_reader_t *reader, struct aio__conn *conn)
{
    struct aio__io *io = reader->loop->io;
    char *buffer = aio__readbuf_look(io);
    ssize_t n;

    if (aio__unlikely(buffer == NULL || reader->eof || reader->pinned
                      || aio__reader_size(reader) > 0)) {
        aio__conn_settle(&conn->base);
        return;
    }
    n = aio__conn_pull(conn, buffer, AIO__READ_SIZE);
    if (aio__unlikely(n <= 0))
        return;
    aio__readbuf_keep(io);
    if (reader->data != NULL)
        aio__reader_free_buffer(reader);
    reader->data = buffer;
    reader->start = 0;
    reader->end = (size_t) n;
    reader->room = AIO__READ_SIZE;
    reader->kept = true;
    reader->waiting = NULL;
    if (aio__unlikely((size_t) n > 2 * reader->limit))
        full(reader);
}

static void
settle(asyncio_stream_reader_t *reader)
{
    struct aio__conn *conn = aio__conn_pulled(reader->transport, reader);

    if (conn != NULL && conn->base.unread)
        pull(reader, conn);
}

int
asyncio_stream_reader_feed_data(asyncio_stream_reader_t *reader,
                                const void *data, size_t size)
{
    settle(reader);
    if (aio__unlikely(reader->eof))
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "feed_data after feed_eof");
    if (size == 0)
        return 0;
    if (aio__unlikely(reader->room - reader->end < size)
        && make_room(reader, size) < 0)
        return UV_ENOMEM;
    memcpy(reader->data + reader->end, data, size);
    reader->end += size;
    wake(reader);
    if (aio__unlikely(aio__reader_size(reader) > 2 * reader->limit))
        full(reader);
    return 0;
}

void
asyncio_stream_reader_feed_eof(asyncio_stream_reader_t *reader)
{
    settle(reader);
    reader->eof = true;
    wake(reader);
}

void
aio__reader_fail(asyncio_stream_reader_t *reader, int code,
                 asyncio_exception_t *exception)
{
    struct aio__waiter *waiter =
        reader->waiting != NULL ? reader->waiting->waiter : NULL;

    aio__exception_unref(reader->exception);
    reader->exception = exception;
    reader->code = code;
    if (waiter == NULL)
        return; /* who was told and got nothing will see it */
    reader->waiting = NULL;
    if (aio__wake(waiter, code))
        waiter->exception = aio__exception_ref(exception);
}

void
asyncio_stream_reader_set_exception(asyncio_stream_reader_t *reader, int code)
{
    asyncio_exception_t *exception = aio__raised(code);

    if (exception == NULL)
        exception = aio__exception_ref(aio__exception_of(code));
    aio__reader_fail(reader, code, exception);
}

const asyncio_exception_t *
asyncio_stream_reader_exception(const asyncio_stream_reader_t *reader)
{
    return reader->exception;
}

bool
asyncio_stream_reader_at_eof(const asyncio_stream_reader_t *reader)
{
    settle((asyncio_stream_reader_t *) (uintptr_t) reader);
    return reader->eof && aio__reader_size(reader) == 0;
}

size_t
asyncio_stream_reader_repr(const asyncio_stream_reader_t *reader, char *buffer,
                           size_t size)
{
    char held[48] = "", limit[48] = "", exception[256] = "";
    const char *message = asyncio_exception_message(reader->exception);
    size_t used;

    settle((asyncio_stream_reader_t *) (uintptr_t) reader);
    used = aio__reader_size(reader);
    if (used > 0)
        snprintf(held, sizeof held, " %zu bytes", used);
    if (reader->limit != AIO__STREAM_LIMIT)
        snprintf(limit, sizeof limit, " limit=%zu", reader->limit);
    if (reader->code < 0)
        snprintf(exception, sizeof exception, " exception=%s(%s)",
                 asyncio_err_name(reader->code),
                 message != NULL ? message : "");
    return (size_t) snprintf(
        buffer, size, "<StreamReader%s%s%s%s%s%s%s%s>", held,
        reader->eof ? " eof" : "", limit,
        reader->waiting != NULL ? " waiter" : "", exception,
        reader->transport != NULL ? " transport=" : "",
        reader->transport != NULL ? reader->transport->type->name : "",
        reader->paused ? " paused" : "");
}

int
asyncio_stream_reader_set_transport(asyncio_stream_reader_t *reader,
                                    asyncio_transport_t *transport)
{
    if (reader->transport != NULL)
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "Transport already set");
    reader->transport = asyncio_transport_ref(transport);
    return 0;
}

void
aio__reader_resume(asyncio_stream_reader_t *reader)
{
    reader->paused = false;
    if (reader->transport != NULL)
        (void) asyncio_transport_resume_reading(reader->transport);
}

int
aio__reader_begin(asyncio_stream_reader_t *reader)
{
    if (aio__unlikely(reader->seen != NULL))
        free_seen(reader);
    reader->pinned = false;
    if (reader->start == reader->end) {
        reader->start = reader->end = 0;
        if (reader->kept || aio__unlikely(reader->room > ROOM_KEPT))
            aio__reader_free_buffer(reader);
    }
    settle(reader);
    if (aio__unlikely(reader->code < 0))
        return aio__raise_exception(reader->code,
                                    aio__exception_ref(reader->exception));
    return 0;
}

int
aio__reader_wait(asyncio_stream_reader_t *reader, const char *name)
{
    struct aio__conn *conn;
    struct aio__waiter waiter;
    asyncio_loop_t *loop;
    int r;

    r = aio__fiber_running(&loop);
    if (aio__unlikely(r < 0))
        return r;
    if (aio__unlikely(loop != reader->loop))
        return asyncio_raise_at(ASYNCIO_ERR_WRONG_LOOP, NULL, 0,
                                "the reader is attached to a different loop");
    if (aio__unlikely(reader->waiting != NULL))
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "%s() called while another coroutine is "
                                "already waiting for incoming data",
                                name);
    if (aio__unlikely(reader->paused))
        aio__reader_resume(reader); /* or this would wait for ever */
    if (reader->kept) /* without memory it is kept longer, that is all */
        (void) move(reader, 0);
    reader->refs++;
    aio__waiter_init(&waiter, loop, NULL);
    do {
        reader->waiting = waiter.fiber;
        conn = aio__conn_pulled(reader->transport, reader);
        if (conn != NULL)
            conn->base.pulling = waiter.fiber;
        r = aio__wait(&waiter);
        conn = aio__conn_pulled(reader->transport, reader);
        if (conn != NULL) {
            conn->base.pulling = NULL;
            if (conn->base.unread)
                pull(reader, conn);
        }
        /* Others may have read from the same socket. */
    } while (aio__unlikely(reader->waiting == waiter.fiber) && r >= 0
             && reader->code == 0);
    if (reader->waiting == waiter.fiber) {
        reader->waiting = NULL;
        if (r >= 0) /* told, and then it failed */
            r = aio__raise_exception(reader->code,
                                     aio__exception_ref(reader->exception));
    }
    if (aio__unlikely(reader->refs == 1)) {
        /* Everybody else has dropped it meanwhile. */
        asyncio_stream_reader_unref(reader);
        return r < 0 ? r : ASYNCIO_ERR_CLOSED;
    }
    reader->refs--;
    return r;
}
