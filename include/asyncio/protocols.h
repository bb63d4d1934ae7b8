/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_PROTOCOLS_H
#define ASYNCIO_PROTOCOLS_H

/**
 * @file protocols.h
 * Protocols: what a transport calls when something happens.
 *
 * A protocol is a struct of callbacks that is embedded in a struct of yours,
 * usually as its first member; each connection has one of its own. A callback
 * that is NULL does nothing. All are called by the loop, in the thread of the
 * loop, outside any task: they must not await. What they return is 0 or an
 * error: one from `data_received`, `eof_received` and the functions of buffered
 * protocols ends a connection over a socket, any other is reported.
 *
 * When a loop is closed, its transports are closed without connection_lost,
 * and with a warning; only `drop` is called.
 */

#include "exceptions.h"
#include "export.h"

struct sockaddr;

ASYNCIO_BEGIN_DECLS

/** Opaque, counted; kept alive by its loop until connection_lost. */
typedef struct asyncio_transport asyncio_transport_t;

typedef struct asyncio_protocol asyncio_protocol_t;

/** Protocol and BaseProtocol; with `get_buffer`, BufferedProtocol. */
struct asyncio_protocol {
    /** First, once. The transport is borrowed until connection_lost. */
    int (*connection_made)(asyncio_protocol_t *self,
                           asyncio_transport_t *transport);
    /** Last, once. `exception` is NULL after a close, an abort or an end of
     *  file, and borrowed for the call. */
    int (*connection_lost)(asyncio_protocol_t *self,
                           const asyncio_exception_t *exception);
    /** More than the high-water mark waits to be sent. */
    int (*pause_writing)(asyncio_protocol_t *self);
    /** No more than the low-water mark waits to be sent. */
    int (*resume_writing)(asyncio_protocol_t *self);
    /** Bytes came: at least one, valid for the call. */
    int (*data_received)(asyncio_protocol_t *self, const void *data,
                         size_t size);
    /** The peer sends no more. 0: close the transport. 1: keep our side open.
     *  NULL is the same as returning 0. */
    int (*eof_received)(asyncio_protocol_t *self);
    /** Buffered protocols: where the next bytes go. `hint` is the size that
     *  would be good, or -1. Not empty. */
    int (*get_buffer)(asyncio_protocol_t *self, ptrdiff_t hint,
                      void **ret_buffer, size_t *ret_size);
    /** Buffered protocols: so many bytes are there now. */
    int (*buffer_updated)(asyncio_protocol_t *self, size_t size);
    /** After everything else: no transport knows it any more, free it. Also
     *  called when the connection never came about. */
    void (*drop)(asyncio_protocol_t *self);
};

/** A protocol whose `get_buffer` and `buffer_updated` are set. */
typedef asyncio_protocol_t asyncio_buffered_protocol_t;

typedef struct asyncio_datagram_protocol asyncio_datagram_protocol_t;

/** DatagramProtocol; `base` has the callbacks common to all. */
struct asyncio_datagram_protocol {
    asyncio_protocol_t base;
    /** One datagram, maybe empty; both pointers are valid for the call. */
    int (*datagram_received)(asyncio_datagram_protocol_t *self,
                             const void *data, size_t size,
                             const struct sockaddr *addr);
    /** An error of the system in sending or receiving; the endpoint stays
     *  open. */
    int (*error_received)(asyncio_datagram_protocol_t *self,
                          const asyncio_exception_t *exception);
};

typedef struct asyncio_subprocess_protocol asyncio_subprocess_protocol_t;

/** SubprocessProtocol; `base` has the callbacks common to all. */
struct asyncio_subprocess_protocol {
    asyncio_protocol_t base;
    /** The child wrote to a pipe; valid for the call. */
    int (*pipe_data_received)(asyncio_subprocess_protocol_t *self, int fd,
                              const void *data, size_t size);
    /** A pipe was closed. */
    int (*pipe_connection_lost)(asyncio_subprocess_protocol_t *self, int fd,
                                const asyncio_exception_t *exception);
    /** The child ended; data of its pipes may follow. */
    int (*process_exited)(asyncio_subprocess_protocol_t *self);
};

/** Makes the protocol of a new connection: 0, or an error. */
typedef int (*asyncio_protocol_factory_t)(void *arg,
                                          asyncio_protocol_t **ret_protocol);

ASYNCIO_END_DECLS

#endif
