/* SPDX-License-Identifier: MIT */
/*
 * Servers: listening sockets, their connections, and those who wait for the
 * end of both.
 *
 * A server that is open has a reference of its own, and one for each of its
 * connections: it lives until the last of them has ended. Closing it stops
 * the listening; wait_closed also waits for the connections.
 *
 * Python counterpart: base_events.Server.
 */
#include "io/server.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "asyncio/tasks.h"
#include "base/alloc.h"
#include "io/connect.h"
#include "io/sockaddr.h"
#include "loop/report.h"

asyncio_server_t *
asyncio_server_ref(asyncio_server_t *server)
{
    if (server != NULL)
        server->refs++;
    return server;
}

asyncio_server_t *
asyncio_server_unref(asyncio_server_t *server)
{
    if (server == NULL || --server->refs > 0)
        return NULL;
    if (server->drop != NULL)
        server->drop(server->arg);
    aio__ssl_context_unref(server->ssl);
    asyncio_context_unref(server->context);
    aio__free(server->listeners, server->count * sizeof(void *));
    aio__free(server->sockets, server->count * sizeof(int));
    aio__strfree(server->path);
    aio__loop_release(server->loop);
    aio__free(server, sizeof *server);
    return NULL;
}

/* Closed, and no connection is left. */
static void
wake_waiters(asyncio_server_t *server)
{
    struct aio__list *link;

    if (server->open || !aio__list_empty(&server->clients))
        return;
    while ((link = aio__list_pop_front(&server->waiters)) != NULL)
        aio__wake(aio__container_of(link, struct aio__waiter, link), 0);
}

static void
on_ended(struct aio__conn_owner *owner)
{
    asyncio_server_t *server =
        aio__container_of(owner, asyncio_server_t, owner);

    wake_waiters(server);
    asyncio_server_unref(server);
}

/* Its own socket file, unless somebody has put another one there. */
static void
remove_file(asyncio_server_t *server)
{
    struct stat st;

    if (server->path == NULL || stat(server->path, &st) < 0
        || st.st_ino != server->inode)
        return;
    unlink(server->path);
}

static void
stop_listening(asyncio_server_t *server)
{
    server->open = false;
    server->serving = false;
    aio__list_remove(&server->closer.link);
    for (size_t i = 0; i < server->count; i++)
        if (server->lent)
            aio__listener_forget(server->listeners[i]);
        else
            aio__listener_close(server->listeners[i]);
    if (!server->lent)
        remove_file(server);
}

void
asyncio_server_close(asyncio_server_t *server)
{
    if (!server->open || server->loop->forks != aio__forks)
        return;
    stop_listening(server);
    if (server->forever != NULL)
        server->forever->cancel(server->forever, NULL);
    wake_waiters(server);
    asyncio_server_unref(server);
}

static void
close_with_loop(struct aio__closer *closer)
{
    asyncio_server_t *server =
        aio__container_of(closer, asyncio_server_t, closer);

    stop_listening(server);
    asyncio_server_unref(server);
}

int
aio__server_new(asyncio_loop_t *loop, const int *sockets, size_t count,
                asyncio_protocol_factory_t factory,
                const asyncio_server_options_t *options,
                asyncio_server_t **ret_server)
{
    asyncio_server_t *server = aio__calloc(1, sizeof *server);
    int backlog = aio__option(options, backlog, 0);
    size_t made = 0;
    int r = UV_ENOMEM;

    if (server == NULL)
        return UV_ENOMEM;
    server->loop = loop;
    server->listeners = aio__calloc(count, sizeof(void *));
    server->sockets = aio__calloc(count, sizeof(int));
    server->context = asyncio_copy_context();
    if (server->listeners == NULL || server->sockets == NULL
        || server->context == NULL)
        goto fail;
    server->refs = 1;
    server->open = true;
    server->backlog = backlog > 0 ? backlog : 100;
    for (; made < count; made++) {
        r = aio__listener_new(server, sockets[made], &server->listeners[made]);
        if (r < 0)
            goto fail;
        server->sockets[made] = sockets[made];
    }
    server->count = count;
    server->owner.begin = aio__server_begin;
    server->owner.ended = on_ended;
    server->closer.close = close_with_loop;
    aio__list_init(&server->clients);
    aio__list_init(&server->waiters);
    aio__list_push_back(&loop->closers, &server->closer.link);
    server->factory = factory;
    server->arg = aio__option(options, arg, NULL);
    server->drop = aio__option(options, drop, NULL);
    server->ssl = aio__ssl_context_ref(aio__option(options, ssl, NULL));
    server->ssl_handshake_timeout =
        aio__option(options, ssl_handshake_timeout, 0);
    server->ssl_shutdown_timeout =
        aio__option(options, ssl_shutdown_timeout, 0);
    aio__loop_hold(loop);
    *ret_server = server;
    return 0;

fail:
    while (made > 0)
        aio__listener_forget(server->listeners[--made]);
    asyncio_context_unref(server->context);
    aio__free(server->listeners,
              server->listeners != NULL ? count * sizeof(void *) : 0);
    aio__free(server->sockets,
              server->sockets != NULL ? count * sizeof(int) : 0);
    aio__free(server, sizeof *server);
    return r;
}

int
aio__server_start(asyncio_server_t *server)
{
    if (server->serving)
        return 0;
    server->serving = true;
    for (size_t i = 0; i < server->count; i++) {
        int r = aio__listener_start(server->listeners[i]);

        if (r < 0) {
            server->serving = false;
            return aio__raise_exception(r, NULL);
        }
    }
    return 0;
}

int
aio__server_refused(const asyncio_server_options_t *options, int r)
{
    asyncio_drop_t drop = aio__option(options, drop, NULL);

    if (drop != NULL)
        drop(aio__option(options, arg, NULL));
    return r;
}

int
aio__server_finish(asyncio_server_t *server,
                   const asyncio_server_options_t *options,
                   asyncio_server_t **ret_server)
{
    int r = 0;

    asyncio_server_ref(server);
    if (!aio__option(options, no_start_serving, false)) {
        r = aio__server_start(server);
        if (r >= 0)
            r = asyncio_sleep(0);
    }
    if (r < 0) {
        /* A socket is taken over only by success. */
        server->lent = aio__option(options, sock, NULL) != NULL;
        asyncio_server_close(server);
        asyncio_server_unref(server);
        return r;
    }
    *ret_server = server;
    return 0;
}

static int
raise_closed(void)
{
    return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                            "server is closed");
}

/* Of the running task, which must be one of the server's loop. */
static int
check(const asyncio_server_t *server)
{
    asyncio_loop_t *loop;
    int r;

    r = aio__fiber_running(&loop);
    if (r < 0)
        return r;
    if (loop != server->loop)
        return asyncio_raise_at(ASYNCIO_ERR_WRONG_LOOP, NULL, 0,
                                "the server is attached to a different loop");
    return 0;
}

int
asyncio_server_start_serving(asyncio_server_t *server)
{
    int r;

    r = check(server);
    if (r < 0)
        return r;
    if (!server->open)
        return raise_closed();
    r = aio__server_start(server);
    return r < 0 ? r : asyncio_sleep(0);
}

/* After a cancellation: close, and wait for the connections; a second one
 * ends that. */
static int
leave_forever(asyncio_server_t *server)
{
    asyncio_exception_t *cancelled = aio__raised(ASYNCIO_ERR_CANCELLED);
    int r;

    asyncio_server_close(server);
    r = asyncio_server_wait_closed(server);
    if (r < 0) {
        aio__exception_unref(cancelled);
        return r;
    }
    return aio__raise_exception(ASYNCIO_ERR_CANCELLED, cancelled);
}

int
asyncio_server_serve_forever(asyncio_server_t *server)
{
    struct aio__waiter waiter;
    int r;

    r = check(server);
    if (r < 0)
        return r;
    if (server->forever != NULL)
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "server is already being awaited on "
                                "serve_forever()");
    if (!server->open)
        return raise_closed();
    r = aio__server_start(server);
    if (r < 0)
        return r;
    asyncio_server_ref(server);
    aio__waiter_init(&waiter, server->loop, NULL);
    server->forever = &waiter;
    r = aio__wait(&waiter);
    server->forever = NULL;
    if (r == ASYNCIO_ERR_CANCELLED)
        r = leave_forever(server);
    asyncio_server_unref(server);
    return r;
}

int
asyncio_server_wait_closed(asyncio_server_t *server)
{
    struct aio__waiter waiter;
    int r;

    r = check(server);
    if (r < 0)
        return r;
    if (!server->open && aio__list_empty(&server->clients))
        return 0;
    asyncio_server_ref(server);
    aio__waiter_init(&waiter, server->loop, NULL);
    aio__list_push_back(&server->waiters, &waiter.link);
    r = aio__wait(&waiter);
    aio__list_remove(&waiter.link);
    asyncio_server_unref(server);
    return r;
}

static void
end_clients(asyncio_server_t *server,
            void (*end)(asyncio_transport_t *transport))
{
    aio__list_foreach(link, &server->clients)
    {
        end(&aio__container_of(link, struct aio__conn, owned)->base);
    }
}

void
asyncio_server_close_clients(asyncio_server_t *server)
{
    end_clients(server, asyncio_transport_close);
}

void
asyncio_server_abort_clients(asyncio_server_t *server)
{
    end_clients(server, asyncio_transport_abort);
}

asyncio_loop_t *
asyncio_server_get_loop(const asyncio_server_t *server)
{
    return server->loop;
}

bool
asyncio_server_is_serving(const asyncio_server_t *server)
{
    return server->serving;
}

const int *
asyncio_server_sockets(const asyncio_server_t *server, size_t *ret_count)
{
    *ret_count = server->open ? server->count : 0;
    return server->sockets;
}

int
asyncio_server_port(const asyncio_server_t *server)
{
    struct sockaddr_storage addr = {0};
    socklen_t size = sizeof addr;

    if (!server->open
        || getsockname(server->sockets[0], (struct sockaddr *) &addr, &size)
               < 0)
        return -1;
    return asyncio_sockaddr_port((const struct sockaddr *) &addr);
}
