/* SPDX-License-Identifier: MIT */
/*
 * Datagram transports: sent at once, or queued while the socket is full.
 *
 * What waits goes out in order. A queued datagram counts a header besides its
 * bytes, because empty ones are not free.
 *
 * Python counterpart: sendto of _SelectorDatagramTransport.
 */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "io/datagram.h"
#include "loop/report.h"

enum {
    HEADER_SIZE = 8
};

struct packet {
    struct aio__list link;
    struct aio__addr addr; /* size 0: the connected one */
    size_t size;
    char data[];
};

void
aio__datagram_stop_writing(struct datagram *datagram)
{
    if (aio__poll_get(datagram->base.loop, datagram->fd, AIO__WRITE)
        == &datagram->writer)
        aio__poll_remove(datagram->base.loop, datagram->fd, AIO__WRITE);
}

void
aio__datagram_clear(struct datagram *datagram)
{
    struct aio__list *link;

    while ((link = aio__list_pop_front(&datagram->queue)) != NULL) {
        struct packet *packet = aio__container_of(link, struct packet, link);

        aio__free(packet, sizeof *packet + packet->size);
    }
    datagram->queued = 0;
}

void
aio__datagram_error(struct datagram *datagram, int code)
{
    asyncio_datagram_protocol_t *protocol =
        (asyncio_datagram_protocol_t *) datagram->base.protocol;
    asyncio_exception_t *exception;
    int r;

    if (protocol == NULL || protocol->error_received == NULL)
        return;
    exception = aio__exception_new(code, NULL);
    r = protocol->error_received(
        protocol, exception != NULL ? exception : aio__exception_of(code));
    aio__exception_unref(exception);
    if (r < 0)
        aio__transport_report(&datagram->base, r,
                              "protocol.error_received() failed");
}

static int
send_now(struct datagram *datagram, const void *data, size_t size,
         const struct aio__addr *addr)
{
    bool given = addr->size > 0 && !datagram->connected;
    ssize_t n;

    do
        n = sendto(datagram->fd, data, size, MSG_NOSIGNAL,
                   given ? (const struct sockaddr *) &addr->addr : NULL,
                   given ? addr->size : 0);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

void
aio__datagram_writable(struct aio__watch *watch)
{
    struct datagram *datagram =
        aio__container_of(watch, struct datagram, writer);
    asyncio_transport_t *transport = &datagram->base;

    asyncio_transport_ref(transport);
    transport->loop->context = &transport->context;
    while (!aio__list_empty(&datagram->queue)) {
        struct packet *packet = aio__container_of(datagram->queue.next,
                                                  struct packet, link);
        int r = send_now(datagram, packet->data, packet->size, &packet->addr);

        if (r == UV_EAGAIN)
            break;
        aio__list_remove(&packet->link);
        datagram->queued -= packet->size + HEADER_SIZE;
        aio__free(packet, sizeof *packet + packet->size);
        if (r < 0) {
            aio__datagram_error(datagram, r);
            goto done; /* the rest has its turn in the next pass */
        }
    }
    aio__transport_shrank(transport, datagram->queued);
    if (aio__list_empty(&datagram->queue)) {
        aio__datagram_stop_writing(datagram);
        if (transport->closing)
            aio__datagram_lost_now(datagram);
    }
done:
    transport->loop->context = NULL;
    asyncio_transport_unref(transport);
}

static int
enqueue(struct datagram *datagram, const void *data, size_t size,
        const struct aio__addr *addr)
{
    struct packet *packet = aio__alloc(sizeof *packet + size);
    int r = packet != NULL ? 0 : UV_ENOMEM;

    if (r == 0 && aio__list_empty(&datagram->queue))
        r = aio__poll_add(datagram->base.loop, datagram->fd, AIO__WRITE,
                          &datagram->writer);
    if (r < 0) {
        if (packet != NULL)
            aio__free(packet, sizeof *packet + size);
        return r;
    }
    packet->addr = *addr;
    packet->size = size;
    memcpy(packet->data, data != NULL ? data : "", size);
    aio__list_push_back(&datagram->queue, &packet->link);
    datagram->queued += size + HEADER_SIZE;
    aio__transport_grew(&datagram->base, datagram->queued);
    return 0;
}

static bool
same_address(const struct aio__addr *remote, const struct sockaddr *addr,
             unsigned size)
{
    struct aio__addr other = *remote;

    if (addr->sa_family != remote->family || size > sizeof other.addr)
        return false;
    memset(&other.addr, 0, sizeof other.addr);
    memcpy(&other.addr, addr, size);
    other.size = size;
    return aio__addr_equal(remote, &other);
}

int
asyncio_datagram_transport_sendto(asyncio_transport_t *transport,
                                  const void *data, size_t size,
                                  const struct sockaddr *addr,
                                  unsigned addr_size)
{
    struct datagram *datagram = (struct datagram *) transport;
    struct aio__addr to = {.size = 0};
    int r;

    if (transport == NULL || addr_size > sizeof to.addr)
        return UV_EINVAL;
    if (transport->type != &aio__datagram_type)
        return UV_ENOTSUP;
    if (datagram->remote.size > 0) {
        if (addr != NULL && !same_address(&datagram->remote, addr, addr_size))
            return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                    "Invalid address: must be None or that of "
                                    "the endpoint");
        to = datagram->remote;
    } else if (addr != NULL) {
        memcpy(&to.addr, addr, addr_size);
        to.size = addr_size;
    }
    if (datagram->lost) {
        if (datagram->lost_writes >= AIO__LOST_WRITES_LOG)
            aio__log(ASYNCIO_LOG_WARNING, "socket.send() raised exception.");
        datagram->lost_writes++;
        return 0; /* as to a connection that is gone */
    }
    if (!aio__list_empty(&datagram->queue))
        return enqueue(datagram, data, size, &to);
    r = send_now(datagram, data, size, &to);
    if (r == UV_EAGAIN)
        return enqueue(datagram, data, size, &to);
    if (r < 0)
        aio__datagram_error(datagram, r);
    return 0;
}
