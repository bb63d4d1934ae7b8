/* SPDX-License-Identifier: MIT */
/*
 * Unix sockets: connecting and listening.
 *
 * A socket file that nobody serves any more is replaced; any other file at
 * that place is left alone, and then the address is in use. A server removes
 * its own file when it closes, unless somebody has put another one there.
 *
 * Python counterpart: create_unix_connection and create_unix_server.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/connect.h"
#include "io/server.h"

/* A stream socket of this family? */
static int
check_unix_socket(int fd)
{
    int domain = 0;
    socklen_t size = sizeof domain;
    int r;

    r = aio__check_stream_socket(fd);
    if (r < 0)
        return r;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0
        || domain != AF_UNIX)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "A UNIX Domain Stream Socket was expected, "
                                "got %d",
                                fd);
    return 0;
}

static int
check_path_or_sock(bool path, bool sock)
{
    if (path && sock)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "path and sock can not be specified at the "
                                "same time");
    if (!path && !sock)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "no path and sock were specified");
    return 0;
}

static int
get_socket(asyncio_loop_t *loop, const char *path,
           const asyncio_connection_options_t *options, int *ret_fd)
{
    const int *sock = aio__option(options, sock, NULL);
    struct aio__addr addr;
    int r;

    r = check_path_or_sock(path != NULL, sock != NULL);
    if (r < 0)
        return r;
    if (sock != NULL) {
        r = check_unix_socket(*sock);
        if (r >= 0)
            *ret_fd = *sock;
        return r;
    }
    r = aio__addr_unix(path, aio__option(options, path_size, 0), &addr);
    if (r < 0)
        return r;
    r = aio__connect_socket(loop, &addr, NULL);
    if (r >= 0)
        *ret_fd = r;
    return r;
}

int
asyncio_loop_create_unix_connection(
    asyncio_loop_t *loop, asyncio_protocol_factory_t protocol_factory,
    const char *path, asyncio_transport_t **ret_transport,
    asyncio_protocol_t **ret_protocol,
    const asyncio_connection_options_t *options)
{
    const char *hostname;
    int fd = -1;
    int r;

    r = aio__connect_check(loop, protocol_factory);
    if (r >= 0)
        r = aio__connect_check_tls(options, NULL, &hostname);
    if (r >= 0)
        r = get_socket(loop, path, options, &fd);
    if (r < 0)
        return r;
    r = aio__connect_transport(loop, AIO__CONN_SOCKET, &fd, protocol_factory,
                               options, false, hostname, ret_transport,
                               ret_protocol);
    if (r < 0 && fd >= 0 && aio__option(options, sock, NULL) == NULL)
        close(fd);
    return r;
}

static int
bind_path(const struct aio__addr *addr, int *ret_fd)
{
    const char *path = ((const struct sockaddr_un *) &addr->addr)->sun_path;
    int fd, r;

    aio__addr_unix_stale(addr);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (bind(fd, (const struct sockaddr *) &addr->addr, addr->size) == 0) {
        *ret_fd = fd;
        return 0;
    }
    r = -errno;
    close(fd);
    if (r == -EADDRINUSE)
        asyncio_raise_at(r, NULL, 0, "Address '%s' is already in use", path);
    return r;
}

/* The file of a bound socket is the server's to remove. */
static int
note_file(asyncio_server_t *server, int fd)
{
    struct sockaddr_un un = {0};
    char path[sizeof un.sun_path + 1] = ""; /* the longest has no terminator */
    socklen_t size = sizeof un;
    struct stat st;

    if (getsockname(fd, (struct sockaddr *) &un, &size) < 0)
        return 0;
    memcpy(path, un.sun_path, sizeof un.sun_path);
    if (path[0] == '\0' || stat(path, &st) < 0)
        return 0;
    server->path = aio__strdup(path);
    server->inode = st.st_ino;
    return server->path == NULL ? UV_ENOMEM : 0;
}

static int
make_server(asyncio_loop_t *loop, asyncio_protocol_factory_t factory,
            const char *path, const asyncio_server_options_t *options,
            asyncio_server_t **ret_server)
{
    const int *sock = aio__option(options, sock, NULL);
    asyncio_ssl_context_t *ssl = aio__option(options, ssl, NULL);
    asyncio_connection_options_t tls = {
        .size = sizeof tls,
        .ssl = ssl,
        .server_hostname = ssl != NULL ? "" : NULL,
        .ssl_handshake_timeout =
            aio__option(options, ssl_handshake_timeout, 0),
        .ssl_shutdown_timeout = aio__option(options, ssl_shutdown_timeout, 0)};
    struct aio__addr addr;
    const char *hostname;
    int fd = -1;
    int r;

    r = aio__connect_check(loop, factory);
    if (r >= 0)
        r = aio__connect_check_tls(&tls, "", &hostname);
    if (r >= 0)
        r = check_path_or_sock(path != NULL, sock != NULL);
    if (r < 0)
        return r;
    if (sock != NULL) {
        fd = *sock;
        r = check_unix_socket(fd);
        if (r >= 0)
            r = aio__fd_nonblock(fd);
    } else {
        r = aio__addr_unix(path, aio__option(options, path_size, 0), &addr);
        if (r >= 0)
            r = bind_path(&addr, &fd);
    }
    if (r < 0)
        return r;
    r = aio__server_new(loop, &fd, 1, factory, options, ret_server);
    if (r < 0 && sock == NULL)
        close(fd);
    return r;
}

int
asyncio_loop_create_unix_server(asyncio_loop_t *loop,
                                asyncio_protocol_factory_t protocol_factory,
                                const char *path,
                                asyncio_server_t **ret_server,
                                const asyncio_server_options_t *options)
{
    asyncio_server_t *server;
    int r;

    r = make_server(loop, protocol_factory, path, options, &server);
    if (r < 0)
        return aio__server_refused(options, r);
    if (!aio__option(options, no_cleanup_socket, false))
        r = note_file(server, server->sockets[0]);
    if (r < 0) {
        server->lent = aio__option(options, sock, NULL) != NULL;
        asyncio_server_close(server);
        return r;
    }
    return aio__server_finish(server, options, ret_server);
}
