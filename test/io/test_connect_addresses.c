/* SPDX-License-Identifier: MIT */
/* create_connection to names with several addresses, and from local ones. */
#include "net.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define NAME "several.test"

/* A port at which nobody listens, on any address: bound there, so that nobody
 * else gets it meanwhile. */
static int
closed_port(int *ret_fd)
{
    *ret_fd = bound(SOCK_STREAM, "127.0.0.99", 0);
    return port_of(*ret_fd);
}

static void
resolve_to(const char *const *literals, int count)
{
    names_set(NAME, literals, count);
}

static int
connect_all_errors(int port, bool all_errors)
{
    struct peer peer = {.size = 0};
    int r = asyncio_loop_create_connection(LOOP, peer_make, NAME, port, NULL,
                                           NULL, .arg = &peer,
                                           .all_errors = all_errors);

    ck_assert_str_eq(peer.calls, "");
    return r;
}

static void
assert_group(size_t count)
{
    const asyncio_exception_t *group =
        asyncio_exception_ref(asyncio_current_exception());

    ck_assert_str_eq(asyncio_exception_message(group),
                     "create_connection failed");
    ck_assert_uint_eq(asyncio_error_group_count(group), count);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(
            asyncio_exception_code(asyncio_error_group_get(group, i)),
            UV_ECONNREFUSED);
    asyncio_exception_unref(group);
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_connection_connect_err */
BEHAVIOUR(one_address_that_fails_gives_its_error)
{
    static const char *const one[] = {"127.0.0.2"};
    int fd, port = closed_port(&fd);

    resolve_to(one, 1);
    assert_r(connect_all_errors(port, false), UV_ECONNREFUSED);
    ck_assert_ptr_null(strstr(error_text(), "Multiple"));
    assert_r(connect_all_errors(port, true), ASYNCIO_ERR_EXCEPTION_GROUP);
    assert_group(1);
    close(fd);
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_connection_multiple */
BEHAVIOUR(addresses_that_fail_the_same_way_give_one_error)
{
    static const char *const twice[] = {"127.0.0.2", "127.0.0.2"};
    int fd, port = closed_port(&fd);

    resolve_to(twice, 2);
    assert_r(connect_all_errors(port, false), UV_ECONNREFUSED);
    ck_assert_ptr_null(strstr(error_text(), "Multiple"));
    assert_r(connect_all_errors(port, true), ASYNCIO_ERR_EXCEPTION_GROUP);
    assert_group(2);
    close(fd);
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_connection_multiple_errors */
BEHAVIOUR(addresses_that_fail_in_several_ways_are_summed_up)
{
    static const char *const both[] = {"127.0.0.2", "::1"};
    int fd, port = closed_port(&fd);
    char expected[200];

    resolve_to(both, 2);
    assert_r(connect_all_errors(port, false), UV_ECONNREFUSED);
    snprintf(expected, sizeof expected,
             "Multiple exceptions: Connect call failed 127.0.0.2:%d: %s, "
             "Connect call failed [::1]:%d: %s",
             port, asyncio_strerror(UV_ECONNREFUSED), port,
             asyncio_strerror(UV_ECONNREFUSED));
    ck_assert_str_eq(error_text(), expected);
    assert_r(connect_all_errors(port, true), ASYNCIO_ERR_EXCEPTION_GROUP);
    assert_group(2);
    close(fd);
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_connection_no_getaddrinfo */
BEHAVIOUR(a_name_without_addresses_is_an_error)
{
    resolve_to(NULL, 0);
    assert_r(connect_all_errors(80, false), UV_EAI_NONAME);
    ck_assert_str_eq(error_text(), "getaddrinfo() returned empty list");
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_connection_no_local_addr */
BEHAVIOUR(a_local_name_without_addresses_is_an_error)
{
    struct peer peer = {.size = 0};

    resolve_to(NULL, 0);
    assert_r(asyncio_loop_create_connection(LOOP, peer_make, "127.0.0.1", 80,
                                            NULL, NULL, .arg = &peer,
                                            .local_addr = {NAME, 0}),
             UV_EAI_NONAME);
    ck_assert_str_eq(error_text(), "getaddrinfo() returned empty list");
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_connection_multiple_errors_local_addr */
BEHAVIOUR(failures_of_bind_and_connect_are_summed_up_together)
{
    static const char *const both[] = {"127.0.0.1", "::1"};
    int fd, port = closed_port(&fd);
    /* Busy for one family only. */
    int busy = bound(SOCK_STREAM, "127.0.0.1", 0);
    struct peer peer = {.size = 0};

    resolve_to(both, 2);
    assert_r(asyncio_loop_create_connection(LOOP, peer_make, NAME, port, NULL,
                                            NULL, .arg = &peer,
                                            .local_addr = {NAME,
                                                           port_of(busy)}),
             UV_EADDRINUSE);
    ck_assert_ptr_nonnull(strstr(error_text(), "Multiple exceptions: error "
                                               "while attempting to bind on "
                                               "address 127.0.0.1:"));
    ck_assert_ptr_nonnull(strstr(error_text(), "Connect call failed [::1]"));
    close(busy);
    close(fd);
}

/* parity: test_events.py EventLoopTestsMixin test_create_connection_local_addr */
BEHAVIOUR(a_local_address_is_bound_before_connecting)
{
    int unused = bound(SOCK_STREAM, "127.0.0.1", 0), port = port_of(unused);
    struct peers clients = {.count = 0};
    struct peer peer = {.size = 0};
    asyncio_server_t *server;

    close(unused);
    assert_r(asyncio_loop_create_server(LOOP, peers_make, "127.0.0.1", 0,
                                        &server, .arg = &clients),
             0);
    assert_r(asyncio_loop_create_connection(
                 LOOP, peer_make, "127.0.0.1", asyncio_server_port(server),
                 NULL, NULL, .arg = &peer, .local_addr = {"127.0.0.1", port}),
             0);
    ck_assert_int_eq(asyncio_sockaddr_port(asyncio_transport_get_extra_info(
                         peer.transport, "sockname")),
                     port);
    WAIT_FOR(clients.list[0].transport != NULL);
    ck_assert_int_eq(asyncio_sockaddr_port(asyncio_transport_get_extra_info(
                         clients.list[0].transport, "peername")),
                     port);
    /* Who is aborted leaves no port behind that waits. */
    asyncio_transport_abort(clients.list[0].transport);
    peers_end(&clients);
    peer_end(&peer);
    asyncio_server_close(server);
    asyncio_server_unref(server);
}

/* parity: test_events.py EventLoopTestsMixin test_create_connection_local_addr_skip_different_family */
BEHAVIOUR(local_addresses_of_another_family_are_skipped)
{
    static const char *const both[] = {"::1", "127.0.0.1"};
    int fd, port = closed_port(&fd);
    struct peer peer = {.size = 0};

    resolve_to(both, 2);
    assert_r(asyncio_loop_create_connection(LOOP, peer_make, "127.0.0.2", port,
                                            NULL, NULL, .arg = &peer,
                                            .local_addr = {NAME, 0}),
             UV_ECONNREFUSED);
    ck_assert_ptr_nonnull(strstr(error_text(), "Connect call failed"));
    close(fd);
}

/* parity: test_events.py EventLoopTestsMixin test_create_connection_local_addr_nomatch_family */
BEHAVIOUR(no_local_address_of_the_right_family_is_an_error)
{
    struct peer peer = {.size = 0};

    assert_r(asyncio_loop_create_connection(LOOP, peer_make, "127.0.0.1", 80,
                                            NULL, NULL, .arg = &peer,
                                            .local_addr = {"::1", 0}),
             UV_EADDRNOTAVAIL);
    ck_assert_ptr_nonnull(strstr(error_text(), "no matching local address"));
}

/* parity: test_events.py EventLoopTestsMixin test_create_connection_local_addr_in_use */
BEHAVIOUR(a_local_address_in_use_is_named)
{
    int busy = bound(SOCK_STREAM, "127.0.0.1", 0), port = port_of(busy);
    struct peer peer = {.size = 0};
    char text[32];

    assert_r(asyncio_loop_create_connection(LOOP, peer_make, "127.0.0.1", 80,
                                            NULL, NULL, .arg = &peer,
                                            .local_addr = {"127.0.0.1",
                                                           port}),
             UV_EADDRINUSE);
    snprintf(text, sizeof text, "127.0.0.1:%d", port);
    ck_assert_ptr_nonnull(strstr(error_text(), text));
    close(busy);
}

/* Which address is connected to when all are good but the first ones. */
static void
reaches(const char *const *literals, int count, double delay, double seconds,
        const char *winner, int port)
{
    struct peer peer = {.size = 0};
    double start = asyncio_loop_time(LOOP), passed;
    char text[64], expected[64];

    resolve_to(literals, count);
    assert_r(asyncio_loop_create_connection(LOOP, peer_make, NAME, port, NULL,
                                            NULL, .arg = &peer,
                                            .happy_eyeballs_delay = delay),
             0);
    passed = asyncio_loop_time(LOOP) - start;
    ck_assert_msg(passed > seconds - 0.01 && passed < seconds + 1,
                  "it took %g seconds", passed);
    asyncio_sockaddr_repr(
        asyncio_transport_get_extra_info(peer.transport, "peername"), text,
        sizeof text);
    snprintf(expected, sizeof expected, "%s:%d", winner, port);
    ck_assert_str_eq(text, expected);
    peer_end(&peer);
}

BEHAVIOUR(the_next_address_is_tried_when_the_delay_has_passed)
{
    static const char *const literals[] = {"127.0.0.2", "127.0.0.3"};
    struct hole hole = hole_open("127.0.0.2", 0);
    int listener = bound(SOCK_STREAM, "127.0.0.3", hole.port);

    ck_assert_int_eq(listen(listener, 5), 0);
    reaches(literals, 2, 0.25, 0.25, "127.0.0.3", hole.port);
    close(listener);
    hole_close(&hole);
}

BEHAVIOUR(the_next_address_is_tried_at_once_when_one_fails)
{
    static const char *const literals[] = {"127.0.0.2", "127.0.0.3"};
    int listener = bound(SOCK_STREAM, "127.0.0.3", 0);

    ck_assert_int_eq(listen(listener, 5), 0);
    reaches(literals, 2, 0.25, 0, "127.0.0.3", port_of(listener));
    reaches(literals, 2, 0, 0, "127.0.0.3", port_of(listener));
    close(listener);
}

BEHAVIOUR(a_delay_interleaves_the_families)
{
    static const char *const literals[] = {"127.0.0.2", "127.0.0.4", "::1"};
    struct hole hole = hole_open("127.0.0.2", 0);
    struct hole other = hole_open("127.0.0.4", hole.port);
    int listener = bound(SOCK_STREAM, "::1", hole.port);

    ck_assert_int_eq(listen(listener, 5), 0);
    reaches(literals, 3, 0.25, 0.25, "[::1]", hole.port);
    close(listener);
    hole_close(&other);
    hole_close(&hole);
}

/* In which order addresses are tried: each fails, and is named. */
static void
tried_in_order(int interleave, double delay, const char *const *expected)
{
    static const char *const literals[] = {"127.0.0.2", "127.0.0.3",
                                           "127.0.0.4", "::1"};
    int fd, port = closed_port(&fd);
    struct peer peer = {.size = 0};
    const asyncio_exception_t *group;

    resolve_to(literals, 4);
    assert_r(asyncio_loop_create_connection(LOOP, peer_make, NAME, port, NULL,
                                            NULL, .arg = &peer,
                                            .interleave = interleave,
                                            .happy_eyeballs_delay = delay,
                                            .all_errors = true),
             ASYNCIO_ERR_EXCEPTION_GROUP);
    group = asyncio_exception_ref(asyncio_current_exception());
    ck_assert_uint_eq(asyncio_error_group_count(group), 4);
    for (size_t i = 0; i < 4; i++)
        ck_assert_ptr_nonnull(
            strstr(asyncio_exception_message(asyncio_error_group_get(group, i)),
                   expected[i]));
    asyncio_exception_unref(group);
    close(fd);
}

BEHAVIOUR(addresses_are_tried_in_the_order_that_is_asked_for)
{
    static const char *const plain[] = {"127.0.0.2", "127.0.0.3", "127.0.0.4",
                                        "::1"};
    static const char *const one[] = {"127.0.0.2", "::1", "127.0.0.3",
                                      "127.0.0.4"};
    static const char *const two[] = {"127.0.0.2", "127.0.0.3", "::1",
                                      "127.0.0.4"};

    tried_in_order(0, 0, plain);
    tried_in_order(0, 0.25, one);
    tried_in_order(-1, 0.25, plain);
    tried_in_order(1, 0, one);
    tried_in_order(2, 0, two);
}

struct racing {
    int port;
    double delay;
};

static int
racing(void *frame)
{
    struct racing *self = frame;
    struct peer peer = {.size = 0};

    return asyncio_loop_create_connection(LOOP, peer_make, NAME, self->port,
                                          NULL, NULL, .arg = &peer,
                                          .happy_eyeballs_delay = self->delay);
}

BEHAVIOUR(a_race_that_takes_too_long_closes_all_its_sockets)
{
    static const char *const literals[] = {"127.0.0.2", "127.0.0.3"};
    struct hole hole = hole_open("127.0.0.2", 0);
    struct hole other = hole_open("127.0.0.3", hole.port);

    resolve_to(literals, 2);
    assert_r(asyncio_wait_for(
                 asyncio_coro(racing, .port = hole.port, .delay = 0.25), 5),
             ASYNCIO_ERR_TIMEOUT);
    /* That no descriptor stays open is checked after every test. */
    hole_close(&other);
    hole_close(&hole);
}
