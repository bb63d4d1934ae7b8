/* SPDX-License-Identifier: MIT */
/* Transports and protocols over real sockets: the order of the callbacks,
 * flow control, ends of all kinds; and servers. */
#include "behaviour.h"

#include <asyncio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

/* Notes what is called: m(ade) d(ata) e(of) p(ause) r(esume) l(ost). */
struct recorder {
    asyncio_protocol_t protocol;
    asyncio_transport_t *transport;
    char calls[64];
    char data[256];
    size_t size;
    int lost_code;
    int eof_result;
    int data_result;
    bool pause_when_made;
    asyncio_future_t *lost;
};

static struct recorder *
self_of(asyncio_protocol_t *protocol)
{
    return (struct recorder *) protocol;
}

static void
note(struct recorder *self, char call)
{
    size_t n = strlen(self->calls);

    if (n + 1 < sizeof self->calls)
        self->calls[n] = call;
}

static int
on_made(asyncio_protocol_t *protocol, asyncio_transport_t *transport)
{
    struct recorder *self = self_of(protocol);

    note(self, 'm');
    self->transport = asyncio_transport_ref(transport);
    if (self->pause_when_made)
        assert_r(asyncio_transport_pause_reading(transport), 0);
    return 0;
}

static int
on_data(asyncio_protocol_t *protocol, const void *data, size_t size)
{
    struct recorder *self = self_of(protocol);

    note(self, 'd');
    if (size > sizeof self->data - self->size)
        size = sizeof self->data - self->size;
    memcpy(self->data + self->size, data, size);
    self->size += size;
    return self->data_result;
}

static int
on_eof(asyncio_protocol_t *protocol)
{
    note(self_of(protocol), 'e');
    return self_of(protocol)->eof_result;
}

static int
on_pause(asyncio_protocol_t *protocol)
{
    note(self_of(protocol), 'p');
    return 0;
}

static int
on_resume(asyncio_protocol_t *protocol)
{
    note(self_of(protocol), 'r');
    return 0;
}

static int
on_lost(asyncio_protocol_t *protocol, const asyncio_exception_t *exception)
{
    struct recorder *self = self_of(protocol);

    note(self, 'l');
    self->lost_code = asyncio_exception_code(exception);
    return asyncio_future_set_result(self->lost, NULL);
}

static const asyncio_protocol_t callbacks = {
    .connection_made = on_made,
    .data_received = on_data,
    .eof_received = on_eof,
    .pause_writing = on_pause,
    .resume_writing = on_resume,
    .connection_lost = on_lost,
};

static int
give(void *arg, asyncio_protocol_t **ret_protocol)
{
    *ret_protocol = arg;
    return 0;
}

/* A transport on one end of a pair of sockets; the other end is a plain one. */
static int
record(struct recorder *self)
{
    int ends[2];

    self->protocol = callbacks;
    self->lost = asyncio_future_new();
    ck_assert_int_eq(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    assert_r(asyncio_loop_create_connection(asyncio_get_running_loop(), give,
                                            NULL, ASYNCIO_NO_PORT, NULL, NULL,
                                            .arg = self, .sock = &ends[0]),
             0);
    return ends[1];
}

static void
finish(struct recorder *self, int peer)
{
    asyncio_transport_close(self->transport);
    assert_r(asyncio_await(self->lost), 0);
    asyncio_future_unref(self->lost);
    asyncio_transport_unref(self->transport);
    if (peer >= 0)
        close(peer);
}

static void
say(int fd, const char *text)
{
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t) strlen(text));
}

/* Some passes of the loop, with the poll in each that has nothing to run. */
static void
passes(void)
{
    for (int i = 0; i < 3; i++)
        assert_r(asyncio_sleep(0.001), 0);
}

/* parity: test_selector_events.py SelectorSocketTransportTests test_ctor */
/* parity: test_selector_events.py SelectorSocketTransportTests test_read_ready */
BEHAVIOUR(connection_made_comes_first_and_connection_lost_last)
{
    struct recorder self = {.eof_result = 0};
    int peer = record(&self);

    ck_assert_str_eq(self.calls, "m");
    say(peer, "hello");
    passes();
    ck_assert_mem_eq(self.data, "hello", 5);
    close(peer);
    passes();
    finish(&self, -1);
    ck_assert_str_eq(self.calls, "mdel");
    ck_assert_int_eq(self.lost_code, 0);
}

/* parity: test_selector_events.py SelectorSocketTransportTests test_pause_resume_reading */
BEHAVIOUR(a_paused_transport_delivers_nothing)
{
    struct recorder self = {.eof_result = 0};
    int peer = record(&self);

    assert_r(asyncio_transport_pause_reading(self.transport), 0);
    assert_r(asyncio_transport_pause_reading(self.transport), 0);
    ck_assert(!asyncio_transport_is_reading(self.transport));
    say(peer, "x");
    passes();
    ck_assert_str_eq(self.calls, "m");
    assert_r(asyncio_transport_resume_reading(self.transport), 0);
    assert_r(asyncio_transport_resume_reading(self.transport), 0);
    ck_assert(asyncio_transport_is_reading(self.transport));
    passes();
    ck_assert_str_eq(self.calls, "md");
    finish(&self, peer);
}

/* parity: test_selector_events.py SelectorSocketTransportTests test_pause_reading_connection_made */
BEHAVIOUR(pausing_in_connection_made_is_honoured)
{
    struct recorder self = {.pause_when_made = true};
    int peer = record(&self);

    say(peer, "x");
    passes();
    ck_assert_str_eq(self.calls, "m");
    assert_r(asyncio_transport_resume_reading(self.transport), 0);
    passes();
    ck_assert_str_eq(self.calls, "md");
    finish(&self, peer);
}

/* parity: test_selector_events.py SelectorSocketTransportTests test_read_ready_eof_keep_open */
BEHAVIOUR(eof_received_may_keep_the_writing_side_open)
{
    struct recorder self = {.eof_result = 1};
    int peer = record(&self);
    char byte;

    shutdown(peer, SHUT_WR);
    passes();
    ck_assert_str_eq(self.calls, "me");
    ck_assert(!asyncio_transport_is_closing(self.transport));
    assert_r(asyncio_transport_write(self.transport, "x", 1), 0);
    ck_assert_int_eq(read(peer, &byte, 1), 1);
    finish(&self, peer);
}

/* parity: test_selector_events.py SelectorTransportTests test_close */
BEHAVIOUR(closing_twice_is_harmless)
{
    struct recorder self = {.eof_result = 0};
    int peer = record(&self);

    asyncio_transport_close(self.transport);
    ck_assert(asyncio_transport_is_closing(self.transport));
    ck_assert(!asyncio_transport_is_reading(self.transport));
    asyncio_transport_close(self.transport);
    ck_assert_str_eq(self.calls, "m");
    finish(&self, peer);
    ck_assert_str_eq(self.calls, "ml");
}

static char big[4 * 1024 * 1024];

/* parity: test_selector_events.py SelectorTransportTests test_force_close */
BEHAVIOUR(aborting_throws_away_what_waits)
{
    struct recorder self = {.eof_result = 0};
    int peer = record(&self);

    assert_r(asyncio_transport_write(self.transport, big, sizeof big), 0);
    ck_assert_uint_gt(
        asyncio_transport_get_write_buffer_size(self.transport), 0);
    asyncio_transport_abort(self.transport);
    asyncio_transport_abort(self.transport);
    ck_assert_uint_eq(
        asyncio_transport_get_write_buffer_size(self.transport), 0);
    finish(&self, peer);
    ck_assert_str_eq(self.calls, "mpl");
    ck_assert_int_eq(self.lost_code, 0);
}

/* Read everything that waits in a socket. */
static size_t
swallow(int fd)
{
    static char buffer[256 * 1024];
    size_t total = 0;
    ssize_t n;

    while ((n = read(fd, buffer, sizeof buffer)) > 0)
        total += (size_t) n;
    return total;
}

BEHAVIOUR(writing_pauses_above_high_and_resumes_at_low)
{
    struct recorder self = {.eof_result = 0};
    int peer = record(&self);
    size_t got = 0;

    assert_r(asyncio_transport_write(self.transport, big, sizeof big), 0);
    ck_assert_str_eq(self.calls, "mp");
    while (asyncio_transport_get_write_buffer_size(self.transport) > 0) {
        got += swallow(peer);
        passes();
    }
    got += swallow(peer);
    ck_assert_uint_eq(got, sizeof big);
    ck_assert_str_eq(self.calls, "mpr");
    finish(&self, peer);
}

/* parity: test_transports.py TransportTests test_flowcontrol_mixin_set_write_limits */
BEHAVIOUR(write_limits_are_checked_and_applied_at_once)
{
    struct recorder self = {.eof_result = 0};
    int peer = record(&self);
    size_t low, high;

    assert_r(asyncio_transport_set_write_buffer_limits(self.transport, 1, 2),
             ASYNCIO_ERR_VALUE);
    assert_r(asyncio_transport_set_write_buffer_limits(self.transport,
                                                       sizeof big, 128),
             0);
    assert_r(asyncio_transport_write(self.transport, big, sizeof big), 0);
    ck_assert_str_eq(self.calls, "m");
    assert_r(asyncio_transport_set_write_buffer_limits(self.transport, 256,
                                                       128),
             0);
    ck_assert_str_eq(self.calls, "mp");
    asyncio_transport_get_write_buffer_limits(self.transport, &low, &high);
    ck_assert_uint_eq(low, 128);
    ck_assert_uint_eq(high, 256);
    asyncio_transport_abort(self.transport);
    finish(&self, peer);
}

/* parity: test_selector_events.py SelectorSocketTransportTests test_write_eof_buffer */
/* parity: test_selector_events.py SelectorSocketTransportTests test_write_eof */
BEHAVIOUR(write_eof_comes_after_what_waits)
{
    struct recorder self = {.eof_result = 0};
    int peer = record(&self);
    size_t got = 0;
    char byte;

    ck_assert(asyncio_transport_can_write_eof(self.transport));
    assert_r(asyncio_transport_write(self.transport, big, sizeof big), 0);
    assert_r(asyncio_transport_write_eof(self.transport), 0);
    assert_r(asyncio_transport_write_eof(self.transport), 0);
    assert_r(asyncio_transport_write(self.transport, "x", 1),
             ASYNCIO_ERR_RUNTIME);
    while (got < sizeof big) {
        got += swallow(peer);
        passes();
    }
    ck_assert_int_eq(read(peer, &byte, 1), 0);
    finish(&self, peer);
}

static int reports;

static int
count_report(asyncio_loop_t *loop, const asyncio_exception_context_t *context,
             void *arg)
{
    (void) loop;
    (void) context;
    (void) arg;
    reports++;
    return 0;
}

/* parity: test_selector_events.py SelectorSocketTransportTests test_data_received_error */
BEHAVIOUR(an_error_of_data_received_ends_the_connection)
{
    struct recorder self = {.data_result = ASYNCIO_ERR_FAILED};
    int peer = record(&self);

    asyncio_loop_set_exception_handler(asyncio_get_running_loop(),
                                       count_report, NULL);
    say(peer, "x");
    finish(&self, peer);
    passes();
    ck_assert_int_eq(reports, 0);
    struct recorder other = {.data_result = ASYNCIO_ERR_FAILED};
    peer = record(&other);
    say(peer, "x");
    assert_r(asyncio_await(other.lost), 0);
    ck_assert_int_eq(other.lost_code, ASYNCIO_ERR_FAILED);
    ck_assert_int_eq(reports, 1);
    finish(&other, peer);
}

BEHAVIOUR(a_peer_that_went_away_raises_no_signal)
{
    struct recorder self = {.eof_result = 1};
    int peer = record(&self);

    close(peer);
    assert_r(asyncio_transport_write(self.transport, "x", 1), 0);
    ck_assert(asyncio_transport_is_closing(self.transport));
    finish(&self, -1);
    ck_assert_int_eq(self.lost_code, UV_EPIPE);
}

BEHAVIOUR(several_buffers_leave_in_order)
{
    const asyncio_bytes_t buffers[] = {{"ab", 2}, {"", 0}, {"cde", 3}};
    struct recorder self = {.eof_result = 0};
    int peer = record(&self);
    char text[8] = "";

    assert_r(asyncio_transport_writelines(self.transport, buffers, 3), 0);
    ck_assert_int_eq(read(peer, text, sizeof text), 5);
    ck_assert_str_eq(text, "abcde");
    finish(&self, peer);
}

BEHAVIOUR(owned_bytes_are_dropped_once)
{
    struct recorder self = {.eof_result = 0};
    int peer = record(&self);

    assert_r(asyncio_transport_write_owned(self.transport, strdup("abc"), 3,
                                           free),
             0);
    assert_r(asyncio_transport_write_owned(self.transport,
                                           calloc(1, sizeof big), sizeof big,
                                           free),
             0);
    asyncio_transport_abort(self.transport);
    finish(&self, peer);
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_connection_host_port_sock */
/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_connection_no_host_port_sock */
BEHAVIOUR(keywords_that_contradict_each_other_are_errors)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_server_t *server;
    int zero = 0;

    assert_r(asyncio_loop_create_connection(loop, give, "localhost", 80, NULL,
                                            NULL, .sock = &zero),
             ASYNCIO_ERR_VALUE);
    assert_r(asyncio_loop_create_connection(loop, give, NULL, ASYNCIO_NO_PORT,
                                            NULL, NULL),
             ASYNCIO_ERR_VALUE);
    /* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_server_host_port_sock */
    assert_r(asyncio_loop_create_server(loop, give, "localhost", 0, &server,
                                        .sock = &zero),
             ASYNCIO_ERR_VALUE);
    /* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_server_no_host_port_sock */
    assert_r(asyncio_loop_create_server(loop, give, NULL, ASYNCIO_NO_PORT,
                                        &server),
             ASYNCIO_ERR_VALUE);
}

/* parity: test_events.py EventLoopTestsMixin test_create_server_addr_in_use */
BEHAVIOUR(an_address_in_use_is_an_error)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_server_t *server, *other;

    assert_r(asyncio_loop_create_server(loop, give, "127.0.0.1", 0, &server),
             0);
    assert_r(asyncio_loop_create_server(loop, give, "127.0.0.1",
                                        asyncio_server_port(server), &other),
             UV_EADDRINUSE);
    asyncio_server_close(server);
    asyncio_server_close(server);
    assert_r(asyncio_server_wait_closed(server), 0);
    asyncio_server_unref(server);
}

struct serving {
    asyncio_server_t *server;
};

static int
serving(void *frame)
{
    return asyncio_server_serve_forever(((struct serving *) frame)->server);
}

/* parity: test_server.py BaseStartServer test_start_server_1 */
BEHAVIOUR(cancelling_serve_forever_closes_the_server)
{
    asyncio_server_t *server;
    size_t count;

    assert_r(asyncio_loop_create_server(asyncio_get_running_loop(), give,
                                        "127.0.0.1", 0, &server,
                                        .no_start_serving = true),
             0);
    ck_assert(!asyncio_server_is_serving(server));
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(serving, .server = server));
    assert_r(asyncio_sleep(0), 0);
    ck_assert(asyncio_server_is_serving(server));
    asyncio_future_cancel(task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    asyncio_future_unref(task);
    ck_assert(!asyncio_server_is_serving(server));
    (void) asyncio_server_sockets(server, &count);
    ck_assert_uint_eq(count, 0);
    assert_r(asyncio_server_serve_forever(server), ASYNCIO_ERR_RUNTIME);
    asyncio_server_unref(server);
}

BEHAVIOUR(a_name_is_looked_up_off_the_loop)
{
    struct addrinfo *list;

    assert_r(asyncio_loop_getaddrinfo(asyncio_get_running_loop(), "localhost",
                                      "80", &list, .type = SOCK_STREAM),
             0);
    ck_assert_ptr_nonnull(list);
    asyncio_freeaddrinfo(list);
}
