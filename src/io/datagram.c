/* SPDX-License-Identifier: MIT */
/*
 * Datagram transports: their life, and receiving.
 *
 * One datagram is received for each time the socket is readable, into the
 * loop's shared buffer, so what waits is bounded by the socket's own. Errors
 * of the system go to error_received, and the endpoint stays open.
 *
 * Python counterpart: _SelectorDatagramTransport.
 */
#include "io/datagram.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/block.h"
#include "base/counters.h"
#include "io/io.h"
#include "io/poll.h"
#include "loop/report.h"

static struct datagram *
datagram_of(asyncio_transport_t *transport)
{
    return (struct datagram *) transport;
}

static void
stop_reading(struct datagram *datagram)
{
    if (aio__poll_get(datagram->base.loop, datagram->fd, AIO__READ)
        == &datagram->reader)
        aio__poll_remove(datagram->base.loop, datagram->fd, AIO__READ);
}

/* The end: descriptor, protocol, and our own reference go. */
static void
let_go(struct datagram *datagram)
{
    aio__list_remove(&datagram->closer.link);
    stop_reading(datagram);
    aio__datagram_stop_writing(datagram);
    aio__datagram_clear(datagram);
    aio__io_own(datagram->base.loop, datagram->fd, NULL);
    aio__fd_close(datagram->fd);
    datagram->fd = -1;
    aio__transport_drop_protocol(&datagram->base);
    asyncio_transport_unref(&datagram->base);
}

static void
on_lost(struct aio__job *job)
{
    struct datagram *datagram =
        aio__container_of(job, struct datagram, lost_event.job);

    datagram->lost_event.queued = false;
    aio__transport_lost(&datagram->base, NULL);
    let_go(datagram);
}

static void
close_with_loop(struct aio__closer *closer)
{
    struct datagram *datagram =
        aio__container_of(closer, struct datagram, closer);
    asyncio_loop_t *loop = datagram->base.loop;

    if (!datagram->base.closing)
        aio__log(ASYNCIO_LOG_WARNING, "unclosed transport %s fd=%d",
                 datagram->base.type->name, datagram->fd);
    aio__event_withdraw(loop, &datagram->made_event);
    aio__event_withdraw(loop, &datagram->lost_event);
    datagram->base.closing = true;
    datagram->lost = true;
    let_go(datagram);
}

void
aio__datagram_lost_now(struct datagram *datagram)
{
    if (datagram->lost)
        return;
    datagram->lost = true;
    aio__transport_lost(&datagram->base, NULL);
    let_go(datagram);
}

void
aio__datagram_lost(struct datagram *datagram)
{
    if (datagram->lost)
        return;
    datagram->lost = true;
    datagram->lost_writes++;
    aio__event_post(datagram->base.loop, &datagram->lost_event);
}

static void
datagram_close(asyncio_transport_t *transport)
{
    struct datagram *datagram = datagram_of(transport);

    if (transport->closing || transport->loop->forks != aio__forks)
        return;
    transport->closing = true;
    stop_reading(datagram);
    if (aio__list_empty(&datagram->queue))
        aio__datagram_lost(datagram);
}

static void
datagram_abort(asyncio_transport_t *transport)
{
    struct datagram *datagram = datagram_of(transport);

    if (datagram->lost || transport->loop->forks != aio__forks)
        return;
    transport->closing = true;
    stop_reading(datagram);
    aio__datagram_stop_writing(datagram);
    aio__datagram_clear(datagram);
    aio__datagram_lost(datagram);
}

static void
protocol_failed(struct datagram *datagram, int r, const char *message)
{
    aio__transport_report(&datagram->base, r, message);
}

static void
on_readable(struct aio__watch *watch)
{
    struct datagram *datagram =
        aio__container_of(watch, struct datagram, reader);
    asyncio_datagram_protocol_t *protocol =
        (asyncio_datagram_protocol_t *) datagram->base.protocol;
    asyncio_loop_t *loop = datagram->base.loop;
    struct sockaddr_storage addr = {.ss_family = AF_UNSPEC};
    socklen_t addr_size = sizeof addr;
    struct aio__io *io = loop->io;
    char *buffer = aio__readbuf_take(io); /* nobody else has the first */
    ssize_t n;
    int r = 0;

    n = recvfrom(datagram->fd, buffer, AIO__READ_SIZE, 0,
                 (struct sockaddr *) &addr, &addr_size);
    loop->context = &datagram->base.context;
    if (n >= 0 && protocol != NULL && protocol->datagram_received != NULL)
        r = protocol->datagram_received(protocol, buffer, (size_t) n,
                                        (struct sockaddr *) &addr);
    else if (n < 0 && errno != EAGAIN && errno != EINTR)
        aio__datagram_error(datagram, -errno);
    aio__readbuf_give(io, buffer);
    if (r < 0)
        protocol_failed(datagram, r, "protocol.datagram_received() failed");
    loop->context = NULL;
}

static void
start_reading(struct datagram *datagram)
{
    int r;

    if (!datagram->made || datagram->paused || datagram->base.closing
        || datagram->base.loop->forks != aio__forks)
        return;
    r = aio__poll_add(datagram->base.loop, datagram->fd, AIO__READ,
                      &datagram->reader);
    if (r < 0) {
        protocol_failed(datagram, r, "a datagram transport cannot read");
        datagram_abort(&datagram->base);
    }
}

static const void *
datagram_extra(asyncio_transport_t *transport, const char *name)
{
    struct datagram *datagram = datagram_of(transport);

    if (strcmp(name, "socket") == 0)
        return &datagram->fd;
    if (strcmp(name, "sockname") == 0)
        return &datagram->sockname.addr;
    if (strcmp(name, "peername") == 0)
        return datagram->connected ? &datagram->peername.addr : NULL;
    return NULL;
}

static bool
datagram_is_reading(const asyncio_transport_t *transport)
{
    return !transport->closing && !((const struct datagram *) transport)->paused;
}

static int
datagram_pause(asyncio_transport_t *transport)
{
    datagram_of(transport)->paused = true;
    stop_reading(datagram_of(transport));
    return 0;
}

static int
datagram_resume(asyncio_transport_t *transport)
{
    if (datagram_of(transport)->paused) {
        datagram_of(transport)->paused = false;
        start_reading(datagram_of(transport));
    }
    return 0;
}

static size_t
datagram_buffered(const asyncio_transport_t *transport)
{
    return ((const struct datagram *) transport)->queued;
}

const struct aio__transport_type aio__datagram_type = {
    .name = "DatagramTransport",
    .size = sizeof(struct datagram),
    .close = datagram_close,
    .abort = datagram_abort,
    .extra = datagram_extra,
    .is_reading = datagram_is_reading,
    .pause_reading = datagram_pause,
    .resume_reading = datagram_resume,
    .buffered = datagram_buffered};

void
asyncio_datagram_transport_abort(asyncio_transport_t *transport)
{
    asyncio_transport_abort(transport);
}

int
asyncio_datagram_transport_membership(asyncio_transport_t *transport,
                                      const char *group, unsigned interface,
                                      bool join)
{
    struct ip_mreqn four = {.imr_ifindex = (int) interface};
    struct ipv6_mreq six = {.ipv6mr_interface = interface};
    int r;

    if (transport->type != &aio__datagram_type)
        return UV_ENOTSUP;
    if (inet_pton(AF_INET, group, &four.imr_multiaddr) == 1)
        r = setsockopt(datagram_of(transport)->fd, IPPROTO_IP,
                       join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &four,
                       sizeof four);
    else if (inet_pton(AF_INET6, group, &six.ipv6mr_multiaddr) == 1)
        r = setsockopt(datagram_of(transport)->fd, IPPROTO_IPV6,
                       join ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, &six,
                       sizeof six);
    else
        return UV_EINVAL;
    return r < 0 ? -errno : 0;
}

static void
on_made(struct aio__job *job)
{
    struct datagram *datagram =
        aio__container_of(job, struct datagram, made_event.job);

    datagram->made_event.queued = false;
    datagram->made = true;
    aio__transport_made(&datagram->base);
    start_reading(datagram);
    if (datagram->waiter != NULL)
        aio__wake(datagram->waiter, 0);
    datagram->waiter = NULL;
}

static int
wait_made(struct datagram *datagram)
{
    struct aio__waiter waiter;
    int r;

    aio__waiter_init(&waiter, datagram->base.loop, NULL);
    datagram->waiter = &waiter;
    r = aio__wait(&waiter);
    datagram->waiter = NULL;
    return r;
}

int
aio__datagram_start(asyncio_loop_t *loop, int fd, asyncio_protocol_t *protocol,
                    const struct aio__addr *remote,
                    asyncio_transport_t **ret_transport)
{
    struct datagram *datagram = aio__block_alloc(sizeof *datagram);
    int r = datagram != NULL ? 0 : UV_ENOMEM;

    if (r == 0)
        r = aio__io_own(loop, fd, &datagram->base);
    if (r < 0) {
        if (datagram != NULL)
            aio__block_free(datagram, sizeof *datagram);
        return r;
    }
    memset(datagram, 0, sizeof *datagram);
    aio__transport_init(&datagram->base, &aio__datagram_type, loop, protocol);
    datagram->fd = fd;
    datagram->reader.ready = on_readable;
    datagram->writer.ready = aio__datagram_writable;
    aio__event_init(&datagram->made_event, on_made);
    aio__event_init(&datagram->lost_event, on_lost);
    aio__list_init(&datagram->queue);
    if (remote != NULL)
        datagram->remote = *remote;
    datagram->sockname.size = sizeof datagram->sockname.addr;
    getsockname(fd, (struct sockaddr *) &datagram->sockname.addr,
                &datagram->sockname.size);
    datagram->peername.size = sizeof datagram->peername.addr;
    datagram->connected =
        getpeername(fd, (struct sockaddr *) &datagram->peername.addr,
                    &datagram->peername.size)
        == 0;
    datagram->closer.close = close_with_loop;
    aio__list_push_back(&loop->closers, &datagram->closer.link);
    aio__count(AIO__COUNT_FDS, 1);
    aio__event_post(loop, &datagram->made_event);
    asyncio_transport_ref(&datagram->base);
    r = wait_made(datagram);
    if (r < 0)
        datagram_abort(&datagram->base);
    else if (ret_transport != NULL)
        *ret_transport = &datagram->base;
    asyncio_transport_unref(&datagram->base);
    return r;
}
