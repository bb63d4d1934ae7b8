/* SPDX-License-Identifier: MIT */
/*
 * create_connection: resolve, connect, make the transport.
 *
 * Python counterpart: BaseEventLoop.create_connection and
 * connect_accepted_socket.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/connect.h"
#include "io/dns.h"

/* Take turns among the families: `first` of the first one, then one of each.
 * Stable, in place of a list of lists. */
static int
interleave(struct aio__addrs *addrs, size_t first)
{
    struct aio__addrs mixed = {NULL, 0};
    int family = addrs->list[0].family;
    size_t own = 0, others = 0;
    int r;

    while (mixed.count < addrs->count) {
        bool want_own = mixed.count < first || (mixed.count - first) % 2 == 1;
        size_t *at = want_own ? &own : &others;

        while (*at < addrs->count
               && (addrs->list[*at].family == family) != want_own)
            (*at)++;
        if (*at == addrs->count) { /* one kind has run out */
            at = want_own ? &others : &own;
            want_own = !want_own;
            while ((addrs->list[*at].family == family) != want_own)
                (*at)++;
        }
        r = aio__addrs_add(&mixed, &addrs->list[(*at)++]);
        if (r < 0) {
            aio__addrs_fini(&mixed);
            return r;
        }
    }
    aio__addrs_fini(addrs);
    *addrs = mixed;
    return 0;
}

static bool
same_message(const asyncio_exception_t *a, const asyncio_exception_t *b)
{
    if (a->code != b->code || (a->message == NULL) != (b->message == NULL))
        return false;
    return a->message == NULL || strcmp(a->message, b->message) == 0;
}

static int
raise_ref(asyncio_exception_t *exception)
{
    return aio__raise_exception(exception->code,
                                aio__exception_ref(exception));
}

/* No address could be connected to. */
static int
raise_errors(asyncio_exception_t *group, bool all)
{
    char text[480] = "";
    size_t used = 0;
    bool same = true;

    if (all)
        return raise_ref(group);
    for (size_t i = 1; i < group->count; i++)
        same = same && same_message(group->errors[0], group->errors[i]);
    if (same)
        return raise_ref(group->errors[0]);
    for (size_t i = 0; i < group->count && used < sizeof text; i++) {
        const char *message = group->errors[i]->message;

        used += (size_t) snprintf(
            text + used, sizeof text - used, "%s%s", i > 0 ? ", " : "",
            message != NULL ? message
                            : asyncio_strerror(group->errors[i]->code));
    }
    return asyncio_raise_at(group->errors[0]->code, NULL, 0,
                            "Multiple exceptions: %s", text);
}

static int
connect_to_one_of(asyncio_loop_t *loop, const struct aio__addrs *addrs,
                  const struct aio__addrs *local,
                  const asyncio_connection_options_t *options, int *ret_fd)
{
    asyncio_exception_t *group;
    int fd = -1;
    int r;

    group = aio__exception_new(ASYNCIO_ERR_EXCEPTION_GROUP,
                               "create_connection failed");
    if (group == NULL)
        return UV_ENOMEM;
    r = aio__connect_race(loop, addrs, local,
                          aio__option(options, happy_eyeballs_delay, 0),
                          group, &fd);
    if (r == 0 && fd < 0)
        r = raise_errors(group, aio__option(options, all_errors, false));
    aio__exception_unref(group);
    if (r == 0)
        *ret_fd = fd;
    return r;
}

static int
connect_to(asyncio_loop_t *loop, const struct aio__addrs *addrs,
           const struct aio__addrs *local,
           const asyncio_connection_options_t *options, int *ret_fd)
{
    int fd;

    if (addrs->count != 1 || aio__option(options, all_errors, false))
        return connect_to_one_of(loop, addrs, local, options, ret_fd);
    fd = aio__connect_socket(loop, addrs->list, local);
    if (fd < 0)
        return fd;
    *ret_fd = fd;
    return 0;
}

static int
resolve_both(asyncio_loop_t *loop, const char *host, int port,
             const asyncio_connection_options_t *options,
             struct aio__addrs *addrs, struct aio__addrs *local)
{
    const asyncio_address_t none = {NULL, 0};
    asyncio_address_t from = aio__option(options, local_addr, none);
    asyncio_getaddrinfo_options_t hints = {
        .size = sizeof hints,
        .family = aio__option(options, family, 0),
        .type = SOCK_STREAM,
        .proto = aio__option(options, proto, 0),
        .flags = aio__option(options, flags, 0)};
    int first = aio__option(options, interleave, 0);
    int r;

    if (first == 0 && aio__option(options, happy_eyeballs_delay, 0) > 0)
        first = 1;
    r = aio__resolve(loop, host, port == ASYNCIO_NO_PORT ? 0 : port, &hints,
                     addrs);
    if (r == 0 && from.host != NULL)
        r = aio__resolve(loop, from.host, from.port, &hints, local);
    if (r == 0 && first > 0)
        r = interleave(addrs, (size_t) first);
    return r;
}

static int
open_socket(asyncio_loop_t *loop, const char *host, int port,
            const asyncio_connection_options_t *options, int *ret_fd)
{
    struct aio__addrs addrs = {NULL, 0};
    struct aio__addrs local = {NULL, 0};
    int r;

    r = resolve_both(loop, host, port, options, &addrs, &local);
    if (r == 0)
        r = connect_to(loop, &addrs, &local, options, ret_fd);
    aio__addrs_fini(&addrs);
    aio__addrs_fini(&local);
    return r;
}

/* The socket that was given, or one of our own. */
static int
get_socket(asyncio_loop_t *loop, const char *host, int port,
           const asyncio_connection_options_t *options, int *ret_fd)
{
    const int *sock = aio__option(options, sock, NULL);
    int r;

    if (sock == NULL && host == NULL && port == ASYNCIO_NO_PORT)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "host and port was not specified and no sock "
                                "specified");
    if (sock == NULL)
        return open_socket(loop, host, port, options, ret_fd);
    if (host != NULL || port > 0)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "host/port and sock can not be specified at "
                                "the same time");
    r = aio__check_stream_socket(*sock);
    if (r == 0)
        *ret_fd = *sock;
    return r;
}

int
asyncio_loop_create_connection(asyncio_loop_t *loop,
                               asyncio_protocol_factory_t protocol_factory,
                               const char *host, int port,
                               asyncio_transport_t **ret_transport,
                               asyncio_protocol_t **ret_protocol,
                               const asyncio_connection_options_t *options)
{
    const char *hostname;
    int fd = -1;
    int r;

    r = aio__connect_check(loop, protocol_factory);
    if (r < 0)
        return r;
    r = aio__connect_check_tls(options, host, &hostname);
    if (r < 0)
        return r;
    r = get_socket(loop, host, port, options, &fd);
    if (r < 0)
        return r;
    r = aio__connect_transport(loop, AIO__CONN_SOCKET, &fd, protocol_factory,
                               options, false, hostname, ret_transport,
                               ret_protocol);
    if (r < 0 && fd >= 0 && aio__option(options, sock, NULL) == NULL)
        close(fd);
    return r;
}

int
asyncio_loop_connect_accepted_socket(
    asyncio_loop_t *loop, asyncio_protocol_factory_t protocol_factory,
    int sock, asyncio_transport_t **ret_transport,
    asyncio_protocol_t **ret_protocol,
    const asyncio_connection_options_t *options)
{
    const char *hostname;
    int r;

    r = aio__connect_check(loop, protocol_factory);
    if (r < 0)
        return r;
    r = aio__connect_check_tls(options, "", &hostname);
    if (r < 0 && aio__option(options, ssl, NULL) == NULL)
        return r;
    r = aio__check_stream_socket(sock);
    if (r < 0)
        return r;
    return aio__connect_transport(loop, AIO__CONN_SOCKET, &sock,
                                  protocol_factory, options, true, NULL,
                                  ret_transport, ret_protocol);
}
