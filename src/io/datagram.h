/* SPDX-License-Identifier: MIT */
#ifndef AIO_IO_DATAGRAM_H
#define AIO_IO_DATAGRAM_H

/* The transport behind datagram endpoints. */

#include "asyncio/datagrams.h"
#include "io/io.h"
#include "io/poll.h"
#include "io/sockaddr.h"
#include "io/transport.h"
#include "loop/fiber.h"

struct datagram {
    asyncio_transport_t base; /* first; its own reference until it is lost */
    struct aio__closer closer;
    struct aio__watch reader;
    struct aio__watch writer;
    struct aio__event made_event;
    struct aio__event lost_event;
    struct aio__list queue; /* of packets */
    size_t queued;          /* bytes, with headers */
    struct aio__addr remote; /* size 0: none */
    struct aio__addr sockname;
    struct aio__addr peername;
    struct aio__waiter *waiter; /* for connection_made; NULL for none */
    int fd;
    bool connected; /* the socket itself is */
    bool paused;    /* reading */
    bool made;
    bool lost; /* connection_lost is or was scheduled */
    uint32_t lost_writes;
};

extern const struct aio__transport_type aio__datagram_type;

/* connection_lost, in the next pass. */
void aio__datagram_lost(struct datagram *datagram);
/* At once: from a callback of the loop. */
void aio__datagram_lost_now(struct datagram *datagram);

/* The sending side. */
void aio__datagram_error(struct datagram *datagram, int code);
void aio__datagram_writable(struct aio__watch *watch);
void aio__datagram_stop_writing(struct datagram *datagram);
void aio__datagram_clear(struct datagram *datagram);

/* Takes the socket over and waits for connection_made. `remote` may be NULL.
 * On failure the socket and the protocol stay the caller's, unless the task
 * was cancelled: then both are gone. */
int aio__datagram_start(asyncio_loop_t *loop, int fd,
                        asyncio_protocol_t *protocol,
                        const struct aio__addr *remote,
                        asyncio_transport_t **ret_transport);

#endif
