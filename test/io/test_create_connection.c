/* SPDX-License-Identifier: MIT */
/* create_connection and connect_accepted_socket over the loopback. */
#include "net.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

/* A listening socket that nobody accepts from but the test. */
static int
listening(const char *host, int *ret_port)
{
    int fd = bound(SOCK_STREAM, host, 0);

    ck_assert_int_eq(listen(fd, 5), 0);
    *ret_port = port_of(fd);
    return fd;
}

static int
accepted(int listener)
{
    int fd = accept(listener, NULL, NULL);

    ck_assert_int_ge(fd, 0);
    return fd;
}

static void
say(int fd, const char *text)
{
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t) strlen(text));
}

/* parity: test_events.py EventLoopTestsMixin test_create_connection */
BEHAVIOUR(connecting_returns_after_connection_made)
{
    struct peer peer = {.size = 0};
    asyncio_transport_t *transport;
    asyncio_protocol_t *protocol;
    int port, listener = listening("127.0.0.1", &port);

    assert_r(asyncio_loop_create_connection(LOOP, peer_make, "127.0.0.1", port,
                                            &transport, &protocol,
                                            .arg = &peer),
             0);
    ck_assert_str_eq(peer.calls, "m");
    ck_assert_ptr_eq(protocol, &peer.protocol);
    ck_assert_ptr_eq(transport, peer.transport);
    ck_assert_int_gt(
        asyncio_sockaddr_port(
            asyncio_transport_get_extra_info(transport, "sockname")),
        0);
    ck_assert_int_eq(
        asyncio_sockaddr_port(
            asyncio_transport_get_extra_info(transport, "peername")),
        port);
    int server = accepted(listener);
    say(server, "hello");
    WAIT_FOR(peer.size == 5);
    ck_assert_mem_eq(peer.data, "hello", 5);
    close(server);
    WAIT_FOR(peer.lost);
    ck_assert_str_eq(peer.calls, "mdel");
    ck_assert_int_eq(peer.lost_code, 0);
    peer_end(&peer);
    close(listener);
}

static void
literal_needs_no_resolver(const char *host)
{
    struct peer peer = {.size = 0};
    int port, listener = listening(host, &port);

    assert_r(asyncio_loop_create_connection(LOOP, peer_make, host, port, NULL,
                                            NULL, .arg = &peer),
             0);
    ck_assert_int_eq(names_asked(), 0);
    peer_end(&peer);
    close(listener);
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_connection_ip_addr */
BEHAVIOUR(literal_addresses_connect_without_a_resolver)
{
    literal_needs_no_resolver("127.0.0.1");
    literal_needs_no_resolver("::1");
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_connection_ipv6_scope */
BEHAVIOUR(the_scope_of_an_address_is_passed_on)
{
    struct peer peer = {.size = 0};
    int port, listener = listening("::1", &port);
    struct addrinfo *list;
    char text[64];

    assert_r(asyncio_loop_create_connection(LOOP, peer_make, "::1%1", port,
                                            NULL, NULL, .arg = &peer),
             0);
    peer_end(&peer);
    close(listener);
    /* Refused: the error names the address that was given to connect(). */
    assert_r(asyncio_loop_create_connection(LOOP, peer_make, "::1%1", port,
                                            NULL, NULL, .arg = &peer),
             UV_ECONNREFUSED);
    snprintf(text, sizeof text, "[::1%%1]:%d", port);
    ck_assert_ptr_nonnull(strstr(error_text(), text));
    assert_r(asyncio_loop_getaddrinfo(LOOP, "fe80::1%1", "80", &list,
                                      .type = SOCK_STREAM),
             0);
    ck_assert_uint_eq(((struct sockaddr_in6 *) list->ai_addr)->sin6_scope_id,
                      1);
    asyncio_freeaddrinfo(list);
}

/* parity: test_sock_lowlevel.py BaseSockTestsMixin test_create_connection_sock */
BEHAVIOUR(a_connected_socket_becomes_a_transport)
{
    struct peer peer = {.size = 0};
    int port, listener = listening("127.0.0.1", &port);
    int client = dial("127.0.0.1", port), server = accepted(listener);
    char byte;

    assert_r(asyncio_loop_create_connection(LOOP, peer_make, NULL,
                                            ASYNCIO_NO_PORT, NULL, NULL,
                                            .arg = &peer, .sock = &client),
             0);
    assert_r(asyncio_transport_write(peer.transport, "x", 1), 0);
    ck_assert_int_eq(read(server, &byte, 1), 1);
    say(server, "yes");
    WAIT_FOR(peer.size == 3);
    ck_assert_mem_eq(peer.data, "yes", 3);
    peer_end(&peer);
    close(server);
    close(listener);
}

/* parity: test_events.py EventLoopTestsMixin test_connect_accepted_socket
 * parity: test_ssl.py TestSSL test_connect_accepted_socket */
BEHAVIOUR(an_accepted_socket_becomes_a_transport)
{
    struct peer peer = {.size = 0};
    int port, listener = listening("127.0.0.1", &port);
    int client = dial("127.0.0.1", port), server = accepted(listener);
    char text[4] = "";

    say(client, "hello");
    assert_r(asyncio_loop_connect_accepted_socket(LOOP, peer_make, server,
                                                  NULL, NULL, .arg = &peer),
             0);
    WAIT_FOR(peer.size == 5);
    assert_r(asyncio_transport_write(peer.transport, "yes", 3), 0);
    ck_assert_int_eq(read(client, text, 3), 3);
    ck_assert_str_eq(text, "yes");
    close(client);
    WAIT_FOR(peer.lost);
    ck_assert_str_eq(peer.calls, "mdel");
    peer_end(&peer);
    close(listener);
}

static int
nodelay(asyncio_transport_t *transport)
{
    int fd = *(const int *) asyncio_transport_get_extra_info(transport,
                                                             "socket");
    int on = -1;
    socklen_t size = sizeof on;

    ck_assert_int_eq(
        getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
    return on;
}

/* parity: test_base_events.py TestSelectorUtils test_set_nodelay */
BEHAVIOUR(tcp_does_not_delay_small_writes)
{
    struct peers clients = {.count = 0};
    struct peer peer = {.size = 0};
    asyncio_server_t *server;

    assert_r(asyncio_loop_create_server(LOOP, peers_make, "127.0.0.1", 0,
                                        &server, .arg = &clients),
             0);
    assert_r(asyncio_loop_create_connection(
                 LOOP, peer_make, "127.0.0.1", asyncio_server_port(server),
                 NULL, NULL, .arg = &peer),
             0);
    WAIT_FOR(clients.list[0].transport != NULL);
    ck_assert_int_ne(nodelay(peer.transport), 0);
    ck_assert_int_ne(nodelay(clients.list[0].transport), 0);
    peer_end(&peer);
    peers_end(&clients);
    asyncio_server_close(server);
    asyncio_server_unref(server);
}

/* parity: test_base_events.py BaseEventTests test_port_parameter_types */
BEHAVIOUR(a_port_may_be_left_out_with_a_host)
{
    struct peer peer = {.size = 0};
    struct addrinfo *list;

    /* Nobody listens at port 0, which is what that means. */
    assert_r(asyncio_loop_create_connection(LOOP, peer_make, "127.0.0.1",
                                            ASYNCIO_NO_PORT, NULL, NULL,
                                            .arg = &peer),
             UV_ECONNREFUSED);
    assert_r(asyncio_loop_create_connection(LOOP, peer_make, "127.0.0.1",
                                            65536, NULL, NULL, .arg = &peer),
             UV_EINVAL);
    /* A bare system knows no services by name. */
    for (int i = 0; i < (getservbyname("http", "tcp") != NULL ? 3 : 2); i++) {
        static const char *const services[] = {NULL, "1", "http"};
        static const int ports[] = {0, 1, 80};

        assert_r(asyncio_loop_getaddrinfo(LOOP, "127.0.0.1", services[i],
                                          &list, .type = SOCK_STREAM),
                 0);
        ck_assert_int_eq(asyncio_sockaddr_port(list->ai_addr), ports[i]);
        asyncio_freeaddrinfo(list);
    }
}

/* Why a connection cannot be, before there is a socket. */
BEHAVIOUR(a_factory_that_fails_closes_the_socket)
{
    int port, listener = listening("127.0.0.1", &port);

    /* That no descriptor stays open is checked after every test. */
    assert_r(asyncio_loop_create_connection(LOOP, NULL, "127.0.0.1", port,
                                            NULL, NULL),
             UV_EINVAL);
    close(listener);
}

struct connecting {
    struct peer *peer;
    const char *host;
    int port;
};

static int
connecting(void *frame)
{
    struct connecting *self = frame;

    return asyncio_loop_create_connection(LOOP, peer_make, self->host,
                                          self->port, NULL, NULL,
                                          .arg = self->peer);
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_connection_timeout */
BEHAVIOUR(connecting_that_takes_too_long_times_out_and_closes_its_socket)
{
    struct hole hole = hole_open("127.0.0.1", 0);
    struct peer peer = {.size = 0};

    assert_r(asyncio_wait_for(asyncio_coro(connecting, .peer = &peer,
                                           .host = "127.0.0.1",
                                           .port = hole.port),
                              5),
             ASYNCIO_ERR_TIMEOUT);
    ck_assert_str_eq(peer.calls, "");
    hole_close(&hole);
}

BEHAVIOUR(connecting_that_is_cancelled_closes_its_socket)
{
    struct hole hole = hole_open("127.0.0.1", 0);
    struct peer peer = {.size = 0};
    asyncio_task_t *task = asyncio_create_task(asyncio_coro(
        connecting, .peer = &peer, .host = "127.0.0.1", .port = hole.port));

    assert_r(asyncio_sleep(0), 0);
    asyncio_task_cancel(task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    asyncio_task_unref(task);
    hole_close(&hole);
}

SCENARIO(connecting_survives_the_failure_of_any_allocation)
{
    static const char *const both[] = {"127.0.0.2", "127.0.0.3"};
    int port, listener = listening("127.0.0.3", &port);
    struct peer peer = {.size = 0};
    int r;

    names_set("several.test", both, 2);
    r = asyncio_loop_create_connection(LOOP, peer_make, "several.test", port,
                                       NULL, NULL, .arg = &peer,
                                       .local_addr = {"127.0.0.1", 0},
                                       .happy_eyeballs_delay = 0.25);
    if (peer.transport != NULL)
        peer_end(&peer);
    close(listener);
    return r;
}
