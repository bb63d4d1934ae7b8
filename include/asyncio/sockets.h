/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_SOCKETS_H
#define ASYNCIO_SOCKETS_H

/**
 * @file sockets.h
 * Descriptors and sockets of your own: be told when they are ready, and the
 * calls of the socket interface that suspend a task and not the thread.
 *
 * A descriptor stays yours. One task may wait for each direction of it at a
 * time. Close it only after what waits for it has ended.
 */

#include "events.h"

struct sockaddr;

ASYNCIO_BEGIN_DECLS

enum {
    ASYNCIO_READABLE = 1,
    ASYNCIO_WRITABLE = 2
};

typedef struct asyncio_loop_add_reader_options {
    size_t size;
    asyncio_drop_t drop; /* of arg, when the callback is removed */
} asyncio_loop_add_reader_options_t;

/**
 * Call back in every pass in which a descriptor can be read (or is at its end,
 * or has an error). Replaces the former callback.
 *
 * @python   loop.add_reader(fd, callback, *args)
 * @param    loop      a loop of this thread
 * @param    fd        a descriptor that can be polled
 * @param    callback  runs in the context of this call; may remove itself
 * @param    arg       its argument
 * @param    options   keywords, or NULL
 * @return   0; ASYNCIO_ERR_VALUE for a negative number; UV_EBADF; UV_EPERM
 *           for a file; UV_EBUSY while a task waits there;
 *           ASYNCIO_ERR_RUNTIME for one that a transport uses;
 *           ASYNCIO_ERR_LOOP_CLOSED; UV_ENOMEM; UV_EINVAL for NULL
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_loop_add_reader(asyncio_loop_t *loop, int fd,
                        asyncio_callback_t callback, void *arg,
                        const asyncio_loop_add_reader_options_t *options);

/**
 * @python   loop.remove_reader(fd)
 * @param    loop  a loop of this thread, maybe closed
 * @param    fd    a descriptor
 * @return   1 when there was a callback, 0 when not; ASYNCIO_ERR_RUNTIME for
 *           a descriptor that a transport uses
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_loop_remove_reader(asyncio_loop_t *loop, int fd);

/**
 * Call back in every pass in which a descriptor can be written.
 *
 * @python   loop.add_writer(fd, callback, *args)
 * @param    loop      a loop of this thread
 * @param    fd        a descriptor that can be polled
 * @param    callback  runs in the context of this call; may remove itself
 * @param    arg       its argument
 * @param    options   keywords, or NULL
 * @return   as asyncio_loop_add_reader()
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_loop_add_writer(asyncio_loop_t *loop, int fd,
                        asyncio_callback_t callback, void *arg,
                        const asyncio_loop_add_reader_options_t *options);

/**
 * @python   loop.remove_writer(fd)
 * @param    loop  a loop of this thread, maybe closed
 * @param    fd    a descriptor
 * @return   as asyncio_loop_remove_reader()
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_loop_remove_writer(asyncio_loop_t *loop, int fd);

/**
 * Suspend until a descriptor is ready: for libraries that have one.
 *
 * @python   (none)
 * @param    fd      a descriptor that can be polled
 * @param    events  ASYNCIO_READABLE, ASYNCIO_WRITABLE or both
 * @return   which of them it is ready for; ASYNCIO_ERR_CANCELLED; UV_EINVAL
 *           for other events; errors of asyncio_loop_add_reader()
 * @suspends always
 */
ASYNCIO_AWAITS int asyncio_wait_fd(int fd, int events);

/**
 * Receive what is there, or wait for some.
 *
 * @python   await loop.sock_recv_into(sock, buf)
 * @param    loop    the running loop
 * @param    sock    a non-blocking socket
 * @param    buffer  gets the bytes; not touched any more once this returned
 * @param    size    of the buffer, in bytes
 * @return   the number of bytes, 0 at the end; ASYNCIO_ERR_CANCELLED (nothing
 *           was received); ASYNCIO_ERR_VALUE for a blocking socket, in debug
 *           mode; errors of recv() and of asyncio_loop_add_reader()
 * @suspends unless something is there
 */
ASYNCIO_AWAITS int asyncio_loop_sock_recv_into(asyncio_loop_t *loop, int sock,
                                               void *buffer, size_t size);

/** The same in C, where all memory is the caller's. */
#define asyncio_loop_sock_recv asyncio_loop_sock_recv_into

/**
 * Receive a datagram, or wait for one.
 *
 * @python   await loop.sock_recvfrom_into(sock, buf)
 * @param    loop      the running loop
 * @param    sock      a non-blocking socket
 * @param    buffer    gets the bytes
 * @param    size      of the buffer, in bytes: what is longer is cut
 * @param    ret_addr  gets the sender's address; may be NULL
 * @param    addr_size the size of that, in and out; may be NULL
 * @return   as asyncio_loop_sock_recv_into(); 0 is an empty datagram
 * @suspends unless one is there
 */
ASYNCIO_AWAITS int
asyncio_loop_sock_recvfrom_into(asyncio_loop_t *loop, int sock, void *buffer,
                                size_t size, struct sockaddr *ret_addr,
                                unsigned *addr_size);

/** The same in C, where all memory is the caller's. */
#define asyncio_loop_sock_recvfrom asyncio_loop_sock_recvfrom_into

/**
 * Send all bytes. After an error nobody knows how many have gone.
 *
 * @python   await loop.sock_sendall(sock, data)
 * @param    loop  the running loop
 * @param    sock  a non-blocking, connected socket
 * @param    data  the bytes; not read any more once this returned
 * @param    size  their number
 * @return   0; ASYNCIO_ERR_CANCELLED; ASYNCIO_ERR_VALUE for a blocking
 *           socket, in debug mode; errors of send() (never a SIGPIPE) and of
 *           asyncio_loop_add_writer()
 * @suspends when the socket's buffer is full
 */
ASYNCIO_AWAITS int asyncio_loop_sock_sendall(asyncio_loop_t *loop, int sock,
                                             const void *data, size_t size);

/**
 * Send a datagram.
 *
 * @python   await loop.sock_sendto(sock, data, address)
 * @param    loop       the running loop
 * @param    sock       a non-blocking socket
 * @param    data       the bytes
 * @param    size       their number
 * @param    addr       where to; NULL for a connected socket
 * @param    addr_size  of `addr`, in bytes
 * @return   the bytes sent; otherwise as asyncio_loop_sock_sendall()
 * @suspends when the socket's buffer is full
 */
ASYNCIO_AWAITS int asyncio_loop_sock_sendto(asyncio_loop_t *loop, int sock,
                                            const void *data, size_t size,
                                            const struct sockaddr *addr,
                                            unsigned addr_size);

/**
 * Connect a socket.
 *
 * @python   await loop.sock_connect(sock, address)
 * @param    loop       the running loop
 * @param    sock       a non-blocking socket
 * @param    addr       where to: an address; names are resolved with
 *                      asyncio_loop_getaddrinfo()
 * @param    addr_size  of `addr`, in bytes
 * @return   0; ASYNCIO_ERR_CANCELLED (it may still be connected);
 *           UV_ECONNREFUSED and other errors of connect(); of those, UV_EAGAIN
 *           means that the queue of a Unix listener is full: try again later;
 *           ASYNCIO_ERR_VALUE for a blocking socket, in debug mode
 * @suspends unless it is connected at once
 */
ASYNCIO_AWAITS int asyncio_loop_sock_connect(asyncio_loop_t *loop, int sock,
                                             const struct sockaddr *addr,
                                             unsigned addr_size);

/**
 * Accept a connection.
 *
 * @python   await loop.sock_accept(sock)
 * @param    loop       the running loop
 * @param    sock       a non-blocking, listening socket
 * @param    ret_addr   gets the peer's address; may be NULL
 * @param    addr_size  the size of that, in and out; may be NULL
 * @return   a new non-blocking socket, yours to close; ASYNCIO_ERR_CANCELLED
 *           (none was accepted); UV_EMFILE and other errors of accept();
 *           ASYNCIO_ERR_VALUE for a blocking socket, in debug mode
 * @suspends unless a connection waits
 */
ASYNCIO_AWAITS int asyncio_loop_sock_accept(asyncio_loop_t *loop, int sock,
                                            struct sockaddr *ret_addr,
                                            unsigned *addr_size);

typedef struct asyncio_loop_sock_sendfile_options {
    size_t size;
    int64_t offset;   /* in the file, where to begin */
    int64_t count;    /* bytes to send; 0: to the end of the file */
    bool no_fallback; /* fail rather than read and send */
} asyncio_loop_sock_sendfile_options_t;

/**
 * Send a file over a socket. Its position is behind what was sent afterwards.
 *
 * @python   await loop.sock_sendfile(sock, file, offset=0, count=None, fallback=True)
 * @param    loop     the running loop
 * @param    sock     a non-blocking, connected stream socket
 * @param    file     a descriptor
 * @param    options  keywords, or NULL
 * @return   the bytes sent; ASYNCIO_ERR_CANCELLED; ASYNCIO_ERR_VALUE for a
 *           negative offset or count, a socket that is no stream, or (in debug
 *           mode) a blocking one; ASYNCIO_ERR_SENDFILE_NOT_AVAILABLE without
 *           fallback; errors of the socket and the file
 * @suspends when the socket's buffer is full
 */
ASYNCIO_AWAITS int64_t asyncio_loop_sock_sendfile(
    asyncio_loop_t *loop, int sock, int file,
    const asyncio_loop_sock_sendfile_options_t *options);

ASYNCIO_END_DECLS

#endif
