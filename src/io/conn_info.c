/* SPDX-License-Identifier: MIT */
/*
 * Connections: what is known about them, and logged in debug mode.
 *
 * The names of both ends are asked for when somebody wants them, and kept,
 * so that they can be asked for again after the end.
 *
 * Python counterpart: get_extra_info of the transports.
 */
#include <string.h>
#include <sys/socket.h>

#include "base/block.h"
#include "io/conn.h"
#include "loop/report.h"

typedef int (*name_fn)(int fd, struct sockaddr *addr, socklen_t *size);

/* Asked for once, then kept, because the socket may be closed by then. */
static const void *
name_of(struct aio__conn *conn, struct sockaddr_storage **name, name_fn get)
{
    socklen_t size = sizeof **name;
    struct sockaddr_storage *found;

    if (*name != NULL || conn->fd < 0)
        return *name;
    found = aio__block_alloc(sizeof *found);
    if (found == NULL)
        return NULL;
    memset(found, 0, sizeof *found);
    if (get(conn->fd, (struct sockaddr *) found, &size) < 0) {
        aio__block_free(found, sizeof *found);
        return NULL;
    }
    *name = found;
    return found;
}

const void *
aio__conn_extra(asyncio_transport_t *transport, const char *name)
{
    struct aio__conn *conn =
        aio__container_of(transport, struct aio__conn, base);

    if (conn->kind != AIO__CONN_SOCKET)
        return strcmp(name, "pipe") == 0 ? &conn->fd : NULL;
    if (strcmp(name, "socket") == 0)
        return &conn->fd;
    if (strcmp(name, "sockname") == 0)
        return name_of(conn, &conn->sockname, getsockname);
    if (strcmp(name, "peername") == 0)
        return name_of(conn, &conn->peername, getpeername);
    return NULL;
}

void
aio__conn_say(const struct aio__conn *conn, const char *what)
{
    if (aio__unlikely(conn->base.loop->debug))
        aio__log(ASYNCIO_LOG_DEBUG, "%s fd=%d %s", conn->base.type->name,
                 conn->fd, what);
}
