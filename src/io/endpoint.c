/* SPDX-License-Identifier: MIT */
/*
 * create_datagram_endpoint: addresses, socket, transport.
 *
 * Local and remote addresses are paired by family; the pairs are tried one
 * after the other, and the first error is the one that counts. Those of Unix
 * sockets are paths, and nobody is asked for them.
 *
 * Python counterpart: create_datagram_endpoint of base_events.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "io/datagram.h"
#include "io/dns.h"
#include "io/io.h"
#include "io/sock.h"

typedef const asyncio_datagram_endpoint_options_t *options_t;

static int
value_error(const char *message)
{
    return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0, "%s", message);
}

/* A socket of the program. */
static int
use_socket(options_t o, int sock)
{
    socklen_t size = sizeof(int);
    int type;

    if (getsockopt(sock, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
        return -errno;
    if (type == SOCK_STREAM)
        return value_error("A datagram socket was expected");
    if (o->local_addr.host != NULL || o->remote_addr.host != NULL
        || o->family != 0 || o->proto != 0 || o->flags != 0 || o->reuse_port
        || o->allow_broadcast)
        return value_error("socket modifier keyword arguments can not be used "
                           "when sock is specified.");
    return aio__fd_nonblock(sock);
}

static int
set_options(options_t o, int fd)
{
    int on = 1;

    if (o->reuse_port
        && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0)
        return value_error("reuse_port not supported by socket module, "
                           "SO_REUSEPORT defined but not implemented.");
    if (o->allow_broadcast
        && setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on) < 0)
        return -errno;
    return 0;
}

static int
raise_bind(int code, const struct aio__addr *addr)
{
    char text[160];

    asyncio_sockaddr_repr((const struct sockaddr *) &addr->addr, text,
                          sizeof text);
    return asyncio_raise_at(code, NULL, 0,
                            "error while attempting to bind on address %s: %s",
                            text, asyncio_strerror(code));
}

/* One pair; either may be NULL. */
static int
open_pair(asyncio_loop_t *loop, options_t o, int family,
          const struct aio__addr *local, const struct aio__addr *remote,
          int *ret_fd)
{
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                    o->proto);
    int r;

    if (fd < 0)
        return -errno;
    r = set_options(o, fd);
    if (r == 0 && local != NULL
        && bind(fd, (const struct sockaddr *) &local->addr, local->size) < 0)
        r = raise_bind(-errno, local);
    if (r == 0 && remote != NULL && !o->allow_broadcast)
        r = asyncio_loop_sock_connect(
            loop, fd, (const struct sockaddr *) &remote->addr, remote->size);
    if (r < 0)
        close(fd);
    else
        *ret_fd = fd;
    return r;
}

static const struct aio__addr *
of_family(const struct aio__addrs *addrs, int family)
{
    for (size_t i = 0; i < addrs->count; i++)
        if (addrs->list[i].family == family)
            return &addrs->list[i];
    return NULL;
}

static int
open_first(asyncio_loop_t *loop, options_t o, const struct aio__addrs *locals,
           const struct aio__addrs *remotes, struct aio__addr *ret_remote,
           int *ret_fd)
{
    const struct aio__addrs *lead = locals->count > 0 ? locals : remotes;
    int first = 0;

    for (size_t i = 0; i < lead->count; i++) {
        int family = lead->list[i].family;
        const struct aio__addr *local = of_family(locals, family);
        const struct aio__addr *remote = of_family(remotes, family);
        int r;

        if ((locals->count > 0 && local == NULL)
            || (remotes->count > 0 && remote == NULL))
            continue;
        r = open_pair(loop, o, family, local, remote, ret_fd);
        if (r == 0 && remote != NULL)
            *ret_remote = *remote;
        if (r == 0 || r == ASYNCIO_ERR_CANCELLED)
            return r;
        first = first != 0 ? first : r;
    }
    return first != 0 ? first : value_error("can not get address information");
}

static int
resolve(asyncio_loop_t *loop, options_t o, const asyncio_address_t *address,
        struct aio__addrs *addrs)
{
    asyncio_getaddrinfo_options_t hints = {.size = sizeof hints,
                                           .family = o->family,
                                           .type = SOCK_DGRAM,
                                           .proto = o->proto,
                                           .flags = o->flags};

    if (address->host == NULL)
        return 0;
    return aio__resolve(loop, address->host, address->port, &hints, addrs);
}

/* The addresses are paths; either may be NULL. */
static int
open_unix(asyncio_loop_t *loop, options_t o, struct aio__addr *ret_remote,
          int *ret_fd)
{
    const char *from = o->local_addr.host;
    const char *to = o->remote_addr.host;
    struct aio__addr local, remote;
    int r = 0;

    if (from != NULL)
        r = aio__addr_unix(from, aio__option(o, local_size, 0), &local);
    if (r == 0 && to != NULL)
        r = aio__addr_unix(to, aio__option(o, remote_size, 0), &remote);
    if (r < 0)
        return r;
    if (from != NULL)
        aio__addr_unix_stale(&local);
    r = open_pair(loop, o, AF_UNIX, from != NULL ? &local : NULL,
                  to != NULL ? &remote : NULL, ret_fd);
    if (r == 0 && to != NULL)
        *ret_remote = remote;
    return r;
}

static int
make_socket(asyncio_loop_t *loop, options_t o, struct aio__addr *ret_remote,
            int *ret_fd)
{
    struct aio__addrs locals = {.count = 0};
    struct aio__addrs remotes = {.count = 0};
    int r;

    if (o->family == AF_UNIX)
        return open_unix(loop, o, ret_remote, ret_fd);
    if (o->local_addr.host == NULL && o->remote_addr.host == NULL)
        return o->family != 0
            ? open_pair(loop, o, o->family, NULL, NULL, ret_fd)
            : value_error("unexpected address family");
    r = resolve(loop, o, &o->local_addr, &locals);
    if (r == 0)
        r = resolve(loop, o, &o->remote_addr, &remotes);
    if (r == 0)
        r = open_first(loop, o, &locals, &remotes, ret_remote, ret_fd);
    aio__addrs_fini(&locals);
    aio__addrs_fini(&remotes);
    return r;
}

int
asyncio_loop_create_datagram_endpoint(
    asyncio_loop_t *loop, asyncio_protocol_factory_t protocol_factory,
    asyncio_transport_t **ret_transport, asyncio_protocol_t **ret_protocol,
    const asyncio_datagram_endpoint_options_t *options)
{
    asyncio_datagram_endpoint_options_t own = {.size = 0};
    options_t o = &own;
    struct aio__addr remote = {.size = 0};
    asyncio_protocol_t *protocol = NULL;
    asyncio_loop_t *running;
    int fd = -1;
    int r;

    r = aio__fiber_running(&running);
    if (r < 0)
        return r;
    if (options != NULL) /* older programs know fewer of them */
        memcpy(&own, options,
               options->size < sizeof own ? options->size : sizeof own);
    if (loop != running || protocol_factory == NULL)
        return loop != running ? ASYNCIO_ERR_WRONG_LOOP : UV_EINVAL;
    r = o->sock != NULL ? use_socket(o, *o->sock)
                        : make_socket(loop, o, &remote, &fd);
    if (r < 0)
        return r;
    r = protocol_factory(o->arg, &protocol);
    if (r >= 0 && protocol == NULL)
        r = UV_EINVAL;
    if (r >= 0)
        r = aio__datagram_start(loop, o->sock != NULL ? *o->sock : fd, protocol,
                                remote.size > 0 ? &remote : NULL,
                                ret_transport);
    if (r < 0 && r != ASYNCIO_ERR_CANCELLED) {
        if (fd >= 0)
            close(fd);
        if (protocol != NULL && protocol->drop != NULL)
            protocol->drop(protocol);
    }
    if (r == 0 && ret_protocol != NULL)
        *ret_protocol = protocol;
    return r;
}
