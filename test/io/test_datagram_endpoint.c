/* SPDX-License-Identifier: MIT */
/* create_datagram_endpoint: sockets that cannot be had, IPv6, broadcast and
 * multicast on the loopback. */
#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

/* The system's, but for what a test wants refused. */
static int refused_option;
static int socket_error;

int
setsockopt(int fd, int level, int option, const void *value, socklen_t size)
{
    if (level == SOL_SOCKET && option == refused_option) {
        errno = ENOPROTOOPT;
        return -1;
    }
    return (int) syscall(SYS_setsockopt, fd, level, option, value, size);
}

int
socket(int domain, int type, int protocol)
{
    if (socket_error != 0) {
        errno = socket_error;
        return -1;
    }
    return (int) syscall(SYS_socket, domain, type, protocol);
}

struct end {
    asyncio_datagram_protocol_t protocol; /* first */
    asyncio_transport_t *transport;
    char data[16];
    int count, errors;
    bool echo, lost;
};

static int
on_made(asyncio_protocol_t *protocol, asyncio_transport_t *transport)
{
    ((struct end *) protocol)->transport = asyncio_transport_ref(transport);
    return 0;
}

static int
on_lost(asyncio_protocol_t *protocol, const asyncio_exception_t *exception)
{
    (void) exception;
    ((struct end *) protocol)->lost = true;
    return 0;
}

static int
on_datagram(asyncio_datagram_protocol_t *protocol, const void *data,
            size_t size, const struct sockaddr *addr)
{
    struct end *self = (struct end *) protocol;

    snprintf(self->data, sizeof self->data, "%.*s", (int) size,
             (const char *) data);
    self->count++;
    if (self->echo)
        assert_r(asyncio_datagram_transport_sendto(
                     self->transport, data, size, addr,
                     addr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
                                                : sizeof(struct sockaddr_in6)),
                 0);
    return 0;
}

static int
on_error(asyncio_datagram_protocol_t *protocol,
         const asyncio_exception_t *exception)
{
    (void) exception;
    ((struct end *) protocol)->errors++;
    return 0;
}

static int
make_end(void *arg, asyncio_protocol_t **ret_protocol)
{
    struct end *self = arg;

    self->protocol =
        (asyncio_datagram_protocol_t){.base = {.connection_made = on_made,
                                               .connection_lost = on_lost},
                                      .datagram_received = on_datagram,
                                      .error_received = on_error};
    *ret_protocol = &self->protocol.base;
    return 0;
}

static void
open_at(struct end *end, const char *host)
{
    assert_r(asyncio_loop_create_datagram_endpoint(
                 LOOP, make_end, NULL, NULL, .arg = end,
                 .local_addr = {host, 0}, .allow_broadcast = true),
             0);
}

static void
end_it(struct end *end)
{
    asyncio_transport_close(end->transport);
    WAIT_FOR(end->lost);
    end->transport = asyncio_transport_unref(end->transport);
}

static const struct sockaddr *
name(struct end *end)
{
    return asyncio_transport_get_extra_info(end->transport, "sockname");
}

/* parity: test_events.py EventLoopTestsMixin test_create_datagram_endpoint_ipv6 */
BEHAVIOUR(datagrams_of_ipv6_go_there_and_back)
{
    struct end server = {.echo = true}, client = {.count = 0};

    open_at(&server, "::1");
    assert_r(asyncio_loop_create_datagram_endpoint(
                 LOOP, make_end, NULL, NULL, .arg = &client,
                 .remote_addr = {"::1", asyncio_sockaddr_port(name(&server))}),
             0);
    ck_assert_int_eq(name(&client)->sa_family, AF_INET6);
    assert_r(asyncio_datagram_transport_sendto(client.transport, "xxx", 3,
                                               NULL, 0),
             0);
    WAIT_FOR(client.count == 1);
    ck_assert_str_eq(client.data, "xxx");
    ck_assert_str_eq(server.data, "xxx");
    end_it(&client);
    end_it(&server);
}

/* parity: test_events.py EventLoopTestsMixin test_datagram_send_to_non_listening_address */
BEHAVIOUR(a_datagram_to_a_dead_port_does_not_break_the_endpoint)
{
    struct end one = {.count = 0}, other = {.count = 0};
    int unused = bound(SOCK_DGRAM, "127.0.0.1", 0);
    struct sockaddr_in dead = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t) port_of(unused)),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    close(unused);
    open_at(&one, "127.0.0.1");
    open_at(&other, "127.0.0.1");
    for (int i = 0; i < 3; i++) {
        assert_r(asyncio_datagram_transport_sendto(
                     one.transport, "a", 1, (struct sockaddr *) &dead,
                     sizeof dead),
                 0);
        assert_r(asyncio_datagram_transport_sendto(
                     other.transport, "b", 1, name(&one),
                     sizeof(struct sockaddr_in)),
                 0);
        WAIT_FOR(one.count == i + 1);
    }
    ck_assert_str_eq(one.data, "b");
    ck_assert_int_eq(one.errors, 0);
    ck_assert(!asyncio_transport_is_closing(one.transport));
    end_it(&one);
    end_it(&other);
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_datagram_endpoint_socket_err */
BEHAVIOUR(an_endpoint_without_a_socket_is_an_error)
{
    struct end end = {.count = 0};

    socket_error = EMFILE;
    assert_r(asyncio_loop_create_datagram_endpoint(LOOP, make_end, NULL, NULL,
                                                   .arg = &end,
                                                   .family = AF_INET),
             UV_EMFILE);
    assert_r(asyncio_loop_create_datagram_endpoint(
                 LOOP, make_end, NULL, NULL, .arg = &end,
                 .local_addr = {"127.0.0.1", 0}),
             UV_EMFILE);
    socket_error = 0;
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_datagram_endpoint_nosoreuseport */
BEHAVIOUR(sharing_a_port_that_the_system_refuses_is_an_error)
{
    struct end end = {.count = 0};

    refused_option = SO_REUSEPORT;
    assert_r(asyncio_loop_create_datagram_endpoint(
                 LOOP, make_end, NULL, NULL, .arg = &end, .reuse_port = true,
                 .local_addr = {"127.0.0.1", 0}),
             ASYNCIO_ERR_VALUE);
    ck_assert_ptr_nonnull(
        strstr(error_text(), "reuse_port not supported by socket module"));
}

BEHAVIOUR(a_local_address_in_use_is_named)
{
    int busy = bound(SOCK_DGRAM, "127.0.0.1", 0);
    struct end end = {.count = 0};
    char text[32];

    assert_r(asyncio_loop_create_datagram_endpoint(
                 LOOP, make_end, NULL, NULL, .arg = &end,
                 .local_addr = {"127.0.0.1", port_of(busy)}),
             UV_EADDRINUSE);
    snprintf(text, sizeof text, "127.0.0.1:%d", port_of(busy));
    ck_assert_ptr_nonnull(strstr(error_text(), text));
    close(busy);
}

BEHAVIOUR(endpoints_that_reuse_a_port_may_have_the_same)
{
    struct end one = {.count = 0}, other = {.count = 0};

    assert_r(asyncio_loop_create_datagram_endpoint(
                 LOOP, make_end, NULL, NULL, .arg = &one,
                 .reuse_port = true, .local_addr = {"127.0.0.1", 0}),
             0);
    assert_r(asyncio_loop_create_datagram_endpoint(
                 LOOP, make_end, NULL, NULL, .arg = &other,
                 .reuse_port = true,
                 .local_addr = {"127.0.0.1",
                                asyncio_sockaddr_port(name(&one))}),
             0);
    end_it(&one);
    end_it(&other);
}

static struct sockaddr_in
group_of(struct end *end, const char *group)
{
    struct sockaddr_in addr = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t) asyncio_sockaddr_port(name(end)))};

    inet_pton(AF_INET, group, &addr.sin_addr);
    return addr;
}

BEHAVIOUR(a_broadcast_needs_to_be_allowed)
{
    struct end server = {.count = 0}, plain = {.count = 0},
               loud = {.count = 0};
    struct sockaddr_in all;

    open_at(&server, "0.0.0.0");
    all = group_of(&server, "127.255.255.255");
    assert_r(asyncio_loop_create_datagram_endpoint(
                 LOOP, make_end, NULL, NULL, .arg = &plain,
                 .local_addr = {"127.0.0.1", 0}),
             0);
    assert_r(asyncio_datagram_transport_sendto(plain.transport, "x", 1,
                                               (struct sockaddr *) &all,
                                               sizeof all),
             0);
    ck_assert_int_eq(plain.errors, 1);
    assert_r(asyncio_loop_create_datagram_endpoint(
                 LOOP, make_end, NULL, NULL, .arg = &loud,
                 .local_addr = {"127.0.0.1", 0}, .allow_broadcast = true,
                 .remote_addr = {"127.255.255.255",
                                 asyncio_sockaddr_port(name(&server))}),
             0);
    assert_r(asyncio_datagram_transport_sendto(loud.transport, "hey", 3, NULL,
                                               0),
             0);
    WAIT_FOR(server.count == 1);
    ck_assert_str_eq(server.data, "hey");
    end_it(&plain);
    end_it(&loud);
    end_it(&server);
}

BEHAVIOUR(members_of_a_group_get_what_is_sent_to_it)
{
    unsigned lo = if_nametoindex("lo");
    struct ip_mreqn through = {.imr_ifindex = (int) lo};
    struct end member = {.count = 0}, sender = {.count = 0};
    struct sockaddr_in group;

    open_at(&member, "0.0.0.0");
    open_at(&sender, "127.0.0.1");
    group = group_of(&member, "239.255.1.2");
    ck_assert_int_eq(
        setsockopt(*(const int *) asyncio_transport_get_extra_info(
                       sender.transport, "socket"),
                   IPPROTO_IP, IP_MULTICAST_IF, &through, sizeof through),
        0);
    assert_r(asyncio_datagram_transport_membership(member.transport,
                                                   "239.255.1.2", lo, true),
             0);
    assert_r(asyncio_datagram_transport_sendto(sender.transport, "all", 3,
                                               (struct sockaddr *) &group,
                                               sizeof group),
             0);
    WAIT_FOR(member.count == 1);
    ck_assert_str_eq(member.data, "all");
    assert_r(asyncio_datagram_transport_membership(member.transport,
                                                   "239.255.1.2", lo, false),
             0);
    assert_r(asyncio_datagram_transport_membership(member.transport,
                                                   "239.255.1.2", lo, false),
             UV_EADDRNOTAVAIL);
    assert_r(asyncio_datagram_transport_membership(member.transport, "nobody",
                                                   lo, true),
             UV_EINVAL);
    end_it(&member);
    end_it(&sender);
}

BEHAVIOUR(groups_of_ipv6_are_joined_and_left)
{
    unsigned lo = if_nametoindex("lo");
    struct end end = {.count = 0};

    open_at(&end, "::1");
    for (int i = 0; i < 2; i++) {
        assert_r(asyncio_datagram_transport_membership(end.transport,
                                                       "ff01::1234", lo, true),
                 0);
        assert_r(asyncio_datagram_transport_membership(
                     end.transport, "ff01::1234", lo, false),
                 0);
    }
    end_it(&end);
}

SCENARIO(an_endpoint_survives_the_failure_of_any_allocation)
{
    struct end end = {.count = 0};
    int r;

    r = asyncio_loop_create_datagram_endpoint(
        LOOP, make_end, NULL, NULL, .arg = &end,
        .local_addr = {"127.0.0.1", 0}, .remote_addr = {"127.0.0.1", 9});
    if (end.transport != NULL)
        end_it(&end);
    return r;
}
