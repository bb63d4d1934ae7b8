/* SPDX-License-Identifier: MIT */
/*
 * In which context a server's protocols and handlers run: a copy of the one
 * in which the server was made, of their own.
 */
#include "behaviour.h"

#include <asyncio.h>
#include <pthread.h>
#include <string.h>
#include <uv.h>

static asyncio_context_var_t *var;

static intptr_t
get(void)
{
    void *value = NULL;

    return asyncio_context_var_get(var, &value) < 0 ? -1 : (intptr_t) value;
}

static void
set(intptr_t value)
{
    assert_r(asyncio_context_var_set(var, (void *) value), 0);
}

static void
end(asyncio_server_t *server)
{
    asyncio_server_close(server);
    assert_r(asyncio_server_wait_closed(server), 0);
    asyncio_server_unref(server);
    var = asyncio_context_var_unref(var);
}

enum {
    CLIENTS = 100
};

static intptr_t seen[CLIENTS];
static int clients;

/* Notes what it sees, leaves something else, and says so. */
static int
changes_it(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
           void *arg)
{
    int r;

    (void) arg;
    (void) reader;
    seen[clients++] = get();
    set(100 + clients);
    r = asyncio_sleep(0);
    if (r >= 0)
        r = asyncio_stream_writer_write(
            writer, get() > 100 ? "ok" : "no", 2);
    asyncio_stream_writer_close(writer);
    return r;
}

static asyncio_server_t *
serve_streams(void)
{
    asyncio_server_t *server;

    assert_r(asyncio_start_server(changes_it, "127.0.0.1", 0, &server), 0);
    return server;
}

/* One client: what the handler answers. */
struct ask {
    int port;
};

static int
ask(void *arg)
{
    struct ask *self = arg;
    asyncio_stream_reader_t *reader;
    asyncio_stream_writer_t *writer;
    char answer[2];
    int r;

    r = asyncio_open_connection("127.0.0.1", self->port, &reader, &writer);
    if (r < 0)
        return r;
    assert_r(asyncio_stream_reader_readexactly(reader, answer, 2), 2);
    ck_assert_int_eq(memcmp(answer, "ok", 2), 0);
    asyncio_stream_writer_close(writer);
    r = asyncio_stream_writer_wait_closed(writer);
    asyncio_stream_writer_unref(writer);
    asyncio_stream_reader_unref(reader);
    return r;
}

/* parity: test_server_context.py ServerContextvarsTestCase test_start_server1 */
BEHAVIOUR(handlers_see_the_context_in_which_the_server_was_made)
{
    var = asyncio_context_var_new("var");
    set(1);
    asyncio_server_t *server = serve_streams();
    set(2);
    assert_r(ask(&(struct ask){asyncio_server_port(server)}), 0);
    ck_assert_int_eq(clients, 1);
    ck_assert_int_eq(seen[0], 1);
    ck_assert_int_eq(get(), 2);
    end(server);
}

/* parity: test_server_context.py ServerContextvarsTestCase test_start_server2 */
BEHAVIOUR(what_a_handler_changes_is_seen_by_no_other_and_not_by_the_creator)
{
    var = asyncio_context_var_new("var");
    set(1);
    asyncio_server_t *server = serve_streams();
    for (int i = 0; i < 3; i++)
        assert_r(ask(&(struct ask){asyncio_server_port(server)}), 0);
    ck_assert_int_eq(clients, 3);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(seen[i], 1);
    ck_assert_int_eq(get(), 1);
    end(server);
}

/* parity: test_server_context.py ServerContextvarsTestCase test_start_server3 */
BEHAVIOUR(a_hundred_clients_at_once_see_the_context_of_the_server)
{
    asyncio_task_t *tasks[CLIENTS];

    var = asyncio_context_var_new("var");
    set(1);
    asyncio_server_t *server = serve_streams();
    for (int i = 0; i < CLIENTS; i++)
        tasks[i] = asyncio_create_task(
            asyncio_coro(ask, .port = asyncio_server_port(server)));
    set(2);
    assert_r(asyncio_gather(tasks, CLIENTS), 0);
    asyncio_future_unref_array(tasks, CLIENTS);
    ck_assert_int_eq(clients, CLIENTS);
    for (int i = 0; i < CLIENTS; i++)
        ck_assert_int_eq(seen[i], 1);
    end(server);
}

/* A protocol that notes the value at each of its callbacks and adds to it. */
struct counter {
    asyncio_protocol_t protocol;
    asyncio_transport_t *transport;
    intptr_t factory, made, data, eof, lost;
    asyncio_future_t *received, *ended;
    bool pause;
};

static intptr_t
take(void)
{
    intptr_t value = get();

    set(value + 1);
    return value;
}

static int
on_made(asyncio_protocol_t *protocol, asyncio_transport_t *transport)
{
    struct counter *self = (struct counter *) protocol;

    self->made = take();
    self->transport = transport;
    if (self->pause) {
        assert_r(asyncio_transport_pause_reading(transport), 0);
        return asyncio_future_set_result(self->received, NULL);
    }
    return 0;
}

static int
on_data(asyncio_protocol_t *protocol, const void *data, size_t size)
{
    struct counter *self = (struct counter *) protocol;

    (void) data;
    (void) size;
    self->data = take();
    return self->pause ? 0 : asyncio_future_set_result(self->received, NULL);
}

static int
on_eof(asyncio_protocol_t *protocol)
{
    ((struct counter *) protocol)->eof = take();
    return 0;
}

static int
on_lost(asyncio_protocol_t *protocol, const asyncio_exception_t *exception)
{
    struct counter *self = (struct counter *) protocol;

    (void) exception;
    self->lost = take();
    return asyncio_future_set_result(self->ended, NULL);
}

static struct counter counters[2];
static int made;

static int
make_counter(void *arg, asyncio_protocol_t **ret_protocol)
{
    struct counter *self = &counters[made++];

    (void) arg;
    self->protocol = (asyncio_protocol_t){.connection_made = on_made,
                                          .data_received = on_data,
                                          .eof_received = on_eof,
                                          .connection_lost = on_lost};
    self->factory = take();
    *ret_protocol = &self->protocol;
    return 0;
}

static asyncio_server_t *
serve_counters(bool pause)
{
    asyncio_server_t *server;

    var = asyncio_context_var_new("var");
    for (int i = 0; i < 2; i++)
        counters[i] = (struct counter){.received = asyncio_future_new(),
                                       .ended = asyncio_future_new(),
                                       .pause = pause};
    set(10);
    assert_r(asyncio_loop_create_server(asyncio_get_running_loop(),
                                        make_counter, "127.0.0.1", 0,
                                        &server),
             0);
    set(50);
    return server;
}

static void
forget_counters(void)
{
    for (int i = 0; i < 2; i++) {
        asyncio_future_unref(counters[i].received);
        asyncio_future_unref(counters[i].ended);
    }
}

static void
talk_to(asyncio_server_t *server, struct counter *counter, bool resume)
{
    asyncio_stream_reader_t *reader;
    asyncio_stream_writer_t *writer;

    assert_r(asyncio_open_connection("127.0.0.1", asyncio_server_port(server),
                                     &reader, &writer),
             0);
    assert_r(asyncio_stream_writer_write(writer, "x", 1), 0);
    assert_r(asyncio_await(counter->received), 0);
    if (resume)
        assert_r(asyncio_transport_resume_reading(counter->transport), 0);
    asyncio_stream_writer_close(writer);
    assert_r(asyncio_await(counter->ended), 0);
    assert_r(asyncio_stream_writer_wait_closed(writer), 0);
    asyncio_stream_writer_unref(writer);
    asyncio_stream_reader_unref(reader);
}

static void
assert_one_context(const struct counter *counter)
{
    ck_assert_int_eq(counter->factory, 10);
    ck_assert_int_eq(counter->made, 11);
    ck_assert_int_eq(counter->data, 12);
    ck_assert_int_eq(counter->eof, 13);
    ck_assert_int_eq(counter->lost, 14);
}

/* parity: test_server_context.py ServerContextvarsTestCase test_create_server2 */
BEHAVIOUR(a_protocol_and_its_factory_run_in_a_copy_of_the_servers_context)
{
    asyncio_server_t *server = serve_counters(false);

    talk_to(server, &counters[0], false);
    talk_to(server, &counters[1], false);
    assert_one_context(&counters[0]);
    assert_one_context(&counters[1]);
    ck_assert_int_eq(get(), 50);
    forget_counters();
    end(server);
}

/* parity: test_server_context.py ServerContextvarsTestCase test_gh140947 */
BEHAVIOUR(who_resumes_reading_does_not_lend_its_context_to_a_server)
{
    asyncio_server_t *server = serve_counters(true);

    talk_to(server, &counters[0], true);
    assert_one_context(&counters[0]);
    ck_assert_int_eq(get(), 50);
    forget_counters();
    end(server);
}
