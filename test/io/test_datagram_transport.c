/* SPDX-License-Identifier: MIT */
/*
 * Datagram transports: what is sent at once, what waits, and which errors end
 * the endpoint: none of the system's.
 */
#include <asyncio.h>
#include <asyncio/testing.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "behaviour.h"
#include "faults.h"
#include "recorder.h"

#define LOOP asyncio_get_running_loop()

struct point {
    asyncio_datagram_protocol_t protocol; /* first */
    asyncio_transport_t *transport;
    char data[64];
    int count, lost, errors, error, paused, resumed;
    int error_result;
    bool fail_alloc; /* the first one after connection_made */
    int fd;
    int peer; /* a plain socket; -1: none */
    struct sockaddr_in peer_addr;
};

static int
on_made(asyncio_protocol_t *self, asyncio_transport_t *transport)
{
    struct point *point = (struct point *) self;

    point->transport = asyncio_transport_ref(transport);
    point->fd = *(const int *) asyncio_transport_get_extra_info(transport,
                                                                "socket");
    if (point->fail_alloc)
        asyncio_testing_fail_alloc(1, false);
    return 0;
}

static int
on_lost(asyncio_protocol_t *self, const asyncio_exception_t *exception)
{
    (void) exception;
    ((struct point *) self)->lost++;
    return 0;
}

static int
on_pause(asyncio_protocol_t *self)
{
    ((struct point *) self)->paused++;
    return 0;
}

static int
on_resume(asyncio_protocol_t *self)
{
    ((struct point *) self)->resumed++;
    return 0;
}

static int
on_datagram(asyncio_datagram_protocol_t *self, const void *data, size_t size,
            const struct sockaddr *addr)
{
    struct point *point = (struct point *) self;

    (void) addr;
    memcpy(point->data, data, size);
    point->count++;
    return 0;
}

static int
on_error(asyncio_datagram_protocol_t *self,
         const asyncio_exception_t *exception)
{
    struct point *point = (struct point *) self;

    point->errors++;
    point->error = asyncio_exception_code(exception);
    return point->error_result;
}

static int
give(void *arg, asyncio_protocol_t **ret_protocol)
{
    struct point *point = arg;

    point->protocol = (asyncio_datagram_protocol_t){
        .base = {.connection_made = on_made,
                 .connection_lost = on_lost,
                 .pause_writing = on_pause,
                 .resume_writing = on_resume},
        .datagram_received = on_datagram,
        .error_received = on_error};
    *ret_protocol = &point->protocol.base;
    return 0;
}

/* An endpoint, and a plain socket that it may be connected to. */
static void
open_point(struct point *point, bool connected)
{
    socklen_t size = sizeof point->peer_addr;

    point->peer = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    point->peer_addr = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(
        bind(point->peer, (struct sockaddr *) &point->peer_addr, size), 0);
    getsockname(point->peer, (struct sockaddr *) &point->peer_addr, &size);
    int port = connected ? ntohs(point->peer_addr.sin_port) : 0;
    assert_r(asyncio_loop_create_datagram_endpoint(
                 LOOP, give, NULL, NULL, .arg = point,
                 .local_addr = {"127.0.0.1", 0},
                 .remote_addr = {connected ? "127.0.0.1" : NULL, port}),
             0);
}

static void
let_go(struct point *point)
{
    while (point->lost == 0)
        assert_r(asyncio_sleep(0), 0);
    point->transport = asyncio_transport_unref(point->transport);
    close(point->peer);
}

static void
close_point(struct point *point)
{
    asyncio_transport_close(point->transport);
    let_go(point);
}

static void
send_text(struct point *point, bool connected, const char *text)
{
    assert_r(asyncio_datagram_transport_sendto(
                 point->transport, text, strlen(text),
                 connected ? NULL : (struct sockaddr *) &point->peer_addr,
                 connected ? 0 : sizeof point->peer_addr),
             0);
}

static size_t
waits(struct point *point)
{
    return asyncio_transport_get_write_buffer_size(point->transport);
}

static void
assert_arrived(struct point *point, const char *expected)
{
    char text[64] = "nothing";
    ssize_t n = read(point->peer, text, sizeof text - 1);

    text[n < 0 ? 0 : n] = '\0';
    ck_assert_str_eq(n < 0 ? "nothing" : text, expected);
}

/* parity: test_selector_events.py SelectorDatagramTransportTests test_read_ready_tryagain */
BEHAVIOUR(a_datagram_that_is_not_there_yet_is_waited_for)
{
    struct point point = {.count = 0};

    open_point(&point, true);
    fault(RECVFROM, point.fd, .error = EAGAIN);
    struct sockaddr_in addr;
    socklen_t size = sizeof addr;
    getsockname(point.fd, (struct sockaddr *) &addr, &size);
    ck_assert_int_eq(
        sendto(point.peer, "abc", 4, 0, (struct sockaddr *) &addr, size), 4);
    recorder_passes();
    ck_assert_int_eq(faults[RECVFROM].seen, 2);
    ck_assert_int_eq(point.count, 1);
    ck_assert_str_eq(point.data, "abc");
    ck_assert_int_eq(point.errors, 0);
    close_point(&point);
}

/* parity: test_selector_events.py SelectorDatagramTransportTests test_read_ready_err */
/* parity: test_selector_events.py SelectorDatagramTransportTests test_fatal_error_connected_custom_error */
BEHAVIOUR(an_endpoint_that_cannot_read_is_reported_and_ends)
{
    struct point point = {.fail_alloc = true};
    struct reports reports;

    reports_begin(&reports);
    open_point(&point, false);
    asyncio_testing_fail_alloc(0, false);
    ck_assert(asyncio_transport_is_closing(point.transport));
    ck_assert_int_eq(reports.count, 1);
    ck_assert_int_eq(reports.code, UV_ENOMEM);
    ck_assert_ptr_eq(reports.transport, point.transport);
    ck_assert_int_eq(point.errors, 0);
    let_go(&point);
    ck_assert_int_eq(point.lost, 1);
}

static void
assert_lost_sends_are_logged(struct point *point)
{
    struct logged logged;

    logged_begin(&logged);
    fault(SENDTO, point->fd, .times = -1);
    for (int i = 0; i < 4; i++)
        send_text(point, true, "data");
    ck_assert_int_eq(logged.warnings, 0);
    send_text(point, true, "data");
    ck_assert_int_eq(logged.warnings, 1);
    ck_assert_str_eq(logged.warning, "socket.send() raised exception.");
    logged_end();
    ck_assert_int_eq(faults[SENDTO].seen, 0);
    assert_arrived(point, "nothing");
}

/* parity: test_selector_events.py SelectorDatagramTransportTests test_sendto_exception */
BEHAVIOUR(after_a_fatal_error_lost_datagrams_are_counted_and_logged)
{
    struct point point = {.count = 0};

    open_point(&point, true);
    asyncio_datagram_transport_abort(point.transport);
    assert_lost_sends_are_logged(&point);
    let_go(&point);
}

/* parity: test_selector_events.py SelectorDatagramTransportTests test_sendto_closing */
BEHAVIOUR(datagrams_after_a_close_are_counted_and_logged)
{
    struct point point = {.count = 0};

    open_point(&point, true);
    asyncio_transport_close(point.transport);
    assert_lost_sends_are_logged(&point);
    let_go(&point);
}

/* parity: test_selector_events.py SelectorDatagramTransportTests test_sendto_error_received */
/* parity: test_selector_events.py SelectorDatagramTransportTests test_fatal_error_connected */
BEHAVIOUR(a_refused_datagram_is_neither_fatal_nor_logged, .times = 2)
{
    struct point point = {.count = 0};
    struct reports reports;
    struct logged logged;

    open_point(&point, _i == 1);
    reports_begin(&reports);
    logged_begin(&logged);
    fault(SENDTO, point.fd, .error = ECONNREFUSED);
    send_text(&point, _i == 1, "lost");
    logged_end();
    ck_assert_int_eq(point.error, UV_ECONNREFUSED);
    ck_assert_int_eq(reports.count, 0);
    ck_assert_int_eq(logged.warnings, 0);
    ck_assert(!asyncio_transport_is_closing(point.transport));
    send_text(&point, _i == 1, "next");
    assert_arrived(&point, "next");
    close_point(&point);
}

/* parity: test_selector_events.py SelectorDatagramTransportTests test_sendto_ready_tryagain */
BEHAVIOUR(a_flush_that_would_block_keeps_the_order)
{
    struct point point = {.count = 0};

    open_point(&point, true);
    fault(SENDTO, point.fd, .error = EAGAIN, .times = 3);
    send_text(&point, true, "one");
    send_text(&point, true, "two");
    ck_assert_uint_eq(waits(&point), 2 * (3 + 8));
    while (faults[SENDTO].seen < 3) {
        ck_assert_uint_eq(waits(&point), 2 * (3 + 8));
        assert_r(asyncio_sleep(0), 0);
    }
    recorder_passes();
    ck_assert_uint_eq(waits(&point), 0);
    assert_arrived(&point, "one");
    assert_arrived(&point, "two");
    close_point(&point);
}

/* parity: test_selector_events.py SelectorDatagramTransportTests test_sendto_ready_no_data */
BEHAVIOUR(with_nothing_left_to_send_nobody_looks_for_room)
{
    struct point point = {.count = 0};

    open_point(&point, true);
    assert_r(asyncio_transport_set_write_buffer_limits(point.transport, 4, 0),
             0);
    fault(SENDTO, point.fd, .error = EAGAIN);
    send_text(&point, true, "data");
    ck_assert_int_eq(point.paused, 1);
    fault(SENDTO, point.fd, .error = ECONNREFUSED);
    while (faults[SENDTO].seen < 1)
        assert_r(asyncio_sleep(0), 0);
    ck_assert_uint_eq(waits(&point), 0);
    recorder_passes();
    ck_assert_int_eq(point.errors, 1);
    ck_assert_int_eq(point.resumed, 1);
    ck_assert_int_eq(faults[SENDTO].seen, 1);
    ck_assert_int_eq((int) asyncio_testing_counters().ops, 0);
    close_point(&point);
}

static void
flush_fails(struct point *point, bool connected)
{
    open_point(point, connected);
    fault(SENDTO, point->fd, .error = EAGAIN);
    send_text(point, connected, "one");
    send_text(point, connected, "two");
    fault(SENDTO, point->fd, .error = ECONNREFUSED);
    while (faults[SENDTO].seen < 1)
        assert_r(asyncio_sleep(0), 0);
}

/* parity: test_selector_events.py SelectorDatagramTransportTests test_sendto_ready_error_received */
/* parity: test_selector_events.py SelectorDatagramTransportTests test_sendto_ready_error_received_connection */
BEHAVIOUR(a_refused_flush_loses_one_datagram_and_tells_the_protocol, .times = 2)
{
    struct point point = {.count = 0};
    struct reports reports;

    reports_begin(&reports);
    flush_fails(&point, _i == 1);
    ck_assert_int_eq(point.errors, 1);
    ck_assert_int_eq(point.error, UV_ECONNREFUSED);
    ck_assert_int_eq(reports.count, 0);
    ck_assert(!asyncio_transport_is_closing(point.transport));
    ck_assert_uint_eq(waits(&point), 3 + 8);
    recorder_passes();
    ck_assert_uint_eq(waits(&point), 0);
    assert_arrived(&point, "two");
    assert_arrived(&point, "nothing");
    close_point(&point);
}

/* parity: test_selector_events.py SelectorDatagramTransportTests test_sendto_ready_exception */
BEHAVIOUR(an_error_of_error_received_in_a_flush_is_reported)
{
    struct point point = {.error_result = ASYNCIO_ERR_FAILED};
    struct reports reports;

    reports_begin(&reports);
    flush_fails(&point, true);
    ck_assert_int_eq(reports.count, 1);
    ck_assert_int_eq(reports.code, ASYNCIO_ERR_FAILED);
    recorder_passes();
    assert_arrived(&point, "two");
    close_point(&point);
}

/* parity: test_selector_events.py SelectorDatagramTransportTests test_sendto_buffer_nodata */
BEHAVIOUR(an_empty_datagram_waits_its_turn)
{
    struct point point = {.count = 0};

    open_point(&point, true);
    fault(SENDTO, point.fd, .error = EAGAIN);
    send_text(&point, true, "data");
    assert_r(asyncio_datagram_transport_sendto(point.transport, NULL, 0, NULL,
                                               0),
             0);
    ck_assert_uint_eq(waits(&point), 4 + 8 + 8);
    recorder_passes();
    assert_arrived(&point, "data");
    assert_arrived(&point, "");
    assert_arrived(&point, "nothing");
    close_point(&point);
}

BEHAVIOUR(closing_with_datagrams_waiting_sends_them_first)
{
    struct point point = {.count = 0};

    open_point(&point, true);
    fault(SENDTO, point.fd, .error = EAGAIN);
    send_text(&point, true, "last");
    asyncio_transport_close(point.transport);
    ck_assert_int_eq(point.lost, 0);
    recorder_passes();
    ck_assert_int_eq(point.lost, 1);
    assert_arrived(&point, "last");
    let_go(&point);
}

/* parity: test_transports.py TransportTests test_dgram_not_implemented */
BEHAVIOUR(datagrams_are_for_datagram_transports_alone)
{
    struct recorder stream = {.size = 0};
    struct point point = {.count = 0};
    int peer = recorder_socket(&stream);

    open_point(&point, true);
    assert_r(asyncio_datagram_transport_sendto(stream.transport, "x", 1, NULL,
                                               0),
             UV_ENOTSUP);
    assert_r(asyncio_transport_write(point.transport, "x", 1), UV_ENOTSUP);
    assert_r(asyncio_transport_write_eof(point.transport), UV_ENOTSUP);
    close_point(&point);
    recorder_close(&stream, peer);
}
