/* SPDX-License-Identifier: MIT */
/* A protocol that takes notes, and plain sockets on the loopback. */
#include "net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void
note(asyncio_protocol_t *protocol, char call)
{
    struct peer *self = (struct peer *) protocol;
    size_t n = strlen(self->calls);

    if (n + 1 < sizeof self->calls)
        self->calls[n] = call;
}

static int
on_made(asyncio_protocol_t *protocol, asyncio_transport_t *transport)
{
    note(protocol, 'm');
    ((struct peer *) protocol)->transport = asyncio_transport_ref(transport);
    return 0;
}

static int
on_data(asyncio_protocol_t *protocol, const void *data, size_t size)
{
    struct peer *self = (struct peer *) protocol;
    size_t at = self->size < sizeof self->data ? self->size
                                               : sizeof self->data;
    size_t kept = size < sizeof self->data - at ? size
                                                : sizeof self->data - at;

    note(protocol, 'd');
    memcpy(self->data + at, data, kept);
    self->size += size;
    return 0;
}

static int
on_eof(asyncio_protocol_t *protocol)
{
    note(protocol, 'e');
    return ((struct peer *) protocol)->eof_result;
}

static int
on_pause(asyncio_protocol_t *protocol)
{
    note(protocol, 'p');
    return 0;
}

static int
on_resume(asyncio_protocol_t *protocol)
{
    note(protocol, 'r');
    return 0;
}

static int
on_lost(asyncio_protocol_t *protocol, const asyncio_exception_t *exception)
{
    struct peer *self = (struct peer *) protocol;

    note(protocol, 'l');
    self->lost = true;
    self->lost_code = asyncio_exception_code(exception);
    return 0;
}

int
peer_make(void *arg, asyncio_protocol_t **ret_protocol)
{
    struct peer *self = arg;

    self->protocol = (asyncio_protocol_t){.connection_made = on_made,
                                          .data_received = on_data,
                                          .eof_received = on_eof,
                                          .pause_writing = on_pause,
                                          .resume_writing = on_resume,
                                          .connection_lost = on_lost};
    *ret_protocol = &self->protocol;
    return 0;
}

void
peer_end(struct peer *peer)
{
    asyncio_transport_close(peer->transport);
    WAIT_FOR(peer->lost);
    peer->transport = asyncio_transport_unref(peer->transport);
}

int
peers_make(void *arg, asyncio_protocol_t **ret_protocol)
{
    struct peers *peers = arg;

    ck_assert_int_lt(peers->count, 16);
    return peer_make(&peers->list[peers->count++], ret_protocol);
}

void
peers_end(struct peers *peers)
{
    for (int i = 0; i < peers->count; i++)
        if (peers->list[i].transport != NULL)
            peer_end(&peers->list[i]);
}

const char *
error_text(void)
{
    const char *text = asyncio_exception_message(asyncio_current_exception());

    return text != NULL ? text : "";
}

static socklen_t
address(const char *host, int port, struct sockaddr_storage *ret)
{
    struct sockaddr_in *four = (struct sockaddr_in *) ret;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *) ret;

    memset(ret, 0, sizeof *ret);
    if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t) port);
        return sizeof *four;
    }
    ck_assert_int_eq(inet_pton(AF_INET6, host, &six->sin6_addr), 1);
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t) port);
    return sizeof *six;
}

int
dial(const char *host, int port)
{
    struct sockaddr_storage addr;
    socklen_t size = address(host, port, &addr);
    int fd = socket(addr.ss_family, SOCK_STREAM, 0);

    ck_assert_int_eq(connect(fd, (struct sockaddr *) &addr, size), 0);
    return fd;
}

int
bound(int type, const char *host, int port)
{
    struct sockaddr_storage addr;
    socklen_t size = address(host, port, &addr);
    int fd = socket(addr.ss_family, type | SOCK_NONBLOCK, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *) &addr, size), 0);
    return fd;
}

int
port_of(int fd)
{
    struct sockaddr_storage addr = {0};
    socklen_t size = sizeof addr;

    ck_assert_int_eq(getsockname(fd, (struct sockaddr *) &addr, &size), 0);
    return asyncio_sockaddr_port((struct sockaddr *) &addr);
}

struct hole
hole_open(const char *host, int port)
{
    struct hole hole;

    hole.listener = bound(SOCK_STREAM, host, port);
    ck_assert_int_eq(listen(hole.listener, 0), 0);
    hole.port = port_of(hole.listener);
    hole.filler = dial(host, hole.port);
    return hole;
}

void
hole_close(struct hole *hole)
{
    close(hole->filler);
    close(hole->listener);
}
