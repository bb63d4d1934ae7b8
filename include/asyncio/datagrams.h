/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_DATAGRAMS_H
#define ASYNCIO_DATAGRAMS_H

/**
 * @file datagrams.h
 * Datagram endpoints: UDP, and anything else that comes in datagrams.
 *
 * A datagram transport is a transport: close, abort, get_extra_info, the write
 * limits and so on are those of transports.h.
 */

#include "net.h"
#include "protocols.h"

ASYNCIO_BEGIN_DECLS

/** A transport made by create_datagram_endpoint. */
typedef asyncio_transport_t asyncio_datagram_transport_t;

typedef struct asyncio_datagram_endpoint_options {
    size_t size;
    void *arg;                     /* of the protocol factory */
    asyncio_address_t local_addr;  /* to bind to; host NULL: none */
    asyncio_address_t remote_addr; /* to connect to; host NULL: none */
    int family;
    int proto;
    int flags;            /* AI_... */
    bool reuse_port;
    bool allow_broadcast; /* then remote_addr is only where things go */
    const int *sock;      /* a socket to use, instead of all these; taken over
                             when this succeeds */
    size_t local_size;    /* Unix: of a local path with NUL; 0: a string */
    size_t remote_size;   /* Unix: the same of the remote one */
} asyncio_datagram_endpoint_options_t;

/**
 * Make a datagram endpoint. With `.family = AF_UNIX` the hosts of the addresses
 * are paths (abstract ones begin with NUL), and a socket file that is there
 * already at the local one is replaced.
 *
 * @python   loop.create_datagram_endpoint(protocol_factory, local_addr=None, ...)
 * @param    loop              the running loop
 * @param    protocol_factory  makes an asyncio_datagram_protocol_t
 * @param    ret_transport     gets the transport, borrowed until
 *                             connection_lost; may be NULL
 * @param    ret_protocol      gets the protocol; may be NULL
 * @param    options           keywords, or NULL
 * @return   0, after connection_made; an error of name resolution, socket(),
 *           bind() or connect(); ASYNCIO_ERR_VALUE without address, family and
 *           socket, for addresses of different families, for keywords together
 *           with a socket, and for one that is no datagram socket; UV_ENOMEM;
 *           ASYNCIO_ERR_CANCELLED
 * @suspends always
 */
ASYNCIO_AWAITS int asyncio_loop_create_datagram_endpoint(
    asyncio_loop_t *loop, asyncio_protocol_factory_t protocol_factory,
    asyncio_transport_t **ret_transport, asyncio_protocol_t **ret_protocol,
    const asyncio_datagram_endpoint_options_t *options);

/**
 * Send a datagram, maybe an empty one: at once, or when there is room, in
 * order. An error of the system goes to error_received.
 *
 * @python   DatagramTransport.sendto(data, addr=None)
 * @param    transport  a datagram transport
 * @param    data       the bytes, of which nothing is used after the call
 * @param    size       their number
 * @param    addr       where to; NULL for a transport with a remote address
 * @param    addr_size  of `addr`, in bytes
 * @return   0; ASYNCIO_ERR_VALUE for another address than the remote one;
 *           UV_ENOTSUP for another kind of transport; UV_ENOMEM; UV_EINVAL
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_datagram_transport_sendto(asyncio_transport_t *transport,
                                  const void *data, size_t size,
                                  const struct sockaddr *addr,
                                  unsigned addr_size);

/**
 * Close at once; what waits to be sent is dropped.
 *
 * @python   DatagramTransport.abort()
 * @param    transport  a datagram transport
 * @suspends never
 */
ASYNCIO_EXPORT void
asyncio_datagram_transport_abort(asyncio_transport_t *transport);

/**
 * Join or leave a multicast group.
 *
 * @python   sock.setsockopt(IPPROTO_IP, IP_ADD_MEMBERSHIP, ...)
 * @param    transport  a datagram transport
 * @param    group      its address: "239.1.2.3", "ff02::1"
 * @param    interface  index of the interface; 0: the system's choice
 * @param    join       false: leave
 * @return   0; UV_EINVAL for what is no address; UV_ENOTSUP for another kind
 *           of transport; errors of setsockopt()
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_datagram_transport_membership(asyncio_transport_t *transport,
                                      const char *group, unsigned interface,
                                      bool join);

ASYNCIO_END_DECLS

#endif
