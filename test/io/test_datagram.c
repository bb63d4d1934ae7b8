/* SPDX-License-Identifier: MIT */
/* Datagram endpoints, on real sockets. */
#include <asyncio.h>
#include <asyncio/testing.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "behaviour.h"

#define LOOP asyncio_get_running_loop()

/* Collects, and echoes when asked to. */
struct peer {
    asyncio_datagram_protocol_t protocol; /* first */
    asyncio_transport_t *transport;
    asyncio_future_t *news;
    char data[64];
    size_t size;
    int count, lost, error;
    bool echo;
};

static void
tell(struct peer *peer)
{
    if (peer->news != NULL && !asyncio_future_done(peer->news))
        asyncio_future_set_result(peer->news, NULL);
}

static int
on_made(asyncio_protocol_t *self, asyncio_transport_t *transport)
{
    ((struct peer *) self)->transport = transport;
    return 0;
}

static int
on_lost(asyncio_protocol_t *self, const asyncio_exception_t *exception)
{
    struct peer *peer = (struct peer *) self;

    ck_assert_ptr_null(exception);
    peer->lost++;
    tell(peer);
    return 0;
}

static int
on_datagram(asyncio_datagram_protocol_t *self, const void *data, size_t size,
            const struct sockaddr *addr)
{
    struct peer *peer = (struct peer *) self;

    memcpy(peer->data, data, size);
    peer->size = size;
    peer->count++;
    if (peer->echo)
        assert_r(asyncio_datagram_transport_sendto(
                     peer->transport, data, size, addr,
                     addr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
                                                : sizeof(struct sockaddr_in6)),
                 0);
    tell(peer);
    return 0;
}

static int
on_error(asyncio_datagram_protocol_t *self,
         const asyncio_exception_t *exception)
{
    struct peer *peer = (struct peer *) self;

    peer->error = asyncio_exception_code(exception);
    tell(peer);
    return 0;
}

static int
make_peer(void *arg, asyncio_protocol_t **ret_protocol)
{
    struct peer *peer = arg;

    peer->protocol = (asyncio_datagram_protocol_t){
        .base = {.connection_made = on_made, .connection_lost = on_lost},
        .datagram_received = on_datagram,
        .error_received = on_error};
    *ret_protocol = &peer->protocol.base;
    return 0;
}

static void
wait_for_news(struct peer *peer)
{
    peer->news = asyncio_future_new();
    assert_r(asyncio_await(peer->news), 0);
    peer->news = asyncio_future_unref(peer->news);
}

static void
close_peer(struct peer *peer)
{
    asyncio_transport_close(peer->transport);
    while (peer->lost == 0)
        assert_r(asyncio_sleep(0), 0);
}

static int
port_of(struct peer *peer)
{
    return asyncio_sockaddr_port(
        asyncio_transport_get_extra_info(peer->transport, "sockname"));
}

static void
echo_over(const char *host)
{
    struct peer server = {.echo = true}, client = {.size = 0};

    assert_r(asyncio_loop_create_datagram_endpoint(
                 LOOP, make_peer, NULL, NULL, .arg = &server,
                 .local_addr = {host, 0}),
             0);
    assert_r(asyncio_loop_create_datagram_endpoint(
                 LOOP, make_peer, NULL, NULL, .arg = &client,
                 .remote_addr = {host, port_of(&server)}),
             0);
    assert_r(asyncio_datagram_transport_sendto(client.transport, "xxx", 3,
                                               NULL, 0),
             0);
    wait_for_news(&client);
    ck_assert_uint_eq(client.size, 3);
    ck_assert_mem_eq(client.data, "xxx", 3);
    /* An empty one is a datagram, too. */
    assert_r(asyncio_datagram_transport_sendto(client.transport, NULL, 0, NULL,
                                               0),
             0);
    wait_for_news(&client);
    ck_assert_uint_eq(client.size, 0);
    ck_assert_int_eq(client.count, 2);
    close_peer(&client);
    close_peer(&server);
}

/* parity: test_events.py EventLoopTestsMixin test_create_datagram_endpoint
 * parity: test_selector_events.py SelectorDatagramTransportTests test_read_ready
 * parity: test_selector_events.py SelectorDatagramTransportTests test_sendto
 * parity: test_selector_events.py SelectorDatagramTransportTests test_sendto_no_data
 * parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_datagram_endpoint_ip_addr */
BEHAVIOUR(datagrams_go_there_and_back)
{
    echo_over("127.0.0.1");
    ck_assert_int_eq((int) asyncio_testing_counters().ops, 0);
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_datagram_endpoint_noaddr_nofamily
 * parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_datagram_endpoint_no_matching_family */
BEHAVIOUR(endpoints_without_a_sensible_address_are_refused)
{
    struct peer peer = {.size = 0};

    assert_r(asyncio_loop_create_datagram_endpoint(LOOP, make_peer, NULL, NULL,
                                                   .arg = &peer),
             ASYNCIO_ERR_VALUE);
    ck_assert_str_eq(asyncio_exception_message(asyncio_current_exception()),
                     "unexpected address family");
    assert_r(asyncio_loop_create_datagram_endpoint(
                 LOOP, make_peer, NULL, NULL, .arg = &peer,
                 .local_addr = {"127.0.0.1", 0}, .remote_addr = {"::1", 1}),
             ASYNCIO_ERR_VALUE);
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_datagram_endpoint_wrong_sock
 * parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_datagram_endpoint_sock_sockopts */
BEHAVIOUR(a_socket_that_does_not_fit_is_refused_and_stays_open)
{
    int stream = socket(AF_INET, SOCK_STREAM, 0);
    int udp = socket(AF_INET, SOCK_DGRAM, 0);
    struct peer peer = {.size = 0};

    assert_r(asyncio_loop_create_datagram_endpoint(LOOP, make_peer, NULL, NULL,
                                                   .arg = &peer,
                                                   .sock = &stream),
             ASYNCIO_ERR_VALUE);
    assert_r(asyncio_loop_create_datagram_endpoint(
                 LOOP, make_peer, NULL, NULL, .arg = &peer, .sock = &udp,
                 .reuse_port = true),
             ASYNCIO_ERR_VALUE);
    ck_assert_int_eq(close(stream), 0);
    ck_assert_int_eq(close(udp), 0);
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_datagram_endpoint_sock
 * parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_datagram_endpoint_sockopts */
BEHAVIOUR(options_of_the_socket_are_set_only_when_asked_for)
{
    struct peer plain = {.size = 0}, special = {.size = 0};
    int udp = socket(AF_INET, SOCK_DGRAM, 0), on = -1;
    socklen_t size = sizeof on;

    assert_r(asyncio_loop_create_datagram_endpoint(LOOP, make_peer, NULL, NULL,
                                                   .arg = &plain, .sock = &udp),
             0);
    getsockopt(udp, SOL_SOCKET, SO_BROADCAST, &on, &size);
    ck_assert_int_eq(on, 0);
    assert_r(asyncio_loop_create_datagram_endpoint(
                 LOOP, make_peer, NULL, NULL, .arg = &special,
                 .local_addr = {"127.0.0.1", 0}, .reuse_port = true,
                 .allow_broadcast = true),
             0);
    int fd = *(const int *) asyncio_transport_get_extra_info(special.transport,
                                                             "socket");
    getsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, &size);
    ck_assert_int_eq(on, 1);
    getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, &size);
    ck_assert_int_eq(on, 1);
    getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, &size);
    ck_assert_int_eq(on, 0);
    close_peer(&plain);
    close_peer(&special);
}

/* parity: test_selector_events.py SelectorDatagramTransportTests test_sendto_error_received_connected
 * parity: test_selector_events.py SelectorDatagramTransportTests test_read_ready_oserr */
BEHAVIOUR(a_refused_datagram_is_an_error_and_the_endpoint_stays_open)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int unused = socket(AF_INET, SOCK_DGRAM, 0);
    struct peer peer = {.size = 0};
    socklen_t size = sizeof addr;

    bind(unused, (struct sockaddr *) &addr, sizeof addr);
    getsockname(unused, (struct sockaddr *) &addr, &size);
    close(unused);
    assert_r(asyncio_loop_create_datagram_endpoint(
                 LOOP, make_peer, NULL, NULL, .arg = &peer,
                 .remote_addr = {"127.0.0.1", ntohs(addr.sin_port)}),
             0);
    asyncio_datagram_transport_sendto(peer.transport, "x", 1, NULL, 0);
    wait_for_news(&peer);
    ck_assert_int_eq(peer.error, UV_ECONNREFUSED);
    ck_assert(!asyncio_transport_is_closing(peer.transport));
    close_peer(&peer);
}

/* parity: test_selector_events.py SelectorDatagramTransportTests test_sendto_connected_addr
 * parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_datagram_endpoint_allow_broadcast */
BEHAVIOUR(an_endpoint_with_a_remote_address_sends_nowhere_else)
{
    struct sockaddr_in other = {.sin_family = AF_INET, .sin_port = htons(9)};
    struct peer peer = {.size = 0};

    assert_r(asyncio_loop_create_datagram_endpoint(
                 LOOP, make_peer, NULL, NULL, .arg = &peer,
                 .remote_addr = {"127.0.0.1", 9}, .allow_broadcast = true),
             0);
    ck_assert_ptr_null(
        asyncio_transport_get_extra_info(peer.transport, "peername"));
    assert_r(asyncio_datagram_transport_sendto(peer.transport, "x", 1,
                                               (struct sockaddr *) &other,
                                               sizeof other),
             ASYNCIO_ERR_VALUE);
    close_peer(&peer);
    ck_assert_int_eq(peer.lost, 1);
}

/* parity: test_selector_events.py SelectorDatagramTransportTests test_sendto_tryagain
 * parity: test_selector_events.py SelectorDatagramTransportTests test_sendto_buffer
 * parity: test_selector_events.py SelectorDatagramTransportTests test_sendto_ready
 * parity: test_selector_events.py SelectorDatagramTransportTests test_sendto_ready_closing */
BEHAVIOUR(what_does_not_fit_is_queued_in_order_and_sent_before_the_close)
{
    struct peer peer = {.size = 0};
    char byte[4];
    int ends[2], got = 0;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends),
                     0);
    assert_r(asyncio_loop_create_datagram_endpoint(
                 LOOP, make_peer, NULL, NULL, .arg = &peer, .sock = &ends[0]),
             0);
    for (int i = 0; i < 1000; i++)
        assert_r(asyncio_datagram_transport_sendto(peer.transport, &i,
                                                   sizeof i, NULL, 0),
                 0);
    ck_assert_uint_gt(asyncio_transport_get_write_buffer_size(peer.transport),
                      0);
    asyncio_transport_close(peer.transport);
    while (got < 1000) {
        int number;

        assert_r(asyncio_loop_sock_recv(LOOP, ends[1], byte, 4), 4);
        memcpy(&number, byte, sizeof number);
        ck_assert_int_eq(number, got++);
    }
    while (peer.lost == 0)
        assert_r(asyncio_sleep(0), 0);
    close(ends[1]);
}

static int
never(void *arg)
{
    (void) arg;
    return -1;
}

/* parity: test_unix_events.py TestFunctional test_add_reader_or_writer_transport_fd */
BEHAVIOUR(the_descriptor_of_a_transport_cannot_be_watched)
{
    struct peer peer = {.size = 0};

    assert_r(asyncio_loop_create_datagram_endpoint(
                 LOOP, make_peer, NULL, NULL, .arg = &peer,
                 .local_addr = {"127.0.0.1", 0}),
             0);
    int fd = *(const int *) asyncio_transport_get_extra_info(peer.transport,
                                                             "socket");
    assert_r(asyncio_loop_add_reader(LOOP, fd, never, NULL),
             ASYNCIO_ERR_RUNTIME);
    assert_r(asyncio_loop_add_writer(LOOP, fd, never, NULL),
             ASYNCIO_ERR_RUNTIME);
    assert_r(asyncio_loop_remove_reader(LOOP, fd), ASYNCIO_ERR_RUNTIME);
    assert_r(asyncio_loop_remove_writer(LOOP, fd), ASYNCIO_ERR_RUNTIME);
    assert_r(asyncio_wait_fd(fd, ASYNCIO_READABLE), ASYNCIO_ERR_RUNTIME);
    close_peer(&peer);
}
