/* SPDX-License-Identifier: MIT */
/* Client and server of a session, on streams; and what all ends share. */
#include "flaky.h"

#include "behaviour.h"

#include <stdio.h>
#include <sys/socket.h>

uint64_t
flaky_random(uint64_t *state, uint64_t n)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return n == 0 ? 0 : (z ^ z >> 31) % n;
}

unsigned char
flaky_byte(const struct plan *plan, size_t i)
{
    if (i < HEADER)
        return (unsigned char) ((plan->total - HEADER) >> (8 * i));
    return (unsigned char) (i * 31 ^ i >> 9 ^ plan->seed);
}

void
flaky_fill(const struct plan *plan, size_t from, void *data, size_t size)
{
    unsigned char *bytes = data;

    for (size_t i = 0; i < size; i++)
        bytes[i] = flaky_byte(plan, from + i);
}

void
flaky_check(const struct plan *plan, struct outcome *outcome, const void *data,
            size_t size)
{
    const unsigned char *bytes = data;

    for (size_t i = 0; i < size; i++)
        if (outcome->got + i >= plan->total
            || bytes[i] != flaky_byte(plan, outcome->got + i))
            outcome->wrong = true;
    outcome->got += size;
}

/* Virtual time also jumps while bytes are inside the kernel: so only where
 * somebody has to lose his patience does anybody have an end of it. */
asyncio_timeout_t *
flaky_patience(const struct session *session, asyncio_timeout_t *timeout)
{
    return asyncio_timeout_init(timeout, session->plan.fault == FAULT_STALL
                                    ? asyncio_loop_time(
                                          asyncio_get_running_loop())
                                        + PATIENCE
                                    : ASYNCIO_NO_TIMEOUT);
}

void
flaky_narrow(const struct plan *plan, asyncio_transport_t *transport)
{
    const int *fd = asyncio_transport_get_extra_info(transport, "socket");
    int size = 4096;

    if (!plan->narrow || fd == NULL)
        return;
    setsockopt(*fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

int
flaky_open(const struct session *session, int listener,
           asyncio_stream_reader_t **ret_reader,
           asyncio_stream_writer_t **ret_writer)
{
    if (session->plan.local)
        return asyncio_open_unix_connection(session->path[listener],
                                            ret_reader, ret_writer);
    return asyncio_open_connection(
        "127.0.0.1", asyncio_server_port(session->listener[listener]),
        ret_reader, ret_writer);
}

/* The next bytes; what came of them before an end of file counts, too. */
static int
read_piece(const struct plan *plan, struct outcome *outcome,
           asyncio_stream_reader_t *reader, size_t n, asyncio_bytes_t *ret)
{
    int r;

    if (outcome->got % 2 == 0) {
        r = asyncio_stream_reader_readexactly_view(reader, n, ret);
    } else {
        r = asyncio_stream_reader_read_view(reader, n, ret);
        if (r >= 0 && ret->size == 0)
            r = ASYNCIO_ERR_INCOMPLETE_READ;
    }
    if (r == ASYNCIO_ERR_INCOMPLETE_READ && outcome->got % 2 == 0)
        ret->data =
            asyncio_error_partial(asyncio_current_exception(), &ret->size);
    else if (r < 0)
        ret->size = 0;
    if (ret->size > 0)
        flaky_check(plan, outcome, ret->data, ret->size);
    return r;
}

/* All of the stream and its end; back to `writer` unless that is NULL. */
static int
receive(const struct plan *plan, struct outcome *outcome,
        asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer)
{
    uint64_t random = plan->seed + 3;
    asyncio_bytes_t view = {0};
    int r = 0;

    while (r >= 0 && outcome->got < plan->total) {
        size_t left = plan->total - outcome->got;
        size_t n = outcome->got < HEADER ? HEADER - outcome->got
                                         : 1 + flaky_random(&random, 40000);
        r = read_piece(plan, outcome, reader, n < left ? n : left, &view);
        if (writer != NULL && view.size > 0) {
            int w = asyncio_stream_writer_write(writer, view.data, view.size);
            if (w >= 0)
                w = asyncio_stream_writer_drain(writer);
            r = r < 0 ? r : w;
        }
    }
    if (r < 0)
        return r;
    r = asyncio_stream_reader_read_view(reader, 1, &view);
    if (r >= 0)
        flaky_check(plan, outcome, view.data, view.size);
    return r;
}

static int
on_client(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
          void *arg)
{
    struct session *session = arg;

    flaky_narrow(&session->plan, asyncio_stream_writer_transport(writer));
    session->server.code =
        receive(&session->plan, &session->server, reader, writer);
    asyncio_stream_writer_close(writer);
    int r = asyncio_stream_writer_wait_closed(writer);
    if (session->server.code == 0)
        session->server.code = r;
    asyncio_event_set(&session->served);
    return 0;
}

void
flaky_serve_streams(struct session *session)
{
    if (session->plan.local)
        assert_r(asyncio_start_unix_server(on_client, session->path[0],
                                           &session->listener[0],
                                           .arg = session),
                 0);
    else
        assert_r(asyncio_start_server(on_client, "127.0.0.1", 0,
                                      &session->listener[0], .arg = session),
                 0);
}

struct sending {
    const struct plan *plan;
    asyncio_stream_writer_t *writer;
};

static int
sending(void *frame)
{
    struct sending *self = frame;
    uint64_t random = self->plan->seed + 4;
    char data[20000];

    for (size_t sent = 0; sent < self->plan->total;) {
        size_t n = 1 + (size_t) flaky_random(&random, sizeof data);
        if (n > self->plan->total - sent)
            n = self->plan->total - sent;
        flaky_fill(self->plan, sent, data, n);
        sent += n;
        int r = asyncio_stream_writer_write(self->writer, data, n);
        if (r >= 0)
            r = asyncio_stream_writer_drain(self->writer);
        if (r < 0)
            return r;
    }
    return asyncio_stream_writer_write_eof(self->writer);
}

void
flaky_talk_streams(struct session *session)
{
    struct outcome *outcome = &session->client;
    bool stalls = session->plan.fault == FAULT_STALL;
    asyncio_stream_reader_t *reader;
    asyncio_stream_writer_t *writer;
    asyncio_timeout_t timeout;

    assert_r(flaky_open(session, 1, &reader, &writer), 0);
    flaky_narrow(&session->plan, asyncio_stream_writer_transport(writer));
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro(sending, .plan = &session->plan, .writer = writer));
    asyncio_timeout_enter(flaky_patience(session, &timeout));
    outcome->code = asyncio_timeout_exit(
        &timeout, receive(&session->plan, outcome, reader, NULL));
    if (stalls)
        asyncio_task_cancel(task);
    outcome->sending = asyncio_await(task);
    asyncio_future_unref(task);
    if (stalls)
        asyncio_transport_abort(asyncio_stream_writer_transport(writer));
    asyncio_stream_writer_close(writer);
    int r = asyncio_stream_writer_wait_closed(writer);
    if (outcome->code == 0)
        outcome->code = r;
    asyncio_stream_writer_unref(writer);
    asyncio_stream_reader_unref(reader);
}
