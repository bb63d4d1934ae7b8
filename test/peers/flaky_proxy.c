/* SPDX-License-Identifier: MIT */
/*
 * The proxy: two pumps, one each way. Each reads pieces of random sizes, or
 * single bytes, passes them on after random delays, and does what was planned
 * when the planned number of bytes has passed.
 */
#include "flaky.h"

#include "behaviour.h"

#include <sys/socket.h>

/* Both connections of the proxy. */
struct proxy {
    struct session *session;
    asyncio_stream_reader_t *reader[2]; /* from the client, from the server */
    asyncio_stream_writer_t *writer[2]; /* to the server, to the client */
    bool broken;                        /* on purpose */
};

struct pump {
    struct proxy *proxy;
    int direction;
};

/* Close both at once, with an RST when `reset`. */
static void
break_off(struct proxy *proxy, bool reset)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    proxy->broken = true;
    for (int i = 0; i < 2; i++) {
        asyncio_stream_writer_t *writer = proxy->writer[i];
        const int *fd = asyncio_stream_writer_get_extra_info(writer, "socket");
        if (reset && fd != NULL)
            setsockopt(*fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
        asyncio_transport_abort(asyncio_stream_writer_transport(writer));
    }
}

/* Read until nothing more comes. */
static int
throw_away(asyncio_stream_reader_t *reader)
{
    asyncio_bytes_t view;
    int r;

    do
        r = asyncio_stream_reader_read_view(reader, 65536, &view);
    while (r >= 0 && view.size > 0);
    return r;
}

static int
fail_as_planned(struct pump *pump)
{
    struct proxy *proxy = pump->proxy;
    struct session *session = proxy->session;
    int r;

    switch (session->plan.fault) {
    case FAULT_CUT:
        r = asyncio_stream_writer_write_eof(proxy->writer[pump->direction]);
        return r < 0 ? r : throw_away(proxy->reader[pump->direction]);
    case FAULT_RESET:
        break_off(proxy, true);
        return 0;
    default:
        r = asyncio_event_wait(&session->over);
        break_off(proxy, false);
        return r < 0 ? r : 0;
    }
}

/* How much of what waits is to be passed on at once. */
static size_t
piece(const struct plan *plan, uint64_t *random, size_t passed)
{
    size_t n = 1 + (size_t) flaky_random(random, 1u << flaky_random(random, 18));

    return passed < plan->single ? 1 : n;
}

static int
pass_on(struct pump *pump, asyncio_bytes_t view, uint64_t *random)
{
    asyncio_stream_writer_t *writer = pump->proxy->writer[pump->direction];
    int r = asyncio_stream_writer_write(writer, view.data, view.size);

    if (r >= 0)
        r = asyncio_stream_writer_drain(writer);
    if (r >= 0 && pump->proxy->session->plan.delays)
        r = asyncio_sleep((double) flaky_random(random, 100) / 1000);
    else if (r >= 0 && view.size == 1)
        r = asyncio_sleep(0);
    return r;
}

/* Until the end of file, an error, or what is planned. */
static int
pump_all(struct pump *pump)
{
    struct proxy *proxy = pump->proxy;
    const struct plan *plan = &proxy->session->plan;
    uint64_t random = plan->seed * 2 + (uint64_t) pump->direction;
    bool fails =
        plan->fault != FAULT_NONE && plan->direction == pump->direction;
    size_t passed = 0;
    int r;

    for (;;) {
        asyncio_bytes_t view;
        size_t n = piece(plan, &random, passed);

        if (fails && passed == plan->at)
            return fail_as_planned(pump);
        if (fails && n > plan->at - passed)
            n = plan->at - passed;
        r = asyncio_stream_reader_read_view(proxy->reader[pump->direction], n,
                                            &view);
        if (r < 0 || proxy->broken)
            return r;
        if (view.size == 0)
            return asyncio_stream_writer_write_eof(
                proxy->writer[pump->direction]);
        passed += view.size;
        r = pass_on(pump, view, &random);
        if (r < 0)
            return r;
    }
}

static int
pump(void *frame)
{
    struct pump *self = frame;
    struct session *session = self->proxy->session;
    int r = pump_all(self);

    if (r >= 0 || self->proxy->broken)
        return 0;
    /* A client that lost its patience is nobody's fault. */
    if (session->plan.fault != FAULT_STALL)
        session->proxy_code = r;
    break_off(self->proxy, true);
    return 0;
}

static int
on_client(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
          void *arg)
{
    struct proxy proxy = {
        .session = arg, .reader[UP] = reader, .writer[DOWN] = writer};
    asyncio_task_t *tasks[2];

    assert_r(flaky_open(arg, 0, &proxy.reader[DOWN], &proxy.writer[UP]), 0);
    for (int i = 0; i < 2; i++)
        flaky_narrow(&proxy.session->plan,
                     asyncio_stream_writer_transport(proxy.writer[i]));
    for (int i = 0; i < 2; i++)
        tasks[i] = asyncio_create_task(
            asyncio_coro(pump, .proxy = &proxy, .direction = i));
    assert_r(asyncio_gather(tasks, 2), 0);
    asyncio_future_unref_array(tasks, 2);
    for (int i = 0; i < 2; i++) {
        asyncio_stream_writer_close(proxy.writer[i]);
        (void) !asyncio_stream_writer_wait_closed(proxy.writer[i]);
    }
    asyncio_stream_writer_unref(proxy.writer[UP]);
    asyncio_stream_reader_unref(proxy.reader[DOWN]);
    return 0;
}

void
flaky_serve_proxy(struct session *session)
{
    if (session->plan.local)
        assert_r(asyncio_start_unix_server(on_client, session->path[1],
                                           &session->listener[1],
                                           .arg = session),
                 0);
    else
        assert_r(asyncio_start_server(on_client, "127.0.0.1", 0,
                                      &session->listener[1], .arg = session),
                 0);
}
