/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_TRANSPORTS_H
#define ASYNCIO_TRANSPORTS_H

/**
 * @file transports.h
 * Transports: connections as protocols see them.
 *
 * There is one type for all of them. What a kind of transport cannot do
 * returns UV_ENOTSUP (NotImplementedError in Python).
 */

#include "protocols.h"

ASYNCIO_BEGIN_DECLS

/** Bytes somewhere. */
typedef struct asyncio_bytes {
    const void *data;
    size_t size;
} asyncio_bytes_t;

/**
 * Take a reference: then the pointer stays valid after connection_lost.
 *
 * @python   (a reference)
 * @param    transport  may be NULL
 * @return   the same pointer
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_transport_t *
asyncio_transport_ref(asyncio_transport_t *transport);

/**
 * Drop a reference. A transport that is open stays open.
 *
 * @python   del
 * @param    transport  may be NULL
 * @return   NULL
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_transport_t *
asyncio_transport_unref(asyncio_transport_t *transport);

/**
 * Send what waits to be sent, then close. No more data is delivered;
 * connection_lost is called later, with NULL. Closing twice is harmless.
 *
 * @python   BaseTransport.close()
 * @param    transport  a transport
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_transport_close(asyncio_transport_t *transport);

/**
 * @python   BaseTransport.is_closing()
 * @param    transport  a transport
 * @return   true when it closes or is closed
 * @suspends never
 */
ASYNCIO_EXPORT bool
asyncio_transport_is_closing(const asyncio_transport_t *transport);

/**
 * What is known about the connection: "socket" (a `const int *`, the
 * descriptor, yours to look at only), "peername" and "sockname" (a
 * `const struct sockaddr *`), "pipe" (as "socket"), "subprocess", and what
 * TLS adds.
 *
 * @python   BaseTransport.get_extra_info(name, default=None)
 * @param    transport  a transport
 * @param    name       which
 * @return   borrowed, valid as long as the transport; NULL when there is none
 * @suspends never
 */
ASYNCIO_EXPORT const void *
asyncio_transport_get_extra_info(asyncio_transport_t *transport,
                                 const char *name);

/**
 * Give the connection to another protocol. The former one gets no more calls,
 * not even `drop`: it is yours again.
 *
 * @python   BaseTransport.set_protocol(protocol)
 * @param    transport  a transport
 * @param    protocol   the new one
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_transport_set_protocol(asyncio_transport_t *transport,
                                                   asyncio_protocol_t *protocol);

/**
 * @python   BaseTransport.get_protocol()
 * @param    transport  a transport
 * @return   borrowed; NULL after connection_lost
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_protocol_t *
asyncio_transport_get_protocol(const asyncio_transport_t *transport);

/**
 * The loop of a transport.
 *
 * @python   transport._loop
 * @param    transport  a transport
 * @return   borrowed
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_loop_t *
asyncio_transport_get_loop(const asyncio_transport_t *transport);

/**
 * @python   ReadTransport.is_reading()
 * @param    transport  a transport
 * @return   true when data is delivered as it comes
 * @suspends never
 */
ASYNCIO_EXPORT bool
asyncio_transport_is_reading(const asyncio_transport_t *transport);

/**
 * Deliver no more data until resume_reading. Pausing twice is harmless.
 *
 * @python   ReadTransport.pause_reading()
 * @param    transport  a transport
 * @return   0; UV_ENOTSUP when it cannot be paused
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_transport_pause_reading(asyncio_transport_t *transport);

/**
 * Deliver data again.
 *
 * @python   ReadTransport.resume_reading()
 * @param    transport  a transport
 * @return   0; UV_ENOTSUP when it cannot be paused
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_transport_resume_reading(asyncio_transport_t *transport);

/**
 * Send bytes. They go out at once as far as the system takes them; the rest
 * is copied and goes out later, in order.
 *
 * @python   WriteTransport.write(data)
 * @param    transport  a transport
 * @param    data       the bytes, of which nothing is used after the call
 * @param    size       how many; 0 does nothing
 * @return   0, also when the connection is lost: the protocol gets to know
 *           that by connection_lost; ASYNCIO_ERR_RUNTIME after write_eof() or
 *           while a sendfile is under way; UV_ENOMEM, and then the connection
 *           is lost when a part of the bytes was sent
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_transport_write(asyncio_transport_t *transport,
                                           const void *data, size_t size);

/**
 * Send several buffers, one after the other, with as few system calls as
 * possible.
 *
 * @python   WriteTransport.writelines(list_of_data)
 * @param    transport  a transport
 * @param    buffers    the buffers
 * @param    count      how many
 * @return   as asyncio_transport_write()
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_transport_writelines(asyncio_transport_t *transport,
                                                const asyncio_bytes_t *buffers,
                                                size_t count);

/**
 * Send bytes without copying what the system does not take at once: they
 * belong to the transport, which gives them to `drop` when they are sent or
 * thrown away.
 *
 * @python   WriteTransport.write(data)
 * @param    transport  a transport
 * @param    data       the bytes; not to be changed until they are dropped
 * @param    size       how many
 * @param    drop       called exactly once with `data`, also when this fails,
 *                      maybe inside this call
 * @return   as asyncio_transport_write()
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_transport_write_owned(asyncio_transport_t *transport,
                                                 void *data, size_t size,
                                                 asyncio_drop_t drop);

/**
 * Send what waits, then tell the peer that no more comes; reading goes on.
 *
 * @python   WriteTransport.write_eof()
 * @param    transport  a transport
 * @return   0; UV_ENOTSUP when it cannot do that
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_transport_write_eof(asyncio_transport_t *transport);

/**
 * @python   WriteTransport.can_write_eof()
 * @param    transport  a transport
 * @return   false for TLS
 * @suspends never
 */
ASYNCIO_EXPORT bool
asyncio_transport_can_write_eof(const asyncio_transport_t *transport);

/**
 * Close at once: what waits to be sent is thrown away. connection_lost is
 * called later, with NULL.
 *
 * @python   WriteTransport.abort()
 * @param    transport  a transport
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_transport_abort(asyncio_transport_t *transport);

/**
 * @python   WriteTransport.get_write_buffer_size()
 * @param    transport  a transport
 * @return   bytes that wait to be sent
 * @suspends never
 */
ASYNCIO_EXPORT size_t
asyncio_transport_get_write_buffer_size(const asyncio_transport_t *transport);

/**
 * @python   WriteTransport.get_write_buffer_limits()
 * @param    transport  a transport
 * @param    ret_low    gets the low-water mark, in bytes; may be NULL
 * @param    ret_high   gets the high-water mark, in bytes; may be NULL
 * @suspends never
 */
ASYNCIO_EXPORT void
asyncio_transport_get_write_buffer_limits(const asyncio_transport_t *transport,
                                          size_t *ret_low, size_t *ret_high);

/**
 * Set the marks of flow control: pause_writing is called when more than
 * `high` bytes wait, resume_writing when no more than `low` do.
 *
 * @python   WriteTransport.set_write_buffer_limits(high=None, low=None)
 * @param    transport  a transport
 * @param    high       bytes; -1: four times low, or 64 KiB without low
 * @param    low        bytes; -1: a quarter of high
 * @return   0; ASYNCIO_ERR_VALUE unless high >= low >= 0
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_transport_set_write_buffer_limits(asyncio_transport_t *transport,
                                          int64_t high, int64_t low);

ASYNCIO_END_DECLS

#endif
