/* SPDX-License-Identifier: MIT */
/*
 * create_server: sockets bound to every address of every host.
 *
 * An address that several hosts resolve to is bound once. Sockets of IPv6 take
 * no IPv4 clients, because the IPv4 address has a socket of its own; with port
 * 0 all of them get the port that the first one got. If that is bound at
 * another of the addresses the first one gets another.
 *
 * Python counterpart: BaseEventLoop.create_server.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/connect.h"
#include "io/dns.h"
#include "io/server.h"

/* Until any port is free at all addresses. It is more than enough as long as
 * half of the ports are free. */
#define ANY_PORT_ATTEMPTS 16

static int
resolve_host(asyncio_loop_t *loop, const char *host, int port,
             const asyncio_server_options_t *options, struct aio__addrs *all)
{
    int flags = aio__option(options, flags, 0);
    asyncio_getaddrinfo_options_t hints = {
        .size = sizeof hints,
        .family = aio__option(options, family, 0),
        .type = SOCK_STREAM,
        .flags = flags != 0 ? flags : AI_PASSIVE};
    struct aio__addrs found = {NULL, 0};
    int r;

    r = aio__resolve(loop, host != NULL && host[0] == '\0' ? NULL : host, port,
                     &hints, &found);
    for (size_t i = 0; r >= 0 && i < found.count; i++) {
        bool known = false;

        for (size_t j = 0; j < all->count; j++)
            known = known || aio__addr_equal(&all->list[j], &found.list[i]);
        if (!known)
            r = aio__addrs_add(all, &found.list[i]);
    }
    aio__addrs_fini(&found);
    return r;
}

static int
resolve_all(asyncio_loop_t *loop, const char *host, int port,
            const asyncio_server_options_t *options, struct aio__addrs *all)
{
    const char *const *hosts = aio__option(options, hosts, NULL);
    int r = 0;

    if (hosts == NULL)
        return resolve_host(loop, host, port, options, all);
    for (; r >= 0 && *hosts != NULL; hosts++)
        r = resolve_host(loop, *hosts, port, options, all);
    return r;
}

static int
set_options(int fd, const struct aio__addr *addr,
            const asyncio_server_options_t *options)
{
    int on = 1;

    if (!aio__option(options, no_reuse_address, false))
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (aio__option(options, reuse_port, false)
        && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "reuse_port not supported by socket module, "
                                "SO_REUSEPORT defined but not implemented.");
    if (aio__option(options, keep_alive, false))
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    if (addr->family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    return 0;
}

/* A descriptor; -1 for an address that this machine does not have. */
static int
bind_one(const struct aio__addr *addr,
         const asyncio_server_options_t *options, int *ret_fd)
{
    char text[128];
    int fd, r;

    *ret_fd = -1;
    fd = socket(addr->family, addr->type | SOCK_NONBLOCK | SOCK_CLOEXEC,
                addr->proto);
    if (fd < 0)
        return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -errno
                                                                     : 0;
    r = set_options(fd, addr, options);
    if (r == 0
        && bind(fd, (const struct sockaddr *) &addr->addr, addr->size) < 0)
        r = -errno;
    if (r == 0) {
        *ret_fd = fd;
        return 0;
    }
    close(fd);
    if (r == -EADDRNOTAVAIL)
        return 0; /* the family is not enabled */
    if (r == ASYNCIO_ERR_VALUE)
        return r;
    asyncio_sockaddr_repr((const struct sockaddr *) &addr->addr, text,
                          sizeof text);
    return asyncio_raise_at(r, NULL, 0,
                            "error while attempting to bind on address %s: %s",
                            text, asyncio_strerror(r));
}

/* With any port wanted, the second address gets the one of the first. */
static void
same_port(struct aio__addr *addr, int fd)
{
    struct sockaddr_storage got = {0};
    socklen_t size = sizeof got;
    int port;

    if (asyncio_sockaddr_port((struct sockaddr *) &addr->addr) != 0
        || getsockname(fd, (struct sockaddr *) &got, &size) < 0)
        return;
    port = asyncio_sockaddr_port((struct sockaddr *) &got);
    if (addr->family == AF_INET)
        ((struct sockaddr_in *) &addr->addr)->sin_port =
            htons((uint16_t) port);
    else if (addr->family == AF_INET6)
        ((struct sockaddr_in6 *) &addr->addr)->sin6_port =
            htons((uint16_t) port);
}

/* What is bound already is closed on failure. */
static int
bind_each(const struct aio__addrs *addrs,
          const asyncio_server_options_t *options, int *sockets,
          size_t *ret_count)
{
    size_t count = 0;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < addrs->count; i++) {
        struct aio__addr addr = addrs->list[i];

        if (count > 0)
            same_port(&addr, sockets[0]);
        r = bind_one(&addr, options, &sockets[count]);
        if (r >= 0 && sockets[count] >= 0)
            count++;
    }
    if (r >= 0 && count == 0)
        r = asyncio_raise_at(UV_EADDRNOTAVAIL, NULL, 0,
                             "could not bind on any address");
    if (r < 0)
        while (count > 0)
            close(sockets[--count]);
    *ret_count = count;
    return r;
}

static int
bind_all(const struct aio__addrs *addrs,
         const asyncio_server_options_t *options, int *sockets,
         size_t *ret_count)
{
    int attempts = 1;
    int r;

    if (addrs->count > 1
        && asyncio_sockaddr_port((struct sockaddr *) &addrs->list->addr) == 0)
        attempts = ANY_PORT_ATTEMPTS;
    do
        r = bind_each(addrs, options, sockets, ret_count);
    while (r == UV_EADDRINUSE && --attempts > 0);
    return r;
}

static int
listen_on(asyncio_loop_t *loop, struct aio__addrs *addrs,
          asyncio_protocol_factory_t factory,
          const asyncio_server_options_t *options,
          asyncio_server_t **ret_server)
{
    int *sockets = aio__calloc(addrs->count, sizeof *sockets);
    size_t count;
    int r;

    if (sockets == NULL)
        return UV_ENOMEM;
    r = bind_all(addrs, options, sockets, &count);
    if (r >= 0) {
        r = aio__server_new(loop, sockets, count, factory, options,
                            ret_server);
        for (size_t i = 0; r < 0 && i < count; i++)
            close(sockets[i]);
    }
    aio__free(sockets, addrs->count * sizeof *sockets);
    return r;
}

static int
check_keywords(const char *host, int port,
               const asyncio_server_options_t *options)
{
    bool ssl = aio__option(options, ssl, NULL) != NULL;
    bool sock = aio__option(options, sock, NULL) != NULL;
    bool hosts = host != NULL || aio__option(options, hosts, NULL) != NULL;

    if (!ssl && aio__option(options, ssl_handshake_timeout, 0) != 0)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "ssl_handshake_timeout is only meaningful "
                                "with ssl");
    if (!ssl && aio__option(options, ssl_shutdown_timeout, 0) != 0)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "ssl_shutdown_timeout is only meaningful with "
                                "ssl");
    if (sock && (hosts || port > 0))
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "host/port and sock can not be specified at "
                                "the same time");
    if (!sock && !hosts && port == ASYNCIO_NO_PORT)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "Neither host/port nor sock were specified");
    return 0;
}

static int
use_socket(asyncio_loop_t *loop, int sock, asyncio_protocol_factory_t factory,
           const asyncio_server_options_t *options,
           asyncio_server_t **ret_server)
{
    int r;

    r = aio__check_stream_socket(sock);
    if (r >= 0)
        r = aio__fd_nonblock(sock);
    return r < 0 ? r
                 : aio__server_new(loop, &sock, 1, factory, options,
                                   ret_server);
}

static int
make_server(asyncio_loop_t *loop, asyncio_protocol_factory_t factory,
            const char *host, int port,
            const asyncio_server_options_t *options,
            asyncio_server_t **ret_server)
{
    const int *sock = aio__option(options, sock, NULL);
    struct aio__addrs addrs = {NULL, 0};
    int r;

    r = aio__connect_check(loop, factory);
    if (r >= 0)
        r = check_keywords(host, port, options);
    if (r < 0)
        return r;
    if (sock != NULL)
        return use_socket(loop, *sock, factory, options, ret_server);
    r = resolve_all(loop, host, port == ASYNCIO_NO_PORT ? 0 : port, options,
                    &addrs);
    if (r >= 0)
        r = listen_on(loop, &addrs, factory, options, ret_server);
    aio__addrs_fini(&addrs);
    return r;
}

int
asyncio_loop_create_server(asyncio_loop_t *loop,
                           asyncio_protocol_factory_t protocol_factory,
                           const char *host, int port,
                           asyncio_server_t **ret_server,
                           const asyncio_server_options_t *options)
{
    asyncio_server_t *server;
    int r;

    r = make_server(loop, protocol_factory, host, port, options, &server);
    if (r < 0)
        return aio__server_refused(options, r);
    return aio__server_finish(server, options, ret_server);
}
