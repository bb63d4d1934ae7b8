/* SPDX-License-Identifier: MIT */
/* Protocols: callbacks that are left out do nothing; buffered ones get their
 * bytes in pieces of the size they ask for. */
#include <asyncio.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "behaviour.h"
#include "recorder.h"

#define LOOP asyncio_get_running_loop()

/* A transport for a protocol that does nothing; the other end is returned. */
static int
connect_to(asyncio_protocol_t *protocol, asyncio_transport_t **ret_transport)
{
    int ends[2];

    ck_assert_int_eq(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    assert_r(asyncio_loop_connect_accepted_socket(LOOP, recorder_give, ends[0],
                                                  ret_transport, NULL,
                                                  .arg = protocol),
             0);
    asyncio_transport_ref(*ret_transport);
    return ends[1];
}

/* Everything happens to it that can: flow control, and the end. */
static void
put_through(asyncio_transport_t *transport, int peer)
{
    static char big[1 << 20];

    assert_r(asyncio_transport_write(transport, big, sizeof big), 0);
    while (asyncio_transport_get_write_buffer_size(transport) > 0) {
        recorder_swallow(peer);
        recorder_passes();
    }
    ck_assert(!asyncio_transport_is_closing(transport));
    shutdown(peer, SHUT_WR);
    recorder_passes();
    /* Without eof_received, an end of file closes. */
    ck_assert(asyncio_transport_is_closing(transport));
    ck_assert_ptr_null(asyncio_transport_get_protocol(transport));
    asyncio_transport_unref(transport);
    close(peer);
}

/* parity: test_protocols.py ProtocolsAbsTests test_protocol */
BEHAVIOUR(a_protocol_without_callbacks_does_nothing)
{
    asyncio_protocol_t protocol = {.drop = NULL};
    asyncio_transport_t *transport;
    struct reports reports;
    int peer = connect_to(&protocol, &transport);

    reports_begin(&reports);
    recorder_say(peer, "nobody listens");
    recorder_passes();
    ck_assert(!asyncio_transport_is_closing(transport));
    put_through(transport, peer);
    ck_assert_int_eq(reports.count, 0);
}

static char space[16];
static size_t updated;

static int
get_space(asyncio_protocol_t *self, ptrdiff_t hint, void **ret_buffer,
          size_t *ret_size)
{
    (void) self;
    (void) hint;
    *ret_buffer = space;
    *ret_size = sizeof space;
    return 0;
}

static int
count_bytes(asyncio_protocol_t *self, size_t size)
{
    (void) self;
    updated += size;
    return 0;
}

/* parity: test_protocols.py ProtocolsAbsTests test_buffered_protocol */
BEHAVIOUR(a_buffered_protocol_needs_only_its_two_callbacks)
{
    asyncio_buffered_protocol_t protocol = {.get_buffer = get_space,
                                            .buffer_updated = count_bytes};
    asyncio_transport_t *transport;
    struct reports reports;
    int peer = connect_to(&protocol, &transport);

    reports_begin(&reports);
    recorder_say(peer, "more than sixteen bytes");
    recorder_passes();
    ck_assert_uint_eq(updated, 23);
    put_through(transport, peer);
    ck_assert_int_eq(reports.count, 0);
}

/* parity: test_protocols.py ProtocolsAbsTests test_datagram_protocol */
BEHAVIOUR(a_datagram_protocol_without_callbacks_does_nothing)
{
    asyncio_datagram_protocol_t protocol = {.datagram_received = NULL};
    int peer = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof addr;
    asyncio_transport_t *transport;
    struct reports reports;
    char byte;

    reports_begin(&reports);
    bind(peer, (struct sockaddr *) &addr, size);
    getsockname(peer, (struct sockaddr *) &addr, &size);
    assert_r(asyncio_loop_create_datagram_endpoint(
                 LOOP, recorder_give, &transport, NULL, .arg = &protocol,
                 .remote_addr = {"127.0.0.1", ntohs(addr.sin_port)}),
             0);
    asyncio_transport_ref(transport);
    const struct sockaddr *name =
        asyncio_transport_get_extra_info(transport, "sockname");
    ck_assert_int_eq(sendto(peer, "x", 1, 0, name, sizeof addr), 1);
    recorder_passes();
    assert_r(asyncio_datagram_transport_sendto(transport, "y", 1, NULL, 0), 0);
    ck_assert_int_eq(read(peer, &byte, 1), 1);
    /* Refused from now on: an error for error_received. */
    close(peer);
    for (int i = 0; i < 3; i++) {
        assert_r(asyncio_datagram_transport_sendto(transport, "z", 1, NULL, 0),
                 0);
        recorder_passes();
    }
    ck_assert(!asyncio_transport_is_closing(transport));
    asyncio_transport_close(transport);
    recorder_passes();
    ck_assert_ptr_null(asyncio_transport_get_protocol(transport));
    ck_assert_int_eq(reports.count, 0);
    asyncio_transport_unref(transport);
}

/* The server's side: 9 KiB, then what the client answers. */
struct sender {
    asyncio_protocol_t protocol;
    asyncio_transport_t *transport;
    char answer[8];
};

static int
send_much(asyncio_protocol_t *self, asyncio_transport_t *transport)
{
    static char much[9 * 1024];

    memset(much, '.', sizeof much);
    ((struct sender *) self)->transport = transport;
    return asyncio_transport_write(transport, much, sizeof much);
}

static int
keep_answer(asyncio_protocol_t *self, const void *data, size_t size)
{
    struct sender *sender = (struct sender *) self;

    memcpy(sender->answer, data, size < 7 ? size : 7);
    asyncio_transport_close(sender->transport);
    return 0;
}

static void
answer_at_the_end(struct recorder *self, char call)
{
    if (call == 'u' && self->size == 9 * 1024)
        assert_r(asyncio_transport_write(self->transport, "done", 4), 0);
}

/* parity: test_buffered_proto.py BaseTestBufferedProtocol test_buffered_proto_create_connection */
BEHAVIOUR(a_buffered_client_gets_nine_kilobytes_in_pieces)
{
    struct sender sender = {.protocol = {.connection_made = send_much,
                                         .data_received = keep_answer}};
    struct recorder self = {.buffer = 100,
                            .quiet = true,
                            .called = answer_at_the_end,
                            .lost_code = -1};
    asyncio_server_t *server;

    recorder_init(&self);
    assert_r(asyncio_loop_create_server(LOOP, recorder_give, "127.0.0.1", 0,
                                        &server, .arg = &sender),
             0);
    assert_r(asyncio_loop_create_connection(
                 LOOP, recorder_give, "127.0.0.1", asyncio_server_port(server),
                 NULL, NULL, .arg = &self),
             0);
    recorder_end(&self, -1);
    ck_assert_uint_eq(self.size, 9 * 1024);
    ck_assert_str_eq(sender.answer, "done");
    ck_assert_str_eq(self.calls, "melD");
    ck_assert_int_eq(self.lost_code, 0);
    asyncio_server_close(server);
    assert_r(asyncio_server_wait_closed(server), 0);
    asyncio_server_unref(server);
}

/* parity: test_sslproto.py BaseStartTLS test_buf_feed_data */
BEHAVIOUR(bytes_are_split_as_the_buffers_are, .times = 4)
{
    static const size_t sizes[] = {1, 2, 4, 100};
    static const char *const calls[] = {"mgugugugugu", "mgugugu", "mgugu",
                                        "mgu"};
    struct recorder self = {.buffer = sizes[_i]};
    int peer = recorder_socket(&self);

    recorder_say(peer, "12345");
    recorder_passes();
    recorder_passes();
    ck_assert_str_eq(self.calls, calls[_i]);
    ck_assert_str_eq(self.data, "12345");
    recorder_close(&self, peer);
}

/* parity: test_sslproto.py BaseStartTLS test_buf_feed_data */
BEHAVIOUR(an_empty_buffer_is_a_runtime_error)
{
    struct recorder self = {.buffer = 100, .empty_buffer = true};
    int peer = recorder_socket(&self);
    struct reports reports;

    reports_begin(&reports);
    recorder_say(peer, "12345");
    recorder_end(&self, peer);
    ck_assert_str_eq(self.calls, "mglD");
    ck_assert_int_eq(self.lost_code, ASYNCIO_ERR_RUNTIME);
    ck_assert_int_eq(reports.code, ASYNCIO_ERR_RUNTIME);
    ck_assert_str_eq(reports.message,
                     "Fatal error: protocol.get_buffer() call failed.");
}
