/* SPDX-License-Identifier: MIT */
/* create_server: which sockets it opens, and how. */
#include "net.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

/* The system's, but for an option that a test wants refused. */
static int refused_option;

int
setsockopt(int fd, int level, int option, const void *value, socklen_t size)
{
    if (level == SOL_SOCKET && option == refused_option) {
        errno = ENOPROTOOPT;
        return -1;
    }
    return (int) syscall(SYS_setsockopt, fd, level, option, value, size);
}

/* The system's, but the port is taken at 127.0.0.2 that many times. */
static int taken;

int
bind(int fd, const struct sockaddr *addr, socklen_t size)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *) addr;

    if (taken > 0 && addr->sa_family == AF_INET
        && in->sin_addr.s_addr == htonl(0x7f000002)) {
        taken--;
        errno = EADDRINUSE;
        return -1;
    }
    return (int) syscall(SYS_bind, fd, addr, size);
}

static void
end_server(asyncio_server_t *server, struct peers *clients)
{
    asyncio_server_close(server);
    peers_end(clients);
    assert_r(asyncio_server_wait_closed(server), 0);
    asyncio_server_unref(server);
}

static int
option_of(asyncio_server_t *server, int option)
{
    size_t count;
    int fd = asyncio_server_sockets(server, &count)[0];
    int value = -1;
    socklen_t size = sizeof value;

    ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, option, &value, &size), 0);
    return value;
}

/* A client says hello, and is answered. */
static void
serves(struct peers *clients, const char *host, int port)
{
    int fd = dial(host, port), n = clients->count;
    struct peer *peer = &clients->list[n];
    char text[4] = "";

    ck_assert_int_eq(write(fd, "hello", 5), 5);
    WAIT_FOR(peer->size == 5);
    ck_assert_int_eq(clients->count, n + 1);
    ck_assert_mem_eq(peer->data, "hello", 5);
    ck_assert_int_eq(asyncio_sockaddr_port(asyncio_transport_get_extra_info(
                         peer->transport, "sockname")),
                     port);
    ck_assert_int_eq(asyncio_sockaddr_port(asyncio_transport_get_extra_info(
                         peer->transport, "peername")),
                     port_of(fd));
    assert_r(asyncio_transport_write(peer->transport, "yes", 3), 0);
    ck_assert_int_eq(read(fd, text, 3), 3);
    ck_assert_str_eq(text, "yes");
    close(fd);
    WAIT_FOR(peer->lost);
}

/* parity: test_events.py EventLoopTestsMixin test_create_server */
BEHAVIOUR(a_server_on_all_addresses_of_ipv4_has_one_socket)
{
    struct peers clients = {.count = 0};
    asyncio_server_t *server;
    size_t count;

    assert_r(asyncio_loop_create_server(LOOP, peers_make, "0.0.0.0", 0,
                                        &server, .arg = &clients),
             0);
    (void) asyncio_server_sockets(server, &count);
    ck_assert_uint_eq(count, 1);
    serves(&clients, "127.0.0.1", asyncio_server_port(server));
    end_server(server, &clients);
    ck_assert_str_eq(clients.list[0].calls, "mdel");
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_server_ipv6 */
BEHAVIOUR(a_server_on_ipv6_works)
{
    struct peers clients = {.count = 0};
    asyncio_server_t *server;

    assert_r(asyncio_loop_create_server(LOOP, peers_make, "::1", 0, &server,
                                        .arg = &clients),
             0);
    serves(&clients, "::1", asyncio_server_port(server));
    end_server(server, &clients);
}

/* parity: test_events.py EventLoopTestsMixin test_create_server_dual_stack */
BEHAVIOUR(without_a_host_both_families_share_a_port)
{
    struct peers clients = {.count = 0};
    asyncio_server_t *server;
    size_t count;

    assert_r(asyncio_loop_create_server(LOOP, peers_make, NULL, 0, &server,
                                        .arg = &clients),
             0);
    (void) asyncio_server_sockets(server, &count);
    ck_assert_uint_eq(count, 2);
    serves(&clients, "127.0.0.1", asyncio_server_port(server));
    serves(&clients, "::1", asyncio_server_port(server));
    end_server(server, &clients);
}

static void
listens_once_per_host(const char *const *hosts, size_t expected)
{
    struct peers clients = {.count = 0};
    asyncio_server_t *server;
    const int *sockets;
    size_t count;

    assert_r(asyncio_loop_create_server(LOOP, peers_make, NULL, 0, &server,
                                        .arg = &clients, .hosts = hosts),
             0);
    sockets = asyncio_server_sockets(server, &count);
    ck_assert_uint_eq(count, expected);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(port_of(sockets[i]), asyncio_server_port(server));
    for (size_t i = 0; hosts[i] != NULL; i++)
        serves(&clients, hosts[i], asyncio_server_port(server));
    end_server(server, &clients);
}

/* parity: test_events.py EventLoopTestsMixin test_create_server_multiple_hosts_ipv4 */
BEHAVIOUR(several_hosts_of_ipv4_are_listened_on_once_each)
{
    static const char *const hosts[] = {"127.0.0.1", "127.0.0.2", "127.0.0.1",
                                        NULL};

    listens_once_per_host(hosts, 2);
}

/* parity: test_events.py EventLoopTestsMixin test_create_server_multiple_hosts_ipv6 */
BEHAVIOUR(several_hosts_of_ipv6_are_listened_on_once_each)
{
    static const char *const hosts[] = {"::1", "::1", "127.0.0.1", NULL};

    listens_once_per_host(hosts, 2);
}

static const char *const two_hosts[] = {"127.0.0.1", "127.0.0.2", NULL};

BEHAVIOUR(any_port_is_one_that_is_free_at_all_hosts)
{
    taken = 3;
    listens_once_per_host(two_hosts, 2);
    ck_assert_int_eq(taken, 0);
}

BEHAVIOUR(the_search_for_a_port_that_is_free_at_all_hosts_ends)
{
    struct peers clients = {.count = 0};
    asyncio_server_t *server;

    taken = 1000;
    assert_r(asyncio_loop_create_server(LOOP, peers_make, NULL, 0, &server,
                                        .arg = &clients, .hosts = two_hosts),
             UV_EADDRINUSE);
    ck_assert_int_gt(taken, 0);
}

BEHAVIOUR(a_port_that_was_asked_for_is_tried_once)
{
    struct peers clients = {.count = 0};
    asyncio_server_t *server;
    int fd = bound(SOCK_STREAM, "127.0.0.1", 0), port = port_of(fd);

    close(fd);
    taken = 1;
    assert_r(asyncio_loop_create_server(LOOP, peers_make, NULL, port, &server,
                                        .arg = &clients, .hosts = two_hosts),
             UV_EADDRINUSE);
}

/* parity: test_events.py EventLoopTestsMixin test_create_server_sock */
BEHAVIOUR(a_bound_socket_becomes_a_server)
{
    int fd = bound(SOCK_STREAM, "127.0.0.1", 0), port = port_of(fd);
    struct peers clients = {.count = 0};
    asyncio_server_t *server;
    size_t count;

    assert_r(asyncio_loop_create_server(LOOP, peers_make, NULL,
                                        ASYNCIO_NO_PORT, &server,
                                        .arg = &clients, .sock = &fd),
             0);
    ck_assert_int_eq(asyncio_server_sockets(server, &count)[0], fd);
    serves(&clients, "127.0.0.1", port);
    end_server(server, &clients);
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_server_wrong_sock */
BEHAVIOUR(a_socket_that_is_no_stream_is_no_server)
{
    int fd = bound(SOCK_DGRAM, "127.0.0.1", 0);
    struct peers clients = {.count = 0};
    asyncio_server_t *server;

    assert_r(asyncio_loop_create_server(LOOP, peers_make, NULL,
                                        ASYNCIO_NO_PORT, &server,
                                        .arg = &clients, .sock = &fd),
             ASYNCIO_ERR_VALUE);
    ck_assert_ptr_nonnull(strstr(error_text(), "A Stream Socket was expected"));
    ck_assert_int_eq(close(fd), 0);
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_server_stream_bittype */
BEHAVIOUR(a_non_blocking_stream_is_a_stream)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct peers clients = {.count = 0};
    asyncio_server_t *server;

    assert_r(asyncio_loop_create_server(LOOP, peers_make, NULL,
                                        ASYNCIO_NO_PORT, &server,
                                        .arg = &clients, .sock = &fd),
             0);
    ck_assert(asyncio_server_is_serving(server));
    end_server(server, &clients);
}

BEHAVIOUR(a_socket_is_taken_over_only_by_success)
{
    struct peers clients = {.count = 0};
    int first, second, on = 1, port;
    asyncio_server_t *server;

    /* Both can be bound to the port, but only one can listen. */
    first = socket(AF_INET, SOCK_STREAM, 0);
    second = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(first, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(second, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(bind(first, (struct sockaddr *) &addr, sizeof addr), 0);
    port = port_of(first);
    addr.sin_port = htons((uint16_t) port);
    ck_assert_int_eq(bind(second, (struct sockaddr *) &addr, sizeof addr), 0);
    ck_assert_int_eq(listen(first, 1), 0);
    assert_r(asyncio_loop_create_server(LOOP, peers_make, NULL,
                                        ASYNCIO_NO_PORT, &server,
                                        .arg = &clients, .sock = &second),
             UV_EADDRINUSE);
    ck_assert_int_eq(close(second), 0);
    close(first);
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_server_no_getaddrinfo */
BEHAVIOUR(a_server_on_a_name_without_addresses_is_an_error)
{
    asyncio_server_t *server;

    names_set("none.test", NULL, 0);
    assert_r(asyncio_loop_create_server(LOOP, peers_make, "none.test", 0,
                                        &server),
             UV_EAI_NONAME);
    ck_assert_str_eq(error_text(), "getaddrinfo() returned empty list");
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_server_nosoreuseport
 * parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_server_soreuseport_only_defined */
BEHAVIOUR(sharing_a_port_that_the_system_refuses_is_an_error)
{
    asyncio_server_t *server;

    refused_option = SO_REUSEPORT;
    assert_r(asyncio_loop_create_server(LOOP, peers_make, "127.0.0.1", 0,
                                        &server, .reuse_port = true),
             ASYNCIO_ERR_VALUE);
    ck_assert_ptr_nonnull(
        strstr(error_text(), "reuse_port not supported by socket module"));
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_server_cant_bind */
BEHAVIOUR(an_address_that_cannot_be_bound_closes_all_sockets)
{
    static const char *const hosts[] = {"127.0.0.2", "127.0.0.1", NULL};
    int busy = bound(SOCK_STREAM, "127.0.0.1", 0);
    asyncio_server_t *server = NULL;

    ck_assert_int_eq(listen(busy, 1), 0);
    assert_r(asyncio_loop_create_server(LOOP, peers_make, NULL, port_of(busy),
                                        &server, .hosts = hosts),
             UV_EADDRINUSE);
    ck_assert_ptr_nonnull(
        strstr(error_text(),
               "error while attempting to bind on address 127.0.0.1:"));
    ck_assert_ptr_null(server);
    /* The first one was bound, and is free again. */
    int again = bound(SOCK_STREAM, "127.0.0.2", port_of(busy));
    close(again);
    close(busy);
}

BEHAVIOUR(options_of_listening_sockets_are_those_asked_for)
{
    struct peers clients = {.count = 0};
    asyncio_server_t *plain, *special;
    struct tcp_info info;
    socklen_t size = sizeof info;
    size_t count;

    assert_r(asyncio_loop_create_server(LOOP, peers_make, "127.0.0.1", 0,
                                        &plain, .arg = &clients),
             0);
    ck_assert_int_ne(option_of(plain, SO_REUSEADDR), 0);
    ck_assert_int_eq(option_of(plain, SO_REUSEPORT), 0);
    ck_assert_int_eq(option_of(plain, SO_KEEPALIVE), 0);
    assert_r(asyncio_loop_create_server(LOOP, peers_make, "127.0.0.1", 0,
                                        &special, .arg = &clients,
                                        .no_reuse_address = true,
                                        .reuse_port = true,
                                        .keep_alive = true, .backlog = 7),
             0);
    ck_assert_int_eq(option_of(special, SO_REUSEADDR), 0);
    ck_assert_int_ne(option_of(special, SO_REUSEPORT), 0);
    ck_assert_int_ne(option_of(special, SO_KEEPALIVE), 0);
    ck_assert_int_eq(getsockopt(asyncio_server_sockets(special, &count)[0],
                                IPPROTO_TCP, TCP_INFO, &info, &size),
                     0);
    ck_assert_uint_eq(info.tcpi_sacked, 7); /* the backlog of a listener */
    end_server(plain, &clients);
    end_server(special, &clients);
}

BEHAVIOUR(servers_that_reuse_a_port_share_its_clients)
{
    struct peers clients = {.count = 0};
    asyncio_server_t *one, *other;
    int port;

    assert_r(asyncio_loop_create_server(LOOP, peers_make, "127.0.0.1", 0, &one,
                                        .arg = &clients, .reuse_port = true),
             0);
    port = asyncio_server_port(one);
    assert_r(asyncio_loop_create_server(LOOP, peers_make, "127.0.0.1", port,
                                        &other, .arg = &clients,
                                        .reuse_port = true),
             0);
    for (int i = 0; i < 8; i++)
        serves(&clients, "127.0.0.1", port);
    asyncio_server_close(one);
    serves(&clients, "127.0.0.1", port);
    end_server(other, &clients);
    asyncio_server_unref(one);
}

SCENARIO(a_server_survives_the_failure_of_any_allocation)
{
    struct peers clients = {.count = 0};
    asyncio_server_t *server;
    int r;

    r = asyncio_loop_create_server(LOOP, peers_make, "127.0.0.1", 0, &server,
                                   .arg = &clients);
    if (r < 0)
        return r;
    asyncio_server_close(server);
    r = asyncio_server_wait_closed(server);
    asyncio_server_unref(server);
    return r;
}
