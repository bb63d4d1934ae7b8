/* SPDX-License-Identifier: MIT */
/* Client and server of a session, on protocols, plain and buffered ones. */
#include "flaky.h"

#include "behaviour.h"

struct end {
    asyncio_protocol_t protocol; /* first: a protocol is its end */
    struct session *session;
    struct outcome *outcome;
    asyncio_transport_t *transport;
    asyncio_event_t *lost;
    uint64_t random;
    size_t sent;
    bool client;
    bool paused;
    bool ended; /* the other side has, before we had */
    char buffer[3000];
};

static struct end *
end_of(asyncio_protocol_t *self)
{
    return (struct end *) self;
}

/* A client sends until it is told to wait. */
static int
send_more(struct end *end)
{
    const struct plan *plan = &end->session->plan;
    char data[20000];
    int r = 0;

    while (r >= 0 && !end->paused && end->sent < plan->total) {
        size_t n = 1 + (size_t) flaky_random(&end->random, sizeof data);
        if (n > plan->total - end->sent)
            n = plan->total - end->sent;
        flaky_fill(plan, end->sent, data, n);
        end->sent += n;
        r = asyncio_transport_write(end->transport, data, n);
    }
    if (r >= 0 && end->sent == plan->total) {
        r = asyncio_transport_write_eof(end->transport);
        if (end->ended)
            asyncio_transport_close(end->transport);
    }
    return r;
}

static int
on_made(asyncio_protocol_t *self, asyncio_transport_t *transport)
{
    struct end *end = end_of(self);

    end->transport = transport;
    flaky_narrow(&end->session->plan, transport);
    return end->client ? send_more(end) : 0;
}

static int
on_pause(asyncio_protocol_t *self)
{
    struct end *end = end_of(self);

    end->paused = true;
    return end->client ? 0 : asyncio_transport_pause_reading(end->transport);
}

static int
on_resume(asyncio_protocol_t *self)
{
    struct end *end = end_of(self);

    end->paused = false;
    return end->client ? send_more(end)
                       : asyncio_transport_resume_reading(end->transport);
}

static int
on_data(asyncio_protocol_t *self, const void *data, size_t size)
{
    struct end *end = end_of(self);

    flaky_check(&end->session->plan, end->outcome, data, size);
    return end->client ? 0
                       : asyncio_transport_write(end->transport, data, size);
}

static int
get_buffer(asyncio_protocol_t *self, ptrdiff_t hint, void **ret_buffer,
           size_t *ret_size)
{
    struct end *end = end_of(self);

    (void) hint;
    *ret_buffer = end->buffer;
    *ret_size = 1 + (size_t) flaky_random(&end->random, sizeof end->buffer);
    return 0;
}

static int
buffer_updated(asyncio_protocol_t *self, size_t size)
{
    return on_data(self, end_of(self)->buffer, size);
}

/* A client that still sends goes on with it. */
static int
on_eof(asyncio_protocol_t *self)
{
    struct end *end = end_of(self);
    size_t total = end->session->plan.total;

    if (end->outcome->got < total)
        end->outcome->code = ASYNCIO_ERR_INCOMPLETE_READ;
    end->ended = true;
    return end->client && end->sent < total;
}

static int
on_lost(asyncio_protocol_t *self, const asyncio_exception_t *exception)
{
    struct end *end = end_of(self);

    if (end->outcome->code == 0)
        end->outcome->code = asyncio_exception_code(exception);
    end->transport = NULL;
    asyncio_event_set(end->lost);
    return 0;
}

static struct end
end_new(struct session *session, enum kind kind, bool client)
{
    struct end end = {
        .protocol = {.connection_made = on_made,
                     .connection_lost = on_lost,
                     .pause_writing = on_pause,
                     .resume_writing = on_resume,
                     .data_received = on_data,
                     .eof_received = on_eof},
        .session = session,
        .outcome = client ? &session->client : &session->server,
        .random = session->plan.seed + 5,
        .client = client,
    };
    if (kind == KIND_BUFFERED) {
        end.protocol.get_buffer = get_buffer;
        end.protocol.buffer_updated = buffer_updated;
    }
    return end;
}

static int
give(void *arg, asyncio_protocol_t **ret_protocol)
{
    *ret_protocol = arg;
    return 0;
}

/* There is one session at a time. */
static struct end server_end;

static int
make_server_end(void *arg, asyncio_protocol_t **ret_protocol)
{
    struct session *session = arg;

    server_end = end_new(session, session->plan.server, false);
    server_end.lost = &session->served;
    *ret_protocol = &server_end.protocol;
    return 0;
}

void
flaky_serve_protocol(struct session *session)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();

    if (session->plan.local)
        assert_r(asyncio_loop_create_unix_server(
                     loop, make_server_end, session->path[0],
                     &session->listener[0], .arg = session),
                 0);
    else
        assert_r(asyncio_loop_create_server(loop, make_server_end, "127.0.0.1",
                                            0, &session->listener[0],
                                            .arg = session),
                 0);
}

void
flaky_talk_protocol(struct session *session)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    static struct end client;
    asyncio_timeout_t timeout;
    asyncio_event_t lost;

    asyncio_event_init(&lost);
    client = end_new(session, session->plan.client, true);
    client.lost = &lost;
    if (session->plan.local)
        assert_r(asyncio_loop_create_unix_connection(
                     loop, give, session->path[1], NULL, NULL, .arg = &client),
                 0);
    else
        assert_r(asyncio_loop_create_connection(
                     loop, give, "127.0.0.1",
                     asyncio_server_port(session->listener[1]), NULL, NULL,
                     .arg = &client),
                 0);
    asyncio_timeout_enter(flaky_patience(session, &timeout));
    int r = asyncio_timeout_exit(&timeout, asyncio_event_wait(&lost));
    if (r < 0) {
        client.outcome->code = r;
        asyncio_transport_abort(client.transport);
        assert_ok(asyncio_event_wait(&lost));
    }
    asyncio_event_fini(&lost);
}
